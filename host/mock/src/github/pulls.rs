//! Pull requests: opening, finding, reading, changing (GitHub REST, Pulls).

use serde_json::json;

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::identity::TokenKind;
use super::mergeable::look;
use super::pull_shapes::{full, simple};
use super::state::{PullRequest, PullState, RepositoryState};
use crate::git::ObjectId;

pub(super) fn create(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    call.require(&["title", "head", "base"])?;
    let title = call.required("title")?;
    let head = call.required("head")?;
    let base = call.required("base")?;
    let repository = call.repository_mut(github);
    let actions = call
        .caller
        .token()
        .is_some_and(|token| token.kind == TokenKind::Actions);
    if actions && !repository.settings.actions_may_create_pulls {
        let message = "GitHub Actions is not permitted to create or approve pull requests.";
        return Err(GitHubAnswer::error(403, message));
    }
    within_limits(title, call.text("body")?)?;
    let head = branch_name(repository, head);
    let mut end = |field: &str, branch: &str| {
        let error = json!({"resource": "PullRequest", "field": field, "code": "invalid"});
        let found = repository.read_ref(&format!("refs/heads/{branch}"));
        found.ok_or_else(|| GitHubAnswer::invalid(error))
    };
    let head_sha = end("head", &head)?;
    let base_sha = end("base", base)?;
    let custom = |message: String| {
        GitHubAnswer::invalid(
            json!({"resource": "PullRequest", "code": "custom", "message": message}),
        )
    };
    if repository
        .pulls
        .values()
        .any(|pull| pull.state == PullState::Open && pull.head == head && pull.base == base)
    {
        let owner = &repository.owner;
        return Err(custom(format!(
            "A pull request already exists for {owner}:{head}."
        )));
    }
    if repository.git.is_ancestor(head_sha, base_sha) {
        return Err(custom(format!("No commits between {base} and {head}")));
    }
    let pull = PullRequest {
        id: 0,
        number: repository.next_number(),
        title: title.into(),
        body: call.text("body")?.map(str::to_owned),
        author: call.caller.login().into(),
        head,
        head_sha,
        base: base.into(),
        base_sha,
        draft: call.flag("draft"),
        state: PullState::Open,
        labels: Default::default(),
        assignees: Vec::new(),
        reviewers: Default::default(),
        reviews: Vec::new(),
        comments: Vec::new(),
        auto_merge: None,
        queue_entry: None,
        created_at: call.now,
        updated_at: call.now,
        asked: None,
        assessed: None,
        slow_merge: None,
    };
    let pull = PullRequest {
        id: github.new_id(),
        ..pull
    };
    call.repository_mut(github)
        .pulls
        .insert(pull.number, pull.clone());
    GitHubAnswer::created(full(call, call.repository(github), &pull, None))
}

/// Titles and texts have a longest form; GitHub does not document it.
fn within_limits(title: &str, body: Option<&str>) -> Result<(), GitHubAnswer> {
    for (field, text, limit) in [
        ("title", title, 256),
        ("body", body.unwrap_or_default(), 65_536),
    ] {
        if text.chars().count() > limit {
            let message = format!("{field} is too long (maximum is {limit} characters)");
            let error =
                json!({"resource": "Issue", "code": "custom", "field": field, "message": message});
            return Err(GitHubAnswer::invalid(error));
        }
    }
    Ok(())
}

/// `owner:branch` of this repository, or a bare branch.
fn branch_name(repository: &RepositoryState, head: &str) -> String {
    let own = head
        .split_once(':')
        .filter(|(owner, _)| owner.eq_ignore_ascii_case(&repository.owner));
    own.map_or(head, |(_, branch)| branch).to_owned()
}

