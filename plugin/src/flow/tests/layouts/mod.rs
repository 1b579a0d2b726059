//! Layouts that people have: what is written, and what git holds in the end; or why it is refused.

mod kinds;
mod parts;

use super::*;

const OLD: &str = "sha256:4f1c3b0a5d7e9f2184c6a8b0d2e4f60718293a4b5c6d7e8f90a1b2c3d4e5f607";
const FILE: &str = "apps/web/prod/m.yaml";

/// The digest of the image that is promoted, without its algorithm.
fn new_hex() -> String {
    "b".repeat(64)
}

/// Promotes into a file by one `manifest` setting and others beside it.
fn promote_into(file: &str, manifest: &str, own: &str) -> (FakeHost, Outcome) {
    let mut fake = FakeHost::guide();
    fake.files.insert(FILE.into(), file.into());
    let settings = format!("{{\"manifest\":{manifest}{own}}}");
    let outcome = run_with(&mut fake, &settings).unwrap();
    (fake, outcome)
}

/// Promotes, and holds the file to `after`, in which `NEW` stands for the new digest's hex; and the outcome to the image.
fn check(file: &str, manifest: &str, own: &str, after: &str, image: &str) {
    let (fake, outcome) = promote_into(file, manifest, own);
    let Outcome::Promoted(promotion) = outcome else {
        panic!("{manifest} of {file}: {outcome:?}")
    };
    assert_eq!(
        fake.files[FILE],
        after.replace("NEW", &new_hex()),
        "{manifest}"
    );
    assert_eq!(
        promotion.image,
        image.replace("NEW", &new_hex()),
        "{manifest}"
    );
}

/// Expects a refusal by this rule with these words, and nothing written.
fn refuse(file: &str, manifest: &str, own: &str, rule: &str, words: &str) {
    let (fake, outcome) = promote_into(file, manifest, own);
    assert_eq!(rules(&outcome), [rule], "{manifest} of {file}: {outcome:?}");
    let Outcome::Refused(reasons) = outcome else {
        unreachable!()
    };
    assert!(
        reasons[0].message.contains(words),
        "{manifest} of {file}: {reasons:?}"
    );
    assert_eq!(fake.writes(), [""; 0]);
}

