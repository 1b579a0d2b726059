//! Comments, labels and assignees: a pull request is an issue too (GitHub REST, Issues).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::shapes::{node_id, with, without};
use super::state::{IssueLabel, PullComment, PullRequest, PullState, RepositoryState};

/// GitHub takes no longer comment.
const MAX_BODY: usize = 65_536;

/// Issues may be off for a repository; its pull requests then take no comments and labels over these calls.
fn issues_on(github: &GitHub, call: &GitHubCall<'_>) -> Result<(), GitHubAnswer> {
    if !call.repository(github).settings.has_issues {
        return Err(GitHubAnswer::error(
            410,
            "Issues are disabled for this repo",
        ));
    }
    Ok(())
}

fn comment_shape(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    number: u64,
    comment: &PullComment,
) -> Value {
    let api = call.urls.repository(repository);
    let page = format!("{}/pull/{number}", call.urls.page(repository));
    json!({
        "id": comment.id,
        "node_id": node_id("IC", comment.id),
        "url": format!("{api}/issues/comments/{}", comment.id),
        "html_url": format!("{page}#issuecomment-{}", comment.id),
        "issue_url": format!("{api}/issues/{number}"),
        "body": comment.body,
        "user": call.urls.user(&comment.user),
        "created_at": comment.created_at.to_string(),
        "updated_at": comment.updated_at.to_string(),
        "author_association": "CONTRIBUTOR",
        "performed_via_github_app": null,
        "reactions": reactions(&format!("{api}/issues/comments/{}", comment.id)),
    })
}

/// Returns the reactions to a comment, of which there are none.
fn reactions(comment_url: &str) -> Value {
    json!({
        "url": format!("{comment_url}/reactions"), "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0,
        "confused": 0, "heart": 0, "rocket": 0, "eyes": 0,
    })
}

fn body(call: &GitHubCall<'_>) -> Result<String, GitHubAnswer> {
    let body = call.required("body")?;
    if body.trim().is_empty() || body.chars().count() > MAX_BODY {
        let message = if body.trim().is_empty() {
            "body cannot be blank".to_owned()
        } else {
            format!("body is too long (maximum is {MAX_BODY} characters)")
        };
        return Err(GitHubAnswer::invalid(
            json!({"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": message}),
        ));
    }
    Ok(body.to_owned())
}

pub(super) fn comments(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    issues_on(github, call)?;
    let repository = call.repository(github);
    let pull = call.pull(github)?;
    let since: Option<Timestamp> = call.query("since").and_then(|since| since.parse().ok());
    let shapes = pull
        .comments
        .iter()
        .filter(|comment| since.is_none_or(|since| comment.updated_at >= since))
        .map(|comment| comment_shape(call, repository, pull.number, comment));
    let shapes = shapes.collect();
    call.page(github, shapes, |_, shown| shown.into())
}

pub(super) fn comment(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    issues_on(github, call)?;
    call.pull(github)?;
    let body = body(call)?;
    let id = github.new_id();
    let user = call.caller.login().to_owned();
    let comment = PullComment {
        id,
        user,
        body,
        created_at: call.now,
        updated_at: call.now,
    };
    let pull = call.pull_mut(github)?;
    pull.comments.push(comment.clone());
    pull.updated_at = call.now;
    let number = pull.number;
    GitHubAnswer::created(comment_shape(
        call,
        call.repository(github),
        number,
        &comment,
    ))
}

pub(super) fn edit_comment(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let id = call.number("comment")?;
    let now = call.now;
    let body = body(call);
    let mut pulls = call.repository_mut(github).pulls.values_mut();
    let found = pulls.find_map(|pull| {
        let number = pull.number;
        let comment = pull.comments.iter_mut().find(|comment| comment.id == id)?;
        Some((number, comment))
    });
    let (number, comment) = found.ok_or_else(GitHubAnswer::not_found)?;
    comment.body = body?;
    comment.updated_at = now;
    let comment = comment.clone();
    GitHubAnswer::ok(comment_shape(
        call,
        call.repository(github),
        number,
        &comment,
    ))
}

/// All labels of the pull request.
fn labels_of(github: &GitHub, call: &GitHubCall<'_>) -> Result<Vec<Value>, GitHubAnswer> {
    let repository = call.repository(github);
    let pull = call.pull(github)?;
    let labels = pull
        .labels
        .iter()
        .filter_map(|name| repository.labels.get(name));
    Ok(labels
        .map(|label| call.urls.label(repository, label))
        .collect())
}

pub(super) fn labels(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    issues_on(github, call)?;
    let labels = labels_of(github, call)?;
    call.page(github, labels, |_, shown| shown.into())
}

