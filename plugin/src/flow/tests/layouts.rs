//! Layouts that people have: what is written, and what git holds in the end; or why it is refused.

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
fn a_pin_by_digest_moves_with_its_tag() {
    let one = format!("image:\n  repository: ghcr.io/acme/web\n  tag: \"1.4.1@{OLD}\" # x\n");
    let after = "image:\n  repository: ghcr.io/acme/web\n  tag: \"1.4.2@sha256:NEW\" # x\n";
    check(&one, &at("image.tag"), "", after, PINNED);
    for mode in ["keep", "prefer", "require"] {
        let own = format!(",\"digest\":\"{mode}\"");
        check(&one, &at("image.tag"), &own, after, PINNED);
    }
    let beside = format!("image:\n  repository: ghcr.io/acme/web\n  tag: 1.4.1\n  digest: {OLD}\n");
    let after = "image:\n  repository: ghcr.io/acme/web\n  tag: 1.4.2\n  digest: sha256:NEW\n";
    check(&beside, &at("image.tag"), "", after, PINNED);
    check(&beside, &at("image.digest"), "", after, PINNED);
    check(&beside, &at("image.repository"), "", after, PINNED);
    let hex = format!("image: {{tag: 1.4.1, sha: {}}}\n", &OLD[7..]);
    check(
        &hex,
        &at("image.sha"),
        "",
        "image: {tag: 1.4.2, sha: NEW}\n",
        PINNED,
    );
    let whole = format!("image: ghcr.io/acme/web:1.4.1@{OLD}\n");
    check(
        &whole,
        &at("image"),
        "",
        "image: ghcr.io/acme/web:1.4.2@sha256:NEW\n",
        PINNED,
    );
    let kustomize =
        format!("images:\n- name: ghcr.io/acme/web\n  newTag: 1.4.1\n  digest: {OLD}\n");
    let after = "images:\n- name: ghcr.io/acme/web\n  newTag: 1.4.2\n  digest: sha256:NEW\n";
    check(&kustomize, &at("images[0].newTag"), "", after, PINNED);
    let only = format!("images:\n- name: ghcr.io/acme/web\n  digest: {OLD}\n");
    let after = "images:\n- name: ghcr.io/acme/web\n  digest: sha256:NEW\n";
    check(
        &only,
        &layout("kustomize", ""),
        "",
        after,
        "ghcr.io/acme/web@sha256:NEW",
    );
}

#[test]
fn what_is_not_pinned_says_no_digest() {
    let file = "image: {repository: ghcr.io/acme/web, tag: 1.4.1, digest: \"\"}\n";
    let after = "image: {repository: ghcr.io/acme/web, tag: 1.4.2, digest: \"\"}\n";
    check(file, &at("image.tag"), "", after, WEB);
    check(file, &at("image.tag"), ",\"digest\":\"prefer\"", after, WEB);
    let both = part("image.tag", "tag@digest");
    let after = "image: {repository: ghcr.io/acme/web, tag: 1.4.2@sha256:NEW, digest: \"\"}\n";
    check(file, &both, "", after, PINNED);
    check(file, &both, ",\"digest\":\"require\"", after, PINNED);
}

#[test]
fn a_pin_that_would_be_lost_is_refused() {
    let ignore = ",\"digest\":\"ignore\"";
    let tag = format!("image: {{tag: \"1.4.1@{OLD}\"}}\n");
    refuse(
        &tag,
        &at("image.tag"),
        ignore,
        "digest",
        "`image.tag` in `apps/web/prod/m.yaml` is pinned by a digest",
    );
    let whole = format!("image: ghcr.io/acme/web:1.4.1@{OLD}\n");
    refuse(
        &whole,
        &at("image"),
        ignore,
        "digest",
        "`digest = \"keep\"` writes the new one",
    );
    let beside = format!("image: {{tag: 1.4.1, digest: {OLD}}}\n");
    refuse(
        &beside,
        &at("image.tag"),
        ignore,
        "digest",
        "is pinned by a digest",
    );
    let unknown = ",\"digest_property\":\"none\"";
    refuse(
        &beside,
        &at("image.tag"),
        unknown,
        "digest",
        "the catalog knows none of `ghcr.io/acme/web:1.4.2`",
    );
    let require = ",\"digest\":\"require\"";
    refuse(
        "image: {tag: 1.4.1}\n",
        &at("image.tag"),
        require,
        "digest",
        "`part = \"tag@digest\"` writes both",
    );
}

