//! Refusals of the entity routes.

use super::*;

const SERVICES: &str = "/v1/blueprints/service/entities";
const RUNTIMES: &str = "/v1/blueprints/running_service/entities";
const PROD: &str = "/v1/blueprints/running_service/entities/web-prod";

#[test]
fn refusals_by_status_and_code() {
    let relation = |image: Value| json!({"relations": {"image": image}});
    let property = |name: &str, value: Value| json!({"properties": {name: value}});
    let cases: Vec<RefusalRow<'_>> = vec![
        (
            "GET",
            "/v1/blueprints/none/entities/web",
            Value::Null,
            404,
            "not_found",
        ),
        (
            "GET",
            "/v1/blueprints/service/entities/none",
            Value::Null,
            404,
            "not_found",
        ),
        (
            "PATCH",
            "/v1/blueprints/service/entities/none",
            json!({}),
            404,
            "not_found",
        ),
        (
            "PUT",
            "/v1/blueprints/service/entities/none",
            json!({}),
            404,
            "not_found",
        ),
        (
            "DELETE",
            "/v1/blueprints/service/entities/none",
            Value::Null,
            404,
            "not_found",
        ),
        (
            "PATCH",
            PROD,
            json!({"blueprint": "running_service"}),
            422,
            "invalid_request",
        ),
        ("PATCH", PROD, json!({"title": 1}), 422, "invalid_request"),
        ("PATCH", PROD, json!({"team": [1]}), 422, "invalid_request"),
        (
            "PATCH",
            PROD,
            json!({"properties": []}),
            422,
            "invalid_request",
        ),
        ("PATCH", PROD, relation(json!("")), 422, "invalid_request"),
        (
            "PATCH",
            PROD,
            relation(json!("a b")),
            422,
            "invalid_request",
        ),
        ("PATCH", PROD, relation(json!("..")), 422, "invalid_request"),
        ("PATCH", PROD, relation(json!(1)), 422, "invalid_request"),
        ("PATCH", PROD, relation(json!("none")), 404, "not_found"),
        (
            "PATCH",
            PROD,
            relation(json!(["web-1.4.2"])),
            422,
            "relation_many_violation",
        ),
        (
            "PATCH",
            PROD,
            json!({"relations": {"none": "x"}}),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            property("none", json!("x")),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            property("healthStatus", json!("Fine")),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            property("gitPath", json!(1)),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            property("gitRepo", json!("nowhere")),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            property("createdAt", json!("today")),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            json!({"identifier": "web-staging"}),
            409,
            "identifier_taken",
        ),
        (
            "POST",
            SERVICES,
            json!({"identifier": "web"}),
            409,
            "identifier_taken",
        ),
        (
            "POST",
            SERVICES,
            json!({"identifier": "a b"}),
            422,
            "invalid_request",
        ),
        (
            "POST",
            SERVICES,
            json!({"identifier": 1}),
            422,
            "invalid_request",
        ),
        (
            "POST",
            "/v1/blueprints/service/entities?upsert=yes",
            json!({}),
            422,
            "invalid_request",
        ),
        ("DELETE", PROD, Value::Null, 403, "has_dependents"),
    ];
    for case in cases {
        let mut client = PortClient::new();
        let before = client.port.entities.clone();
        client.expect(case);
        assert_eq!(client.port.entities, before, "a refusal changed something");
    }
}

#[test]
fn what_a_blueprint_requires_cannot_be_left_out_or_taken_away() {
    let mut client = PortClient::new();
    let relation = json!({"image": {"target": "image", "required": true, "many": false}});
    let changed = json!({"relations": relation});
    client.expect(("PATCH", "/v1/blueprints/running_service", changed, 200, ""));
    let cases: Vec<RefusalRow<'_>> = vec![
        (
            "POST",
            RUNTIMES,
            json!({"identifier": "new"}),
            422,
            "required_relation",
        ),
        ("PUT", PROD, json!({"title": "x"}), 403, "required_relation"),
        (
            "PATCH",
            PROD,
            json!({"relations": {"image": null}}),
            403,
            "required_relation",
        ),
        ("PATCH", PROD, json!({"title": "x"}), 200, ""),
    ];
    for case in cases {
        client.expect(case);
    }
    let schema = json!({"schema": {"properties": {"a": {"type": "string"}}, "required": ["a"]}});
    client.expect(("PATCH", "/v1/blueprints/image", schema, 200, ""));
    let images = "/v1/blueprints/image/entities";
    client.expect((
        "POST",
        images,
        json!({"identifier": "x"}),
        422,
        "blueprint_schema_mismatch",
    ));
    let teams = json!({"teamInheritance": {"path": "image"}});
    client.expect(("PATCH", "/v1/blueprints/running_service", teams, 200, ""));
    client.expect((
        "PATCH",
        PROD,
        json!({"team": ["a"]}),
        422,
        "team_inheritance_enabled",
    ));
}
