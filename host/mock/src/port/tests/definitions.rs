//! Blueprints and actions.

use super::*;

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_guide_can_be_installed_over_the_api() {
    let mut client = PortClient::new();
    client.port.entities.clear();
    client.port.blueprints.clear();
    client.port.actions.clear();
    for text in GUIDE_BLUEPRINTS {
        client.expect(("POST", "/v1/blueprints", json_of(text), 201, ""));
        client.expect((
            "POST",
            "/v1/blueprints",
            json_of(text),
            409,
            "identifier_taken",
        ));
    }
    client.expect((
        "POST",
        "/v1/actions",
        json_of(GUIDE_ACTION_V1),
        422,
        "invalid_request",
    ));
    client.expect(("POST", "/v1/actions", json_of(GUIDE_ACTION), 201, ""));
    client.expect((
        "POST",
        "/v1/actions",
        json_of(GUIDE_ACTION),
        409,
        "identifier_taken",
    ));
    let (_, answer) = client.get("/v1/blueprints/running_service");
    assert_eq!(answer["blueprint"]["relations"]["image"]["target"], "image");
    assert_eq!(answer["blueprint"]["createdBy"], CLIENT_ID);
    assert_eq!(
        client.get("/v1/blueprints").1["blueprints"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn blueprints_are_as_strict_as_their_schema() {
    let blueprint = |extra: Value| {
        let mut body =
            json!({"identifier": "x", "title": "X", "schema": {"properties": {}, "required": []}});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        body
    };
    let relation = |relation: Value| blueprint(json!({"relations": {"r": relation}}));
    let all = "/v1/blueprints";
    let cases: Vec<RefusalRow<'_>> = vec![
        ("POST", all, blueprint(json!({})), 201, ""),
        (
            "POST",
            all,
            relation(json!({"target": "image", "required": false, "many": true})),
            201,
            "",
        ),
        (
            "POST",
            all,
            relation(json!({"target": "x", "required": false, "many": true})),
            201,
            "",
        ),
        (
            "POST",
            all,
            relation(json!({"target": "none", "required": false, "many": true})),
            404,
            "not_found",
        ),
        (
            "POST",
            all,
            relation(json!({"target": "image"})),
            422,
            "invalid_request",
        ),
        (
            "POST",
            all,
            blueprint(json!({"identifier": "a=b"})),
            422,
            "invalid_request",
        ),
        (
            "POST",
            all,
            blueprint(json!({"title": ""})),
            422,
            "invalid_request",
        ),
        (
            "POST",
            all,
            blueprint(json!({"description": "x".repeat(201)})),
            422,
            "invalid_request",
        ),
        (
            "POST",
            all,
            blueprint(json!({"schema": {"more": 1}})),
            422,
            "invalid_request",
        ),
        (
            "POST",
            all,
            blueprint(json!({"more": 1})),
            422,
            "invalid_request",
        ),
        ("GET", "/v1/blueprints/none", Value::Null, 404, "not_found"),
        (
            "PUT",
            "/v1/blueprints/image",
            json!({"title": "Image"}),
            422,
            "invalid_request",
        ),
        (
            "PATCH",
            "/v1/blueprints/image",
            json!({"title": "Picture"}),
            200,
            "",
        ),
        (
            "DELETE",
            "/v1/blueprints/image",
            Value::Null,
            403,
            "has_dependents",
        ),
    ];
    for case in cases {
        PortClient::new().expect(case);
    }
}

#[test]
fn put_replaces_a_blueprint_and_patch_changes_it() {
    let mut client = PortClient::new();
    client.expect((
        "PATCH",
        "/v1/blueprints/image",
        json!({"title": "Picture"}),
        200,
        "",
    ));
    assert!(
        client.get("/v1/blueprints/image").1["blueprint"]["schema"]["properties"]["tags"]
            .is_object()
    );
    let whole = json!({"title": "Picture", "schema": {"properties": {}, "required": []}});
    client.expect(("PUT", "/v1/blueprints/image", whole, 200, ""));
    assert_eq!(
        client.get("/v1/blueprints/image").1["blueprint"]["schema"]["properties"],
        json!({})
    );
}

#[test]
fn actions_are_as_strict_as_their_schema() {
    let path = "/v1/actions/promote_to_production";
    let change = |pointer: &str, key: &str, value: Value| {
        let mut action = json_of(GUIDE_ACTION);
        action.pointer_mut(pointer).unwrap()[key] = value;
        action
    };
    let cases: Vec<RefusalRow<'_>> = vec![
        ("GET", path, Value::Null, 200, ""),
        ("GET", "/v1/actions/none", Value::Null, 404, "not_found"),
        ("PUT", path, change("", "title", json!("Promote")), 200, ""),
        (
            "PUT",
            path,
            change("", "userInputs", json!({})),
            422,
            "invalid_request",
        ),
        (
            "PUT",
            path,
            change("", "trigger", json!("DAY-2")),
            422,
            "invalid_request",
        ),
        (
            "PUT",
            path,
            change("/trigger", "userInputs", Value::Null),
            422,
            "invalid_request",
        ),
        (
            "PUT",
            path,
            change("/trigger", "operation", json!("DAY-3")),
            422,
            "invalid_request",
        ),
        (
            "PUT",
            path,
            change("/trigger", "blueprintIdentifier", json!("none")),
            404,
            "not_found",
        ),
        (
            "PUT",
            path,
            change("/invocationMethod", "omitPayload", json!(false)),
            422,
            "invalid_request",
        ),
        (
            "PUT",
            path,
            change("/invocationMethod", "type", json!("CARRIER_PIGEON")),
            422,
            "invalid_request",
        ),
        (
            "PUT",
            path,
            change(
                "/invocationMethod/integrationActionExecutionProperties",
                "reportWorkflowStatus",
                json!("false"),
            ),
            200,
            "",
        ),
        (
            "PUT",
            path,
            change(
                "/invocationMethod/integrationActionExecutionProperties",
                "reportWorkflowStatus",
                json!(0),
            ),
            422,
            "invalid_request",
        ),
        ("DELETE", path, Value::Null, 200, ""),
        (
            "GET",
            "/v1/actions/promote_to_production/permissions",
            Value::Null,
            200,
            "",
        ),
        (
            "POST",
            "/v1/blueprints/service/actions",
            json_of(GUIDE_ACTION_V1),
            422,
            "invalid_request",
        ),
    ];
    for case in cases {
        PortClient::new().expect(case);
    }
    let (_, answer) = PortClient::new().get("/v1/actions?version=v2&blueprint_identifier=service");
    assert_eq!(answer["actions"][0]["identifier"], "promote_to_production");
    let (_, answer) = PortClient::new().get("/v1/actions?blueprint_identifier=image");
    assert_eq!(answer["actions"], json!([]));
}

#[test]
fn a_blueprint_gets_a_page_in_the_catalog_unless_it_is_told_not_to() {
    let mut client = PortClient::new();
    for (identifier, query, page) in [
        ("usual", "", true),
        ("asked", "?create_catalog_page=true", true),
        ("bare", "?create_catalog_page=false", false),
    ] {
        let body = json!({"identifier": identifier, "title": "X", "schema": {"properties": {}}});
        let (status, answer) = client.call("POST", &format!("/v1/blueprints{query}"), &body);
        assert_eq!(status, 201, "{answer}");
        assert_eq!(client.port.pages.contains(identifier), page, "{identifier}");
    }
    let body = json!({"identifier": "other", "title": "X", "schema": {"properties": {}}});
    let (status, _) = client.call("POST", "/v1/blueprints?create_catalog_page=1", &body);
    assert_eq!(status, 422);
    assert!(!client.port.blueprints.contains_key("other"));
    client.call("DELETE", "/v1/blueprints/usual", &Value::Null);
    assert!(!client.port.pages.contains("usual"));
}
