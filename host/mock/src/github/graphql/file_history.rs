//! The history of a file, with the pull requests that brought each commit (GraphQL reference: `Commit.history`,
//! `Commit.associatedPullRequests`).

use serde_json::{Value, json};

use super::super::call::GitHubCall;
use super::super::pulls::bringing;
use super::super::state::{PullRequest, PullState, RepositoryState};
use super::selection::SelectedField;
use crate::git::ObjectId;

/// The most that GitHub gives at once (GraphQL docs, "Rate limits and query limits").
const MAX_COMMITS: usize = 100;

/// Returns the commits behind one that changed the file which the field names; without pull requests for who may not read them.
pub(super) fn answer(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    head: ObjectId,
    field: &SelectedField,
    may_list: bool,
) -> Value {
    let most = first_of(field);
    let commits = repository.git.changing(head, field.text("path"), most);
    let nodes: Vec<Value> = commits
        .into_iter()
        .map(|id| {
            let message = repository.git.commit(id).map(|commit| &commit.message);
            let pulls = || {
                let pulls = bringing(repository, id).into_iter();
                let pulls: Vec<_> = pulls.map(|pull| shape(call, repository, pull)).collect();
                json!({ "nodes": pulls })
            };
            json!({
                "oid": id.to_string(), "message": message,
                "associatedPullRequests": may_list.then(pulls),
            })
        })
        .collect();
    json!({ "nodes": nodes })
}

fn first_of(field: &SelectedField) -> usize {
    let first = field.arguments.get("first").and_then(Value::as_u64);
    let first = first.and_then(|first| usize::try_from(first).ok());
    first.unwrap_or(MAX_COMMITS).min(MAX_COMMITS)
}

fn shape(call: &GitHubCall<'_>, repository: &RepositoryState, pull: &PullRequest) -> Value {
    let (state, merged_at, commit) = match &pull.state {
        PullState::Open => ("OPEN", None, None),
        PullState::Closed { .. } => ("CLOSED", None, None),
        PullState::Merged { at, commit, .. } => ("MERGED", Some(at.to_string()), Some(commit)),
    };
    json!({
        "number": pull.number, "url": format!("{}/pull/{}", call.urls.page(repository), pull.number),
        "title": pull.title, "body": pull.body.clone().unwrap_or_default(), "state": state,
        "headRefName": pull.head, "headRefOid": pull.head_sha.to_string(), "baseRefName": pull.base,
        "isCrossRepository": false, "mergedAt": merged_at,
        "mergeCommit": commit.map(|commit| json!({"oid": commit.to_string()})),
    })
}
