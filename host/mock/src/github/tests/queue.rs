//! GraphQL's mutations: auto-merge and the merge queue.

use serde_json::{Value, json};

use super::super::*;
use super::kit::{BenchAnswer, GitHubBench, MANIFEST};
use super::merging::{opened, rules};

/// Sends a mutation about the first pull request.
fn mutate(kit: &mut GitHubBench, name: &str, more: Value) -> BenchAnswer {
    let id = kit.get("pulls/1").body["node_id"].clone();
    let input = shapes::with(json!({"pullRequestId": id}), more);
    let query = format!(
        "mutation($input: {name}Input!) {{ {name}(input: $input) {{ clientMutationId mergeQueueEntry {{ state }} }} }}"
    );
    kit.post(
        "/graphql",
        json!({"query": query, "variables": {"input": input}}),
    )
}

#[test]
fn auto_merge_is_refused_in_github_s_words() {
    type WorldEdit = fn(&mut GitHubBench);
    let wait: WorldEdit = |kit| {
        kit.repository().settings.allow_auto_merge = true;
        kit.repository().rules.insert(
            "main".into(),
            rules(|rules| rules.required_checks = vec!["test".into()]),
        );
    };
    let allowed: WorldEdit = |kit| kit.repository().settings.allow_auto_merge = true;
    let unstable: WorldEdit = |kit| {
        kit.repository().settings.allow_auto_merge = true;
        let head = kit.repository().pulls[&1].head_sha;
        kit.github.set_check("acme/gitops", head, "lint", None);
    };
    let conflict: WorldEdit = |kit| {
        kit.repository().settings.allow_auto_merge = true;
        kit.github
            .commit_files("acme/gitops", "main", "m", [(MANIFEST.into(), "x".into())]);
    };
    let nothing: WorldEdit = |_| {};
    let cases = [
        (
            nothing,
            json!({}),
            "Auto merge is not allowed for this repository",
        ),
        (
            allowed,
            json!({}),
            "Pull request Pull request is in clean status",
        ),
        (
            unstable,
            json!({}),
            "Pull request Pull request is in unstable status",
        ),
        (
            conflict,
            json!({}),
            "Protected branch rules not configured for this branch",
        ),
        (
            wait,
            json!({"expectedHeadOid": "0".repeat(40)}),
            "Expected head sha didn't match current head ref.",
        ),
        (
            wait,
            json!({"pullRequestId": "PR_none"}),
            "Could not resolve to a node with the global id of 'PR_none'",
        ),
        (wait, json!({"mergeMethod": "SQUASH"}), ""),
    ];
    for (prepare, more, message) in cases {
        let (mut kit, _) = opened();
        prepare(&mut kit);
        let seen = mutate(&mut kit, "enablePullRequestAutoMerge", more);
        let said = seen.body["errors"][0]["message"]
            .as_str()
            .unwrap_or_default();
        assert_eq!((seen.status, said), (200, message));
        assert_eq!(
            kit.get("pulls/1").body["auto_merge"].is_object(),
            message.is_empty()
        );
    }
}

#[test]
fn auto_merge_waits_for_the_check_and_may_be_called_off() {
    let (mut kit, _) = opened();
    kit.repository().settings.allow_auto_merge = true;
    kit.repository().rules.insert(
        "main".into(),
        rules(|rules| rules.required_checks = vec!["test".into()]),
    );
    let takes = Some(jiff::SignedDuration::from_mins(5));
    kit.repository().ci.push(PushCheck {
        name: "test".into(),
        takes,
        conclusion: "success".into(),
    });
    kit.github
        .commit_files("acme/gitops", "work", "more", [("x".into(), "1".into())]);
    let set = json!({"mergeMethod": "SQUASH"});
    assert!(mutate(&mut kit, "enablePullRequestAutoMerge", set.clone()).body["errors"].is_null());
    let mut called_off = kit.clone();
    mutate(&mut called_off, "disablePullRequestAutoMerge", json!({}));
    for (minutes, merged, merged_without) in [(4, false, false), (1, true, false)] {
        kit.wait(minutes * 60);
        called_off.now = kit.now;
        assert_eq!(kit.get("pulls/1").body["merged"], merged);
        assert_eq!(called_off.get("pulls/1").body["merged"], merged_without);
    }
}

#[test]
fn the_queue_takes_its_time() {
    let (mut kit, head) = opened();
    assert_eq!(
        mutate(&mut kit, "enqueuePullRequest", json!({})).body["errors"][0]["type"],
        "UNPROCESSABLE"
    );
    kit.repository()
        .rules
        .insert("main".into(), rules(|rules| rules.merge_queue = true));
    let seen = mutate(
        &mut kit,
        "enqueuePullRequest",
        json!({"expectedHeadOid": head}),
    );
    assert_eq!(
        seen.body["data"]["enqueuePullRequest"]["mergeQueueEntry"]["state"],
        "QUEUED"
    );
    assert!(mutate(&mut kit, "enqueuePullRequest", json!({})).body["errors"].is_array());
    assert_eq!(kit.get("pulls/1").body["merged"], false);
    kit.wait(60);
    assert_eq!(kit.get("pulls/1").body["merged"], true);
}

