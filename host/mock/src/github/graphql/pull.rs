//! The mutations that open and merge a pull request. What they do and refuse is REST's, in GraphQL's form.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::GitHub;
use super::super::call::GitHubCall;
use super::super::identity::PermissionLevel;
use super::super::pull_shapes::pull_node_id;
use super::super::state::{PullRequest, PullState, RepositoryState};
use super::super::{merge as merging, pulls};
use super::create_ref::place_of;
use super::mutation::locate;
use super::selection::Selection;
use super::{MutationInput, MutationRefusal, commit};

pub(super) fn create(
    github: &mut GitHub,
    call: &GitHubCall<'_>,
    input: &MutationInput<'_>,
) -> Result<Value, MutationRefusal> {
    let place = place_of(github, call, input.text("repositoryId"))?;
    let repository = &github.repositories[place];
    if !call.may("pull_requests", PermissionLevel::Write, repository) {
        return Err(MutationRefusal::forbidden(call));
    }
    let (head, base) = (input.text("headRefName"), input.text("baseRefName"));
    let body = json!({"title": input.text("title"), "body": input.find("body"), "head": head, "base": base});
    let inner = call.inner(place, BTreeMap::new(), body);
    pulls::create(github, &inner).map_err(|answer| {
        let refusal = MutationRefusal::of_rest(answer);
        // GitHub's words for a branch that it does not see.
        match refusal.message.as_str() {
            "Validation Failed" => MutationRefusal::new(
                "UNPROCESSABLE",
                format!(
                    "Head sha can't be blank, Base sha can't be blank, No commits between {base} and {head}, Head ref must be a branch"
                ),
            ),
            _ => refusal,
        }
    })?;
    let repository = &github.repositories[place];
    let newest = repository.pulls.values().next_back();
    let newest = newest.ok_or_else(|| MutationRefusal::missing(""))?;
    Ok(
        json!({"clientMutationId": null, "pullRequest": shape(call, repository, newest, &Selection::default())}),
    )
}

pub(super) fn merge(
    github: &mut GitHub,
    call: &GitHubCall<'_>,
    input: &MutationInput<'_>,
    selection: &Selection,
) -> Result<Value, MutationRefusal> {
    let id = input.text("pullRequestId");
    let (place, number) = locate(github, call, id)?;
    if github.forgets_pull(place, number, call.now) {
        return Err(MutationRefusal::missing(id));
    }
    let method = input.find("mergeMethod").unwrap_or("MERGE");
    let body = json!({
        "sha": input.find("expectedHeadOid"), "merge_method": method.to_lowercase(),
        "commit_title": input.find("commitHeadline"), "commit_message": input.find("commitBody"),
    });
    let path = BTreeMap::from([("number", number.to_string())]);
    let inner = call.inner(place, path, body);
    merging::merge(github, &inner).map_err(MutationRefusal::of_rest)?;
    let repository = &github.repositories[place];
    let below = selection.child("pullRequest").unwrap_or_default();
    let pull = shape(call, repository, &repository.pulls[&number], &below);
    Ok(
        json!({"clientMutationId": null, "actor": {"login": call.caller.login()}, "pullRequest": pull}),
    )
}

fn shape(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    pull: &PullRequest,
    selection: &Selection,
) -> Value {
    let (state, merge_commit) = match &pull.state {
        PullState::Open => ("OPEN", None),
        PullState::Closed { .. } => ("CLOSED", None),
        PullState::Merged { commit, .. } => ("MERGED", Some(*commit)),
    };
    let below = selection.child("mergeCommit").unwrap_or_default();
    let mut shape = Map::new();
    for (name, value) in [
        ("id", json!(pull_node_id(repository, pull))),
        ("number", json!(pull.number)),
        (
            "url",
            json!(format!(
                "{}/pull/{}",
                call.urls.page(repository),
                pull.number
            )),
        ),
        ("title", json!(pull.title)),
        ("body", json!(pull.body.clone().unwrap_or_default())),
        ("state", json!(state)),
        ("merged", json!(merge_commit.is_some())),
        ("headRefName", json!(pull.head)),
        ("headRefOid", json!(pull.head_sha.to_string())),
        ("baseRefName", json!(pull.base)),
        ("isCrossRepository", json!(false)),
        (
            "mergeCommit",
            merge_commit
                .and_then(|id| commit::shape(repository, id, &below))
                .unwrap_or_default(),
        ),
    ] {
        shape.insert(name.to_owned(), value);
    }
    Value::Object(shape)
}
