//! Both search routes.

use super::*;

fn rule(property: &str, operator: &str, value: Value) -> Value {
    json!({"property": property, "operator": operator, "value": value})
}

fn and(rules: &[Value]) -> Value {
    json!({"combinator": "and", "rules": rules})
}

fn find(query: &Value) -> Vec<String> {
    let (status, answer) =
        PortClient::new().call("POST", "/v1/entities/search?include=identifier", query);
    assert_eq!(status, 200, "{query}: {answer}");
    let entities = answer["entities"].as_array().unwrap().iter();
    entities
        .map(|entity| entity["identifier"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn operators_find_what_they_say() {
    let runtime = |rule: Value| {
        and(&[
            self::rule("$blueprint", "=", json!("running_service")),
            rule,
        ])
    };
    let image = |rule: Value| and(&[self::rule("$blueprint", "=", json!("image")), rule]);
    let span = json!({"from": "2026-01-01T00:00:00Z", "to": "2026-01-05T00:00:00Z"});
    let both: &[&str] = &["web-prod", "web-staging"];
    let images: &[&str] = &["web-1.4.1", "web-1.4.2"];
    let cases: Vec<(Value, &[&str])> = vec![
        (
            runtime(rule("gitPath", "=", json!("apps/web/prod"))),
            &["web-prod"],
        ),
        (
            runtime(rule("gitPath", "!=", json!("apps/web/prod"))),
            &["web-staging"],
        ),
        (runtime(rule("gitPath", "beginsWith", json!("apps/"))), both),
        (
            runtime(rule("gitPath", "doesNotBeginsWith", json!("apps/"))),
            &[],
        ),
        (
            runtime(rule("gitPath", "endsWith", json!("staging"))),
            &["web-staging"],
        ),
        (
            runtime(rule("gitPath", "doesNotEndsWith", json!("staging"))),
            &["web-prod"],
        ),
        (
            runtime(rule("$title", "contains", json!("prod"))),
            &["web-prod"],
        ),
        (
            runtime(rule("$title", "doesNotContains", json!("prod"))),
            &["web-staging"],
        ),
        (
            runtime(rule("$identifier", "in", json!(["web-prod", "x"]))),
            &["web-prod"],
        ),
        (
            runtime(rule("$identifier", "notIn", json!(["web-prod", "x"]))),
            &["web-staging"],
        ),
        (runtime(rule("grafana_link", "isEmpty", Value::Null)), both),
        (runtime(rule("gitPath", "isNotEmpty", Value::Null)), both),
        (
            image(rule("tags", "contains", json!("1.4.2"))),
            &["web-1.4.2"],
        ),
        (
            image(rule("tags", "containsAny", json!(["1.4.1", "9"]))),
            &["web-1.4.1"],
        ),
        (
            image(rule("tags", "matchAny", json!(["1.4.1", "1.4.2"]))),
            images,
        ),
        (
            image(rule("pushedAt", ">", json!("2026-01-01T00:00:00Z"))),
            &["web-1.4.2"],
        ),
        (
            image(rule("pushedAt", "<=", json!("2025-12-15T15:20:00+01:00"))),
            &["web-1.4.1"],
        ),
        (
            image(rule("pushedAt", "between", span.clone())),
            &["web-1.4.2"],
        ),
        (image(rule("pushedAt", "notBetween", span)), &["web-1.4.1"]),
        (
            image(rule("pushedAt", "between", json!({"preset": "lastWeek"}))),
            &["web-1.4.2"],
        ),
        (
            runtime(json!({"operator": "relatedTo", "blueprint": "image", "value": "web-1.4.2"})),
            &["web-staging"],
        ),
        (
            image(json!({"operator": "relatedTo", "blueprint": "service", "value": "web"})),
            images,
        ),
        (
            image(
                json!({"operator": "relatedTo", "blueprint": "service", "value": "web", "direction": "downstream"}),
            ),
            &[],
        ),
        (
            json!({"combinator": "or", "rules": [
                rule("$identifier", "=", json!("web")),
                and(&[rule("tags", "contains", json!("1.4.1")), rule("$title", "=", json!("web:1.4.1"))]),
            ]}),
            &["web-1.4.1", "web"],
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(find(&query), expected, "{query}");
    }
}

#[test]
fn queries_that_are_none_are_refused() {
    let deep = (0..40).fold(and(&[]), |inner, _| and(&[inner]));
    let cases = [
        json!({"rules": []}),
        json!({"combinator": "xor", "rules": []}),
        json!({"combinator": "and", "rules": {}}),
        json!({"combinator": "and", "rules": [1]}),
        json!({"combinator": "and", "rules": [], "more": 1}),
        and(&[json!({"operator": "="})]),
        and(&[json!({"property": "x", "operator": "="})]),
        and(&[rule("x", "like", json!("y"))]),
        and(&[json!({"operator": "relatedTo", "blueprint": "image"})]),
        deep,
    ];
    for query in cases {
        PortClient::new().expect(("POST", "/v1/entities/search", query, 422, "invalid_request"));
    }
}

#[test]
fn the_search_over_everything_names_the_blueprints() {
    let query = and(&[rule("$identifier", "beginsWith", json!("web-1"))]);
    let (_, answer) = PortClient::new().call("POST", "/v1/entities/search", &query);
    assert_eq!(answer["matchingBlueprints"], json!(["image"]));
    assert_eq!(answer["failedBlueprints"], json!([]));
}

#[test]
fn the_search_of_one_blueprint_comes_in_pages() {
    let path = "/v1/blueprints/image/entities/search";
    let mut client = PortClient::new();
    let (_, first) = client.call(
        "POST",
        path,
        &json!({"limit": 1, "include": ["identifier"]}),
    );
    assert_eq!(first["entities"], json!([{"identifier": "web-1.4.1"}]));
    let body = json!({"limit": 1, "from": first["next"], "include": ["identifier"]});
    let (_, second) = client.call("POST", path, &body);
    assert_eq!(second["entities"], json!([{"identifier": "web-1.4.2"}]));
    assert!(second.get("next").is_none());
    for body in [
        json!({"limit": 0}),
        json!({"limit": 1001}),
        json!({"query": []}),
    ] {
        client.expect(("POST", path, body, 422, "invalid_request"));
    }
    client.expect((
        "POST",
        "/v1/blueprints/none/entities/search",
        json!({}),
        404,
        "not_found",
    ));
}
