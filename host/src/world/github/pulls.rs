//! Pull requests: opening, finding, reading, changing (GitHub REST, Pulls).

use serde_json::{Value, json};

use super::GitHub;
use super::answer::{Answer, Reply};
use super::call::Call;
use super::identity::TokenKind;
use super::mergeable::{Mergeability, look};
use super::shapes::{self, node_id, with, without};
use super::state::{PullRequest, PullState, Repository};

pub(super) fn create(github: &mut GitHub, call: &Call<'_>) -> Reply {
    let (title, head, base) = (
        call.required("title")?,
        call.required("head")?,
        call.required("base")?,
    );
    let repository = call.repository_mut(github);
    let actions = call
        .caller
        .token()
        .is_some_and(|token| token.kind == TokenKind::Actions);
    if actions && !repository.settings.actions_may_create_pulls {
        let message = "GitHub Actions is not permitted to create or approve pull requests.";
        return Err(Answer::error(403, message));
    }
    let head = branch_name(repository, head);
    let mut end = |field: &str, branch: &str| {
        let error = json!({"resource": "PullRequest", "field": field, "code": "invalid"});
        let found = repository.read_ref(&format!("refs/heads/{branch}"));
        found.ok_or_else(|| Answer::invalid(error))
    };
    let (head_sha, base_sha) = (end("head", &head)?, end("base", base)?);
    let custom = |message: String| {
        Answer::invalid(json!({"resource": "PullRequest", "code": "custom", "message": message}))
    };
    let same = |pull: &PullRequest| {
        pull.state == PullState::Open && pull.head == head && pull.base == base
    };
    if repository.pulls.values().any(same) {
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
        queued_at: None,
        created_at: call.now,
        updated_at: call.now,
        asked: None,
    };
    let pull = PullRequest {
        id: github.new_id(),
        ..pull
    };
    call.repository_mut(github)
        .pulls
        .insert(pull.number, pull.clone());
    Answer::created(full(call, call.repository(github), &pull, None))
}

/// `owner:branch` of this repository, or a bare branch.
fn branch_name(repository: &Repository, head: &str) -> String {
    let own = head
        .split_once(':')
        .filter(|(owner, _)| owner.eq_ignore_ascii_case(&repository.owner));
    own.map_or(head, |(_, branch)| branch).to_owned()
}

pub(super) fn list(github: &mut GitHub, call: &Call<'_>) -> Reply {
    let repository = call.repository(github);
    let state = call.query("state").unwrap_or("open");
    let invalid = |field: &str| {
        Answer::invalid(json!({"resource": "PullRequest", "field": field, "code": "invalid"}))
    };
    if !["open", "closed", "all"].contains(&state) {
        return Err(invalid("state"));
    }
    // Without an owner the filter is silently ignored, and every pull request comes back.
    let head = call.query("head").and_then(|head| head.split_once(':'));
    let wanted = |pull: &&PullRequest| {
        let open = pull.state == PullState::Open;
        (state == "all" || open == (state == "open"))
            && head.is_none_or(|(owner, branch)| {
                owner.eq_ignore_ascii_case(&repository.owner) && branch == pull.head
            })
            && call.query("base").is_none_or(|base| base == pull.base)
    };
    let mut pulls: Vec<&PullRequest> = repository.pulls.values().filter(wanted).collect();
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

pub(super) fn get(github: &mut GitHub, call: &Call<'_>) -> Reply {
    let number = call.pull(github)?.number;
    let unknown = github.weather.unknown_mergeable;
    let known = look(call.repository_mut(github), number, call.now, unknown);
    Answer::ok(full(
        call,
        call.repository(github),
        call.pull(github)?,
        known,
    ))
}

pub(super) fn update(github: &mut GitHub, call: &Call<'_>) -> Reply {
    let pull = call.pull(github)?.clone();
    let repository = call.repository(github);
    let invalid = |field: &str| {
        Answer::invalid(json!({"resource": "PullRequest", "field": field, "code": "invalid"}))
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
            return Err(Answer::invalid(
                json!({"resource": "PullRequest", "field": "state", "code": "invalid", "message": message}),
            ));
        }
        Some("open") => PullState::Open,
        Some("closed") if pull.state == PullState::Open => PullState::Closed { at: call.now },
        Some("closed") => pull.state.clone(),
        Some(_) => return Err(invalid("state")),
    };
    let base = call.text("base")?.unwrap_or(&pull.base);
    let base_sha = repository.branch(base).ok_or_else(|| invalid("base"))?;
    let base_sha = if base == pull.base {
        pull.base_sha
    } else {
        base_sha
    };
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
    Answer::ok(full(
        call,
        call.repository(github),
        call.pull(github)?,
        None,
    ))
}

