#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Value, json};

use super::read::blob_id;
use super::{App, Client, Credentials, Repository};
use crate::core::contract::{
    CheckState, Failure, FileChange, MergeMethod, Mergeability, Merged, Proposal, PullFilter, PullRequest,
    PullState,
};
use crate::core::http::script::{Outcome, START, Script, answer, lost, rows, with};
use crate::core::secret::Secret;

const R: &str = "acme/gitops";
/// Commits: the base, the one that a proposal makes, and one of somebody else.
const BASE: &str = "1111111111111111111111111111111111111111";
const OURS: &str = "2222222222222222222222222222222222222222";
const FOREIGN: &str = "3333333333333333333333333333333333333333";

/// A step: what is sent, below the repository, and what comes back.
type Step = (&'static str, Outcome);

fn github(steps: Vec<Step>) -> (Client, Arc<Script>) {
    let full = |call: &str| match call.split_once(' ').unwrap() {
        (method, target) if target.starts_with('!') => format!("{method} {}", &target[1..]),
        (method, target) => format!("{method} /repos/acme/gitops{target}"),
    };
    let calls: Vec<_> = steps.iter().map(|(call, _)| full(call)).collect();
    let outcomes = steps.into_iter().map(|(_, outcome)| outcome);
    let script = Script::new(calls.iter().map(String::as_str).zip(outcomes).collect());
    let token = Credentials::Token(Secret::new("t", "mock-github-token").unwrap());
    (Client::new("https://hub.test", token, script.session()).unwrap(), script)
}

/// The kind of a failure and its text.
fn kind<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    let text = format!("{:?}", result.unwrap_err());
    text.strip_prefix("Failure::").unwrap_or(&text).to_owned()
}

fn said(text: &str) -> Value {
    json!({ "message": text, "status": "422" })
}

fn custom(text: &str) -> Outcome {
    let errors = [json!({ "resource": "PullRequest", "code": "custom", "message": text })];
    answer(422, json!({ "message": "Validation Failed", "errors": errors }))
}

/// A pull request from `promote/web` to `main`, with some fields replaced.
fn pull(fields: Value) -> Value {
    let repo = json!({ "id": 1, "full_name": "acme/gitops" });
    let mut pull = json!({
        "number": 7, "node_id": "PR_7", "html_url": "https://hub.test/7", "title": "t", "state": "open",
        "head": { "ref": "promote/web", "sha": OURS, "repo": repo },
        "base": { "ref": "main", "sha": BASE, "repo": repo },
        "merge_commit_sha": "trial", "merged_at": null, "draft": false,
        "merged": false, "mergeable": true, "mergeable_state": "clean",
    });
    for (name, value) in fields.as_object().unwrap() {
        pull[name] = value.clone();
    }
    pull
}

fn merged() -> Value {
    let at = "2026-01-06T10:00:00Z";
    pull(
        json!({ "state": "closed", "merged": true, "merged_at": at, "merge_commit_sha": "m1", "mergeable": null }),
    )
}

fn elsewhere(sha: &str) -> Value {
    let mut pull = pull(json!({}));
    pull["head"]["sha"] = sha.into();
    pull
}

// ---- reading

fn content(text: &[u8]) -> Value {
    let base64 = BASE64_STANDARD.encode(text);
    let wrapped: Vec<_> = base64.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line)).collect();
    json!({ "type": "file", "path": "a/b.yaml", "size": text.len(), "sha": blob_id(text),
        "encoding": "base64", "content": wrapped.join("\n") + "\n" })
}

const CONTENT: &str = "GET /contents/a/b.yaml?ref=1111111111111111111111111111111111111111";

#[tokio::test]
async fn reads_a_file_at_the_commit_that_a_branch_names() {
    let text = "\u{feff}image: x\r\n".repeat(20);
    let head = answer(200, json!({ "ref": "refs/heads/main", "object": { "sha": BASE } }));
    let (github, script) =
        github(vec![("GET /git/ref/heads/main", head), (CONTENT, answer(200, content(text.as_bytes())))]);
    let file = github.repo(R).unwrap().file("a/b.yaml", "main").await.unwrap().unwrap();
    assert_eq!((file.content, file.commit.as_str()), (text.clone(), BASE));
    assert_eq!(file.blob, blob_id(text.as_bytes()));
    script.end();
    let request = &script.sent.lock().unwrap()[0];
    let headers =
        ["authorization", "accept", "x-github-api-version"].map(|h| request.headers()[h].to_str().unwrap());
    assert_eq!(headers, ["Bearer mock-github-token", "application/vnd.github+json", "2022-11-28"]);
    assert!(request.headers()["user-agent"].to_str().unwrap().starts_with("promote/"));
}

