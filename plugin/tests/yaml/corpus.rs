//! Manifests as teams write them: each edit changes one line, and that line is as expected.

use super::edit;
use promote_policy::yaml::DocumentSelector;

/// Edits a manifest of the corpus and compares the one line that changes.
fn check(
    file: &str,
    selector: DocumentSelector,
    path: &str,
    value: &str,
    line: usize,
    expected: &str,
) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manifests/");
    let before = std::fs::read_to_string(format!("{folder}{file}")).unwrap();
    let after = edit(&before, selector, path, value).unwrap_or_else(|why| panic!("{file}: {why}"));
    let changed: Vec<_> = before
        .split('\n')
        .zip(after.split('\n'))
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .collect();
    assert_eq!(
        before.split('\n').count(),
        after.split('\n').count(),
        "{file}"
    );
    assert_eq!(changed.len(), 1, "{file}: {changed:?}");
    assert_eq!(
        (changed[0].0 + 1, changed[0].1.1),
        (line, expected),
        "{file}"
    );
}

#[test]
fn edits_every_manifest_of_the_corpus() {
    let any = DocumentSelector::default;
    let kind = |kind: &str| DocumentSelector {
        kind: Some(kind.to_owned()),
        ..DocumentSelector::default()
    };
    let new = "ghcr.io/acme/web:1.4.2";
    let digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let app = "spec.template.spec.containers[name=app].image";
    check(
        "deployment.yaml",
        any(),
        app,
        new,
        28,
        "          image: ghcr.io/acme/web:1.4.2 # set by promote, do not edit",
    );
    check(
        "deployment.yaml",
        any(),
        "spec.template.spec.initContainers[0].image",
        new,
        23,
        "          image: \"ghcr.io/acme/web:1.4.2\"",
    );
    check(
        "deployment.yaml",
        any(),
        "metadata.annotations[\"acme.example/image\"]",
        new,
        8,
        "    acme.example/image: 'ghcr.io/acme/web:1.4.2'",
    );
    check(
        "rollout.yaml",
        any(),
        app,
        new,
        31,
        "      - {name: app, image: \"ghcr.io/acme/web:1.4.2\", ports: [{containerPort: 8080}]}",
    );
    check(
        "kustomization.yaml",
        any(),
        "images[name=ghcr.io/acme/web].newTag",
        "1.50",
        12,
        "    newTag: \"1.50\"",
    );
    check(
        "kustomization.yaml",
        any(),
        "images[name=ghcr.io/acme/sidecar].digest",
        digest,
        14,
        &format!("    digest: {digest}"),
    );
    check(
        "values.yaml",
        any(),
        "image.tag",
        "1.4.2",
        5,
        "  tag: \"1.4.2\"  # semver only",
    );
    check(
        "values.yaml",
        any(),
        "image.digest",
        digest,
        6,
        &format!("  digest: '{digest}'"),
    );
    check(
        "values.yaml",
        any(),
        "image.repository",
        "ghcr.io/acme/web2",
        4,
        "  repository: ghcr.io/acme/web2",
    );
    check(
        "bundle.yaml",
        kind("Deployment"),
        app,
        new,
        27,
        "        image: ghcr.io/acme/web:1.4.2",
    );
    check(
        "bundle.yaml",
        kind("CronJob"),
        "spec.jobTemplate.spec.template.spec.containers[0].image",
        new,
        44,
        "              image: ghcr.io/acme/web:1.4.2",
    );
    check(
        "list.yaml",
        any(),
        "items[kind=Deployment].spec.template.spec.containers[0].image",
        new,
        19,
        "              image: ghcr.io/acme/web:1.4.2\r",
    );
}