fn at(image: &str) -> String {
    format!(r#"{{"path":"{{production.gitPath}}/m.yaml","image":"{image}"}}"#)
}

fn part(image: &str, part: &str) -> String {
    format!(r#"{{"path":"{{production.gitPath}}/m.yaml","image":"{image}","part":"{part}"}}"#)
}

fn layout(kind: &str, more: &str) -> String {
    format!(r#"{{"{kind}":"{{production.gitPath}}/m.yaml"{more}}}"#)
}

const WEB: &str = "ghcr.io/acme/web:1.4.2";
const PINNED: &str = "ghcr.io/acme/web:1.4.2@sha256:NEW";

#[test]
fn the_tag_of_another_image_is_never_written() {
    let files = [
        (
            "image: {repository: ghcr.io/acme/api, tag: 1.4.1}\n",
            "image.tag",
        ),
        (
            "image: {registry: quay.io, repository: acme/web, tag: 1.4.1}\n",
            "image.tag",
        ),
        ("image: {name: ghcr.io/acme/api, tag: 1.4.1}\n", "image.tag"),
        (
            "images: [{name: ghcr.io/acme/api, newTag: 1.4.1}]\n",
            "images[0].newTag",
        ),
        (
            "images: [{name: ghcr.io/acme/web, newName: ghcr.io/acme/api, newTag: 1.4.1}]\n",
            "images[0].newTag",
        ),
        ("images: [{name: api, newTag: 1.4.1}]\n", "images[0].newTag"),
        (
            "web: {imageRepository: ghcr.io/acme/api, imageTag: 1.4.1}\n",
            "web.imageTag",
        ),
        (
            "web: {image: ghcr.io/acme/api, imageTag: 1.4.1}\n",
            "web.imageTag",
        ),
        (
            "p: [{name: image.repository, value: ghcr.io/acme/api}, {name: image.tag, value: 1.4.1}]\n",
            "p[name=image.tag].value",
        ),
        (
            "b: &b {repository: ghcr.io/acme/api}\nimage: {<<: *b, tag: 1.4.1}\n",
            "image.tag",
        ),
        (
            "v: |\n  image:\n    repository: ghcr.io/acme/api\n    tag: 1.4.1\n",
            "v.image.tag",
        ),
        (
            "a: 1\n---\nimage: {repository: ghcr.io/acme/api, tag: 1.4.1}\n---\nimage: 1\n",
            "image.tag",
        ),
    ];
    for (file, path) in files {
        refuse(
            file,
            &at(path),
            "",
            "repository",
            "the new one is of `ghcr.io/acme/web`",
        );
    }
    let name = "images: [{name: api, newTag: 1.4.1}]\n";
    let own = ",\"allow_other_repository\":true";
    refuse(
        name,
        &at("images[0].newTag"),
        own,
        "repository",
        "is `newName`, write that into the file",
    );
}

#[test]
fn the_same_image_by_another_layout_of_its_name_is_the_same() {
    let files = [
        (
            "image: {repository: ghcr.io/acme/web, tag: V}\n",
            "image.tag",
        ),
        (
            "image: {registry: ghcr.io, repository: acme/web, tag: V}\n",
            "image.tag",
        ),
        (
            "image: {registry: ghcr.io, repository: acme/web, tag: V}\n",
            "image.repository",
        ),
        (
            "image: {registry: ghcr.io, repository: acme/web, tag: V}\n",
            "image.registry",
        ),
        (
            "image: {registry: \"\", repository: ghcr.io/acme/web, tag: V}\n",
            "image.tag",
        ),
        ("image: {name: web, tag: V}\n", "image.tag"),
        ("images: [{name: web, newTag: V}]\n", "images[0].newTag"),
        (
            "images: [{name: api, newName: ghcr.io/acme/web, newTag: V}]\n",
            "images[name=api].newTag",
        ),
        (
            "images: [{name: api, newName: ghcr.io/acme/web, newTag: V}]\n",
            "images[name={image.title}].newTag",
        ),
        ("web: {imageTag: V}\n", "{service.identifier}.imageTag"),
        (
            "web: {image_repository: ghcr.io/acme/web, image_tag: V}\n",
            "web.image_tag",
        ),
        (
            "p: [{name: image.repository, value: ghcr.io/acme/web}, {name: image.tag, value: V}]\n",
            "p[name=image.tag].value",
        ),
        ("p: [{name: image.tag, value: V}]\n", "p[0].value"),
        (
            "v: |\n  image:\n    repository: ghcr.io/acme/web\n    tag: V\n",
            "v.image.tag",
        ),
    ];
    for (file, path) in files {
        let mut fake = FakeHost::guide();
        fake.entity("image", "web-1.4.2").title = Some("api".into());
        fake.files.insert(FILE.into(), file.replace('V', "1.4.1"));
        let outcome = run_with(&mut fake, &format!("{{\"manifest\":{}}}", at(path))).unwrap();
        assert!(
            matches!(outcome, Outcome::Promoted(_)),
            "{path} of {file}: {outcome:?}"
        );
        assert_eq!(fake.files[FILE], file.replace('V', "1.4.2"), "{path}");
    }
    let split = "image: {repository: acme/web, tag: 1.4.1}\n";
    let elsewhere =
        r#"{"path":"{production.gitPath}/m.yaml","image":"image.tag","registry":"ghcr.io"}"#;
    check(split, elsewhere, "", &split.replace("1.4.1", "1.4.2"), WEB);
    refuse(
        split,
        &at("image.tag"),
        "",
        "repository",
        "holds an image of `acme/web`",
    );
}

#[test]
fn references_keep_what_stands_before_them() {
    for (before, path) in [
        ("a: [\"web=ghcr.io/acme/web:1.4.1\"]\n", "a[0]"),
        ("args: [--image=ghcr.io/acme/web:1.4.1]\n", "args[0]"),
        ("url: oci://ghcr.io/acme/web:1.4.1\n", "url"),
        (
            "metadata: {annotations: {acme.example/image: ghcr.io/acme/web:1.4.1}}\n",
            "metadata.annotations[\\\"acme.example/image\\\"]",
        ),
    ] {
        check(
            before,
            &at(path),
            "",
            &before.replace("1.4.1", "1.4.2"),
            WEB,
        );
    }
}

#[test]
fn two_settings_for_one_value_write_it_once() {
    let mut fake = FakeHost::guide();
    fake.files.insert(
        FILE.into(),
        "c: [{name: app, image: ghcr.io/acme/web:1.4.1}]\n".into(),
    );
    let settings = format!(
        "{{\"manifest\":[{},{}]}}",
        at("c[0].image"),
        at("c[name=app].image")
    );
    fake.entity("image", "web-1.4.2").properties =
        r#"{"registryId":"ghcr.io/acme/web","tags":["1.4.10"]}"#.into();
    let outcome = run_with(&mut fake, &settings).unwrap();
    assert!(matches!(outcome, Outcome::Promoted(_)), "{outcome:?}");
    assert_eq!(
        fake.files[FILE],
        "c: [{name: app, image: ghcr.io/acme/web:1.4.10}]\n"
    );
}

#[test]
fn two_values_of_one_text_change_together() {
    let file = format!("v: |\n  # x\n  image:\n    tag: 1.4.1\n    digest: {OLD}\n  n: 1\n");
    let after = "v: |\n  # x\n  image:\n    tag: 1.4.2\n    digest: sha256:NEW\n  n: 1\n";
    check(&file, &at("v.image.tag"), "", after, PINNED);
}

#[test]
fn messages_end() {
    let (_, outcome) = promote_into(
        &format!("image: \"{}\"\n", "x y".repeat(5_000)),
        &at("image"),
        "",
    );
    let Outcome::Refused(reasons) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(reasons[0].message.chars().count() < 2_100);
    assert!(reasons[0].message.ends_with("(cut after 2000 characters)"));
}
