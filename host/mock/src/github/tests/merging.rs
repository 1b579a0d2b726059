//! Merging: every way, every refusal, and merges that wait.

use serde_json::{Value, json};

use super::super::*;
use super::kit::{GitHubBench, MANIFEST, TEXT};
use crate::git::{Oid, Signature};

/// A kit with one open pull request, and its head.
fn opened() -> (GitHubBench, String) {
    let mut kit = GitHubBench::new();
    kit.github.weather.unknown_mergeable = 0;
    let head = kit.open("work");
    (kit, head)
}

fn rules(change: impl FnOnce(&mut BranchRules)) -> BranchRules {
    let mut rules = BranchRules::default();
    change(&mut rules);
    rules
}

#[test]
fn each_method_makes_its_kind_of_commit() {
    let parents = |kit: &GitHubBench, id: &str| {
        let commit = kit
            .github
            .find("acme/gitops")
            .unwrap()
            .git
            .commit(id.parse::<Oid>().unwrap())
            .unwrap()
            .clone();
        (
            commit
                .parents
                .iter()
                .map(Oid::to_string)
                .collect::<Vec<_>>(),
            commit.message,
            commit.committer,
        )
    };
    for (method, count, message) in [
        (
            "merge",
            2,
            "Merge pull request #1 from acme/work\n\nPromote web",
        ),
        ("squash", 1, "Promote web (#1)"),
        ("rebase", 1, "promote web"),
    ] {
        let (mut kit, head) = opened();
        kit.github.commit_files(
            "acme/gitops",
            "main",
            "m",
            [("README.md".into(), "other".into())],
        );
        let base = kit.main();
        let seen = kit.ask(
            "PUT",
            "pulls/1/merge",
            json!({"sha": head, "merge_method": method}),
        );
        assert_eq!(
            (seen.status, &seen.body["message"]),
            (200, &json!("Pull Request successfully merged"))
        );
        let (parents, said, _) = parents(&kit, seen.body["sha"].as_str().unwrap());
        assert_eq!(
            (parents.len(), &parents[0], &*said),
            (count, &base, message)
        );
        assert_eq!(
            kit.github
                .file_at("acme/gitops", "main", "README.md")
                .unwrap(),
            "other"
        );
        assert_eq!(
            kit.github.file_at("acme/gitops", "main", MANIFEST).unwrap(),
            TEXT.replace("1.4.1", "1.4.2")
        );
    }
    let (mut kit, _) = opened();
    let seen = kit.ask(
        "PUT",
        "pulls/1/merge",
        json!({"commit_title": "title", "commit_message": "body"}),
    );
    let (_, said, by) = parents(&kit, seen.body["sha"].as_str().unwrap());
    assert_eq!(said, "title\n\nbody");
    assert_eq!(by, Signature::new("GitHub", "noreply@github.com", kit.now));
}

/// The change of the world that stands in the way, the merge's body, and the answer.
type AnswerRow = (&'static str, fn(&mut GitHubBench), Value, u16, &'static str);

