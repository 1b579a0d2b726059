//! `built-by`: each part of a build that differs from the expected one, and what is said of it.

use serde_json::{Value, json};

use super::{FakeChange, check, image};
use crate::fake::FakeHost;
use crate::host::Attestation;

const DIGEST: &str = "sha256:49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn settings(changes: Value) -> Value {
    let mut provenance = json!({
        "repository": "acme/web", "built_by": "acme/web/.github/workflows/build.yml", "ref": "main",
    });
    let changes = changes.as_object().unwrap().clone();
    provenance.as_object_mut().unwrap().extend(changes);
    json!({ "digest": "prefer", "provenance": provenance })
}

fn attestation() -> Attestation {
    let workflow = "https://github.com/acme/web/.github/workflows/build.yml@refs/heads/main";
    Attestation {
        predicate: "https://slsa.dev/provenance/v1".into(),
        issuer: ISSUER.into(),
        signer: workflow.into(),
        workflow: workflow.into(),
        repository: "https://github.com/acme/web".into(),
        commit: "0123abcd".repeat(5),
        source_ref: "refs/heads/main".into(),
        runner: Some("github-hosted".into()),
        run: None,
        signed_at: "2026-01-06T09:00:00Z".into(),
    }
}

fn with_digest(fake: &mut FakeHost) {
    fake.entity("image", "web-1.4.2").properties = format!(
        r#"{{"registryId":"ghcr.io/acme/web","tags":["1.4.2"],"digest":"{DIGEST}","commitHash":"0123ABCD"}}"#
    );
}

#[test]
fn a_build_is_the_expected_one_in_each_part_or_refused_for_that_part() {
    let good: FakeChange = |fake| {
        with_digest(fake);
        fake.attestations = vec![attestation()];
    };
    check(settings(json!({})), good, "", "");
    let cases: [(&str, FakeChange); 12] = [
        (
            "one states something else than how it was built: https://spdx.dev/Document",
            |fake| {
                fake.attestations[0].predicate = "https://spdx.dev/Document".into();
            },
        ),
        (
            "vouched for by another issuer: https://token.actions.githubusercontent.com/mallory",
            |fake| {
                fake.attestations[0].issuer = format!("{ISSUER}/mallory");
            },
        ),
        (
            "is of another repository: https://github.com/mallory/web",
            |fake| {
                fake.attestations[0].repository = "https://github.com/mallory/web".into();
            },
        ),
        (
            "is of another repository: https://evil.test/acme/web",
            |fake| {
                fake.attestations[0].repository = "https://evil.test/acme/web".into();
            },
        ),
        (
            "built by another workflow: https://github.com/acme/web/.github/workflows/test.yml",
            |fake| {
                fake.attestations[0].signer =
                    "https://github.com/acme/web/.github/workflows/test.yml@refs/heads/main".into();
            },
        ),
        (
            "built by another workflow: https://github.com/mallory/web/.github/workflows/build.yml",
            |fake| {
                fake.attestations[0].signer =
                    "https://github.com/mallory/web/.github/workflows/build.yml@refs/heads/main"
                        .into();
            },
        ),
        // The path of a file has a case.
        (
            "built by another workflow: https://github.com/acme/web/.github/workflows/Build.yml",
            |fake| {
                fake.attestations[0].signer =
                    "https://github.com/acme/web/.github/workflows/Build.yml@refs/heads/main"
                        .into();
            },
        ),
        (
            "the workflow of another branch or tag: refs/heads/mine",
            |fake| {
                fake.attestations[0].signer =
                    "https://github.com/acme/web/.github/workflows/build.yml@refs/heads/mine"
                        .into();
            },
        ),
        (
            "built from another branch or tag: refs/heads/mine and not refs/heads/main",
            |fake| {
                fake.attestations[0].source_ref = "refs/heads/mine".into();
            },
        ),
        (
            "built from another branch or tag: refs/tags/main and not refs/heads/main",
            |fake| {
                fake.attestations[0].source_ref = "refs/tags/main".into();
            },
        ),
        (
            "has no attestation in https://github.com/acme/web: nobody can tell",
            |fake| {
                fake.attestations.clear();
            },
        ),
        ("one does not hold: it was tampered with", |fake| {
            fake.attestations.clear();
            fake.bad_attestations = vec!["it was tampered with".into()];
        }),
    ];
    for (words, change) in cases {
        let mut fake = FakeHost::guide();
        good(&mut fake);
        change(&mut fake);
        super::check_on(settings(json!({})), fake, "built-by", words);
    }
}