#[test]
fn a_part_is_never_written_over_something_else() {
    let file = "image: {repository: ghcr.io/acme/web, tag: 1.4.1}\n";
    refuse(
        file,
        &part("image.tag", "digest"),
        "",
        "manifest",
        "`1.4.1` is not a digest",
    );
    refuse(
        file,
        &part("image.tag", "reference"),
        "",
        "manifest",
        "say `part = \"tag\"`",
    );
    let own = ",\"allow_other_repository\":true";
    refuse(
        file,
        &part("image.tag", "reference"),
        own,
        "manifest",
        "must not take its place",
    );
    refuse(
        file,
        &part("image.repository", "tag"),
        "",
        "manifest",
        "is not a tag",
    );
    let named = "app: {image: ghcr.io/acme/web, tag: 1.4.1}\n";
    refuse(
        named,
        &at("app.image"),
        "",
        "manifest",
        "`tag` beside `app.image` in `apps/web/prod/m.yaml` stands apart",
    );
    check(
        named,
        &at("app.tag"),
        "",
        "app: {image: ghcr.io/acme/web, tag: 1.4.2}\n",
        WEB,
    );
}

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
fn an_image_that_moves_takes_all_its_parts_along() {
    let own = ",\"allow_other_repository\":true";
    check(
        "image: {registry: docker.io, repository: old/web, tag: 1.4.1}\n",
        &at("image.tag"),
        own,
        "image: {registry: ghcr.io, repository: acme/web, tag: 1.4.2}\n",
        WEB,
    );
    check(
        "images: [{name: web, newName: docker.io/acme/web, newTag: 1.4.1}]\n",
        &at("images[0].newTag"),
        own,
        "images: [{name: web, newName: ghcr.io/acme/web, newTag: 1.4.2}]\n",
        WEB,
    );
    check(
        "image: {repository: ghcr.io/acme/web-old, tag: 1.4.1}\n",
        &at("image.repository"),
        own,
        "image: {repository: ghcr.io/acme/web, tag: 1.4.2}\n",
        WEB,
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

const TWO: &str = "\
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      initContainers:
        - {name: init, image: ghcr.io/acme/web:1.4.1}
      containers:
        - {name: app, image: ghcr.io/acme/web:1.4.1}
        - {name: side, image: ghcr.io/acme/side:1.0}
---
kind: CronJob
metadata: {name: web}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: app, image: ghcr.io/acme/web:1.4.0}]}}}}}
";