#[test]
fn names_blobs_as_git_does() {
    assert_eq!(blob_id(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    assert_eq!(blob_id(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
}

#[tokio::test]
async fn refuses_what_is_no_text_file() {
    let mut large = content(b"x");
    large["size"] = json!(2 * 1024 * 1024);
    large["encoding"] = json!("none");
    let mut followed = content(b"x");
    followed["path"] = json!("a/other.yaml");
    let mut link = content(b"x");
    link["sha"] = json!(blob_id(b"other.yaml"));
    for (body, expected) in [
        (json!([{ "type": "file" }]), "is a directory"),
        (json!({ "type": "symlink", "target": "x" }), "is a symlink"),
        (json!({ "type": "submodule" }), "is a submodule"),
        (content(b"ab\xffc"), "byte 2 "),
        (large, "more than"),
        (followed, "symbolic link"),
        (link, "symbolic link"),
    ] {
        let (github, _) = github(vec![(CONTENT, answer(200, body))]);
        let failure = kind(github.repo(R).unwrap().file("a/b.yaml", BASE).await);
        assert!(failure.starts_with("Rejected") && failure.contains(expected), "{failure}");
    }
}

#[tokio::test]
async fn tells_a_missing_file_from_a_missing_revision() {
    let none = || answer(404, said("Not Found"));
    let here = "GET /git/commits/1111111111111111111111111111111111111111";
    let (client, script) = github(vec![(CONTENT, none()), (here, answer(200, json!({ "sha": BASE })))]);
    assert_eq!(client.repo(R).unwrap().file("a/b.yaml", BASE).await.unwrap(), None);
    script.end();
    let (client, script) = github(vec![(CONTENT, none()), (here, none())]);
    assert!(kind(client.repo(R).unwrap().file("a/b.yaml", BASE).await).starts_with("NotFound"));
    script.end();
    let (client, script) = github(vec![
        ("GET /git/ref/heads/v1", none()),
        ("GET /commits/v1", answer(200, json!({ "sha": BASE }))),
        (CONTENT, none()),
    ]);
    assert_eq!(client.repo(R).unwrap().file("a/b.yaml", "v1").await.unwrap(), None);
    script.end();
    for repository in ["acme", "acme/", "/x", "a/b/c", "../x"] {
        assert!(kind(client.repo(repository).map(drop)).starts_with("Rejected"), "{repository}");
    }
}

#[tokio::test]
async fn waits_for_mergeability_only_while_it_can_come() {
    let unknown = || answer(200, pull(json!({ "mergeable": null, "mergeable_state": "unknown" })));
    let get = "GET /pulls/7";
    let (client, script) =
        github(vec![(get, unknown()), (get, unknown()), (get, answer(200, pull(json!({}))))]);
    assert_eq!(client.repo(R).unwrap().pull_request(7).await.unwrap().mergeable, Mergeability::Ready);
    assert_eq!(script.end(), 1);
    let (client, script) = github(vec![(get, answer(200, merged()))]);
    let found = client.repo(R).unwrap().pull_request(7).await.unwrap();
    assert_eq!((found.state, found.merge_commit.as_deref()), (PullState::Merged, Some("m1")));
    assert_eq!(script.end(), 0);
    for (fields, expected) in [
        (json!({ "mergeable": false, "mergeable_state": "dirty" }), Mergeability::Conflicting),
        (json!({ "mergeable_state": "blocked" }), Mergeability::Blocked),
        (json!({ "mergeable_state": "behind" }), Mergeability::Behind),
        (json!({ "mergeable_state": "unstable" }), Mergeability::Ready),
        (json!({ "mergeable_state": "has_hooks" }), Mergeability::Ready),
        (json!({ "draft": true, "mergeable_state": "draft" }), Mergeability::Draft),
        (json!({ "mergeable_state": "novel" }), Mergeability::Unknown),
    ] {
        let (client, _) = github(vec![(get, answer(200, pull(fields)))]);
        assert_eq!(client.repo(R).unwrap().pull_request(7).await.unwrap().mergeable, expected);
    }
}

#[tokio::test]
async fn believes_no_list_of_pull_requests() {
    let mut fork = pull(json!({ "number": 8 }));
    fork["head"]["repo"]["id"] = json!(2);
    let mut gone = pull(json!({ "number": 9 }));
    gone["head"]["repo"] = Value::Null;
    let mut other = pull(json!({ "number": 10 }));
    other["head"]["ref"] = json!("promote/web-2");
    let mut base = pull(json!({ "number": 11 }));
    base["base"]["ref"] = json!("release");
    let list = || json!([fork.clone(), gone.clone(), other.clone(), base.clone()]);
    let next = "<https://hub.test/repositories/1/pulls?page=2>; rel=\"next\"";
    let order = "sort=created&direction=desc&per_page=100";
    let exact = format!("GET /pulls?state=open&base=main&head=acme:promote%2Fweb&{order}");
    let (client, script) = github(vec![
        (exact.leak(), with(200, &[("link", next)], list())),
        ("GET !/repositories/1/pulls?page=2", answer(200, json!([pull(json!({}))]))),
    ]);
    let numbers = |found: Vec<PullRequest>| found.into_iter().map(|p| p.number).collect::<Vec<_>>();
    assert_eq!(
        numbers(
            client.repo(R).unwrap().pull_requests("promote/web", "main", PullFilter::Open).await.unwrap()
        ),
        [7]
    );
    script.end();
    let prefix = format!("GET /pulls?state=closed&base=main&{order}");
    let (client, script) = github(vec![(prefix.leak(), answer(200, list()))]);
    assert_eq!(
        numbers(client.repo(R).unwrap().pull_requests("promote/*", "main", PullFilter::Ended).await.unwrap()),
        [10]
    );
    script.end();
}

// ---- checks and rules

fn checks_steps(runs: Value, statuses: Value, rules: Outcome) -> Vec<Step> {
    vec![
        ("GET /commits/c1/check-runs?filter=latest&per_page=100", answer(200, runs)),
        ("GET /commits/c1/status?per_page=100", answer(200, statuses)),
        ("GET /rules/branches/main?per_page=100", rules),
        ("GET /branches/main", answer(200, json!({ "protected": false }))),
    ]
}

fn run(id: u64, name: &str, conclusion: Value) -> Value {
    json!({ "id": id, "name": name, "status": "completed", "conclusion": conclusion, "html_url": null })
}

#[tokio::test]
async fn the_newest_check_of_a_name_wins_and_a_missing_one_waits() {
    let runs = json!({ "total_count": 5, "check_runs": [
        run(9, "ci", json!("success")), run(3, "ci", json!("failure")), run(4, "lint", json!("skipped")),
        run(5, "slow", Value::Null), run(6, "odd", json!("something_new")) ] });
    let statuses = json!({ "total_count": 2, "statuses": [
        { "id": 1, "context": "lint", "state": "failure", "target_url": "u" },
        { "id": 2, "context": "ci", "state": "success", "target_url": null } ] });
    let rules = json!([{ "type": "required_status_checks", "parameters":
        { "required_status_checks": [{ "context": "ci" }, { "context": "absent", "integration_id": 7 }] } }]);
    let (client, script) = github(checks_steps(runs, statuses, answer(200, rules)));
    let checks = client.repo(R).unwrap().checks("c1", "main").await.unwrap();
    let lines: Vec<_> = checks.iter().map(|c| (c.name.as_str(), c.state, c.required)).collect();
    assert_eq!(
        lines,
        [
            ("absent", CheckState::Waiting, true),
            ("ci", CheckState::Passing, true),
            ("lint", CheckState::Failing, false),
            ("odd", CheckState::Failing, false),
            ("slow", CheckState::Waiting, false),
        ]
    );
    script.end();
}

#[tokio::test]
async fn a_required_check_counts_only_from_the_app_that_must_report_it() {
    let by = |id: u64, maker: i64, conclusion: &str| {
        let mut run = run(id, "ci", json!(conclusion));
        run["app"] = json!({ "id": maker });
        run
    };
    let table = [
        (vec![by(1, 7, "success")], 7, CheckState::Passing),
        (vec![by(1, 8, "success")], 7, CheckState::Waiting),
        (vec![by(1, 7, "failure"), by(2, 8, "success")], 7, CheckState::Failing),
        (vec![by(1, 8, "success")], -1, CheckState::Passing),
    ];
    for (runs, maker, expected) in rows("required checks and their Apps", table) {
        let runs = json!({ "total_count": runs.len(), "check_runs": runs });
        let rules = json!([{ "type": "required_status_checks", "parameters":
            { "required_status_checks": [{ "context": "ci", "integration_id": maker }] } }]);
        let statuses = json!({ "total_count": 0, "statuses": [] });
        let (client, _) = github(checks_steps(runs.clone(), statuses, answer(200, rules)));
        let checks = client.repo(R).unwrap().checks("c1", "main").await.unwrap();
        assert_eq!((checks.len(), checks[0].state), (1, expected), "{runs}");
    }
}

#[tokio::test]
async fn checks_that_were_not_all_seen_count_as_unavailable() {
    let full = json!({ "total_count": 0, "check_runs": [], "statuses": [] });
    let runs = json!({ "total_count": 2, "check_runs": [run(1, "ci", json!("success"))] });
    let statuses = json!({ "total_count": 1, "statuses": [] });
    for (runs, statuses) in rows("incomplete checks", [(runs, full.clone()), (full, statuses)]) {
        let (client, _) = github(checks_steps(runs, statuses, answer(200, "[]")));
        assert!(kind(client.repo(R).unwrap().checks("c1", "main").await).starts_with("Unavailable"));
    }
}

#[tokio::test]
async fn rules_narrow_what_the_repository_allows() {
    let review = json!({ "type": "pull_request", "parameters":
        { "required_approving_review_count": 2, "allowed_merge_methods": ["squash", "merge"] } });
    let upgrade =
        || answer(403, said("Upgrade to GitHub Pro or make this repository public to enable this feature."));
    let (linear, queue) = (json!({ "type": "required_linear_history" }), json!({ "type": "merge_queue" }));
    let all = [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase];
    for (settings, rules, methods, approvals, queued) in [
        (json!({}), upgrade(), &all[..], 0, false),
        (json!({ "allow_merge_commit": false }), answer(200, "[]"), &all[1..], 0, false),
        (json!({}), answer(200, json!([review])), &all[..2], 2, false),
        (json!({}), answer(200, json!([review, linear])), &all[1..2], 2, false),
        (json!({}), answer(200, json!([queue])), &all[..], 0, true),
    ] {
        let protection = json!({ "protection": { "required_status_checks": { "contexts": ["ci"] } } });
        let (client, script) = github(vec![
            ("GET ", answer(200, settings)),
            ("GET /rules/branches/main?per_page=100", rules),
            ("GET /branches/main", answer(200, protection)),
        ]);
        let rules = client.repo(R).unwrap().branch_rules("main").await.unwrap();
        assert_eq!((rules.methods.as_slice(), rules.required_approvals), (methods, approvals));
        assert_eq!((rules.merge_queue, rules.required_checks), (queued, vec!["ci".to_owned()]));
        script.end();
    }
}

// ---- proposing

const OLD: &str = "image: x:1\n";
const NEW: &str = "image: x:2\n";
const TREE: &str = "GET /git/trees/1111111111111111111111111111111111111111?recursive=1";
const GET_BASE: &str = "GET /git/commits/1111111111111111111111111111111111111111";
const GET_REF: &str = "GET /git/ref/heads/promote/web";
const ANY: &str =
    "GET /pulls?state=all&base=main&head=acme:promote%2Fweb&sort=created&direction=desc&per_page=100";
const OPEN: &str =
    "GET /pulls?state=open&base=main&head=acme:promote%2Fweb&sort=created&direction=desc&per_page=100";

fn proposal() -> Proposal {
    Proposal {
        repository: R.into(),
        base: "main".into(),
        base_commit: BASE.into(),
        head: "promote/web".into(),
        title: "Promote web\n\nnot in the commit".into(),
        body: "b".into(),
        changes: vec![FileChange {
            path: "a/b.yaml".into(),
            content: NEW.into(),
            expected_blob: blob_id(OLD.as_bytes()),
        }],
    }
}

fn tree(mode: &str, text: &str) -> Outcome {
    let entry = json!({ "path": "a/b.yaml", "mode": mode, "type": "blob", "sha": blob_id(text.as_bytes()) });
    answer(200, json!({ "sha": BASE, "tree": [entry], "truncated": false }))
}

fn git_commit(sha: &str, tree: &str, message: &str, parents: &[&str]) -> Outcome {
    let parents: Vec<_> = parents.iter().map(|sha| json!({ "sha": sha })).collect();
    answer(200, json!({ "sha": sha, "tree": { "sha": tree }, "message": message, "parents": parents }))
}

/// A proposal up to its branch, which `created` answers.
fn proposed(created: Outcome) -> Vec<Step> {
    vec![
        (GET_BASE, git_commit(BASE, "tree0", "base", &[])),
        (TREE, tree("100755", OLD)),
        ("POST /git/trees", answer(201, json!({ "sha": "tree1" }))),
        ("POST /git/commits", answer(201, json!({ "sha": OURS }))),
        ("POST /git/refs", created),
    ]
}

fn exists() -> Outcome {
    answer(422, said("Reference already exists"))
}

#[tokio::test]
async fn proposes_one_commit_that_keeps_the_mode() {
    let mut steps = proposed(answer(201, "{}"));
    steps.push(("POST /pulls", answer(201, pull(json!({})))));
    let (client, script) = github(steps);
    let opened = client.repo(R).unwrap().propose(&proposal()).await.unwrap();
    assert_eq!((opened.number, opened.head_commit.as_str()), (7, OURS));
    script.end();
    let entry = json!({ "path": "a/b.yaml", "mode": "100755", "type": "blob", "content": NEW });
    assert_eq!(script.body(2), json!({ "base_tree": "tree0", "tree": [entry] }));
    let message = "Promote web\n\nPromotion-Branch: promote/web\n";
    assert_eq!(script.body(3), json!({ "message": message, "tree": "tree1", "parents": [BASE] }));
    assert_eq!(script.body(4), json!({ "ref": "refs/heads/promote/web", "sha": OURS }));
}

#[tokio::test]
async fn refuses_to_propose_on_what_was_not_read() {
    let base = || git_commit(BASE, "tree0", "base", &[]);
    let mut same = proposal();
    same.changes[0].content = OLD.into();
    let mut empty = proposal();
    empty.changes.clear();
    let none = || answer(200, json!({ "sha": BASE, "tree": [] }));
    for (proposal, tree, expected) in rows(
        "stale proposals",
        [
            (proposal(), tree("100644", "image: x:9\n"), "Conflict"),
            (proposal(), none(), "Conflict"),
            (proposal(), tree("120000", OLD), "Rejected"),
            (proposal(), tree("160000", OLD), "Rejected"),
            (proposal(), tree("040000", OLD), "Rejected"),
            (same, tree("100644", OLD), "Rejected"),
            (empty, none(), "Rejected"),
        ],
    ) {
        let (client, script) = github(vec![(GET_BASE, base()), (TREE, tree)]);
        let failure = kind(client.repo(R).unwrap().propose(&proposal).await);
        assert!(failure.starts_with(expected), "{failure}");
        script.end();
    }
}

#[tokio::test]
async fn walks_a_tree_that_is_too_large_to_list() {
    let mut steps = proposed(answer(201, "{}"));
    steps[1].1 = answer(200, json!({ "sha": BASE, "tree": [], "truncated": true }));
    let folder = json!([{ "path": "a", "mode": "040000", "sha": "sub" }]);
    let file = json!([{ "path": "b.yaml", "mode": "100644", "sha": blob_id(OLD.as_bytes()) }]);
    let walk = "GET /git/trees/1111111111111111111111111111111111111111";
    steps.insert(2, (walk, answer(200, json!({ "tree": folder }))));
    steps.insert(3, ("GET /git/trees/sub", answer(200, json!({ "tree": file }))));
    steps.push(("POST /pulls", answer(201, pull(json!({})))));
    let (client, script) = github(steps);
    client.repo(R).unwrap().propose(&proposal()).await.unwrap();
    script.end();
}

#[tokio::test]
async fn adopts_replaces_or_leaves_a_branch_that_exists() {
    const FOUND: &str = "GET /git/commits/3333333333333333333333333333333333333333";
    const COMPARE: &str = "GET /compare/main...older";
    const FORCE: &str = "PATCH /git/refs/heads/promote/web";
    let at = || answer(200, json!({ "object": { "sha": FOREIGN } }));
    let mark = "Promote web\n\nPromotion-Branch: promote/web\n";
    let compared = |status: &str| answer(200, json!({ "status": status }));
    let adopted = || answer(201, elsewhere(FOREIGN));
    let ours = || answer(201, pull(json!({})));
    let none = || answer(200, "[]");
    // What follows the refusal to create the branch, and what it comes to.
    let table: Vec<(&str, Vec<Step>, &str)> = vec![
        (
            "same change on the same base",
            vec![
                (ANY, none()),
                (GET_REF, at()),
                (FOUND, git_commit(FOREIGN, "tree1", "", &[BASE])),
                ("POST /pulls", adopted()),
            ],
            FOREIGN,
        ),
        (
            "the branch lags",
            vec![
                (ANY, none()),
                (GET_REF, answer(404, "{}")),
                (GET_REF, at()),
                (FOUND, git_commit(FOREIGN, "tree1", "", &[BASE])),
                ("POST /pulls", adopted()),
            ],
            FOREIGN,
        ),
        (
            "ours, on an older base",
            vec![
                (ANY, none()),
                (GET_REF, at()),
                (FOUND, git_commit(FOREIGN, "tree9", mark, &["older"])),
                (COMPARE, compared("behind")),
                (FORCE, answer(200, "{}")),
                ("POST /pulls", ours()),
            ],
            OURS,
        ),
        (
            "marked, but on commits that are not on the base",
            vec![
                (ANY, none()),
                (GET_REF, at()),
                (FOUND, git_commit(FOREIGN, "tree9", mark, &["older"])),
                (COMPARE, compared("diverged")),
            ],
            "Conflict",
        ),
        (
            "foreign",
            vec![(ANY, none()), (GET_REF, at()), (FOUND, git_commit(FOREIGN, "tree9", "mine", &["older"]))],
            "Conflict",
        ),
        (
            "a mark of another branch",
            vec![
                (ANY, none()),
                (GET_REF, at()),
                (FOUND, git_commit(FOREIGN, "tree9", "x\n\nPromotion-Branch: y\n", &["older"])),
            ],
            "Conflict",
        ),
        (
            "a merge commit",
            vec![
                (ANY, none()),
                (GET_REF, at()),
                (FOUND, git_commit(FOREIGN, "tree1", mark, &[BASE, "older"])),
            ],
            "Conflict",
        ),
        (
            "closed by a person",
            vec![(ANY, answer(200, json!([pull(json!({ "state": "closed" }))])))],
            "closed by a person",
        ),
        (
            "merged meanwhile",
            vec![
                (ANY, answer(200, json!([merged()]))),
                ("GET /git/ref/heads/main", answer(200, json!({ "object": { "sha": "newer" } }))),
                ("GET /git/trees/newer?recursive=1", tree("100644", NEW)),
            ],
            "m1",
        ),
        (
            "merged once, and undone since",
            vec![
                (ANY, answer(200, json!([merged()]))),
                ("GET /git/ref/heads/main", answer(200, json!({ "object": { "sha": "newer" } }))),
                ("GET /git/trees/newer?recursive=1", tree("100644", OLD)),
                (GET_REF, at()),
                (FOUND, git_commit(FOREIGN, "tree9", mark, &["older"])),
                (COMPARE, compared("behind")),
                (FORCE, answer(200, "{}")),
                ("POST /pulls", ours()),
            ],
            OURS,
        ),
    ];
    for (name, rest, expected) in rows("branch adoption", table) {
        let mut steps = proposed(exists());
        steps.extend(rest);
        let (client, script) = github(steps);
        let result = match client.repo(R).unwrap().propose(&proposal()).await {
            Ok(pull) => pull.merge_commit.unwrap_or(pull.head_commit),
            Err(failure) => format!("{failure:?}"),
        };
        assert!(result.contains(expected), "{name}: {result}");
        script.end();
    }
}

#[tokio::test]
async fn opens_one_pull_request_whatever_is_lost_or_late() {
    const POST: &str = "POST /pulls";
    let list = |pull: Value| answer(200, json!([pull]));
    let opened = || answer(201, pull(json!({})));
    let invalid = || {
        let errors = [json!({ "resource": "PullRequest", "field": "head", "code": "invalid" })];
        answer(422, json!({ "message": "Validation Failed", "errors": errors }))
    };
    let refused = "GitHub Actions is not permitted to create or approve pull requests.";
    let table: Vec<(Vec<Step>, &str)> = vec![
        (vec![(POST, lost()), (OPEN, list(pull(json!({}))))], "7"),
        (vec![(POST, lost()), (OPEN, answer(200, "[]")), (POST, opened())], "7"),
        (vec![(POST, answer(502, "<html>")), (OPEN, answer(200, "[]")), (POST, opened())], "7"),
        (
            vec![
                (POST, custom("A pull request already exists for acme:promote/web.")),
                (OPEN, list(pull(json!({})))),
            ],
            "7",
        ),
        (vec![(POST, invalid()), (POST, opened())], "7"),
        (vec![(POST, custom("No commits between main and promote/web"))], "Rejected"),
        (vec![(POST, answer(403, said(refused)))], "Actions settings"),
        (
            vec![(POST, with(403, &[("retry-after", "1")], said("secondary rate limit"))), (POST, opened())],
            "7",
        ),
        // The list still shows where the branch stood before.
        (
            vec![
                (POST, custom("A pull request already exists for x.")),
                (OPEN, list(elsewhere(BASE))),
                ("GET /pulls/7", answer(200, pull(json!({})))),
            ],
            "7",
        ),
        (
            [(POST, opened_elsewhere())]
                .into_iter()
                .chain((0..7).map(|_| ("GET /pulls/7", answer(200, elsewhere(FOREIGN)))))
                .collect(),
            "somebody pushed",
        ),
    ];
    for (rest, expected) in rows("opening a pull request", table) {
        let mut steps = proposed(answer(201, "{}"));
        steps.extend(rest);
        let (client, script) = github(steps);
        let result = match client.repo(R).unwrap().propose(&proposal()).await {
            Ok(pull) => pull.number.to_string(),
            Err(failure) => format!("{failure:?}"),
        };
        assert!(result.contains(expected), "{result} lacks {expected}");
        script.end();
    }
}

fn opened_elsewhere() -> Outcome {
    answer(201, elsewhere(FOREIGN))
}

#[tokio::test]
async fn a_lost_branch_creation_finds_its_own_branch() {
    let mut steps = proposed(lost());
    steps.push(("POST /git/refs", exists()));
    steps.push((ANY, answer(200, "[]")));
    steps.push((GET_REF, answer(200, json!({ "object": { "sha": OURS } }))));
    let found = git_commit(OURS, "tree1", "", &[BASE]);
    steps.push(("GET /git/commits/2222222222222222222222222222222222222222", found));
    steps.push(("POST /pulls", answer(201, pull(json!({})))));
    let (client, script) = github(steps);
    assert_eq!(client.repo(R).unwrap().propose(&proposal()).await.unwrap().head_commit, OURS);
    script.end();
}

#[tokio::test]
async fn deletes_and_closes_what_may_be_gone() {
    let delete = "DELETE /git/refs/heads/promote/web";
    let get = "GET /pulls/7";
    let closed = pull(json!({ "state": "closed" }));
    for (outcome, good) in rows(
        "deleting a branch",
        [
            (answer(204, ""), true),
            (answer(422, said("Reference does not exist")), true),
            (answer(422, said("Cannot delete this branch")), false),
            (answer(404, said("Not Found")), false),
        ],
    ) {
        let (client, _) = github(vec![(delete, outcome)]);
        assert_eq!(client.repo(R).unwrap().delete_branch("promote/web").await.is_ok(), good);
    }
    let (client, script) =
        github(vec![(get, answer(200, pull(json!({})))), ("PATCH /pulls/7", answer(200, "{}"))]);
    client.repo(R).unwrap().close(7).await.unwrap();
    assert_eq!(script.body(1), json!({ "state": "closed" }));
    let (client, script) = github(vec![(get, answer(200, closed)), (get, answer(200, merged()))]);
    client.repo(R).unwrap().close(7).await.unwrap();
    assert!(kind(client.repo(R).unwrap().close(7).await).starts_with("Conflict"));
    script.end();
}

#[tokio::test]
async fn comments_once() {
    let (list, post) = ("GET /issues/7/comments?per_page=100", "POST /issues/7/comments");
    let marked = || answer(200, json!([{ "body": null }, { "body": "<!-- promote:result -->\nx" }]));
    let none = || answer(200, "[]");
    for steps in [
        vec![(list, marked())],
        vec![(list, none()), (post, answer(201, "{}"))],
        vec![(list, none()), (post, lost()), (list, marked())],
        vec![(list, none()), (post, lost()), (list, none()), (post, answer(201, "{}"))],
    ] {
        let (client, script) = github(steps);
        client.repo(R).unwrap().comment(7, "result", "x").await.unwrap();
        script.end();
    }
    let (client, _) = github(vec![]);
    for marker in ["", "a b", "a-->", "é"] {
        assert!(kind(client.repo(R).unwrap().comment(7, marker, "x").await).starts_with("Rejected"));
    }
}

// ---- merging

const PUT: &str = "PUT /pulls/7/merge";
const SEE: &str = "GET /pulls/7";

#[tokio::test]
async fn merges_or_says_why_not() {
    let done = || answer(200, json!({ "sha": "m1", "merged": true, "message": "x" }));
    let no = |status: u16, text: &str| answer(status, said(text));
    let see = |fields: Value| (SEE, answer(200, pull(fields)));
    let as_is = || see(json!({}));
    let state = |state: &str| see(json!({ "mergeable_state": state }));
    let moved = || (SEE, answer(200, elsewhere(FOREIGN)));
    let race = || no(405, "Base branch was modified. Review and try the merge again.");
    let unclear = || no(405, "Pull Request is not mergeable");
    let mut silent = merged();
    silent["merge_commit_sha"] = Value::Null;
    let base = || answer(200, json!({ "object": { "sha": "m2" } }));
    let table: Vec<(Vec<Step>, &str)> = vec![
        (vec![(PUT, done())], "Now(\"m1\")"),
        (vec![(PUT, lost()), (SEE, answer(200, merged()))], "Now(\"m1\")"),
        (vec![(PUT, answer(500, "<html>")), (SEE, answer(200, merged()))], "Now(\"m1\")"),
        (vec![(PUT, lost()), as_is(), (PUT, done())], "Now(\"m1\")"),
        (vec![(PUT, lost()), (SEE, answer(200, silent)), ("GET /git/ref/heads/main", base())], "Now(\"m2\")"),
        (vec![(PUT, unclear()), (SEE, answer(200, merged()))], "Now(\"m1\")"),
        (vec![(PUT, race()), as_is(), (PUT, race()), as_is(), (PUT, done())], "Now(\"m1\")"),
        (std::iter::repeat_with(|| [(PUT, race()), as_is()]).take(7).flatten().collect(), "Conflict"),
        (
            vec![(PUT, no(409, "Head branch was modified. Review and try the merge again.")), moved()],
            "Conflict",
        ),
        (vec![(PUT, lost()), moved()], "Conflict"),
        (vec![(PUT, unclear()), see(json!({ "state": "closed" }))], "Conflict"),
        (vec![(PUT, unclear()), see(json!({ "mergeable": false, "mergeable_state": "dirty" }))], "Conflict"),
        (vec![(PUT, unclear()), state("behind")], "Conflict"),
        (vec![(PUT, unclear()), state("blocked")], "Rejected"),
        (vec![(PUT, unclear()), see(json!({ "draft": true }))], "Rejected"),
        (vec![(PUT, unclear()), as_is(), (PUT, done())], "Now(\"m1\")"),
        (vec![(PUT, no(405, "Pull Request is still a draft")), as_is()], "Rejected"),
        (vec![(PUT, no(405, "Merge commits are not allowed on this repository.")), as_is()], "not allowed"),
        (vec![(PUT, no(405, "This branch must not contain merge commits.")), as_is()], "Rejected"),
        (
            vec![(PUT, no(405, "Required status check \"ci\" is expected.")), state("blocked")],
            "\\\"ci\\\" is expected",
        ),
        (
            vec![
                (PUT, no(405, "At least 1 approving review is required by reviewers with write access.")),
                state("blocked"),
            ],
            "Rejected",
        ),
        (vec![(PUT, no(405, "You're not authorized to push to this branch.")), as_is()], "Rejected"),
        (
            vec![
                (
                    PUT,
                    no(
                        405,
                        "Repository rule violations found\n\nChanges must be made through the merge queue",
                    ),
                ),
                as_is(),
            ],
            "Rejected",
        ),
        (vec![(PUT, no(405, "Something new")), as_is()], "Rejected"),
        (vec![(PUT, no(403, "Resource not accessible by integration"))], "Other"),
        (vec![(PUT, no(404, "Not Found"))], "NotFound"),
        (vec![(PUT, no(422, "Validation Failed"))], "Rejected"),
    ];
    for (steps, expected) in rows("merge refusals", table) {
        let calls: Vec<_> = steps.iter().map(|(call, _)| *call).collect();
        let (client, script) = github(steps);
        let result = format!("{:?}", client.repo(R).unwrap().merge(7, OURS, MergeMethod::Squash).await);
        assert!(result.contains(expected), "{calls:?}: {result} lacks {expected}");
        script.end();
        assert_eq!(script.body(0), json!({ "sha": OURS, "merge_method": "squash" }));
    }
}

#[tokio::test]
async fn leaves_to_github_what_must_wait_and_never_calls_it_merged() {
    const QL: &str = "POST !/graphql";
    let done = || answer(200, json!({ "sha": "m1", "merged": true }));
    let check = || answer(405, said("Required status check \"ci\" is expected."));
    let queue = || answer(405, said("Changes must be made through the merge queue"));
    let blocked = || (SEE, answer(200, pull(json!({ "mergeable_state": "blocked" }))));
    let ql = |text: &str| {
        answer(200, json!({ "data": null, "errors": [{ "type": "UNPROCESSABLE", "message": text }] }))
    };
    let ok = || answer(200, json!({ "data": {} }));
    let off = "Auto merge is not allowed for this repository";
    let table: Vec<(Vec<Step>, &str)> = vec![
        (vec![(PUT, done())], "Now(\"m1\")"),
        (vec![(PUT, check()), blocked(), (QL, ok())], "Later"),
        (
            vec![
                (PUT, check()),
                blocked(),
                (QL, ql("Pull request Pull request is in clean status")),
                (PUT, done()),
            ],
            "Now(\"m1\")",
        ),
        (vec![(PUT, check()), blocked(), (QL, ql(off))], "auto-merge: Auto merge is not allowed"),
        (vec![(PUT, queue()), blocked(), (QL, ql(off)), (QL, ok())], "Later"),
        (
            vec![(PUT, queue()), blocked(), (QL, ql(off)), (QL, ql("Pull request is already in the queue"))],
            "Later",
        ),
        (vec![(PUT, queue()), blocked(), (QL, ql(off)), (QL, ql("no"))], "merge queue: no"),
        (vec![(PUT, answer(405, said("Pull Request is still a draft"))), blocked()], "Rejected"),
    ];
    for (steps, expected) in rows("auto-merge and queue", table) {
        let (client, script) = github(steps);
        let result =
            format!("{:?}", client.repo(R).unwrap().merge_when_ready(7, OURS, MergeMethod::Merge).await);
        assert!(result.contains(expected), "{result} lacks {expected}");
        script.end();
    }
}

#[tokio::test]
async fn graphql_stands_beside_the_rest_of_an_enterprise_server() {
    let steps = vec![
        ("PUT /api/v3/repos/acme/gitops/pulls/7/merge", answer(405, said("approving review"))),
        ("GET /api/v3/repos/acme/gitops/pulls/7", answer(200, pull(json!({})))),
        ("POST /api/graphql", answer(200, json!({ "data": {} }))),
    ];
    let script = Script::new(steps);
    let token = Credentials::Token(Secret::new("t", "t").unwrap());
    let client = Client::new("https://ghe.test/api/v3", token, script.session()).unwrap();
    let result = client.repo(R).unwrap().merge_when_ready(7, OURS, MergeMethod::Rebase).await;
    assert!(matches!(result, Ok(Merged::Later(_))), "{result:?}");
    let variables = json!({ "pull": "PR_7", "head": OURS, "method": "REBASE" });
    assert_eq!(script.body(2)["variables"], variables);
    script.end();
}

// ---- credentials

const MINT: &str = "POST /app/installations/5/access_tokens";
const FIND: &str = "GET /repos/acme/gitops/installation";
const REVOKE: &str = "DELETE /installation/token";

fn app(key: &str, repositories: &[&str]) -> Credentials {
    Credentials::App(App {
        issuer: "Iv1.app".into(),
        key: Secret::new("key", key).unwrap(),
        repositories: repositories.iter().map(|r| Repository::parse(r).unwrap()).collect(),
        permissions: BTreeMap::from([("contents".into(), "write".into()), ("checks".into(), "read".into())]),
    })
}

fn granted(fields: Value) -> Outcome {
    let mut body = json!({ "token": "ghs_1_a.b.c", "expires_at": "2026-01-06T11:00:00Z",
        "permissions": { "contents": "write", "checks": "read", "metadata": "read" },
        "repository_selection": "selected", "repositories": [{ "name": "gitops" }] });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    answer(201, body)
}

#[tokio::test]
async fn an_app_mints_a_narrow_token_masks_it_and_gives_it_back() {
    let pkcs1 = include_str!("testdata/app-pkcs1.pem");
    let pkcs8 = include_str!("testdata/app-pkcs8.pem");
    let folded = pkcs1.trim().replace('\n', "\\n");
    for key in [pkcs1, pkcs8, folded.as_str()] {
        let get = "GET /repos/acme/gitops/commits/main";
        let script = Script::new(vec![
            (FIND, answer(200, json!({ "id": 5 }))),
            (MINT, granted(json!({}))),
            (get, answer(404, "{}")),
            (get, answer(404, "{}")),
            (REVOKE, answer(204, "")),
        ]);
        let client = Client::new("https://hub.test", app(key, &[R]), script.session()).unwrap();
        client.repo(R).unwrap().commit("main").await.unwrap();
        client.repo(R).unwrap().commit("main").await.unwrap();
        client.revoke().await.unwrap();
        client.revoke().await.unwrap();
        script.end();
        let permissions = json!({ "contents": "write", "checks": "read" });
        assert_eq!(script.body(1), json!({ "repositories": ["gitops"], "permissions": permissions }));
        let sent = script.sent.lock().unwrap();
        let jwt = sent[0].headers()["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
        assert_eq!(*script.masked.lock().unwrap(), [jwt, "ghs_1_a.b.c"]);
        assert!(sent[2..].iter().all(|r| r.headers()["authorization"] == "Bearer ghs_1_a.b.c"));
        check_jwt(jwt, pkcs8);
    }
}

fn check_jwt(jwt: &str, pkcs8: &str) {
    let der: String = pkcs8.lines().filter(|line| !line.starts_with("---")).collect();
    let pair = ring::rsa::KeyPair::from_pkcs8(&BASE64_STANDARD.decode(der).unwrap()).unwrap();
    let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
    let (text, signature) = jwt.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    public.verify(&ring::signature::RSA_PKCS1_2048_8192_SHA256, text.as_bytes(), &signature).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(text.split_once('.').unwrap().1).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims, json!({ "iat": START - 60, "exp": START + 540, "iss": "Iv1.app" }));
}

#[tokio::test]
async fn a_token_that_is_too_wide_is_given_back_and_not_used() {
    let key = include_str!("testdata/app-pkcs8.pem");
    for (fields, excess) in rows(
        "tokens too wide",
        [
            (json!({ "permissions": { "contents": "write", "administration": "read" } }), "administration"),
            (json!({ "permissions": { "checks": "write" } }), "checks"),
            (json!({ "permissions": { "contents": "admin" } }), "contents"),
            (json!({ "permissions": { "metadata": "write" } }), "metadata"),
            (json!({ "repository_selection": "all" }), "all repositories"),
            (json!({ "repositories": [{ "name": "gitops" }, { "name": "secrets" }] }), "secrets"),
        ],
    ) {
        let steps =
            vec![(FIND, answer(200, json!({ "id": 5 }))), (MINT, granted(fields)), (REVOKE, answer(204, ""))];
        let script = Script::new(steps);
        let client = Client::new("https://hub.test", app(key, &[R]), script.session()).unwrap();
        let failure = kind(client.login().await);
        assert!(failure.contains("wider") && failure.contains(excess), "{failure}");
        script.end();
    }
}

#[tokio::test]
async fn an_app_that_cannot_be_used_says_why() {
    let good = include_str!("testdata/app-pkcs8.pem");
    let bad = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
    let ec = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----";
    for (key, repositories, steps, expected) in rows(
        "unusable Apps",
        [
            (bad, &[R][..], vec![], "cannot be used"),
            (ec, &[R], vec![], "not a PEM block"),
            ("token", &[R], vec![], "not a PEM block"),
            (good, &[], vec![], "no repository"),
            (good, &[R, "other/x"], vec![], "acme and of other"),
            (good, &[R], vec![(FIND, answer(404, said("Not Found")))], "NotFound"),
            (
                good,
                &[R],
                vec![
                    (FIND, answer(200, json!({ "id": 5 }))),
                    (
                        MINT,
                        answer(422, said("The permissions requested are not granted to this installation.")),
                    ),
                ],
                "not granted to this installation",
            ),
        ],
    ) {
        let script = Script::new(steps);
        let client = Client::new("https://hub.test", app(key, repositories), script.session()).unwrap();
        let failure = kind(client.login().await);
        assert!(failure.contains(expected), "{failure}");
        assert!(!failure.contains("AAAA"), "{failure}");
        script.end();
    }
}

#[tokio::test]
async fn a_token_is_minted_anew_before_it_expires() {
    let get = "GET /repos/acme/gitops/commits/main";
    let soon = || granted(json!({ "expires_at": "2026-01-06T10:01:30Z" }));
    let script = Script::new(vec![
        (FIND, answer(200, json!({ "id": 5 }))),
        (MINT, soon()),
        (get, answer(404, "{}")),
        (FIND, answer(200, json!({ "id": 5 }))),
        (MINT, granted(json!({}))),
        (get, answer(404, "{}")),
    ]);
    let key = include_str!("testdata/app-pkcs8.pem");
    let client = Client::new("https://hub.test", app(key, &[R]), script.session()).unwrap();
    client.repo(R).unwrap().commit("main").await.unwrap();
    assert!(client.http.session.wait(std::time::Duration::from_secs(60)).await);
    client.repo(R).unwrap().commit("main").await.unwrap();
    script.end();
}
