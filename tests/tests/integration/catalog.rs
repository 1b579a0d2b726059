//! The catalog is never ahead of git: Port names an image only after the base branch holds it, and the host sees to that.

use promote_mock::World;
use promote_tests::bench::TestRun;
use promote_tests::guests;

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