#[test]
fn kubernetes_objects_by_the_image_or_by_the_container() {
    let all = TWO
        .replace("web:1.4.1", "web:1.4.2")
        .replace("web:1.4.0", "web:1.4.2");
    check(TWO, &layout("kubernetes", ""), "", &all, WEB);
    let one = r#","container":"app","document":{"kind":"CronJob"}"#;
    check(
        TWO,
        &layout("kubernetes", one),
        "",
        &TWO.replace("1.4.0", "1.4.2"),
        WEB,
    );
    let named = r#","document":{"kind":"Deployment","name":"{service.identifier}"}"#;
    check(
        TWO,
        &layout("kubernetes", named),
        "",
        &TWO.replace("1.4.1", "1.4.2"),
        WEB,
    );
    let app = layout("kubernetes", r#","container":"app""#);
    refuse(TWO, &app, "", "manifest", "2 containers are called `app`");
    let side = layout("kubernetes", r#","container":"side""#);
    refuse(
        TWO,
        &side,
        "",
        "repository",
        "`spec.template.spec.containers[name=side].image`",
    );
    let none = layout("kubernetes", r#","container":"x""#);
    refuse(
        TWO,
        &none,
        "",
        "manifest",
        "no container is called `x`; there are `init` (`ghcr.io/acme/web:1.4.1`)",
    );
    let list = format!(
        "kind: List\nitems:\n- {}",
        "kind: Pod\n  spec: {containers: [{name: app, image: ghcr.io/acme/web:1.4.1}]}\n"
    );
    check(
        &list,
        &layout("kubernetes", ""),
        "",
        &list.replace("1.4.1", "1.4.2"),
        WEB,
    );
    let other = "spec: {containers: [{name: app, image: ghcr.io/acme/api:1}]}\n";
    refuse(
        other,
        &layout("kubernetes", ""),
        "",
        "manifest",
        "no container is of `ghcr.io/acme/web`; there are `app` (`ghcr.io/acme/api:1`)",
    );
}

#[test]
fn kustomizations_by_the_image_or_by_the_name() {
    let file = "images:\n- name: side\n  newName: ghcr.io/acme/side\n  newTag: 1.0\n- name: app\n  newName: ghcr.io/acme/web\n  newTag: 1.4.1\n- name: ghcr.io/acme/web\n  newTag: 1.4.1\n";
    check(
        file,
        &layout("kustomize", ""),
        "",
        &file.replace("1.4.1", "1.4.2"),
        WEB,
    );
    let one = file.replacen("1.4.1", "1.4.2", 1);
    check(
        file,
        &layout("kustomize", r#","name":"app""#),
        "",
        &one,
        WEB,
    );
    refuse(
        file,
        &layout("kustomize", r#","name":"side""#),
        "",
        "repository",
        "`images[name=side].newTag`",
    );
    refuse(
        file,
        &layout("kustomize", r#","name":"x""#),
        "",
        "manifest",
        "has no item whose `name` is `x`",
    );
    let none = "images: [{name: ghcr.io/acme/web, newName: ghcr.io/acme/web}]\n";
    refuse(
        none,
        &layout("kustomize", ""),
        "",
        "manifest",
        "has neither `newTag` nor `digest`",
    );
    refuse(
        "resources: [a]\n",
        &layout("kustomize", ""),
        "",
        "manifest",
        "there is no item of `images`",
    );
}

#[test]
fn values_of_a_chart() {
    let file = "web:\n  image: {registry: ghcr.io, repository: acme/web, tag: 1.4.1}\nimage: ghcr.io/acme/web:1.4.1\n";
    let deep = file.replacen("1.4.1", "1.4.2", 1);
    check(
        file,
        &layout("helm_values", r#","at":"web.image""#),
        "",
        &deep,
        WEB,
    );
    let top = format!("{}ghcr.io/acme/web:1.4.2\n", &file[..file.len() - 23]);
    check(file, &layout("helm_values", ""), "", &top, WEB);
    refuse(
        "image: {repository: x}\n",
        &layout("helm_values", ""),
        "",
        "manifest",
        "`image` has neither `tag` nor `digest`, it has `repository`",
    );
    refuse(
        "a: 1\n",
        &layout("helm_values", ""),
        "",
        "manifest",
        "`image` does not exist",
    );
}

#[test]
fn applications_of_argo_cd() {
    let sources = [
        "helm: {parameters: [{name: image.repository, value: ghcr.io/acme/web}, {name: image.tag, value: 1.4.1}]}",
        "helm: {valuesObject: {image: {repository: ghcr.io/acme/web, tag: 1.4.1}}}",
        "helm:\n      values: |\n        image:\n          tag: 1.4.1",
        "kustomize: {images: [\"side=ghcr.io/acme/side:1.0\", \"web=ghcr.io/acme/web:1.4.1\"]}",
    ];
    for source in sources {
        for file in [
            format!("kind: Application\nspec:\n  source:\n    {source}\n"),
            format!("kind: Application\nspec:\n  sources:\n  - ref: values\n  - {source}\n"),
        ] {
            check(
                &file,
                &layout("argocd_application", ""),
                "",
                &file.replace("1.4.1", "1.4.2"),
                WEB,
            );
        }
    }
    let twice = "spec: {source: {helm: {parameters: [{name: image.tag, value: 1.4.1}], valuesObject: {image: {tag: 1.4.1}}}}}\n";
    refuse(
        twice,
        &layout("argocd_application", ""),
        "",
        "manifest",
        "the image stands in 2 ways",
    );
    refuse(
        "spec: {source: {kustomize: {images: [\"x/y:1\"]}}}\n",
        &layout("argocd_application", ""),
        "",
        "manifest",
        "`kustomize.images` has `x/y:1`",
    );
    refuse(
        "spec: {}\n",
        &layout("argocd_application", ""),
        "",
        "manifest",
        "it is no application of Argo CD",
    );
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