#[test]
fn graphql_takes_arguments_in_the_query_too() {
    let (mut kit, head) = opened();
    kit.repository()
        .rules
        .insert("main".into(), rules(|rules| rules.merge_queue = true));
    let id = kit.get("pulls/1").body["node_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let query = format!(
        "mutation {{ enqueuePullRequest(input: {{pullRequestId: \"{id}\", expectedHeadOid: \"{head}\"}}) {{ clientMutationId }} }}"
    );
    assert!(kit.post("/graphql", json!({"query": query})).body["errors"].is_null());
    let query = "mutation($id: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $id}) { clientMutationId } }";
    assert!(
        kit.post("/graphql", json!({"query": query, "variables": {"id": id}}))
            .body["errors"]
            .is_null()
    );
    assert_eq!(
        kit.post("/graphql", json!({"query": "{ viewer { login } }"}))
            .body["errors"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(kit.github.unknown_routes.len(), 1);
    kit.github.tokens.insert(
        "mock-github-token",
        GitHubToken {
            permissions: PermissionTable::new(),
            ..GitHubToken::full(TokenKind::Actions, "x")
        },
    );
    let seen = kit.post("/graphql", json!({"query": query, "variables": {"id": id}}));
    assert_eq!(
        (seen.status, &seen.body["errors"][0]["type"]),
        (200, &json!("FORBIDDEN"))
    );
}

/// Rules of a branch with a queue and a required check, and a repository that allows auto-merge.
fn with_queue(kit: &mut GitHubBench) {
    kit.repository().settings.allow_auto_merge = true;
    let rules = rules(|rules| {
        rules.merge_queue = true;
        rules.required_checks = vec!["test".into()];
    });
    kit.repository().rules.insert("main".into(), rules);
}

fn pass(kit: &mut GitHubBench) {
    let head = kit.repository().pulls[&1].head_sha;
    kit.github
        .set_check("acme/gitops", head, "test", Some("success"));
}

fn is_merged(kit: &mut GitHubBench) -> bool {
    kit.wait(120);
    kit.get("pulls/1").body["merged"] == true
}

#[test]
fn a_queue_takes_only_what_is_green() {
    let (mut kit, _) = opened();
    with_queue(&mut kit);
    let refused = mutate(&mut kit, "enqueuePullRequest", json!({}));
    assert_eq!(
        refused.body["errors"][0]["message"],
        "Pull request is not mergeable."
    );
    pass(&mut kit);
    mutate(&mut kit, "enqueuePullRequest", json!({}));
    assert!(is_merged(&mut kit));
}

#[test]
fn auto_merge_joins_the_queue_only_if_it_was_armed_before_the_pull_request_was_green() {
    let (mut kit, _) = opened();
    with_queue(&mut kit);
    let mut late = kit.clone();
    assert!(mutate(&mut kit, "enablePullRequestAutoMerge", json!({})).body["errors"].is_null());
    pass(&mut kit);
    assert!(!is_merged(&mut kit), "it joins the queue first");
    assert!(is_merged(&mut kit));
    pass(&mut late);
    assert!(mutate(&mut late, "enablePullRequestAutoMerge", json!({})).body["errors"].is_null());
    assert!(!is_merged(&mut late));
    assert!(!is_merged(&mut late), "GitHub never queues it");
    let refused = mutate(&mut late, "enqueuePullRequest", json!({}));
    assert!(refused.body["errors"].is_null());
    assert!(is_merged(&mut late));
}

#[test]
fn a_workflow_s_own_token_jams_the_queue_for_everybody() {
    let (mut kit, _) = opened();
    with_queue(&mut kit);
    pass(&mut kit);
    let head = kit.branch("second", "other.txt", "x");
    kit.post(
        "pulls",
        json!({"title": "Second", "head": "second", "base": "main"}),
    );
    kit.github.set_check(
        "acme/gitops",
        head.parse().unwrap(),
        "test",
        Some("success"),
    );
    let token = GitHubToken::full(TokenKind::Actions, "github-actions[bot]");
    let app = kit.github.tokens.revoke("mock-github-token").unwrap();
    kit.github.tokens.insert("mock-github-token", token);
    let seen = mutate(&mut kit, "enqueuePullRequest", json!({}));
    let entry = &seen.body["data"]["enqueuePullRequest"]["mergeQueueEntry"];
    assert_eq!(entry["state"], "AWAITING_CHECKS");
    kit.github.tokens.insert("mock-github-token", app);
    let second = kit.get("pulls/2").body["node_id"].clone();
    mutate(
        &mut kit,
        "enqueuePullRequest",
        json!({"pullRequestId": second}),
    );
    assert!(!is_merged(&mut kit));
    assert_eq!(kit.get("pulls/2").body["merged"], false);
    kit.github.close_pull_request("acme/gitops", 1);
    kit.wait(1);
    assert_eq!(kit.get("pulls/2").body["merged"], true);
}
