//! The rules of the image itself: its identity, its version, its digest, and what is left behind.

use super::*;

#[test]
fn identity_of_the_image() {
    check(
        json!({ "reference": "{registryId}:latest" }),
        AS_IT_IS,
        "mutable-tag",
        "tag `latest`",
    );
    check(
        json!({ "reference": "{registryId}" }),
        AS_IT_IS,
        "mutable-tag",
        "which means `latest`",
    );
    check(
        json!({ "reference": "{registryId}:latest", "mutable_tags": [] }),
        AS_IT_IS,
        "",
        "",
    );
    check(
        json!({ "reference": "{registryId}:latest@{digest}" }),
        AS_IT_IS,
        "",
        "",
    );
    check(
        json!({ "mutable_tags": ["1.4.2"] }),
        AS_IT_IS,
        "mutable-tag",
        "tag `1.4.2`",
    );
    let other = json!({ "reference": "ghcr.io/acme/shop:{tags[0]}" });
    check(
        other,
        AS_IT_IS,
        "repository",
        "holds an image of `ghcr.io/acme/web`, the new one is of `ghcr.io/acme/shop`",
    );
    check(
        json!({ "reference": "ghcr.io/acme/shop:{tags[0]}", "allow_other_repository": true }),
        AS_IT_IS,
        "",
        "",
    );
    check(
        json!({ "reference": "{registryId}:1.4.0" }),
        AS_IT_IS,
        "downgrade",
        "`ghcr.io/acme/web:1.4.0` is older",
    );
    check(
        json!({ "reference": "{registryId}:1.4.0", "allow_downgrade": true }),
        AS_IT_IS,
        "",
        "",
    );
    check(
        json!({ "reference": "{registryId}:{tags[0]}:x" }),
        AS_IT_IS,
        "image",
        "is not an image reference",
    );
    let odd: FakeChange = |fake| {
        drop(
            fake.files
                .insert(MANIFEST.into(), DEPLOYMENT.replace("web:1.4.1", "Web 1")),
        )
    };
    check(json!({}), odd, "manifest", "is not an image reference");
    let pushed: FakeChange = |fake| {
        image(
            fake,
            r#"{"registryId":"ghcr.io/acme/web","tags":["abc"],"pushedAt":"2026-01-01T00:00:00Z"}"#,
        );
        fake.entity("image", "web-1.4.1").properties =
            r#"{"pushedAt":"2026-01-02T00:00:00Z"}"#.into();
    };
    check(
        json!({}),
        pushed,
        "downgrade",
        "`ghcr.io/acme/web:abc` is older",
    );
}

#[test]
fn what_follows_a_version_orders_by_the_time_of_the_push() {
    let tags = [
        ("1.4.2-3ced321a", "1.4.2-0b1c2d3e"),
        ("v1.0.20200827-ls9", "v1.0.20200827-ls30"),
        ("v1.4.2-9-gabcdef1", "v1.4.2-10-gdef1234"),
        ("1.4.2-alpine", "1.4.2"),
    ];
    for (old, new) in tags {
        for (pushed, rule) in [("2026-01-04", ""), ("2025-12-29", "downgrade")] {
            let mut fake = FakeHost::guide();
            fake.files
                .insert(MANIFEST.into(), DEPLOYMENT.replace("1.4.1", old));
            image(
                &mut fake,
                &format!(
                    r#"{{"registryId":"ghcr.io/acme/web","tags":["{new}"],"pushedAt":"{pushed}T00:00:00Z"}}"#
                ),
            );
            fake.entity("image", "web-1.4.1").properties =
                r#"{"pushedAt":"2026-01-01T00:00:00Z"}"#.into();
            let reasons = reasons(run(&mut fake, &json!({})));
            let rules: Vec<_> = reasons.iter().map(|reason| reason.rule.as_str()).collect();
            let expected: &[&str] = if rule.is_empty() { &[] } else { &[rule] };
            assert_eq!(rules, expected, "{old} to {new}, {pushed}: {reasons:?}");
        }
    }
}

#[test]
fn warns_of_images_that_are_left_behind() {
    let mut fake = FakeHost::guide();
    let more = "      initContainers:\n        - image: ghcr.io/acme/web:1.4.0\n        - image: ghcr.io/acme/shop:1\n";
    fake.files
        .insert(MANIFEST.into(), format!("{DEPLOYMENT}{more}"));
    assert!(matches!(run(&mut fake, &json!({})), Outcome::Promoted(_)));
    let words = "left-behind: `ghcr.io/acme/web:1.4.0` at line 12, column 18 of `apps/web/prod/deployment.yaml` stays as it is";
    let warnings: Vec<_> = fake
        .notes
        .iter()
        .filter(|note| note.starts_with("left-behind"))
        .collect();
    assert_eq!(warnings, [words]);
}

#[test]
fn goes_back_to_an_image_that_a_person_picks() {
    let settings = json!({ "image": "{inputs.image}", "allow_downgrade": true });
    let mut fake = FakeHost::guide();
    fake.files
        .insert(MANIFEST.into(), DEPLOYMENT.replace("1.4.1", "1.4.2"));
    fake.entity("running_service", "web-prod").relations[0].targets = vec!["web-1.4.2".into()];
    assert!(
        matches!(run(&mut fake, &settings), Outcome::Promoted(_)),
        "{:?}",
        fake.calls
    );
    assert_eq!(
        (fake.production_image(), fake.files[MANIFEST].as_str()),
        ("web-1.4.1", DEPLOYMENT)
    );
    check(
        json!({ "image": "{inputs.oops}" }),
        AS_IT_IS,
        "image",
        "setting `image`: `{inputs.oops}`",
    );
    check(
        json!({ "image": "nope" }),
        AS_IT_IS,
        "image",
        "image `nope` is not in Port's catalog, although setting `image` names it",
    );
}

#[test]
fn digests() {
    let held = |settings: Value| {
        let mut fake = FakeHost::guide();
        run(&mut fake, &settings);
        fake.files[MANIFEST]
            .lines()
            .last()
            .unwrap()
            .trim()
            .to_owned()
    };
    let digest = format!("sha256:{}", "b".repeat(64));
    assert_eq!(held(json!({})), "image: ghcr.io/acme/web:1.4.2 # pinned");
    assert_eq!(
        held(json!({ "digest": "prefer" })),
        format!("image: ghcr.io/acme/web:1.4.2@{digest} # pinned")
    );
    assert_eq!(
        held(json!({ "reference": "{registryId}@{digest}" })),
        format!("image: ghcr.io/acme/web@{digest} # pinned")
    );
    assert_eq!(
        held(json!({ "digest": "prefer", "digest_property": "x" })),
        "image: ghcr.io/acme/web:1.4.2 # pinned"
    );
    check(
        json!({ "digest": "require", "digest_property": "x" }),
        AS_IT_IS,
        "digest",
        "image `web-1.4.2` has no `x`",
    );
    check(
        json!({ "digest": "prefer", "digest_property": "registryId" }),
        AS_IT_IS,
        "image",
        "its digest is not",
    );
}
