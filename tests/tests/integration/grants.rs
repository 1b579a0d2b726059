//! No ambient authority: what no grant names is denied, and a denial is not forgotten.

use promote_mock::World;
use promote_tests::bench::TestRun;
use promote_tests::guests;
use promote_tests::settings::SampleConfig;

#[tokio::test]
async fn nothing_is_allowed_without_grants() {
    for guest in [guests::OBSERVER, guests::UNGRANTED, guests::TRAPPER] {
        let ended = TestRun::guest(guest).grants("").run().await;
        ended
            .expect("violation", "is not granted; if the policy needs it")
            .expect_said("Grants broken");
        ended.expect_nothing_written();
    }
    // The host's own words are all that arrives: that it starts, and how it ended.
    let ended = TestRun::builtin().grants("").run().await;
    ended.expect("violation", "run.note on the Port run is not granted");
    let writes = ended.witness.writes();
    assert!(
        writes
            .iter()
            .all(|write| write.contains("/v1/actions/runs/")),
        "{writes:?}"
    );
}

#[tokio::test]
async fn a_swallowed_denial_is_still_a_violation() {
    let ended = TestRun::guest(guests::UNGRANTED).run().await;
    ended.expect(
        "violation",
        "port.update-entity on running_service/payments-prod (relation image) is not granted",
    );
    ended.expect(
        "violation",
        r#"allow = ["port.update-entity"], blueprint = "running_service", entity = "payments-prod""#,
    );
    ended.expect_said("Grants broken").expect_nothing_written();
}

/// Where the catalog names several images, an update proves those that it adds: what it keeps, git need not show again.
#[tokio::test]
async fn an_update_of_several_images_proves_what_it_adds() {
    let more = "
        [[port.blueprint]]
        inline = { identifier = \"running_service\", relations = { image = { many = true } } }
        [[port.entities]]
        blueprint = \"image\"
        identifier = \"proxy-3.0.0\"
        properties = { registryId = \"ghcr.io/acme/proxy\", tags = [\"3.0.0\"] }
    ";
    let mut text = format!("{}{more}", promote_mock::sample::SAMPLE);
    for version in ["1.4.1", "1.4.2"] {
        let several = format!("image = [\"proxy-3.0.0\", \"web-{version}\"]");
        text = text.replace(&format!("image = \"web-{version}\""), &several);
    }
    let world = World::from_toml(&text, std::path::Path::new("")).unwrap();
    for (targets, ending, said) in [
        ("proxy-3.0.0,web-1.4.2", "refused", "came in"),
        (
            "proxy-3.0.0,web-1.4.2,web-9.9.9",
            "violation",
            "has not read it",
        ),
        // One that only drops or keeps what is there brings nothing that a merge has shown.
        (
            "proxy-3.0.0,web-1.4.1",
            "violation",
            "port.update-entity to proxy-3.0.0",
        ),
        ("web-1.4.1", "violation", "allows it only when"),
    ] {
        let mut settings = SampleConfig::default().component(guests::BURGLAR);
        settings = settings.order("record among", targets);
        let run = TestRun::guest(guests::BURGLAR).settings(settings);
        let ended = run.world(world.clone()).run().await;
        ended.expect(ending, said);
    }
}

/// Branches, and a pull request that somebody else opened from one that would be granted: more of the sample's repository.
pub(crate) const FOREIGN: &str = "
    [[github.repositories.branches]]
    name = \"promote/web/other\"
    files = { \"apps/web/prod/deployment.yaml\" = \"image: evil\" }
    [[github.repositories.branches]]
    name = \"unreviewed\"
    files = { \"clusters/prod/rbac.yaml\" = \"kind: ClusterRole\" }
    [[github.repositories.branches]]
    name = \"old-release\"
    files = { \"README.md\" = \"old\" }
    [[github.repositories.pulls]]
    head = \"promote/web/other\"
    base = \"main\"
    title = \"Somebody else's\"
";

/// The sample, with them.
pub(crate) fn with_a_foreign_pull_request() -> World {
    let text = format!("{}{FOREIGN}", promote_mock::sample::SAMPLE);
    World::from_toml(&text, std::path::Path::new("")).unwrap()
}
