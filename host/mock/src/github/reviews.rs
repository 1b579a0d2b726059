//! The files and commits of a pull request, its reviews, and requests for them.

use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::{GitHubCall, encode_path};
use super::commits::commit_shape;
use super::identity::{PermissionLevel, TokenKind};
use super::pull_shapes;
use super::shapes::node_id;
use super::state::{PullRequest, PullReview, RepositoryState, ReviewState};
use crate::git::ObjectId;

/// The files that differ between two trees.
pub(super) fn diff_entries(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    at: ObjectId,
    from: Option<ObjectId>,
    to: Option<ObjectId>,
) -> Vec<Value> {
    let api = call.urls.repository(repository);
    let page = call.urls.page(repository);
    let changes = repository.git.changes(from, to);
    changes
        .iter()
        .map(|change| {
            let diff = repository.git.line_diff(change);
            let status = match (change.old, change.new) {
                (None, _) => "added",
                (_, None) => "removed",
                _ => "modified",
            };
            let path = &change.path;
            let place = encode_path(&change.path);
            let mut shape = json!({
                "sha": change.new.or(change.old).map(|entry| entry.id.to_string()),
                "filename": path,
                "status": status,
                "additions": diff.additions,
                "deletions": diff.deletions,
                "changes": diff.additions + diff.deletions,
                "blob_url": format!("{page}/blob/{at}/{place}"),
                "raw_url": format!("{page}/raw/{at}/{place}"),
                "contents_url": format!("{api}/contents/{place}?ref={at}"),
            });
            if let Some(patch) = diff.patch {
                shape["patch"] = patch.trim_end_matches('\n').into();
            }
            shape
        })
        .collect()
}

pub(super) fn files(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let pull = call.pull(github)?;
    let fork = repository
        .git
        .merge_base(pull.base_sha, pull.head_sha)
        .unwrap_or(pull.base_sha);
    let from = repository.git.tree_of(fork);
    let to = repository.git.tree_of(pull.head_sha);
    let entries = diff_entries(call, repository, pull.head_sha, from, to);
    call.page(github, entries, |_, shown| shown.into())
}

pub(super) fn commits(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let pull = call.pull(github)?;
    let ahead = repository.git.ahead(pull.base_sha, pull.head_sha);
    let shapes = ahead
        .into_iter()
        .map(|id| commit_shape(call, repository, id))
        .collect();
    call.page(github, shapes, |_, shown| shown.into())
}

pub(super) fn list(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let pull = call.pull(github)?;
    let shapes = pull.reviews.iter();
    let shapes = shapes
        .map(|review| review_shape(call, repository, pull, review))
        .collect();
    call.page(github, shapes, |_, shown| shown.into())
}

fn review_shape(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    pull: &PullRequest,
    review: &PullReview,
) -> Value {
    let url = format!("{}/pulls/{}", call.urls.repository(repository), pull.number);
    let page = format!("{}/pull/{}", call.urls.page(repository), pull.number);
    let html = format!("{page}#pullrequestreview-{}", review.id);
    let state = match review.state {
        ReviewState::Approved => "APPROVED",
        ReviewState::ChangesRequested => "CHANGES_REQUESTED",
        ReviewState::Commented => "COMMENTED",
        ReviewState::Dismissed => "DISMISSED",
    };
    let association = if repository.is_collaborator(&review.user) {
        "COLLABORATOR"
    } else {
        "NONE"
    };
    json!({
        "id": review.id,
        "node_id": node_id("PRR", review.id),
        "user": call.urls.user(&review.user),
        "body": "",
        "state": state,
        "html_url": html,
        "pull_request_url": url,
        "author_association": association,
        "_links": {"html": {"href": html}, "pull_request": {"href": url}},
        "submitted_at": review.at.to_string(),
        "commit_id": review.commit.to_string(),
    })
}

/// Reviews the head of a pull request, as its page does.
///
/// A review that is not submitted at once, without `event`, is nothing that anybody else sees: the mock takes none.
pub(super) fn create(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let refuse =
        |why: &str| Err(GitHubAnswer::error(422, "Unprocessable Entity").errors(json!([why])));
    let (state, own) = match call.text("event")? {
        Some("APPROVE") => (
            ReviewState::Approved,
            "Can not approve your own pull request",
        ),
        Some("REQUEST_CHANGES") => (
            ReviewState::ChangesRequested,
            "Can not request changes on your own pull request",
        ),
        Some("COMMENT") => (ReviewState::Commented, ""),
        _ => return refuse("Event must be one of APPROVE, REQUEST_CHANGES, COMMENT"),
    };
    let has_body = call.text("body")?.is_some_and(|body| !body.is_empty());
    if state != ReviewState::Approved && !has_body {
        return refuse("Body can't be blank");
    }
    let user = call.caller.login().to_owned();
    let pull = call.pull(github)?;
    let number = pull.number;
    if state != ReviewState::Commented && user.eq_ignore_ascii_case(&pull.author) {
        return refuse(own);
    }
    let is_workflow = call
        .caller
        .token()
        .is_some_and(|token| token.kind == TokenKind::Actions);
    if state == ReviewState::Approved && is_workflow {
        return refuse("GitHub Actions is not permitted to approve pull requests.");
    }
    let full_name = call.repository(github).full_name();
    github
        .review(&full_name, number, &user, state)
        .ok_or_else(GitHubAnswer::not_found)?;
    let repository = call.repository(github);
    let pull = call.pull(github)?;
    let review = pull.reviews.last().ok_or_else(GitHubAnswer::not_found)?;
    GitHubAnswer::ok(review_shape(call, repository, pull, review))
}

pub(super) fn request(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let users = call.texts("reviewers")?.unwrap_or_default();
    let teams = call.texts("team_reviewers")?.unwrap_or_default();
    let pull = call.pull(github)?;
    if users
        .iter()
        .any(|user| user.eq_ignore_ascii_case(&pull.author))
    {
        return Err(GitHubAnswer::error(
            422,
            "Review cannot be requested from pull request author.",
        ));
    }
    let repository = call.repository(github);
    let node_id = pull_shapes::pull_node_id(repository, pull);
    let number = pull.number;
    if !teams.is_empty() && !call.may("members", PermissionLevel::Read, repository) {
        return Err(unresolved(&teams[0]));
    }
    let known = &repository.collaborators;
    if users.iter().chain(&teams).any(|name| !known.contains(name)) {
        let message = format!(
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is \
             not a collaborator of the {} repository.",
            repository.full_name()
        );
        return Err(GitHubAnswer::error(422, message));
    }
    if github.forgets_pull(call.repository, number, call.now) {
        return Err(unresolved(&node_id));
    }
    let now = call.now;
    let pull: &mut PullRequest = call.pull_mut(github)?;
    for (list, names) in [
        (&mut pull.reviewers.0, users),
        (&mut pull.reviewers.1, teams),
    ] {
        let new: Vec<String> = names
            .into_iter()
            .filter(|name| !list.contains(name))
            .collect();
        list.extend(new);
    }
    pull.updated_at = now;
    let shape = pull_shapes::simple(call, call.repository(github), call.pull(github)?);
    let url = shape["url"].as_str().unwrap_or_default().to_owned();
    Ok(GitHubAnswer::json(201, shape).header("location", url))
}

/// Returns the refusal of a thing that the caller may not see, or that GitHub does not know everywhere yet.
fn unresolved(id: &str) -> GitHubAnswer {
    let reason = format!("Could not resolve to a node with the global id of '{id}'.");
    GitHubAnswer::error(422, "Validation Failed").errors(json!([reason]))
}
