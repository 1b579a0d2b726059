//! How far a grant reaches: entities, a bound, images of a registry.

use super::*;

/// The configuration refuses such a grant; what decides does not count on that.
#[test]
fn a_grant_that_names_no_entity_changes_none() {
    let names = |name: &str| vec![name.to_owned()];
    let grant = Grant {
        allow: vec![Operation::GetEntity, Operation::UpdateEntity],
        blueprint: names("image"),
        relations: names("owner"),
        ..Grant::default()
    };
    let resolved = ResolvedGrants::new(&Grants(vec![grant]), &json!({})).unwrap();
    let change = Change {
        title: None,
        properties: None,
        relations: Vec::new(),
    };
    for (operation, change, expected) in [
        (Operation::GetEntity, None, true),
        (Operation::UpdateEntity, Some(&change), false),
    ] {
        let target = CallTarget::Entity {
            blueprint: "image",
            identifier: Some("web-2"),
            change,
        };
        assert_eq!(
            resolved.allow(operation, &target).is_some(),
            expected,
            "{target:?}"
        );
    }
}

#[test]
fn a_bound_narrows_what_is_granted() {
    let grants = |changes: &str, path: &str| {
        let text = format!(
            "[[grants]]\nallow = [\"github.propose\"]\nrepository = \"acme/gitops\"\npath = \"{path}\"\nbase = \"main\"\nchanges = \"{changes}\"\n"
        );
        ResolvedGrants::new(&read(&text).unwrap(), &json!({})).unwrap()
    };
    let proposes = |own: ResolvedGrants, bound: ResolvedGrants, path: &str| {
        let target = file(path, "promote/web", "main");
        own.within(bound)
            .allow(Operation::Propose, &target)
            .is_some()
    };
    let bound = || grants("values", "apps/**");
    assert!(proposes(
        grants("values", "apps/web/*"),
        bound(),
        "apps/web/a.yaml"
    ));
    assert!(
        !proposes(grants("any", "apps/web/*"), bound(), "apps/web/a.yaml"),
        "wider changes"
    );
    assert!(
        !proposes(grants("values", "**"), bound(), "infra/a.yaml"),
        "another path"
    );
    assert!(
        !proposes(grants("values", "apps/web/*"), bound(), "apps/api/a.yaml"),
        "not granted"
    );
    let none = ResolvedGrants::default();
    assert!(
        !proposes(grants("values", "apps/web/*"), none, "apps/web/a.yaml"),
        "an empty bound"
    );
}

#[test]
fn an_image_is_read_where_its_host_and_path_are_granted_and_no_value_leads_elsewhere() {
    let text = "[[grants]]\nallow = [\"registry.read\"]\nimage = [\"ghcr.io/acme/{service.identifier}\", \"127.0.0.1:5000/*/app\"]\n";
    let allows = |service: &str, reference: &str| {
        let context = json!({ "service": { "identifier": service } });
        let grants = ResolvedGrants::new(&read(text).unwrap(), &context).unwrap();
        let target = CallTarget::Image { reference };
        grants.allow(Operation::ReadImage, &target).is_some()
    };
    for (service, reference, expected) in [
        ("web", "ghcr.io/acme/web", true),
        ("web", "ghcr.io/acme/web:1.4.2", true),
        ("web", "127.0.0.1:5000/a/app:1", true),
        ("web", "127.0.0.1:5000/a/b/app:1", false),
        ("web", "ghcr.io/acme/api:1", false),
        ("web", "ghcr.io/acme/web/inner:1", false),
        ("web", "evil.io/ghcr.io/acme/web:1", false),
        ("web", "ghcr.io/acme/../acme/web:1", false),
        ("web", "acme/web:1", false),
        ("*", "ghcr.io/acme/api:1", false),
        ("a/b", "ghcr.io/acme/a/b:1", false),
    ] {
        assert_eq!(
            allows(service, reference),
            expected,
            "{service} {reference}"
        );
    }
}

#[test]
fn a_grant_names_the_host_of_an_image() {
    for image in [
        "*",
        "acme/web",
        "*/acme/web",
        "{service.identifier}/web",
        "gh*.io/web",
        "https://ghcr.io/web",
    ] {
        let text = format!("[[grants]]\nallow = [\"registry.read\"]\nimage = \"{image}\"\n");
        let error = read(&text).unwrap_err();
        assert!(error.contains("names no registry"), "{image}: {error}");
    }
    let bare = read("[[grants]]\nallow = [\"registry.read\"]\n").unwrap_err();
    assert!(bare.contains("needs `image`"), "{bare}");
    let other = "[[grants]]\nallow = [\"run.note\"]\nimage = \"ghcr.io/web\"\n";
    assert!(
        read(other)
            .unwrap_err()
            .contains("`image` says nothing about run.note")
    );
}
