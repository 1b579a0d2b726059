#![allow(clippy::unwrap_used, reason = "tests")]

mod adopting;
mod attesting;
mod checks;
mod credentials;
mod deploying;
mod merging;
mod pinning;
mod proposing;
mod protection;
mod reading;
mod tidying;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Value, json};

use crate::contract::{
    CheckState, Failure, FileChange, MergeMethod, Mergeability, Merged, Proposal, PullFilter,
    PullRequest, PullState,
};
use crate::service::github::read::blob_id;
use crate::service::github::{App, Client, Credentials, ReadBase, RepositoryName, TreeEntry};
use crate::service::http::script::{START, Script, TransportResult, answer, lost, rows, with};
use crate::service::secret::Secret;

const R: &str = "acme/gitops";
/// Commits: the base, the one that a proposal makes, and one that was there before.
const BASE: &str = "1111111111111111111111111111111111111111";
const OURS: &str = "2222222222222222222222222222222222222222";
const FOREIGN: &str = "3333333333333333333333333333333333333333";
/// The commit of a merge.
const MERGE: &str = "4444444444444444444444444444444444444444";

/// A step: what is sent, below the repository, and what comes back.
type Step = (&'static str, TransportResult);

fn github(steps: Vec<Step>) -> (Client, Arc<Script>) {
    let full = |call: &str| match call.split_once(' ').unwrap() {
        (method, target) if target.starts_with('!') => format!("{method} {}", &target[1..]),
        (method, target) => format!("{method} /repos/acme/gitops{target}"),
    };
    let calls: Vec<_> = steps.iter().map(|(call, _)| full(call)).collect();
    let outcomes = steps.into_iter().map(|(_, outcome)| outcome);
    let script = Script::new(calls.iter().map(String::as_str).zip(outcomes).collect());
    let token = Credentials::Token(Secret::new("t", "mock-github-token").unwrap());
    (
        Client::new("https://hub.test", token, script.session()).unwrap(),
        script,
    )
}

/// The kind of a failure and its text.
fn kind<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    let text = format!("{:?}", result.unwrap_err());
    text.strip_prefix("Failure::").unwrap_or(&text).to_owned()
}

fn said(text: &str) -> Value {
    json!({ "message": text, "status": "422" })
}

