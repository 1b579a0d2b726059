//! The query for a repository: a branch with its commit, its tree and one file, and the open pull requests to a branch.
//!
//! The arguments are read from the variables.

use serde_json::{Value, json};

use super::super::GitHub;
use super::super::call::GitHubCall;
use super::super::identity::PermissionLevel;
use super::super::repository_shape::repository_node_id;
use super::super::shapes::node_id;
use super::super::state::{PullState, RepositoryState};
use super::MutationRefusal;
use super::selection::Selection;
use crate::git::{FileMode, ObjectId, PathEntry};

/// Past this size the text of a blob is cut (GraphQL reference, `Blob.isTruncated`).
const MAX_TEXT: usize = 512 * 1024;
/// GitHub's clients ask for this many pull requests at most.
const MAX_PULLS: usize = 50;

/// Answers the query. A field without permission is null, with an error; where its type allows no null, the null is the
/// whole repository (GraphQL specification, section 6.4.4).
pub(super) fn answer(github: &mut GitHub, call: &GitHubCall<'_>, selection: &Selection) -> Value {
    let variable = |name: &str| call.body["variables"][name].as_str().unwrap_or_default();
    let full_name = format!("{}/{}", variable("owner"), variable("name"));
    let found = github.repositories.iter_mut().find(|repository| {
        let current = repository.full_name();
        let mut names = repository.renamed_from.iter().chain([&current]);
        names.any(|name| name.eq_ignore_ascii_case(&full_name)) && call.caller.reaches(repository)
    });
    let Some(repository) = found else {
        let message = format!("Could not resolve to a Repository with the name '{full_name}'.");
        return json!({
            "data": {"repository": null},
            "errors": [{"type": "NOT_FOUND", "path": ["repository"], "message": message}],
        });
    };
    let selected = selection.child("repository").unwrap_or_default();
    let mut errors = Vec::new();
    let mut may = |permission, field: &str| {
        let may = call.may(permission, PermissionLevel::Read, repository);
        if !may && selected.child(field).is_some() {
            let MutationRefusal { kind, message } = MutationRefusal::forbidden(call);
            errors.push(json!({"type": kind, "path": ["repository", field], "message": message}));
        }
        may
    };
    let may_read = may("contents", "ref");
    let may_list = may("pull_requests", "pullRequests");
    let mut shape = json!({"id": repository_node_id(repository), "ref": null});
    if may_read && selected.child("ref").is_some() {
        shape["ref"] = branch(repository, variable("ref"), variable("path")).unwrap_or_default();
    }
    let rules = repository.rules_of(variable("branch"));
    // A queue is shown to whoever may read the repository.
    shape["mergeQueue"] = if rules.merge_queue {
        json!({"id": node_id("MQ", repository.id)})
    } else {
        Value::Null
    };
    if selected.child("pullRequests").is_some() {
        if may_list {
            shape["pullRequests"] = open_pulls(call, repository, variable("base"));
        } else {
            shape = Value::Null;
        }
    }
    let mut body = json!({"data": {"repository": shape}});
    if !errors.is_empty() {
        body["errors"] = errors.into();
    }
    body
}

fn branch(repository: &mut RepositoryState, name: &str, path: &str) -> Option<Value> {
    let commit = repository.read_ref(name)?;
    let tree = repository.git.tree_of(commit)?;
    let file = repository
        .git
        .entry_at(tree, path)
        .map(|entry| file(repository, entry));
    let oid = |id: ObjectId| id.to_string();
    let short = name.strip_prefix("refs/heads/").unwrap_or(name);
    let rules = repository.rules_of(short);
    let rule = if rules.any() {
        rules.update_rule()
    } else {
        Value::Null
    };
    Some(json!({
        "target": {"oid": oid(commit), "tree": {"oid": oid(tree)}, "file": file},
        "refUpdateRule": rule,
    }))
}

fn file(repository: &RepositoryState, PathEntry { mode, id }: PathEntry) -> Value {
    // Of git's modes, which GraphQL gives as a number.
    let mode = match mode {
        FileMode::File => 0o100_644,
        FileMode::Executable => 0o100_755,
        FileMode::Symlink => 0o120_000,
        FileMode::Submodule => 0o160_000,
        FileMode::Tree => 0o040_000,
    };
    let blob = repository.git.blob(id).map(|content| {
        let text = std::str::from_utf8(content)
            .ok()
            .filter(|text| !text.contains('\0'));
        json!({"oid": id.to_string(), "text": text, "isTruncated": content.len() > MAX_TEXT})
    });
    json!({"mode": mode, "object": blob.unwrap_or_else(|| json!({}))})
}

fn open_pulls(call: &GitHubCall<'_>, repository: &RepositoryState, base: &str) -> Value {
    let open = repository.pulls.values().rev();
    let open = open.filter(|pull| pull.state == PullState::Open && pull.base == base);
    let nodes: Vec<Value> = open
        .map(|pull| {
            let url = format!("{}/pull/{}", call.urls.page(repository), pull.number);
            json!({
                "number": pull.number, "url": url, "title": pull.title, "body": pull.body.clone().unwrap_or_default(),
                "headRefName": pull.head,
                "headRefOid": pull.head_sha.to_string(), "isCrossRepository": false,
            })
        })
        .collect();
    let more = nodes.len() > MAX_PULLS;
    let nodes: Vec<Value> = nodes.into_iter().take(MAX_PULLS).collect();
    json!({"pageInfo": {"hasNextPage": more}, "nodes": nodes})
}
