//! Going back: what stood in git before, and never one image too far.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::promote;
use crate::fake::{DEPLOYMENT, FakeHost, MANIFEST, entity, request};
use crate::types::Outcome;

const SETTINGS: &str = r#"{
    "reference": "{registryId}:{tags[0]}",
    "manifest": { "path": "{production.gitPath}/deployment.yaml", "image": "spec.template.spec.containers[0].image" },
    "rollback": { "input": "back" }
}"#;

/// One run: forward to the version that staging has then, or back.
fn run(fake: &mut FakeHost, number: usize, version: Option<&str>) -> Outcome {
    let mut request = request(SETTINGS);
    request.run_id = format!("r_{number}");
    fake.run.clone_from(&request.run_id);
    match version {
        Some(version) => {
            let image = format!("web-{version}");
            let properties = format!(r#"{{"registryId":"ghcr.io/acme/web","tags":["{version}"]}}"#);
            fake.put(entity("image", &image, &properties, &[]));
            fake.entity("running_service", "web-staging").relations[0].targets = vec![image];
        }
        None => request.inputs = r#"{"back":true}"#.into(),
    }
    promote(fake, &request).unwrap()
}

fn held(fake: &FakeHost) -> &str {
    let line = fake.files[MANIFEST].lines().last().unwrap();
    line.split_once("web:")
        .unwrap()
        .1
        .split(' ')
        .next()
        .unwrap()
}

#[test]
fn goes_back_as_far_as_git_knows_one_image_a_run() {
    // Forward to a version, or back (none); what production holds then; the catalog follows.
    let table = [
        (Some("1.4.2"), "1.4.2"),
        (Some("1.5.0"), "1.5.0"),
        (None, "1.4.2"),
        (None, "1.4.1"),
        (Some("1.6.0"), "1.6.0"),
        (Some("1.7.0"), "1.7.0"),
        (None, "1.6.0"),
        (Some("1.8.0"), "1.8.0"),
        (None, "1.6.0"),
        (None, "1.4.1"),
    ];
    let mut fake = FakeHost::guide();
    for (number, (version, expected)) in table.into_iter().enumerate() {
        let outcome = run(&mut fake, number, version);
        assert!(
            matches!(outcome, Outcome::Promoted(_)),
            "{number}: {outcome:?}"
        );
        assert_eq!(held(&fake), expected, "run {number}");
        assert_eq!(
            fake.production_image(),
            format!("web-{expected}"),
            "run {number}"
        );
        let pulls = fake.pulls.len();
        assert!(matches!(
            run(&mut fake, number, version),
            Outcome::Promoted(_) | Outcome::Unchanged(_)
        ));
        assert_eq!(
            (held(&fake), fake.pulls.len()),
            (expected, pulls),
            "run {number} again"
        );
    }
    let Outcome::Refused(reasons) = run(&mut fake, 99, None) else {
        panic!("{:?}", fake.calls)
    };
    assert_eq!(reasons[0].rule, "rollback");
    assert!(
        reasons[0]
            .message
            .contains("no pull request of `promote` is known that brought it there")
    );
}

#[test]
fn needs_no_staging_and_passes_a_lock() {
    let mut fake = FakeHost::guide();
    run(&mut fake, 1, Some("1.4.2"));
    fake.entities
        .remove(&("running_service".into(), "web-staging".into()));
    fake.entity("service", "web").properties = r#"{"locked_in_prod":true}"#.into();
    assert!(matches!(run(&mut fake, 2, None), Outcome::Promoted(_)));
    assert_eq!(held(&fake), "1.4.1");
    assert!(
        fake.pulls[1]
            .0
            .title
            .starts_with("Roll back: Promote web to production: ghcr.io/acme/web:1.4.1")
    );
}

#[test]
fn a_change_by_hand_is_what_it_goes_back_from() {
    let mut fake = FakeHost::guide();
    run(&mut fake, 1, Some("1.4.2"));
    fake.files
        .insert(MANIFEST.into(), DEPLOYMENT.replace("1.4.1", "9.9.9"));
    assert!(
        matches!(run(&mut fake, 2, None), Outcome::Promoted(_)),
        "{:?}",
        fake.calls
    );
    assert_eq!(held(&fake), "1.4.2");
}

#[test]
fn converges_from_wherever_it_was_cut_off() {
    let start = || {
        let mut fake = FakeHost::guide();
        run(&mut fake, 1, Some("1.4.2"));
        fake.calls.clear();
        fake
    };
    let mut whole = start();
    run(&mut whole, 2, None);
    for cut in 1..=whole.calls.len() {
        for (takes_effect, again) in [(false, 2), (true, 2), (false, 3), (true, 3)] {
            let mut fake = start();
            fake.cut = Some((cut, takes_effect));
            let mut asked = request(SETTINGS);
            (asked.run_id, asked.inputs) = ("r_2".into(), r#"{"back":true}"#.into());
            let _ = promote(&mut fake, &asked);
            (fake.cut, fake.calls) = (None, Vec::new());
            // A new run after everything was done is a new request: there is nothing before that.
            let is_done = cut == whole.calls.len() && takes_effect && again == 3;
            let outcome = run(&mut fake, again, None);
            let at = format!(
                "cut at {} ({takes_effect}), run {again}: {outcome:?}",
                whole.calls[cut - 1]
            );
            assert_eq!(matches!(outcome, Outcome::Refused(_)), is_done, "{at}");
            assert_eq!(
                (held(&fake), fake.production_image()),
                ("1.4.1", "web-1.4.1"),
                "{at}"
            );
            let merged = fake
                .pulls
                .iter()
                .filter(|(pull, _)| pull.merge_commit.is_some())
                .count();
            assert_eq!(merged, 2, "{at}");
        }
    }
}

#[test]
fn an_image_that_the_catalog_does_not_know_is_refused() {
    let mut fake = FakeHost::guide();
    run(&mut fake, 1, Some("1.4.2"));
    let gone = fake
        .entities
        .remove(&("image".into(), "web-1.4.1".into()))
        .unwrap();
    let refused = |fake: &mut FakeHost, words: &str| {
        let Outcome::Refused(reasons) = run(fake, 2, None) else {
            panic!("{:?}", fake.calls)
        };
        assert_eq!(reasons[0].rule, "rollback");
        assert!(reasons[0].message.contains(words), "{reasons:?}");
    };
    refused(
        &mut fake,
        "no image of Port's catalog is `ghcr.io/acme/web:1.4.1`",
    );
    for name in ["a", "b"] {
        let mut twin = gone.clone();
        twin.key.identifier = name.into();
        fake.put(twin);
    }
    refused(&mut fake, "may be image `a` or image `b`");
}