fn custom(text: &str) -> TransportResult {
    let errors = [json!({ "resource": "PullRequest", "code": "custom", "message": text })];
    answer(
        422,
        json!({ "message": "Validation Failed", "errors": errors }),
    )
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

const OLD: &str = "image: x:1\n";
const NEW: &str = "image: x:2\n";
const TREE: &str = "GET /git/trees/1111111111111111111111111111111111111111?recursive=1";
const GET_BASE: &str = "GET /git/commits/1111111111111111111111111111111111111111";
const MAIN: &str = "GET /git/ref/heads/main";
const GET_REF: &str = "GET /git/ref/heads/promote/web";
const ANY: &str = "GET /pulls?state=all&base=main&head=acme:promote%2Fweb&sort=created&direction=desc&per_page=100";
const OPEN: &str = "GET /pulls?state=open&base=main&head=acme:promote%2Fweb&sort=created&direction=desc&per_page=100";

/// A pull request gets its title and body anew.
const WORDS: &str = "PATCH /pulls/7";
const ENDED: &str = "GET /pulls?state=closed&base=main&head=acme:promote%2Fweb&sort=created&direction=desc&per_page=100";

fn proposal() -> Proposal {
    Proposal {
        repository: R.into(),
        base: "main".into(),
        base_commit: BASE.into(),
        head: "promote/web".into(),
        title: "Promote web\n\nand no forged line".into(),
        body: "b".into(),
        changes: vec![FileChange {
            path: "a/b.yaml".into(),
            content: NEW.into(),
            expected_blob: blob_id(OLD.as_bytes()),
        }],
        image: None,
    }
}

fn tree(mode: &str, text: &str) -> TransportResult {
    let entry = json!({ "path": "a/b.yaml", "mode": mode, "type": "blob", "sha": blob_id(text.as_bytes()) });
    answer(
        200,
        json!({ "sha": BASE, "tree": [entry], "truncated": false }),
    )
}

/// The base commit, as far as it is read.
fn base_commit() -> TransportResult {
    answer(200, json!({ "sha": BASE, "tree": { "sha": "tree0" } }))
}

/// The author whom GitHub names for this run's credentials.
fn our_bot() -> Value {
    let (name, email) = ("promote[bot]", "7+promote[bot]@users.noreply.github.com");
    json!({ "name": name, "email": email, "date": "2026-01-06T10:00:00Z" })
}

/// The commit of this run, which GitHub signs or not.
fn created_commit(is_signed: bool) -> TransportResult {
    let verification = json!({ "verified": is_signed, "reason": "x", "signature": null });
    answer(
        201,
        json!({ "sha": OURS, "author": our_bot(), "verification": verification }),
    )
}

/// A commit of a comparison: ours and four days old, with some fields of its text replaced.
fn compared_commit(parents: &[&str], fields: Value) -> Value {
    let parents: Vec<_> = parents.iter().map(|sha| json!({ "sha": sha })).collect();
    let github =
        json!({ "name": "GitHub", "email": "noreply@github.com", "date": "2026-01-02T10:00:00Z" });
    let mut text = json!({
        "message": "Promote web\n\nPromotion-Branch: promote/web", "author": our_bot(),
        "committer": github, "verification": { "verified": true },
    });
    for (name, value) in fields.as_object().unwrap() {
        text[name] = value.clone();
    }
    json!({ "sha": FOREIGN, "commit": text, "parents": parents })
}

/// A comparison with the base: its commits and its files.
fn comparison(commits: &[Value], files: &[Value]) -> TransportResult {
    answer(
        200,
        json!({ "total_commits": commits.len(), "commits": commits, "files": files }),
    )
}

/// The changed file of a comparison.
fn modified(text: &str) -> Value {
    json!({ "filename": "a/b.yaml", "status": "modified", "sha": blob_id(text.as_bytes()) })
}

/// A proposal up to its branch, which `created` answers.
fn proposed(created: TransportResult) -> Vec<Step> {
    vec![
        (GET_BASE, base_commit()),
        (TREE, tree("100755", OLD)),
        ("POST /git/trees", answer(201, json!({ "sha": "tree1" }))),
        ("POST /git/commits", created_commit(true)),
        ("POST /git/refs", created),
    ]
}

/// A proposal with its branch made, by when the base branch is at `base`.
fn branched(base: &str) -> Vec<Step> {
    let mut steps = proposed(answer(201, "{}"));
    steps.push((ENDED, answer(200, "[]")));
    steps.push((MAIN, stands(base)));
    steps
}

/// Where a branch stands.
fn stands(at: &str) -> TransportResult {
    answer(200, json!({ "object": { "sha": at } }))
}

fn exists() -> TransportResult {
    answer(422, said("Reference already exists"))
}

/// The refusal of a pull request whose branch is not there.
fn invalid() -> TransportResult {
    let errors = [json!({ "resource": "PullRequest", "field": "head", "code": "invalid" })];
    answer(
        422,
        json!({ "message": "Validation Failed", "errors": errors }),
    )
}

/// A file of this text as GitHub answers it.
fn content(text: &[u8]) -> Value {
    let base64 = BASE64_STANDARD.encode(text);
    let wrapped: Vec<_> = base64
        .as_bytes()
        .chunks(60)
        .map(|line| String::from_utf8_lossy(line))
        .collect();
    json!({ "type": "file", "path": "a/b.yaml", "size": text.len(), "sha": blob_id(text),
        "encoding": "base64", "content": wrapped.join("\n") + "\n" })
}
