//! The JSON form of a pull request, in lists and by itself.

use serde_json::{Value, json};

use super::call::GitHubCall;
use super::mergeable::Mergeability;
use super::shapes::{self, node_id, with, without};
use super::state::{PullRequest, PullState, RepositoryState};
use crate::git::ObjectId;

/// Returns the form that lists show.
pub(super) fn simple(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    pull: &PullRequest,
) -> Value {
    let api = call.urls.repository(repository);
    let page = call.urls.page(repository);
    let url = format!("{api}/pulls/{}", pull.number);
    let html = format!("{page}/pull/{}", pull.number);
    let issue = format!("{api}/issues/{}", pull.number);
    let statuses = format!("{api}/statuses/{}", pull.head_sha);
    let assessed = pull
        .assessed
        .filter(|assessed| assessed.head == pull.head_sha);
    let trial = assessed.and_then(|assessed| assessed.trial);
    let (closed_at, merged_at, merge_commit) = match &pull.state {
        PullState::Open => (None, None, trial),
        PullState::Closed { at, .. } => (Some(at), None, trial),
        PullState::Merged { at, commit, .. } => (Some(at), Some(at), Some(*commit)),
    };
    let users = |logins: &[String]| {
        logins
            .iter()
            .map(|login| call.urls.user(login))
            .collect::<Vec<_>>()
    };
    let labels = pull
        .labels
        .iter()
        .filter_map(|name| repository.labels.get(name));
    let labels: Vec<Value> = labels
        .map(|label| call.urls.label(repository, label))
        .collect();
    let whole = super::repository_shape::repository(&call.urls, repository, call.newest);
    let link = |href: &str| json!({"href": href});
    let mut shape = json!({
        "url": url,
        "id": pull.id,
        "node_id": pull_node_id(repository, pull),
        "html_url": html,
        "diff_url": format!("{html}.diff"),
        "patch_url": format!("{html}.patch"),
        "issue_url": issue,
        "commits_url": format!("{url}/commits"),
        "review_comments_url": format!("{url}/comments"),
        "review_comment_url": format!("{api}/pulls/comments{{/number}}"),
        "comments_url": format!("{issue}/comments"),
        "statuses_url": statuses,
        "number": pull.number,
        "state": if pull.state == PullState::Open { "open" } else { "closed" },
        "locked": false,
        "active_lock_reason": null,
        "title": pull.title,
        "user": call.urls.user(&pull.author),
        "body": pull.body,
        "labels": labels,
        "milestone": null,
        "created_at": pull.created_at.to_string(),
        "updated_at": pull.updated_at.to_string(),
        "closed_at": closed_at.map(|at| at.to_string()),
        "merged_at": merged_at.map(|at| at.to_string()),
        "merge_commit_sha": merge_commit.map(|id| id.to_string()),
        "assignee": pull.assignees.first().map(|login| call.urls.user(login)),
        "assignees": users(&pull.assignees),
        "requested_reviewers": users(&pull.reviewers.0),
        "requested_teams": pull.reviewers.1.iter().map(|slug| team(call, repository, slug)).collect::<Vec<_>>(),
        "_links": {
            "self": link(&url), "html": link(&html), "issue": link(&issue), "comments": link(&format!("{issue}/comments")),
            "review_comments": link(&format!("{url}/comments")), "review_comment": link(&format!("{api}/pulls/comments{{/number}}")),
            "commits": link(&format!("{url}/commits")), "statuses": link(&statuses),
        },
        "author_association": "CONTRIBUTOR",
        "auto_merge": auto_merge(call, pull),
        "draft": pull.draft,
    });
    // Not by `json!`, which copies whatever it is given: these are nearly all of the answer.
    shape["head"] = end(whole.clone(), &pull.head, pull.head_sha);
    shape["base"] = end(whole, &pull.base, pull.base_sha);
    if call.newest {
        without(&mut shape, &["merge_commit_sha", "assignee"]);
    }
    shape
}

/// The id that GraphQL knows a pull request by.
pub(super) fn pull_node_id(repository: &RepositoryState, pull: &PullRequest) -> String {
    node_id("PR", format!("{}:{}", repository.id, pull.number))
}

/// One end of a pull request. The repository is the same for both, and by far the largest part of the answer.
fn end(whole: Value, branch: &str, sha: ObjectId) -> Value {
    let owner = &whole["owner"];
    let mut end = json!({
        "label": format!("{}:{branch}", owner["login"].as_str().unwrap_or_default()),
        "ref": branch,
        "sha": sha.to_string(),
        "user": owner,
    });
    end["repo"] = whole;
    end
}

fn team(call: &GitHubCall<'_>, repository: &RepositoryState, slug: &str) -> Value {
    let id = shapes::user_id(slug);
    let owner = &repository.owner;
    let url = format!(
        "{}/organizations/{}/team/{id}",
        call.urls.api,
        shapes::user_id(owner)
    );
    json!({
        "id": id, "node_id": node_id("T", id), "name": slug, "slug": slug, "description": null,
        "permission": "push", "privacy": "closed", "notification_setting": "notifications_enabled",
        "url": url, "html_url": format!("{}/orgs/{owner}/teams/{slug}", call.urls.html),
        "members_url": format!("{url}/members{{/member}}"), "repositories_url": format!("{url}/repos"),
        "type": "organization", "organization_id": shapes::user_id(owner), "parent": null,
    })
}

fn auto_merge(call: &GitHubCall<'_>, pull: &PullRequest) -> Value {
    pull.auto_merge.as_ref().map_or(Value::Null, |auto| {
        json!({
            "enabled_by": call.urls.user(&auto.by),
            "merge_method": auto.method.name(),
            "commit_title": auto.title.as_deref().unwrap_or_default(),
            "commit_message": auto.message.as_deref().unwrap_or_default(),
        })
    })
}

/// Returns the form that a single pull request shows.
pub(super) fn full(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    pull: &PullRequest,
    known: Option<Mergeability>,
) -> Value {
    let fork = repository
        .git
        .merge_base(pull.base_sha, pull.head_sha)
        .unwrap_or(pull.base_sha);
    let from = repository.git.tree_of(fork);
    let to = repository.git.tree_of(pull.head_sha);
    let changes = repository.git.changes(from, to);
    let diffs: Vec<_> = changes
        .iter()
        .map(|change| repository.git.line_diff(change))
        .collect();
    let merged_by = match &pull.state {
        PullState::Merged { by, .. } => call.urls.user(by),
        _ => Value::Null,
    };
    let more = json!({
        "merged": matches!(pull.state, PullState::Merged { .. }),
        "mergeable": known.map(|known| known.mergeable),
        "rebaseable": known.map(|known| known.mergeable),
        "mergeable_state": known.map_or("unknown", |known| known.state),
        "merged_by": merged_by,
        "comments": pull.comments.len(),
        "review_comments": 0,
        "maintainer_can_modify": false,
        "commits": repository.git.ahead(pull.base_sha, pull.head_sha).len(),
        "additions": diffs.iter().map(|diff| diff.additions).sum::<usize>(),
        "deletions": diffs.iter().map(|diff| diff.deletions).sum::<usize>(),
        "changed_files": changes.len(),
    });
    with(simple(call, repository, pull), more)
}
