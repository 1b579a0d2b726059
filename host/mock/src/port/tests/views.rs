//! Views of an entity.

use super::*;

const SERVICES: &str = "/v1/blueprints/service/entities";
const PROD: &str = "/v1/blueprints/running_service/entities/web-prod";

#[test]
fn a_view_shows_what_was_asked_for() {
    let cases = [
        ("?include=identifier", json!({"identifier": "web-prod"})),
        (
            "?include=identifier&include=relations.image&include=properties.gitPath",
            json!({"identifier": "web-prod", "relations": {"image": "web-1.4.1"}, "properties": {"gitPath": "apps/web/prod"}}),
        ),
        (
            "?include=title,blueprint",
            json!({"title": "Web (prod)", "blueprint": "running_service"}),
        ),
        (
            "?include=relations&attach_title_to_relation=true",
            json!({"relations": {"image": {"identifier": "web-1.4.1", "title": "web:1.4.1"}}}),
        ),
        (
            "?include=properties.gitPath&exclude=properties.gitPath",
            json!({"properties": {}}),
        ),
    ];
    for (query, expected) in cases {
        let (_, answer) = PortClient::new().get(&format!("{PROD}{query}"));
        assert_eq!(answer["entity"], expected, "{query}");
    }
}

#[test]
fn calculated_properties_come_along_unless_excluded() {
    let image = "/v1/blueprints/image/entities/web-1.4.2";
    let mut client = PortClient::new();
    let (_, with) = client.get(image);
    let (_, without) = client.get(&format!("{image}?exclude_calculated_properties=true"));
    assert_eq!(
        with["entity"]["properties"].get("link_to_the_ci"),
        Some(&Value::Null)
    );
    assert_eq!(without["entity"]["properties"].get("link_to_the_ci"), None);
}

#[test]
fn what_is_not_set_is_absent_or_null() {
    for (as_null, expected) in [(false, None), (true, Some(&Value::Null))] {
        let mut client = PortClient::new();
        client.port.unset_as_null = as_null;
        let (_, answer) = client.get(&format!("{SERVICES}/web"));
        let entity = &answer["entity"];
        assert_eq!(entity["properties"].get("locked_reason_prod"), expected);
        assert_eq!(entity["relations"].get("dev_runtime"), Some(&Value::Null));
    }
}