#[test]
fn names_of_repositories_have_no_case_and_patterns_end_in_a_star() {
    let tagged: FakeChange = |fake| {
        with_digest(fake);
        let mut one = attestation();
        one.repository = "https://github.com/Acme/Web".into();
        one.signer =
            "https://github.com/Acme/Web/.github/workflows/build.yml@refs/tags/v1.4.2".into();
        one.source_ref = "refs/tags/v1.4.2".into();
        fake.attestations = vec![one];
    };
    check(settings(json!({ "ref": "refs/tags/v*" })), tagged, "", "");
    check(
        settings(json!({ "ref": "refs/tags/v1.4" })),
        tagged,
        "built-by",
        "refs/tags/v1.4.2 and not refs/tags/v1.4",
    );
    // Without `ref` the branch counts.
    let mut by_branch = settings(json!({ "branch": "release" }));
    by_branch["provenance"]
        .as_object_mut()
        .unwrap()
        .remove("ref");
    check(
        by_branch,
        |fake| {
            with_digest(fake);
            fake.attestations = vec![attestation()];
        },
        "built-by",
        "refs/heads/main and not refs/heads/release",
    );
}

#[test]
fn a_reusable_workflow_is_named_with_its_version_and_builds_our_repository_only() {
    let reusable: FakeChange = |fake| {
        with_digest(fake);
        let mut one = attestation();
        one.signer = "https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v1".into();
        fake.attestations = vec![one];
    };
    let named = |built_by: &str| settings(json!({ "built_by": built_by }));
    check(
        named("acme/ci/.github/workflows/build.yml@refs/tags/v1"),
        reusable,
        "",
        "",
    );
    check(
        named("https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v*"),
        reusable,
        "",
        "",
    );
    check(
        named("acme/ci/.github/workflows/build.yml@v1"),
        reusable,
        "built-by",
        "refs/tags/v1 and not refs/heads/v1",
    );
    check(
        named("acme/ci/.github/workflows/build.yml"),
        reusable,
        "built-by",
        "so say which version of it",
    );
    check(
        named("https://ghe.test/acme/ci/.github/workflows/build.yml@refs/tags/v1"),
        reusable,
        "built-by",
        "https://github.com/acme/web and not https://ghe.test/acme/web",
    );
    for malformed in [
        "build.yml",
        "acme/ci/build.yml",
        "acme//.github/workflows/b.yml",
        "acme/ci/.github/workflows/",
        "acme/ci/.github/workflows/b.yml@",
    ] {
        check(
            named(malformed),
            reusable,
            "built-by",
            "setting `provenance.built_by`",
        );
    }
}

#[test]
fn what_the_catalog_says_of_the_image_has_to_agree() {
    let good: FakeChange = |fake| {
        with_digest(fake);
        fake.attestations = vec![attestation()];
    };
    check(settings(json!({ "enabled": true })), good, "", "");
    check(
        settings(json!({ "enabled": true })),
        |fake| {
            with_digest(fake);
            let mut one = attestation();
            one.commit = "f".repeat(40);
            fake.attestations = vec![one];
        },
        "built-by",
        "another commit than the catalog says: ffffffffff",
    );
    let no_digest: FakeChange = |fake| {
        image(
            fake,
            r#"{"registryId":"ghcr.io/acme/web","tags":["1.4.2"],"commitHash":"0123abcd"}"#,
        );
        fake.attestations = vec![attestation()];
    };
    check(
        settings(json!({})),
        no_digest,
        "built-by",
        "no digest of ghcr.io/acme/web:1.4.2 is known",
    );
    let mut by_tag = settings(json!({}));
    by_tag["digest"] = "keep".into();
    check(by_tag, good, "built-by", "named by its tag alone");
}

#[test]
fn attestations_beside_the_image_are_asked_for_where_the_image_is() {
    let kept = || settings(json!({ "kept": "registry" }));
    let good: FakeChange = |fake| {
        with_digest(fake);
        fake.attestations = vec![attestation()];
    };
    check(kept(), good, "", "");
    check(
        kept(),
        with_digest,
        "built-by",
        "has no attestation beside it in ghcr.io/acme/web: nobody can tell who built it; have the build attest it \
         (`actions/attest-build-provenance` with `push-to-registry: true`)",
    );
    // A registry belongs to no repository, so whose build it is has to be looked at here.
    check(
        kept(),
        |fake| {
            with_digest(fake);
            let mut one = attestation();
            one.repository = "https://github.com/mallory/web".into();
            fake.attestations = vec![one];
        },
        "built-by",
        "is of another repository: https://github.com/mallory/web",
    );
}
