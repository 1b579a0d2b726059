//! The query for a repository: a branch with its commit, its tree and one file, and the open pull requests to a branch.
//!
//! The arguments are read from the variables.

use serde_json::{Value, json};

use super::super::GitHub;
use super::super::answer::{GitHubAnswer, GitHubReply};
use super::super::call::GitHubCall;
use super::super::identity::Level;
use super::super::repository_shape::repository_node_id;
use super::super::state::{PullState, Repository};
use crate::git::{Entry, Mode, Oid};

/// Past this size the text of a blob is cut (GraphQL reference, `Blob.isTruncated`).
const MAX_TEXT: usize = 512 * 1024;

pub(super) fn answer(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let variable = |name: &str| call.body["variables"][name].as_str().unwrap_or_default();
    let owner = variable("owner");
    let name = variable("name");
    let named = |repository: &Repository| {
        let full = format!("{owner}/{name}");
        let is = |other: &str| full.eq_ignore_ascii_case(other);
        is(&format!("{}/{}", repository.owner, repository.name))
            || repository.renamed_from.iter().any(|old| is(old))
    };
    let found = github
        .repositories
        .iter_mut()
        .find(|one| named(one) && call.caller.reaches(one));
    let Some(repository) = found else {
        let message = format!("Could not resolve to a Repository with the name '{owner}/{name}'.");
        return GitHubAnswer::ok(json!({
            "data": {"repository": null},
            "errors": [{"type": "NOT_FOUND", "path": ["repository"], "message": message}],
        }));
    };
    let mut errors = Vec::new();
    let mut may = |permission, field: &str| {
        let may = call.may(permission, Level::Read, repository);
        let message = "Resource not accessible by integration";
        let error = json!({"type": "FORBIDDEN", "path": ["repository", field], "message": message});
        errors.extend((!may).then_some(error));
        may
    };
    let contents = may("contents", "ref");
    let pulls = may("pull_requests", "pullRequests");
    let pulls = pulls.then(|| open_pulls(call, repository, variable("base")));
    let branch = contents
        .then(|| branch(repository, variable("ref"), variable("path")))
        .flatten();
    let mut body = json!({"data": {"repository": {"id": repository_node_id(repository), "ref": branch, "pullRequests": pulls}}});
    if !errors.is_empty() {
        body["errors"] = errors.into();
    }
    GitHubAnswer::ok(body)
}

fn branch(repository: &mut Repository, name: &str, path: &str) -> Option<Value> {
    let commit = repository.read_ref(name)?;
    let tree = repository.git.tree_of(commit)?;
    let file = repository
        .git
        .entry_at(tree, path)
        .map(|entry| file(repository, entry));
    let oid = |id: Oid| id.to_string();
    Some(json!({"target": {"oid": oid(commit), "tree": {"oid": oid(tree)}, "file": file}}))
}

fn file(repository: &Repository, Entry { mode, id }: Entry) -> Value {
    // Of git's modes, which GraphQL gives as a number.
    let mode = match mode {
        Mode::File => 0o100_644,
        Mode::Executable => 0o100_755,
        Mode::Symlink => 0o120_000,
        Mode::Submodule => 0o160_000,
        Mode::Tree => 0o040_000,
    };
    let blob = repository.git.blob(id).map(|content| {
        let text = std::str::from_utf8(content)
            .ok()
            .filter(|text| !text.contains('\0'));
        json!({"oid": id.to_string(), "text": text, "isTruncated": content.len() > MAX_TEXT})
    });
    json!({"mode": mode, "object": blob.unwrap_or_else(|| json!({}))})
}

fn open_pulls(call: &GitHubCall<'_>, repository: &Repository, base: &str) -> Value {
    let open = repository.pulls.values().rev();
    let open = open.filter(|pull| pull.state == PullState::Open && pull.base == base);
    let nodes: Vec<Value> = open
        .map(|pull| {
            let url = format!("{}/pull/{}", call.urls.page(repository), pull.number);
            json!({
                "number": pull.number, "url": url, "title": pull.title, "headRefName": pull.head,
                "headRefOid": pull.head_sha.to_string(), "isCrossRepository": false,
            })
        })
        .collect();
    let more = nodes.len() > 50;
    let nodes: Vec<Value> = nodes.into_iter().take(50).collect();
    json!({"pageInfo": {"hasNextPage": more}, "nodes": nodes})
}