fn refusals() -> Vec<AnswerRow> {
    fn rule(kit: &mut GitHubBench, change: impl FnOnce(&mut BranchRules)) {
        kit.repository().rules.insert("main".into(), rules(change));
    }
    fn check(kit: &mut GitHubBench, conclusion: Option<&str>) {
        rule(kit, |rules| rules.required_checks = vec!["test".into()]);
        let head = kit.repository().pulls[&1].head_sha;
        kit.github
            .set_check("acme/gitops", head, "test", conclusion);
    }
    let none = json!({});
    vec![
        (
            "another head",
            |_| {},
            json!({"sha": "0".repeat(40)}),
            409,
            "Head branch was modified. Review and try the merge again.",
        ),
        (
            "moving base",
            |kit| kit.github.weather.base_modified = 1,
            none.clone(),
            405,
            "Base branch was modified. Review and try the merge again.",
        ),
        (
            "conflict",
            |kit| {
                kit.github.commit_files(
                    "acme/gitops",
                    "main",
                    "m",
                    [(MANIFEST.into(), "x".into())],
                );
            },
            none.clone(),
            405,
            "Pull Request is not mergeable",
        ),
        (
            "closed",
            |kit| {
                kit.github.close_pull_request("acme/gitops", 1);
            },
            none.clone(),
            405,
            "Pull Request is not mergeable",
        ),
        (
            "merged",
            |kit| {
                kit.ask("PUT", "pulls/1/merge", json!({}));
            },
            none.clone(),
            405,
            "Pull Request is not mergeable",
        ),
        (
            "draft",
            |kit| kit.repository().pulls.get_mut(&1).unwrap().draft = true,
            none.clone(),
            405,
            "Pull Request is still a draft",
        ),
        (
            "no merges",
            |kit| kit.repository().settings.allow_merge_commit = false,
            none.clone(),
            405,
            "Merge commits are not allowed on this repository.",
        ),
        (
            "no squashes",
            |kit| kit.repository().settings.allow_squash_merge = false,
            json!({"merge_method": "squash"}),
            405,
            "Squash merges are not allowed on this repository.",
        ),
        (
            "no rebases",
            |kit| kit.repository().settings.allow_rebase_merge = false,
            json!({"merge_method": "rebase"}),
            405,
            "Rebase merges are not allowed on this repository.",
        ),
        (
            "linear history",
            |kit| rule(kit, |rules| rules.linear_history = true),
            none.clone(),
            405,
            "This branch must not contain merge commits.",
        ),
        (
            "methods",
            |kit| {
                rule(kit, |rules| {
                    rules.allowed_methods = Some(vec![Method::Squash])
                })
            },
            none.clone(),
            405,
            "Repository rule violations found\n\nMerge method merge is not allowed on this branch.\n\n",
        ),
        (
            "check expected",
            |kit| rule(kit, |rules| rules.required_checks = vec!["test".into()]),
            none.clone(),
            405,
            "Required status check \"test\" is expected.",
        ),
        (
            "check pending",
            |kit| check(kit, None),
            none.clone(),
            405,
            "Required status check \"test\" is pending.",
        ),
        (
            "check failing",
            |kit| check(kit, Some("failure")),
            none.clone(),
            405,
            "Required status check \"test\" is failing.",
        ),
        (
            "checks",
            |kit| {
                rule(kit, |rules| {
                    rules.required_checks = vec!["a".into(), "b".into()]
                })
            },
            none.clone(),
            405,
            "2 of 2 required status checks are expected.",
        ),
        (
            "approval",
            |kit| rule(kit, |rules| rules.required_approvals = 1),
            none.clone(),
            405,
            "At least 1 approving review is required by reviewers with write access.",
        ),
        (
            "approvals",
            |kit| {
                rule(kit, |rules| rules.required_approvals = 2);
                kit.github.approve("acme/gitops", 1, "erin");
                kit.github.approve("acme/gitops", 1, "erin");
            },
            none.clone(),
            405,
            "At least 2 approving reviews are required by reviewers with write access.",
        ),
        (
            "push",
            |kit| rule(kit, |rules| rules.restricts_pushes = true),
            none.clone(),
            405,
            "You're not authorized to push to this branch.",
        ),
        (
            "queue",
            |kit| rule(kit, |rules| rules.merge_queue = true),
            none.clone(),
            405,
            "Repository rule violations found\n\nChanges must be made through the merge queue\n\n",
        ),
        (
            "behind",
            |kit| {
                rule(kit, |rules| rules.strict = true);
                kit.github.commit_files(
                    "acme/gitops",
                    "main",
                    "m",
                    [("README.md".into(), "x".into())],
                );
            },
            none.clone(),
            405,
            "Head branch is out of date with the base branch.",
        ),
        (
            "method",
            |_| {},
            json!({"merge_method": "octopus"}),
            422,
            "Invalid request.\n\nmerge_method is not one of merge, squash, rebase.",
        ),
        (
            "number",
            |kit| {
                kit.repository().pulls.clear();
            },
            none,
            404,
            "Not Found",
        ),
    ]
}

#[test]
fn every_refusal_of_a_merge() {
    for (name, prepare, body, status, message) in refusals() {
        let (mut kit, _) = opened();
        prepare(&mut kit);
        let before = kit.main();
        let seen = kit.ask("PUT", "pulls/1/merge", body);
        assert_eq!((seen.status, seen.message()), (status, message), "{name}");
        assert_eq!(kit.main(), before, "{name}");
    }
}