/// What lists show.
pub(super) fn simple(call: &Call<'_>, repository: &Repository, pull: &PullRequest) -> Value {
    let (api, page) = (call.urls.repository(repository), call.urls.page(repository));
    let (url, html) = (
        format!("{api}/pulls/{}", pull.number),
        format!("{page}/pull/{}", pull.number),
    );
    let issue = format!("{api}/issues/{}", pull.number);
    let statuses = format!("{api}/statuses/{}", pull.head_sha);
    let (closed_at, merged_at, merge_commit) = match &pull.state {
        PullState::Open => (None, None, None),
        PullState::Closed { at } => (Some(at), None, None),
        PullState::Merged { at, commit, .. } => (Some(at), Some(at), Some(commit)),
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
        "head": end(call, repository, &pull.head, &pull.head_sha.to_string()),
        "base": end(call, repository, &pull.base, &pull.base_sha.to_string()),
        "_links": {
            "self": link(&url), "html": link(&html), "issue": link(&issue), "comments": link(&format!("{issue}/comments")),
            "review_comments": link(&format!("{url}/comments")), "review_comment": link(&format!("{api}/pulls/comments{{/number}}")),
            "commits": link(&format!("{url}/commits")), "statuses": link(&statuses),
        },
        "author_association": "CONTRIBUTOR",
        "auto_merge": auto_merge(call, pull),
        "draft": pull.draft,
    });
    if call.newest {
        without(&mut shape, &["merge_commit_sha", "assignee"]);
    }
    shape
}

/// The id that GraphQL knows a pull request by.
pub(super) fn pull_node_id(repository: &Repository, pull: &PullRequest) -> String {
    node_id("PR", format!("{}:{}", repository.id, pull.number))
}

fn end(call: &Call<'_>, repository: &Repository, branch: &str, sha: &str) -> Value {
    json!({
        "label": format!("{}:{branch}", repository.owner),
        "ref": branch,
        "sha": sha,
        "user": call.urls.account(&repository.owner, "Organization"),
        "repo": shapes::repository(&call.urls, repository, call.newest),
    })
}

fn team(call: &Call<'_>, repository: &Repository, slug: &str) -> Value {
    let (id, owner) = (shapes::user_id(slug), &repository.owner);
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

fn auto_merge(call: &Call<'_>, pull: &PullRequest) -> Value {
    pull.auto_merge.as_ref().map_or(Value::Null, |auto| {
        json!({
            "enabled_by": call.urls.user(&auto.by),
            "merge_method": auto.method.name(),
            "commit_title": auto.title.as_deref().unwrap_or_default(),
            "commit_message": auto.message.as_deref().unwrap_or_default(),
        })
    })
}

/// What a single pull request shows.
fn full(
    call: &Call<'_>,
    repository: &Repository,
    pull: &PullRequest,
    known: Option<Mergeability>,
) -> Value {
    let fork = repository
        .git
        .merge_base(pull.base_sha, pull.head_sha)
        .unwrap_or(pull.base_sha);
    let (from, to) = (
        repository.git.tree_of(fork),
        repository.git.tree_of(pull.head_sha),
    );
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
