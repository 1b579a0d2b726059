//! GraphQL's answers: selected fields, nulls, and errors that come as a 200.

use serde_json::{Value, json};

use super::kit::{BenchAnswer, GitHubBench, MANIFEST, TEXT};

const QUERY: &str = "query($owner: String!, $name: String!, $ref: String!, $base: String!, $path: String!, $pulls: Boolean!) {
    repository(owner: $owner, name: $name) { id
        ref(qualifiedName: $ref) { target { ... on Commit { file(path: $path) { mode object { ... on Blob { text } } } } } }
        pullRequests(states: OPEN, baseRefName: $base, first: 50) @include(if: $pulls) { nodes { number } } } }";

fn ask(kit: &mut GitHubBench, pulls: bool) -> BenchAnswer {
    let variables = json!({
        "owner": "acme", "name": "gitops", "ref": "refs/heads/main", "base": "main", "path": MANIFEST, "pulls": pulls,
    });
    kit.post("/graphql", json!({"query": QUERY, "variables": variables}))
}

/// Takes a permission from the bench's token.
fn without(kit: &mut GitHubBench, permission: &str) {
    let mut token = kit.github.tokens.revoke("mock-github-token").unwrap();
    token.permissions.remove(permission);
    kit.github.tokens.insert("mock-github-token", token);
}

#[test]
fn an_answer_holds_the_selected_fields_and_no_others() {
    let mut kit = GitHubBench::new();
    kit.open("work");
    let id = kit.get("/repos/acme/gitops").body["node_id"].clone();
    let file = json!({"mode": 0o100_644, "object": {"text": TEXT}});
    let mut expected = json!({"id": id, "ref": {"target": {"file": file}}});
    assert_eq!(
        ask(&mut kit, false).body,
        json!({"data": {"repository": expected}})
    );
    expected["pullRequests"] = json!({"nodes": [{"number": 1}]});
    assert_eq!(
        ask(&mut kit, true).body,
        json!({"data": {"repository": expected}})
    );
    let missing = json!({"query": "{ repository { stargazerCount } }", "variables": {"owner": "acme", "name": "gitops"}});
    let seen = kit.post("/graphql", missing);
    assert_eq!(
        seen.body["errors"][0]["extensions"]["fieldName"],
        "stargazerCount"
    );
    assert_eq!(kit.github.unknown_routes.len(), 1);
}

#[test]
fn a_null_goes_up_to_the_field_that_may_be_null() {
    let mut kit = GitHubBench::new();
    without(&mut kit, "pull_requests");
    let seen = ask(&mut kit, true);
    assert_eq!(
        (seen.status, &seen.body["data"]),
        (200, &json!({"repository": null}))
    );
    assert_eq!(
        seen.body["errors"][0],
        json!({"type": "FORBIDDEN", "path": ["repository", "pullRequests"], "message": "Resource not accessible by integration"})
    );
    let seen = ask(&mut kit, false);
    assert!(
        seen.body["errors"].is_null(),
        "a field that is left out needs no permission"
    );
    let mut kit = GitHubBench::new();
    without(&mut kit, "contents");
    let seen = ask(&mut kit, true).body;
    assert_eq!(seen["data"]["repository"]["ref"], Value::Null);
    assert!(seen["data"]["repository"]["id"].is_string());
    assert_eq!(seen["errors"][0]["path"], json!(["repository", "ref"]));
}

#[test]
fn a_query_that_is_empty_is_a_bad_request_and_one_that_is_broken_is_not() {
    let mut kit = GitHubBench::new();
    for body in [json!({}), json!({"query": "  "})] {
        let seen = kit.post("/graphql", body);
        let message = "A query attribute must be specified and must be a string.";
        assert_eq!((seen.status, seen.message()), (400, message));
    }
    let seen = kit.post("/graphql", json!({"query": "{ repository("}));
    assert_eq!((seen.status, &seen.body["data"]), (200, &Value::Null));
    assert!(seen.body["errors"][0]["message"].is_string());
}

#[test]
fn the_limit_of_graphql_is_a_200_with_a_type_of_its_own() {
    let mut kit = GitHubBench::new();
    kit.github.rate_limits.limit = Some(1);
    ask(&mut kit, false);
    let seen = ask(&mut kit, false);
    assert_eq!(
        (seen.status, seen.header("x-ratelimit-remaining")),
        (200, "0")
    );
    let error = &seen.body["errors"][0];
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("RATE_LIMIT"), &json!("graphql_rate_limit"))
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("API rate limit already exceeded")
    );
    assert!(seen.body["data"].is_null());
}