#[test]
fn a_passing_obstacle_passes() {
    let (mut kit, head) = opened();
    kit.github.weather.base_modified = 2;
    let statuses: Vec<u16> = (0..3)
        .map(|_| kit.ask("PUT", "pulls/1/merge", json!({"sha": head})).status)
        .collect();
    assert_eq!(statuses, [405, 405, 200]);
    let (mut kit, head) = opened();
    kit.repository().rules.insert(
        "main".into(),
        rules(|rules| {
            rules.required_approvals = 1;
            rules.required_checks = vec!["test".into(), "deploy".into()];
        }),
    );
    kit.github.approve("acme/gitops", 1, "erin");
    let commit = head.parse().unwrap();
    kit.github
        .set_check("acme/gitops", commit, "test", Some("skipped"));
    assert_eq!(
        kit.ask("PUT", "pulls/1/merge", json!({})).message(),
        "Required status check \"deploy\" is expected."
    );
    kit.post(
        &format!("statuses/{head}"),
        json!({"state": "success", "context": "deploy"}),
    );
    assert_eq!(kit.ask("PUT", "pulls/1/merge", json!({})).status, 200);
}

#[test]
fn a_merged_branch_may_go_by_itself() {
    let (mut kit, head) = opened();
    kit.repository().settings.delete_branch_on_merge = true;
    assert_eq!(
        kit.ask("PUT", "pulls/1/merge", json!({"sha": head})).status,
        200
    );
    assert_eq!(kit.github.branches("acme/gitops"), ["main"]);
    let seen = kit.ask("DELETE", "git/refs/heads/work", Value::Null);
    assert_eq!(
        (seen.status, seen.message()),
        (422, "Reference does not exist")
    );
    assert_eq!(kit.get("pulls/1").body["merged"], true);
    assert_eq!(kit.get("pulls/1/merge").status, 204);
}

#[test]
fn a_branch_is_brought_up_to_date() {
    let (mut kit, head) = opened();
    let update = |kit: &mut GitHubBench, head: &str| {
        kit.ask(
            "PUT",
            "pulls/1/update-branch",
            json!({"expected_head_sha": head}),
        )
    };
    assert_eq!(
        update(&mut kit, &head).message(),
        "There are no new commits on the base branch."
    );
    kit.github.commit_files(
        "acme/gitops",
        "main",
        "m",
        [("README.md".into(), "x".into())],
    );
    assert_eq!(update(&mut kit, &"0".repeat(40)).status, 422);
    assert_eq!(update(&mut kit, &head).status, 202);
    assert_ne!(kit.get("pulls/1").body["head"]["sha"], head);
    assert_eq!(kit.get("compare/main...work").body["status"], "ahead");
    kit.github
        .commit_files("acme/gitops", "main", "m", [(MANIFEST.into(), "x".into())]);
    let body = kit.ask("PUT", "pulls/1/update-branch", json!({}));
    assert_eq!(
        (body.status, body.message()),
        (422, "merge conflict between base and head")
    );
}

#[test]
fn rebases_stop_at_a_conflict() {
    let (mut kit, _) = opened();
    kit.github
        .commit_files("acme/gitops", "main", "m", [(MANIFEST.into(), "x".into())]);
    let seen = kit.ask("PUT", "pulls/1/merge", json!({"merge_method": "rebase"}));
    assert_eq!(
        (seen.status, seen.message()),
        (405, "This branch can't be rebased")
    );
}

/// Sends a mutation about the first pull request.
fn mutate(kit: &mut GitHubBench, name: &str, more: Value) -> super::kit::BenchAnswer {
    let id = kit.get("pulls/1").body["node_id"].clone();
    let input = shapes::with(json!({"pullRequestId": id}), more);
    let query = format!(
        "mutation($input: {name}Input!) {{ {name}(input: $input) {{ clientMutationId }} }}"
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
    kit.repository().ci.push(Ci {
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
        Token {
            permissions: Permissions::new(),
            ..Token::full(TokenKind::Actions, "x")
        },
    );
    let seen = kit.post("/graphql", json!({"query": query, "variables": {"id": id}}));
    assert_eq!(
        (seen.status, &seen.body["errors"][0]["type"]),
        (200, &json!("FORBIDDEN"))
    );
}

#[test]
fn branches_merge_without_a_pull_request() {
    let (mut kit, head) = opened();
    kit.branch("clash", MANIFEST, "other");
    let merge = |kit: &mut GitHubBench, head: &str| {
        kit.post("merges", json!({"base": "main", "head": head}))
    };
    let merged = merge(&mut kit, &head);
    assert_eq!(
        (merged.status, &merged.body["sha"]),
        (201, &json!(kit.main()))
    );
    assert_eq!(kit.get("pulls/1").body["merged"], true);
    let cases = [
        ("work", 204, ""),
        ("none", 404, "Head does not exist"),
        ("clash", 409, "Merge conflict"),
    ];
    for (head, status, message) in cases {
        let seen = merge(&mut kit, head);
        assert_eq!((seen.status, seen.message()), (status, message));
    }
}
