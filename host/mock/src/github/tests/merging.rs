//! Merging: every way, every refusal, and merges that wait.

use serde_json::{Value, json};

use super::super::*;
use super::kit::{GitHubBench, MANIFEST, TEXT};
use crate::git::{CommitSignature, ObjectId};

/// Returns a bench with one open pull request, and its head.
pub(super) fn opened() -> (GitHubBench, String) {
    let mut kit = GitHubBench::new();
    kit.github.weather.unknown_mergeable = 0;
    let head = kit.open("work");
    (kit, head)
}

/// Returns rules with a change to the default.
pub(super) fn rules(change: impl FnOnce(&mut BranchRules)) -> BranchRules {
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
            .commit(id.parse::<ObjectId>().unwrap())
            .unwrap()
            .clone();
        (
            commit
                .parents
                .iter()
                .map(ObjectId::to_string)
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
    assert_eq!(
        by,
        CommitSignature::new("GitHub", "noreply@github.com", kit.now)
    );
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
        "Repository rule violations found\n\nRequired status check \"deploy\" is expected.\n\n"
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
