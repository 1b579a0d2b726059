//! The query for a repository: a branch with its commit, its tree and one file, and the open pull requests to a branch.
//!
//! The arguments are read from the variables.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::GitHub;
use super::super::call::GitHubCall;
use super::super::identity::PermissionLevel;
use super::super::mergeable::look;
use super::super::repository_shape::repository_node_id;
use super::super::shapes::node_id;
use super::super::state::{PullState, RepositoryState};
use super::MutationRefusal;
use super::file_history;
use super::selection::Selection;
use crate::git::{FileMode, ObjectId, PathEntry};

/// Past this size the text of a blob is cut (GraphQL reference, `Blob.isTruncated`).
const MAX_TEXT: usize = 512 * 1024;
/// The most that GitHub gives at once (GraphQL docs, "Rate limits and query limits").
const MAX_PULLS: usize = 100;

/// How GitHub tries a merge out: when, and how many looks find that it has not done so yet.
#[derive(Clone, Copy)]
struct TrialTerms {
    now: Timestamp,
    unknown: u32,
}

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
    let terms = TrialTerms {
        now: github.now,
        unknown: github.weather.unknown_mergeable,
    };
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
            let MutationRefusal { kind, message, .. } = MutationRefusal::forbidden(call);
            errors.push(json!({"type": kind, "path": ["repository", field], "message": message}));
        }
        may
    };
    let may_read = may("contents", "ref");
    let may_list = may("pull_requests", "pullRequests");
    let mut shape = json!({"id": repository_node_id(repository), "ref": null, "refs": null});
    if may_read && selected.child("ref").is_some() {
        shape["ref"] = branch(repository, variable("ref"), variable("path")).unwrap_or_default();
        let target = selected.child("ref").and_then(|it| it.child("target"));
        let history = target.as_ref().and_then(|target| target.field("history"));
        let head = repository.read_ref(variable("ref"));
        if let (Some(field), Some(head)) = (history, head) {
            shape["ref"]["target"]["history"] =
                file_history::answer(call, repository, head, field, may_list);
        }
    }
    if let Some(field) = selected.field("refs")
        && may_read
    {
        shape["refs"] = refs_below(repository, field.text("refPrefix"));
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
            let asks = selected
                .child("pullRequests")
                .and_then(|pulls| pulls.child("nodes"))
                .is_some_and(|node| node.child("mergeable").is_some());
            let first = selected.field("pullRequests");
            let first = first.and_then(|field| field.arguments.get("first"));
            let first = first.and_then(Value::as_u64).unwrap_or_default();
            let most = usize::try_from(first).unwrap_or(MAX_PULLS).min(MAX_PULLS);
            shape["pullRequests"] = open_pulls(call, repository, most, asks.then_some(terms));
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

/// Lists the refs below a prefix, the first hundred of them.
fn refs_below(repository: &RepositoryState, prefix: &str) -> Value {
    let mut names = repository.refs.keys();
    let mut nodes: Vec<Value> = names
        .by_ref()
        .filter_map(|name| name.strip_prefix(prefix))
        .map(|name| json!({"prefix": prefix, "name": name}))
        .take(MAX_PULLS + 1)
        .collect();
    let has_more = nodes.len() > MAX_PULLS;
    nodes.truncate(MAX_PULLS);
    json!({"pageInfo": {"hasNextPage": has_more}, "nodes": nodes})
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

pub(super) fn file(repository: &RepositoryState, PathEntry { mode, id }: PathEntry) -> Value {
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

/// Lists open pull requests, of one base if the document names one, from behind a cursor on. Whether one can be merged is
/// worked out only where it is asked for.
fn open_pulls(
    call: &GitHubCall<'_>,
    repository: &mut RepositoryState,
    most: usize,
    try_merge: Option<TrialTerms>,
) -> Value {
    let variable = |name: &str| call.body["variables"][name].as_str();
    let base = variable("base");
    let after: Option<u64> = variable("after").and_then(|cursor| cursor.parse().ok());
    let open = repository.pulls.values().rev().filter(|pull| {
        pull.state == PullState::Open
            && base.is_none_or(|base| pull.base == base)
            && after.is_none_or(|after| pull.number < after)
    });
    let mut numbers: Vec<u64> = open.map(|pull| pull.number).take(most + 1).collect();
    let has_more = numbers.len() > most;
    numbers.truncate(most);
    let cursor = numbers.last().map(u64::to_string);
    let nodes: Vec<Value> = numbers
        .into_iter()
        .map(|number| {
            let tried = try_merge.map(|terms| look(repository, number, terms.now, terms.unknown));
            let pull = &repository.pulls[&number];
            let url = format!("{}/pull/{}", call.urls.page(repository), pull.number);
            let mut node = json!({
                "number": pull.number, "url": url, "title": pull.title, "body": pull.body.clone().unwrap_or_default(),
                "headRefName": pull.head, "headRefOid": pull.head_sha.to_string(),
                "isCrossRepository": false, "isDraft": pull.draft,
            });
            if let Some(tried) = tried {
                node["mergeable"] = json!(match tried {
                    None => "UNKNOWN",
                    Some(tried) if tried.mergeable => "MERGEABLE",
                    Some(_) => "CONFLICTING",
                });
                let state = tried.map_or("unknown", |tried| tried.state);
                node["mergeStateStatus"] = json!(state.to_ascii_uppercase());
            }
            node
        })
        .collect();
    json!({"pageInfo": {"hasNextPage": has_more, "endCursor": cursor}, "nodes": nodes})
}
