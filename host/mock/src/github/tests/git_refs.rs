//! Refs: made, moved, deleted and read by name, also while reads lag behind writes.

use serde_json::{Value, json};

use super::super::*;
use super::kit::GitHubBench;

#[test]
fn refs_are_read_by_their_whole_name() {
    let mut kit = GitHubBench::new();
    kit.branch("promote/web", "x", "1");
    for path in ["git/ref/heads/promote/web", "git/ref/heads%2Fpromote%2Fweb"] {
        assert_eq!(kit.get(path).body["ref"], "refs/heads/promote/web");
    }
    for path in [
        "git/ref/heads/promote",
        "git/ref/refs/heads/main",
        "git/ref/main",
        "git/ref/heads/none",
    ] {
        assert_eq!(kit.get(path).status, 404, "{path}");
    }
    let names = |seen: super::kit::BenchAnswer| {
        seen.body
            .as_array()
            .unwrap()
            .iter()
            .map(|found| found["ref"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(kit.get("git/matching-refs/heads/pro")),
        ["refs/heads/promote/web"]
    );
    assert_eq!(
        names(kit.get("git/matching-refs/heads/none")),
        [Value::Null; 0]
    );
}

#[test]
fn every_row_of_making_a_ref() {
    let mut kit = GitHubBench::new();
    let main = kit.main();
    kit.branch("a/b", "x", "1");
    let tree = kit.get("git/trees/main").body["sha"].clone();
    let cases = [
        (json!({"ref": "refs/heads/new", "sha": main}), 201, ""),
        (
            json!({"ref": "refs/heads/main", "sha": main}),
            422,
            "Reference already exists",
        ),
        (
            json!({"ref": "refs/heads/x", "sha": "0".repeat(40)}),
            422,
            "Object does not exist",
        ),
        (
            json!({"ref": "refs/heads/x", "sha": "main"}),
            422,
            "Object does not exist",
        ),
        (
            json!({"ref": "refs/heads/x", "sha": tree}),
            422,
            "Object does not exist",
        ),
        (
            json!({"ref": "refs/heads/a", "sha": main}),
            422,
            "Reference update failed",
        ),
        (
            json!({"ref": "refs/heads/main/x", "sha": main}),
            422,
            "Reference update failed",
        ),
        (
            json!({"ref": "refs/heads/bad..name", "sha": main}),
            422,
            "refs/heads/bad..name is not a valid ref name.",
        ),
        (
            json!({"ref": "refs/heads/bad name", "sha": main}),
            422,
            "refs/heads/bad name is not a valid ref name.",
        ),
        (
            json!({"ref": "heads/x", "sha": main}),
            422,
            "Reference name must start with 'refs/' and have at least two slashes.",
        ),
        (
            json!({"sha": main}),
            422,
            "Invalid request.\n\n\"ref\" wasn't supplied.",
        ),
        (
            json!({"ref": "refs/heads/x"}),
            422,
            "Invalid request.\n\n\"sha\" wasn't supplied.",
        ),
    ];
    for (body, status, message) in cases {
        let seen = kit.clone().post("git/refs", body.clone());
        assert_eq!((seen.status, seen.message()), (status, message), "{body}");
        assert_eq!(
            seen.status == 201,
            seen.header("location")
                == "https://api.github.com/repos/acme/gitops/git/refs/heads/new"
        );
    }
}

#[test]
fn every_row_of_moving_and_deleting_a_ref() {
    let mut kit = GitHubBench::new();
    let main = kit.main();
    let ahead = kit.branch("work", "x", "1");
    let other = kit.branch("other", "y", "2");
    let rules = BranchRules {
        require_pull_request: true,
        ..BranchRules::default()
    };
    kit.repository().rules.insert("guarded".into(), rules);
    kit.github
        .commit_files("acme/gitops", "guarded", "m", [("z".into(), "3".into())]);
    let ruled =
        "Repository rule violations found\n\nChanges must be made through a pull request.\n\n";
    let cases = [
        ("PATCH", "heads/work", json!({"sha": ahead}), 200, ""),
        ("PATCH", "heads%2Fmain", json!({"sha": ahead}), 200, ""),
        (
            "PATCH",
            "heads/work",
            json!({"sha": main}),
            422,
            "Update is not a fast forward",
        ),
        (
            "PATCH",
            "heads/work",
            json!({"sha": other, "force": false}),
            422,
            "Update is not a fast forward",
        ),
        (
            "PATCH",
            "heads/work",
            json!({"sha": other, "force": true}),
            200,
            "",
        ),
        (
            "PATCH",
            "heads/none",
            json!({"sha": main}),
            422,
            "Reference does not exist",
        ),
        (
            "PATCH",
            "refs/heads/work",
            json!({"sha": main}),
            422,
            "Reference does not exist",
        ),
        (
            "PATCH",
            "heads/work",
            json!({"sha": "0".repeat(40)}),
            422,
            "Object does not exist",
        ),
        (
            "PATCH",
            "heads/work",
            json!({}),
            422,
            "Invalid request.\n\n\"sha\" wasn't supplied.",
        ),
        (
            "PATCH",
            "heads/guarded",
            json!({"sha": main, "force": true}),
            422,
            ruled,
        ),
        ("DELETE", "heads/work", Value::Null, 204, ""),
        (
            "DELETE",
            "heads/none",
            Value::Null,
            422,
            "Reference does not exist",
        ),
        (
            "DELETE",
            "heads/main",
            Value::Null,
            422,
            "Cannot delete the default branch",
        ),
    ];
    for (method, name, body, status, message) in cases {
        let seen = kit
            .clone()
            .ask(method, &format!("git/refs/{name}"), body.clone());
        assert_eq!(
            (seen.status, seen.message()),
            (status, message),
            "{method} {name} {body}"
        );
    }
}

#[test]
fn reads_may_lag_behind_writes() {
    let mut kit = GitHubBench::new();
    kit.github.weather.stale_reads = 2;
    let before = kit.main();
    let head = kit.branch("work", "x", "1");
    let pull = json!({"title": "t", "head": "work", "base": "main"});
    assert_eq!(
        kit.post("pulls", pull.clone()).body["errors"],
        json!([{"resource": "PullRequest", "field": "head", "code": "invalid"}])
    );
    assert_eq!(kit.get("git/ref/heads/work").status, 404);
    assert_eq!(kit.get("git/ref/heads/work").body["object"]["sha"], head);
    assert_eq!(
        kit.ask("PATCH", "git/refs/heads/main", json!({"sha": head}))
            .body["object"]["sha"],
        head
    );
    assert_eq!(kit.get("git/ref/heads/main").body["object"]["sha"], before);
    assert_eq!(kit.get("commits/main").body["sha"], before);
    assert_eq!(kit.get("commits/main").body["sha"], head);
}

#[test]
fn no_read_lags_for_longer_than_some_minutes() {
    let mut kit = GitHubBench::new();
    kit.github.weather.stale_reads = 1000;
    let before = kit.main();
    let head = kit.branch("work", "x", "1");
    kit.wait(300);
    kit.ask("PATCH", "git/refs/heads/main", json!({"sha": head}));
    kit.wait(299);
    assert_eq!(kit.get("git/ref/heads/main").body["object"]["sha"], before);
    kit.wait(1);
    assert_eq!(kit.get("git/ref/heads/main").body["object"]["sha"], head);
}

#[test]
fn an_empty_repository_conflicts() {
    let mut kit = GitHubBench::new();
    kit.github.create_repository("acme/empty", [("", ""); 0]);
    for (method, path) in [
        ("GET", "git/ref/heads/main"),
        ("POST", "git/trees"),
        ("GET", "git/matching-refs/heads"),
        ("POST", "git/blobs"),
    ] {
        let body = if method == "POST" {
            json!({"tree": [], "content": ""})
        } else {
            Value::Null
        };
        let seen = kit.ask(method, &format!("/repos/acme/empty/{path}"), body);
        assert_eq!(
            (seen.status, seen.message()),
            (409, "Git Repository is empty.")
        );
    }
}

#[test]
fn graphql_makes_a_ref_and_tells_where_the_base_is() {
    let mut kit = GitHubBench::new();
    let main = json!(kit.main());
    let id = kit.get("/repos/acme/gitops").body["node_id"].clone();
    let query = "mutation($repository: ID!, $ref: String!, $commit: GitObjectID!, $base: String!) {
        createRef(input: {repositoryId: $repository, name: $ref, oid: $commit})
        { ref { repository { ref(qualifiedName: $base) { target { oid } } } } } }";
    let mut create = |repository: &Value, name: &str, commit: &Value| {
        let variables = json!({"repository": repository, "ref": name, "commit": commit, "base": "refs/heads/main"});
        kit.post("/graphql", json!({"query": query, "variables": variables}))
            .body
    };
    let made = create(&id, "refs/heads/new", &main);
    assert_eq!(
        made["data"]["createRef"]["ref"]["repository"]["ref"]["target"]["oid"],
        main
    );
    let no = json!("0".repeat(40));
    for (repository, name, commit, expected) in [
        (&id, "refs/heads/new", &main, "already exists"),
        (&id, "new", &main, "must start with"),
        (&id, "refs/heads/other", &no, "does not exist"),
        (&no, "refs/heads/other", &main, "Could not resolve"),
    ] {
        let refused = create(repository, name, commit);
        let said = refused["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(said.contains(expected), "{said:?} lacks {expected:?}");
    }
}
