//! The catalog is never ahead of git: Port names an image only after the base branch holds it, and the host sees to that.

use promote_mock::World;
use promote_tests::bench::TestRun;
use promote_tests::guests;
use promote_tests::settings::SampleConfig;

/// The sample with one more image in the catalog, which git knows nothing of.
fn with_a_third_image() -> World {
    let mut world = World::sample();
    let key = |identifier: &str| ("image".to_owned(), identifier.to_owned());
    let mut image = world.port.entities[&key("web-1.4.2")].clone();
    image.identifier = "web-1.5.0".to_owned();
    image
        .properties
        .insert("tags".to_owned(), ["1.5.0"].as_slice().into());
    world.port.entities.insert(key("web-1.5.0"), image);
    world
}

#[tokio::test]
async fn a_policy_cannot_record_what_git_does_not_hold() {
    for (deed, said) in [
        (
            "early",
            "allows it only when a granted file on the base branch holds `ghcr.io/acme/web:1.4.2`",
        ),
        (
            "open",
            "allows it only when a granted file on the base branch holds `ghcr.io/acme/web:1.4.2`",
        ),
        ("other", "holds `ghcr.io/acme/web:1.5.0`"),
        ("unread", "this run has not read it"),
    ] {
        let ended = TestRun::guest(guests::AHEAD)
            .deed(deed)
            .world(with_a_third_image())
            .run()
            .await;
        ended.expect("violation", said).expect_said("Grants broken");
        assert_eq!(ended.witness.recorded(), ["web-1.4.1"], "{deed}");
    }
}

/// The sample, where production's manifest has this in the place of its image.
fn with_image(line: &str) -> World {
    let mut world = with_a_third_image();
    let path = "apps/web/prod/deployment.yaml";
    let old = world.github.file_at("acme/gitops", "main", path).unwrap();
    let new = old.replace("image: ghcr.io/acme/web:1.4.1 # set by promote", line);
    assert_ne!(old, new);
    let files = [(path.to_owned(), new.into())];
    world
        .github
        .commit_files("acme/gitops", "main", "change", files)
        .unwrap();
    world
}

/// Nothing is merged: only what the base branch holds as a whole value, of the very image, may be recorded and claimed.
#[tokio::test]
async fn what_only_looks_like_the_image_proves_nothing() {
    const DIGEST: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let pinned = format!("image: ghcr.io/acme/web:1.4.2@sha256:{DIGEST}");
    let lines = [
        "image: ghcr.io/acme/web:1.4.1 # next: ghcr.io/acme/web:1.4.2",
        "image: ghcr.io/acme/web:1.4.1 # image: ghcr.io/acme/web:1.4.2",
        "image: ghcr.io/acme/web:1.4.1\n        # image: ghcr.io/acme/web:1.4.2",
        "image: evil.example/ghcr.io/acme/web:1.4.2",
        "image: ghcr.io/acme/web:1.4.20",
        "image: ghcr.io/acme/web:1.4.2-rc1",
        "image: ghcr.io/acme/web-ui:1.4.2",
        "image: ghcr.io/acme/web:1.4.1\n          description: ghcr.io/acme/web:1.4.2",
        &pinned,
    ];
    let refused =
        "allows it only when a granted file on the base branch holds `ghcr.io/acme/web:1.4.2`";
    for line in lines {
        let ended = TestRun::guest(guests::AHEAD)
            .deed("read")
            .world(with_image(line))
            .run()
            .await;
        ended.expect("violation", refused);
        assert_eq!(ended.witness.recorded(), ["web-1.4.1"], "{line}");
        let claimed = TestRun::guest(guests::FALLER)
            .settings(
                SampleConfig::default()
                    .component(guests::FALLER)
                    .order("lie promoted", "read"),
            )
            .world(with_image(line))
            .run()
            .await;
        claimed.expect(
            "violation",
            "it says that ghcr.io/acme/web:1.4.2 was promoted",
        );
    }
    // The control: what git does hold is recorded.
    let held = TestRun::guest(guests::AHEAD)
        .deed("read")
        .world(with_image("image: ghcr.io/acme/web:1.4.2"))
        .run()
        .await;
    held.expect("promoted", "1.4.2");
    assert_eq!(held.witness.recorded(), ["web-1.4.2"]);
}

#[tokio::test]
async fn another_file_or_branch_proves_nothing() {
    let reads_all = promote_kit::demo::CONFIG.replace(
        "[[grants]]\nallow = [\"run.note\"]",
        "[[grants]]\nallow = [\"github.read\"]\nrepository = \"acme/gitops\"\n[[grants]]\nallow = [\"run.note\"]",
    );
    assert_ne!(reads_all, promote_kit::demo::CONFIG);
    let mut world = with_a_third_image();
    let path = "apps/web/prod/deployment.yaml";
    let old = world.github.file_at("acme/gitops", "main", path).unwrap();
    let files = [(
        path.to_owned(),
        old.replace("web:1.4.1", "web:1.4.2").into(),
    )];
    world
        .github
        .commit_files("acme/gitops", "promote/web/other", "unreviewed", files)
        .unwrap();
    // Staging runs 1.4.2, and a branch that nobody reviewed names it.
    for deed in ["read staging", "read branch"] {
        let settings = SampleConfig::read(&reads_all)
            .component(guests::AHEAD)
            .deed(deed);
        let ended = TestRun::guest(guests::AHEAD)
            .settings(settings)
            .world(world.clone())
            .run()
            .await;
        ended.expect("violation", "port.update-entity to web-1.4.2");
        assert_eq!(ended.witness.recorded(), ["web-1.4.1"], "{deed}");
    }
}

/// An entity of another blueprint that happens to have the same name stands for no image.
#[tokio::test]
async fn a_namesake_proves_nothing() {
    let mut world = with_image("image: ghcr.io/acme/web:1.4.2");
    let key = |blueprint: &str, identifier: &str| (blueprint.to_owned(), identifier.to_owned());
    // The image that is named differs from what git holds; the namesake is what the run has read.
    let image = world
        .port
        .entities
        .get_mut(&key("image", "web-1.4.2"))
        .unwrap();
    image
        .properties
        .insert("tags".to_owned(), ["6.6.6"].as_slice().into());
    let ended = TestRun::guest(guests::AHEAD)
        .deed("read")
        .world(world)
        .run()
        .await;
    ended.expect("violation", "holds `ghcr.io/acme/web:6.6.6`");
    assert_eq!(ended.witness.recorded(), ["web-1.4.1"]);
}

#[tokio::test]
async fn a_policy_cannot_say_that_it_promoted_and_not_do_it() {
    let ended = TestRun::guest(guests::LIAR).run().await;
    ended
        .expect(
            "violation",
            "that this run has read or merged at its base branch",
        )
        .expect_said("Grants broken");
    ended.expect_nothing_written();
}

#[tokio::test]
async fn at_no_request_of_a_promotion_is_the_catalog_ahead() {
    let bench = TestRun::builtin().tap(|request, journal| {
        let records = request.method() == "PATCH" && request.uri().path().contains("/entities/");
        let merged = String::from_utf8_lossy(journal).contains(r#""merged":{"Now":"#);
        assert!(
            !records || merged,
            "the catalog is told before the merge: {request:?}"
        );
    });
    bench
        .run()
        .await
        .expect("promoted", "1.4.2")
        .witness
        .expect_promoted();
}
