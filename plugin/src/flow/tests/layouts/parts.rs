//! Images in parts: tags, digests and repositories that stand in values of their own.

use super::*;

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