pub(super) fn add_labels(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    issues_on(github, call)?;
    let number = call.pull(github)?.number;
    if github.forgets_pull(call.repository, number, call.now) {
        return Err(
            GitHubAnswer::error(422, "Validation Failed").errors(json!(["Issue not found"]))
        );
    }
    let given = call.body.get("labels").and_then(Value::as_array);
    let given = given.ok_or_else(|| GitHubAnswer::not_supplied("labels"))?;
    let mut names = Vec::new();
    for item in given {
        let name = item.get("name").unwrap_or(item);
        let wrong =
            || GitHubAnswer::error(422, "Invalid request.\n\nAn array of strings is wanted.");
        names.push(name.as_str().ok_or_else(wrong)?.to_owned());
    }
    for name in names {
        // Names compare without case, and unknown ones come into being.
        let known = call
            .repository(github)
            .labels
            .keys()
            .find(|known| known.eq_ignore_ascii_case(&name));
        let name = match known {
            Some(known) => known.clone(),
            None => {
                let label = IssueLabel {
                    id: github.new_id(),
                    name: name.clone(),
                    color: "ededed".into(),
                    description: None,
                };
                call.repository_mut(github)
                    .labels
                    .insert(name.clone(), label);
                name
            }
        };
        call.pull_mut(github)?.labels.insert(name);
    }
    GitHubAnswer::ok(labels_of(github, call)?.into())
}

pub(super) fn remove_label(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    issues_on(github, call)?;
    if !call.pull_mut(github)?.labels.remove(call.part("name")) {
        return Err(GitHubAnswer::error(404, "Label does not exist"));
    }
    GitHubAnswer::ok(labels_of(github, call)?.into())
}

pub(super) fn label(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let label = repository
        .labels
        .get(call.part("name"))
        .ok_or_else(GitHubAnswer::not_found)?;
    GitHubAnswer::ok(call.urls.label(repository, label))
}

pub(super) fn create_label(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    issues_on(github, call)?;
    let name = call.required("name")?.to_owned();
    let color = call.text("color")?.unwrap_or("ededed").to_owned();
    let error = |code: &str, field: &str| {
        GitHubAnswer::invalid(json!({"resource": "Label", "code": code, "field": field}))
    };
    if color.len() != 6 || !color.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(error("invalid", "color"));
    }
    if call
        .repository(github)
        .labels
        .keys()
        .any(|known| known.eq_ignore_ascii_case(&name))
    {
        return Err(error("already_exists", "name"));
    }
    let description = call.text("description")?.map(str::to_owned);
    let label = IssueLabel {
        id: github.new_id(),
        name: name.clone(),
        color,
        description,
    };
    let shape = call.urls.label(call.repository(github), &label);
    call.repository_mut(github).labels.insert(name, label);
    GitHubAnswer::created(shape)
}

pub(super) fn assign(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let wanted = call.texts("assignees")?.unwrap_or_default();
    let known: BTreeSet<String> = call.repository(github).collaborators.clone();
    let pull = call.pull_mut(github)?;
    // Unknown users are silently left out, and so is everyone past the tenth.
    for login in wanted.into_iter().filter(|login| known.contains(login)) {
        if pull.assignees.len() < 10 && !pull.assignees.contains(&login) {
            pull.assignees.push(login);
        }
    }
    let repository = call.repository(github);
    let pull = call.pull(github)?;
    let mut shape = issue_shape(call, repository, pull);
    if call.newest {
        without(&mut shape, &["assignee"]);
    }
    let url = shape["url"].as_str().unwrap_or_default().to_owned();
    Ok(GitHubAnswer::json(201, shape).header("location", url))
}

/// `GET /repos/{owner}/{repo}/issues/{number}`: every pull request is an issue too.
pub(super) fn get(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let pull = call.pull(github)?.clone();
    let closed_by = match &pull.state {
        PullState::Closed { by, .. } => by.as_deref().map(|by| call.urls.user(by)),
        PullState::Merged { by, .. } => Some(call.urls.user(by)),
        PullState::Open => None,
    };
    let shape = issue_shape(call, call.repository(github), &pull);
    GitHubAnswer::ok(with(shape, json!({ "closed_by": closed_by })))
}

/// The issue side of a pull request.
fn issue_shape(call: &GitHubCall<'_>, repository: &RepositoryState, pull: &PullRequest) -> Value {
    let api = call.urls.repository(repository);
    let url = format!("{api}/issues/{}", pull.number);
    let merged_at = match pull.state {
        PullState::Merged { at, .. } => Some(at.to_string()),
        _ => None,
    };
    let mut shape = super::pull_shapes::simple(call, repository, pull);
    let html = shape["html_url"].clone();
    let pull_request = json!({
        "url": shape["url"], "html_url": html, "diff_url": shape["diff_url"], "patch_url": shape["patch_url"],
        "merged_at": merged_at,
    });
    let only_pulls = [
        "base",
        "head",
        "_links",
        "auto_merge",
        "merge_commit_sha",
        "merged_at",
        "requested_reviewers",
        "requested_teams",
        "issue_url",
        "commits_url",
        "review_comments_url",
        "review_comment_url",
        "statuses_url",
        "diff_url",
        "patch_url",
    ];
    without(&mut shape, &only_pulls);
    with(
        shape,
        json!({
            "node_id": node_id("I", pull.id),
            "url": url,
            "repository_url": api,
            "labels_url": format!("{url}/labels{{/name}}"),
            "events_url": format!("{url}/events"),
            "timeline_url": format!("{url}/timeline"),
            "comments": pull.comments.len(),
            "pull_request": pull_request,
        }),
    )
}
