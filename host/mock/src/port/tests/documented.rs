//! Details of Port's documentation and schemas, each of which a client could notice.

use serde_json::{Value, json};

use super::*;

const ACTIONS: &str = "/v1/actions";

/// The guide's action for an integration, with another part in place of one of its own.
fn integration_action(change: impl FnOnce(&mut Value)) -> Value {
    let mut action = json!({
        "identifier": "promote",
        "title": "Promote",
        "trigger": {"type": "self-service", "operation": "DAY-2", "blueprintIdentifier": "service",
            "userInputs": {"properties": {}}},
        "invocationMethod": {"type": "INTEGRATION_ACTION", "installationId": "42",
            "integrationActionType": "dispatch_workflow",
            "integrationActionExecutionProperties": {"org": "acme", "repo": "gitops", "workflow": "promote.yml"}},
    });
    change(&mut action);
    action
}

#[test]
fn actions_are_held_to_the_schema() {
    for (name, status, change) in [
        ("as it should be", 201, (|_| {}) as fn(&mut Value)),
        ("texts of buttons", 201, |action| {
            action["trigger"]["actionCardButtonText"] = json!("Promote");
            action["trigger"]["executeActionButtonText"] = json!("Go");
        }),
        ("a webhook for approvals", 422, |action| {
            action["approvalWebhook"] = json!("https://x.example");
        }),
        ("another kind of work", 422, |action| {
            action["invocationMethod"]["integrationActionType"] = json!("other");
        }),
        ("no properties", 422, |action| {
            let method = action["invocationMethod"].as_object_mut().unwrap();
            method.remove("integrationActionExecutionProperties");
        }),
        ("a null for a text", 422, |action| {
            action["description"] = Value::Null
        }),
    ] {
        let code = if status == 422 { "invalid_request" } else { "" };
        let action = integration_action(change);
        let (got, answer) = PortClient::new().call("POST", ACTIONS, &action);
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!((got, error), (status, code), "{name}: {answer}");
    }
}

#[test]
fn relations_of_a_blueprint_have_known_keys_only() {
    let blueprint = |more: Value| {
        let mut relation =
            json!({"target": "image", "required": false, "many": false, "type": "x"});
        relation
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"identifier": "new", "title": "New", "schema": {"properties": {}}, "relations": {"image": relation}})
    };
    let mut client = PortClient::new();
    client.expect((
        "POST",
        "/v1/blueprints",
        blueprint(json!({"icon": "x"})),
        422,
        "invalid_request",
    ));
    client.expect((
        "POST",
        "/v1/blueprints",
        blueprint(json!({"description": "x"})),
        201,
        "",
    ));
}

#[test]
fn a_team_is_kept_only_where_entities_have_owners() {
    let mut client = PortClient::new();
    for (blueprint, entity, team) in [
        ("service", "web", json!(["payments"])),
        ("running_service", "web-prod", json!([])),
    ] {
        let path = format!("/v1/blueprints/{blueprint}/entities/{entity}");
        client.expect(("PATCH", &path, json!({"team": ["payments"]}), 200, ""));
        assert_eq!(client.get(&path).1["entity"]["team"], team, "{blueprint}");
    }
}

fn found(client: &mut PortClient, rule: Value) -> Vec<String> {
    let body = json!({"combinator": "and", "rules": [rule]});
    let (status, answer) = client.call("POST", "/v1/entities/search", &body);
    assert_eq!(status, 200, "{answer}");
    let entities = answer["entities"].as_array().unwrap().iter();
    entities
        .map(|entity| entity["identifier"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn relations_are_searched_by_several_values_by_need_and_by_path() {
    let mut client = PortClient::new();
    let related = |value: Value, more: Value| {
        let mut rule = json!({"operator": "relatedTo", "blueprint": "running_service", "value": value, "direction": "upstream"});
        rule.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        rule
    };
    let one = found(&mut client, related(json!("web-staging"), json!({})));
    let other = found(&mut client, related(json!("web-prod"), json!({})));
    let both = found(
        &mut client,
        related(json!(["web-staging", "web-prod"]), json!({})),
    );
    assert!(one != other && !one.is_empty() && !other.is_empty());
    assert!(one.iter().chain(&other).all(|entity| both.contains(entity)));
    let required = related(json!("web-prod"), json!({"required": true}));
    assert_eq!(found(&mut client, required), Vec::<String>::new());
    let optional = related(json!("web-prod"), json!({"required": false}));
    assert_eq!(found(&mut client, optional), other);
    let image = client.image_of("web-prod");
    let path = json!({"operator": "matchAny", "property": {"path": ["prod_runtime", "image"]}, "value": [image]});
    assert_eq!(found(&mut client, path), ["web"]);
    let hops = json!({"operator": "matchAny", "property": {"path": [{"relation": "image", "maxHops": 3}]}, "value": image});
    assert_eq!(found(&mut client, hops), ["web-prod"]);
}

#[test]
fn a_path_that_is_none_is_refused() {
    let mut client = PortClient::new();
    for rule in [
        json!({"operator": "=", "property": {"path": ["image"]}, "value": "x"}),
        json!({"operator": "matchAny", "property": {"path": [1]}, "value": "x"}),
        json!({"operator": "matchAny", "property": {"path": [{"relation": "image", "maxHops": 16}]}, "value": "x"}),
        json!({"operator": "relatedTo", "blueprint": "image", "value": [1]}),
        json!({"operator": "relatedTo", "blueprint": "image", "value": "x", "required": "yes"}),
    ] {
        let body = json!({"combinator": "and", "rules": [rule]});
        client.expect(("POST", "/v1/entities/search", body, 422, "invalid_request"));
    }
}

#[test]
fn each_family_of_routes_has_a_limit_of_its_own() {
    let mut client = PortClient::new();
    let limit = |client: &mut PortClient, method: &str, path: &str| {
        let response = client.raw(method, path, b"{}".to_vec());
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        (header("x-ratelimit-limit"), header("x-ratelimit-remaining"))
    };
    let entity = "/v1/blueprints/service/entities/web";
    for (method, path, expected) in [
        ("GET", entity, "35000"),
        ("POST", "/v1/entities/search", "35000"),
        ("PATCH", entity, "10000"),
        ("GET", "/v1/blueprints/service", "15000"),
        ("GET", "/v1/actions/runs", "15000"),
        ("POST", "/v1/auth/access_token", "100"),
    ] {
        assert_eq!(
            limit(&mut client, method, path).0,
            expected,
            "{method} {path}"
        );
    }
    for _ in 0..200 {
        client.raw("POST", "/v1/auth/access_token", b"{}".to_vec());
    }
    let body = json!({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET});
    client.expect((
        "POST",
        "/v1/auth/access_token",
        body.clone(),
        429,
        "rate_limit_exceeded",
    ));
    client.expect(("GET", entity, Value::Null, 200, ""));
    client.now += jiff::SignedDuration::from_secs(300);
    client.expect(("POST", "/v1/auth/access_token", body, 200, ""));
}

#[test]
fn the_reset_is_a_moment_unless_the_world_says_otherwise() {
    let mut client = PortClient::new();
    let response = client.raw("GET", "/v1/blueprints/image", Vec::new());
    let reset = response.headers()["x-ratelimit-reset"].to_str().unwrap();
    assert_eq!(reset, (client.now.as_second() + 300).to_string());
}