pub(super) fn list(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let state = call.query("state").unwrap_or("open");
    let invalid = |field: &str| {
        GitHubAnswer::invalid(json!({"resource": "PullRequest", "field": field, "code": "invalid"}))
    };
    if !["open", "closed", "all"].contains(&state) {
        return Err(invalid("state"));
    }
    // Without an owner the filter is silently ignored, and every pull request comes back.
    let head = call.query("head").and_then(|head| head.split_once(':'));
    let mut pulls: Vec<&PullRequest> = repository
        .pulls
        .values()
        .filter(|pull| {
            let open = pull.state == PullState::Open;
            (state == "all" || open == (state == "open"))
                && head.is_none_or(|(owner, branch)| {
                    owner.eq_ignore_ascii_case(&repository.owner) && branch == pull.head
                })
                && call.query("base").is_none_or(|base| base == pull.base)
        })
        .collect();
    let sort = call.query("sort").unwrap_or("created");
    if sort == "updated" {
        pulls.sort_by_key(|pull| pull.updated_at);
    }
    let ascending = match call.query("direction") {
        Some(direction) => direction == "asc",
        None => sort != "created" && call.query("sort").is_some(),
    };
    if !ascending {
        pulls.reverse();
    }
    let shapes = pulls
        .into_iter()
        .map(|pull| simple(call, repository, pull))
        .collect();
    call.page(github, shapes, |_, shown| shown.into())
}

/// The merged pull request that brought a commit of the default branch, or every one that holds it.
pub(super) fn of_commit(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let name = call.part("sha");
    let missing = || GitHubAnswer::error(422, format!("No commit found for SHA: {name}"));
    let id = repository.resolve(name).ok_or_else(missing)?;
    let shapes = bringing(repository, id).into_iter();
    let shapes = shapes.map(|pull| simple(call, repository, pull)).collect();
    call.page(github, shapes, |_, shown| shown.into())
}

/// Returns the pull requests that brought a commit, or would bring it as long as the default branch does not hold it.
pub(super) fn bringing(repository: &RepositoryState, id: ObjectId) -> Vec<&PullRequest> {
    let default = repository.branch(&repository.settings.default_branch);
    let is_there = default.is_some_and(|head| repository.git.is_ancestor(id, head));
    let brings = |pull: &&PullRequest| {
        let holds = || {
            repository
                .git
                .ahead(pull.base_sha, pull.head_sha)
                .contains(&id)
        };
        match &pull.state {
            PullState::Merged { commit, .. } => *commit == id || holds(),
            PullState::Open => !is_there && holds(),
            PullState::Closed { .. } => false,
        }
    };
    repository.pulls.values().filter(brings).collect()
}

pub(super) fn get(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let number = call.pull(github)?.number;
    let unknown = github.weather.unknown_mergeable;
    let known = look(call.repository_mut(github), number, call.now, unknown);
    GitHubAnswer::ok(full(
        call,
        call.repository(github),
        call.pull(github)?,
        known,
    ))
}

pub(super) fn update(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let pull = call.pull(github)?.clone();
    let repository = call.repository(github);
    let invalid = |field: &str| {
        GitHubAnswer::invalid(json!({"resource": "PullRequest", "field": field, "code": "invalid"}))
    };
    let merged = matches!(pull.state, PullState::Merged { .. });
    let state = match call.text("state")? {
        None => pull.state.clone(),
        Some("open") if merged => return Err(invalid("state")),
        Some("open") if repository.branch(&pull.head).is_none() => {
            let message = format!(
                "state cannot be changed. The {} branch has been deleted.",
                pull.head
            );
            return Err(GitHubAnswer::invalid(
                json!({"resource": "PullRequest", "field": "state", "code": "invalid", "message": message}),
            ));
        }
        Some("open") => PullState::Open,
        Some("closed") if pull.state == PullState::Open => PullState::Closed {
            at: call.now,
            by: Some(call.caller.login().to_owned()),
        },
        Some("closed") => pull.state.clone(),
        Some(_) => return Err(invalid("state")),
    };
    let base = call.text("base")?.unwrap_or(&pull.base);
    let base_sha = repository.branch(base).ok_or_else(|| {
        let message = format!("Proposed base branch '{base}' was not found");
        GitHubAnswer::invalid(
            json!({"resource": "PullRequest", "field": "base", "code": "invalid", "message": message}),
        )
    })?;
    let base_sha = if base == pull.base {
        pull.base_sha
    } else {
        base_sha
    };
    within_limits(call.text("title")?.unwrap_or_default(), call.text("body")?)?;
    let changed = PullRequest {
        title: call.text("title")?.unwrap_or(&pull.title).into(),
        body: call.text("body")?.map(str::to_owned).or(pull.body.clone()),
        base: base.into(),
        base_sha,
        state,
        updated_at: call.now,
        ..pull
    };
    *call.pull_mut(github)? = changed;
    GitHubAnswer::ok(full(
        call,
        call.repository(github),
        call.pull(github)?,
        None,
    ))
}
