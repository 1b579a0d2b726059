//! No ambient authority: what no grant names is denied, and a denial is not forgotten.

use promote::world::World;
use promote::world::github::PullState;
use promote_tests::bench::Bench;
use promote_tests::guests;
use promote_tests::witness::REPOSITORY;

#[tokio::test]
async fn nothing_is_allowed_without_grants() {
    for guest in [guests::OBSERVER, guests::UNGRANTED, guests::TRAPPER] {
        let ended = Bench::guest(guest).grants("").run().await;
        ended
            .expect("violation", "is not granted; if the policy needs it")
            .expect_said("Policy broke its grants");
        ended.expect_nothing_written();
    }
    // The host's own words are all that arrives: that it starts, and how it ended.
    let ended = Bench::builtin().grants("").run().await;
    ended.expect("violation", "run.note on the Port run is not granted");
    let writes = ended.witness.writes();
    assert!(writes.iter().all(|write| write.contains("/v1/actions/runs/")), "{writes:?}");
}

#[tokio::test]
async fn a_swallowed_denial_is_still_a_violation() {
    let ended = Bench::guest(guests::UNGRANTED).run().await;
    ended.expect(
        "violation",
        "port.update-entity on running_service/payments-prod (relation image) is not granted",
    );
    ended.expect(
        "violation",
        r#"allow = ["port.update-entity"], blueprint = "running_service", entity = "payments-prod""#,
    );
    ended.expect_said("Policy broke its grants").expect_nothing_written();
}

/// The sample, with a pull request that somebody else opened, from a branch that would be granted.
pub(crate) fn with_a_foreign_pull_request() -> World {
    let more = "
        [[github.repositories.branches]]
        name = \"promote/web/other\"
        files = { \"apps/web/prod/deployment.yaml\" = \"image: evil\" }
        [[github.repositories.pulls]]
        head = \"promote/web/other\"
        base = \"main\"
        title = \"Somebody else's\"
    ";
    let text = format!("{}{more}", promote::world::sample::SAMPLE);
    World::from_toml(&text, std::path::Path::new("")).unwrap()
}

#[tokio::test]
async fn only_what_this_run_proposed_is_merged() {
    for (deed, said) in [
        ("foreign", "github.merge on acme/gitops#1: this run has not proposed it"),
        ("other commit", "is not the commit that this run proposed"),
        ("other repository", "github.merge on acme/other#2 is not granted"),
    ] {
        let bench = Bench::guest(guests::MERGER).deed(deed).world(with_a_foreign_pull_request());
        let ended = bench.run().await;
        ended.expect("violation", said).expect_said("Policy broke its grants");
        ended.witness.expect_production_untouched();
        let pulls = ended.witness.pulls();
        assert!(pulls.iter().all(|pull| pull.state == PullState::Open), "{deed}");
    }
}

#[tokio::test]
async fn a_name_that_is_not_plain_reaches_no_service() {
    let ended = Bench::guest(guests::TRAVERSAL).run().await;
    ended.expect("violation", "github.read-file on acme/gitops ../secrets.yaml is not granted");
    let answers: Vec<&str> = ended.done.printed.split_whitespace().collect();
    let (files, rest) = answers.split_at(11);
    let (entities, branches) = rest.split_at(3);
    assert!(files.iter().all(|answer| *answer == "denied"), "{files:?}");
    assert!(branches.iter().all(|answer| *answer == "denied"), "{branches:?}");
    assert!(entities.iter().all(|answer| matches!(*answer, "none" | "failed")), "{entities:?}");
    let world = ended.witness.world.lock();
    let climbs = |path: &str| path.split('/').any(|part| matches!(part, "" | "." | ".."));
    for seen in &world.seen {
        assert!(!climbs(&seen.path[1..]) && !seen.path.contains(REPOSITORY), "{seen:?}");
    }
}
