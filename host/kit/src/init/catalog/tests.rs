//! Names are found by where relations lead, whatever they are.
#![expect(clippy::unwrap_used, reason = "tests")]

use promote_mock::port::GUIDE_BLUEPRINTS;
use serde_json::{Map, json};

use super::chain::{is_production, named, staging_of};
use super::*;

fn blueprint(name: &str, relations: &[(&str, &str)]) -> Value {
    let relations: Map<String, Value> = relations
        .iter()
        .map(|(name, target)| {
            let relation = json!({ "target": target, "many": false, "required": false });
            ((*name).to_owned(), relation)
        })
        .collect();
    json!({ "identifier": name, "title": name, "schema": {}, "relations": relations })
}

fn own() -> Vec<Value> {
    vec![
        blueprint("_team", &[]),
        blueprint(
            "component",
            &[
                ("owner", "_team"),
                ("stage", "workload"),
                ("live", "workload"),
            ],
        ),
        blueprint(
            "workload",
            &[("cluster", "cluster"), ("runs", "container_image")],
        ),
        blueprint("container_image", &[]),
        blueprint("cluster", &[]),
    ]
}

fn words(names: &CatalogNames) -> String {
    [
        &names.service,
        &names.staging,
        &names.production,
        &names.runtime,
        &names.image_relation,
        &names.image,
    ]
    .map(String::as_str)
    .join(" ")
}

#[test]
fn names_are_found_by_where_relations_lead() {
    let guide: Vec<Value> = GUIDE_BLUEPRINTS
        .map(|text| serde_json::from_str(text).unwrap())
        .into();
    let mut both = own();
    both.extend(guide.clone());
    let reverse = vec![
        blueprint("service", &[]),
        blueprint(
            "running_service",
            &[("service", "service"), ("image", "image")],
        ),
        blueprint("image", &[]),
        blueprint("githubPullRequest", &[("service", "service")]),
    ];
    for (catalog, expected, is_complete) in [
        (
            guide,
            "service test_runtime prod_runtime running_service image image",
            true,
        ),
        (
            both,
            "service test_runtime prod_runtime running_service image image",
            true,
        ),
        (
            reverse,
            "service test_runtime prod_runtime running_service image image",
            false,
        ),
        (
            vec![],
            "service test_runtime prod_runtime running_service image image",
            false,
        ),
    ] {
        let found = find(&catalog, &GivenNames::default(), false).unwrap();
        assert_eq!(words(found.names()), expected);
        assert_eq!(
            matches!(found, CatalogChoice::Complete(_)),
            is_complete,
            "{expected}"
        );
    }
}

#[test]
fn names_of_ones_own_are_found_and_nothing_is_added_beside_them() {
    let mut catalog = own();
    // `stage` and `stg` are staging, `live` is production.
    let found = find(&catalog, &GivenNames::default(), false).unwrap();
    assert_eq!(
        words(found.names()),
        "component stage live workload runs container_image"
    );
    assert!(matches!(found, CatalogChoice::Complete(_)));
    // A second way is as likely: flags decide.
    catalog.push(blueprint(
        "app",
        &[("stage", "workload"), ("live", "workload")],
    ));
    let refusal = find(&catalog, &GivenNames::default(), false)
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("component → workload → container_image"),
        "{refusal}"
    );
    let given = GivenNames {
        service: Some("app".to_owned()),
        ..GivenNames::default()
    };
    assert_eq!(
        find(&catalog, &given, false).unwrap().names().service,
        "app"
    );
    // No way at all: the guide's are created only if somebody says so.
    let catalog = [blueprint("repository", &[]), blueprint("service", &[])];
    let refusal = find(&catalog, &GivenNames::default(), false)
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("the blueprints repository: name"),
        "{refusal}"
    );
    let made = find(&catalog, &GivenNames::default(), true).unwrap();
    assert!(made.names().has_guides_blueprints());
    let given = GivenNames {
        runtime: Some("none".to_owned()),
        ..GivenNames::default()
    };
    let refusal = find(&catalog, &given, false).unwrap_err().to_string();
    assert!(refusal.contains("no blueprint `none`"), "{refusal}");
}

#[test]
fn a_service_that_is_named_leads_where_its_own_relations_lead() {
    let mut both = own();
    both.extend(GUIDE_BLUEPRINTS.map(|text| serde_json::from_str::<Value>(text).unwrap()));
    let given = GivenNames {
        service: Some("component".to_owned()),
        ..GivenNames::default()
    };
    let found = find(&both, &given, false).unwrap();
    assert_eq!(
        words(found.names()),
        "component stage live workload runs container_image"
    );
    assert!(matches!(found, CatalogChoice::Complete(_)));
}

#[test]
fn relations_that_have_other_names_are_given() {
    let catalog = [
        blueprint("service", &[("a", "runtime"), ("b", "runtime")]),
        blueprint("runtime", &[("image", "image")]),
        blueprint("image", &[]),
    ];
    assert!(find(&catalog, &GivenNames::default(), false).is_err());
    let given = GivenNames {
        staging: Some("a".to_owned()),
        production: Some("b".to_owned()),
        ..GivenNames::default()
    };
    let found = find(&catalog, &given, false).unwrap();
    assert_eq!(words(found.names()), "service a b runtime image image");
    assert!(matches!(found, CatalogChoice::Complete(_)));
}

#[test]
fn a_pre_production_is_no_production() {
    assert_eq!(staging_of(&["preprod", "prod"]).as_deref(), Some("preprod"));
    assert_eq!(
        named(&["preprod", "prod"], is_production).as_deref(),
        Some("prod")
    );
    assert_eq!(
        staging_of(&["test_runtime", "staging"]).as_deref(),
        Some("staging")
    );
}
