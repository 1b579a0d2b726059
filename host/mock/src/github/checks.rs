//! Check runs and commit statuses (GitHub REST, Checks; Commit statuses).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::shapes::{node_id, with};
use super::state::{CheckRun, CommitStatus, RepositoryState};
use crate::git::ObjectId;

/// The standing of a required check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckVerdict {
    Absent,
    Pending,
    Failed,
    Passed,
}

/// Returns the standing of the check or status of this name; the newest counts.
pub(super) fn verdict(
    repository: &RepositoryState,
    commit: ObjectId,
    name: &str,
    now: Timestamp,
) -> CheckVerdict {
    let mut runs = repository.check_runs.iter().rev();
    let run = runs.find(|run| run.commit == commit && run.name == name);
    if let Some(run) = run {
        return run_verdict(run, now);
    }
    status_verdict(repository, commit, name)
}

fn status_verdict(repository: &RepositoryState, commit: ObjectId, name: &str) -> CheckVerdict {
    let mut statuses = repository.statuses.iter().rev();
    let status = statuses.find(|status| status.commit == commit && status.context == name);
    match status.map(|status| status.state.as_str()) {
        None => CheckVerdict::Absent,
        Some("success") => CheckVerdict::Passed,
        Some("pending") => CheckVerdict::Pending,
        Some(_) => CheckVerdict::Failed,
    }
}

/// Returns the standing of a required check that only one App may report. A commit status names no App in the API, so
/// a status of the name counts whoever set it.
pub(super) fn required_verdict(
    repository: &RepositoryState,
    commit: ObjectId,
    name: &str,
    app: Option<u64>,
    now: Timestamp,
) -> CheckVerdict {
    if app.is_none_or(|app| app == ACTIONS) {
        verdict(repository, commit, name, now)
    } else {
        status_verdict(repository, commit, name)
    }
}

fn run_verdict(run: &CheckRun, now: Timestamp) -> CheckVerdict {
    match run.conclusion_at(now) {
        None => CheckVerdict::Pending,
        Some("success" | "neutral" | "skipped") => CheckVerdict::Passed,
        Some(_) => CheckVerdict::Failed,
    }
}

/// Returns true if any check or status of the commit fails or is unfinished.
pub(super) fn any_unfinished(
    repository: &RepositoryState,
    commit: ObjectId,
    now: Timestamp,
) -> bool {
    let runs = latest(repository, commit);
    let statuses = latest_statuses(repository, commit);
    runs.iter()
        .any(|run| run_verdict(run, now) != CheckVerdict::Passed)
        || statuses.iter().any(|status| status.state != "success")
}

/// The newest run of each name.
fn latest(repository: &RepositoryState, commit: ObjectId) -> Vec<&CheckRun> {
    let runs = repository
        .check_runs
        .iter()
        .filter(|run| run.commit == commit);
    let newest: BTreeMap<&str, &CheckRun> = runs.map(|run| (run.name.as_str(), run)).collect();
    newest.into_values().collect()
}

fn latest_statuses(repository: &RepositoryState, commit: ObjectId) -> Vec<&CommitStatus> {
    let statuses = repository
        .statuses
        .iter()
        .filter(|status| status.commit == commit);
    let newest: BTreeMap<&str, &CommitStatus> = statuses
        .map(|status| (status.context.as_str(), status))
        .collect();
    newest.into_values().collect()
}

fn commit_of(github: &mut GitHub, call: &GitHubCall<'_>) -> Result<ObjectId, GitHubAnswer> {
    let name = call.part("ref");
    let commit = call.repository_mut(github).read(name);
    commit.ok_or_else(|| GitHubAnswer::error(422, format!("No commit found for SHA: {name}")))
}

pub(super) fn runs(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let commit = commit_of(github, call)?;
    let repository = call.repository(github);
    let mut runs = match call.query("filter") {
        Some("all") => repository
            .check_runs
            .iter()
            .filter(|run| run.commit == commit)
            .collect(),
        _ => latest(repository, commit),
    };
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    let status = |run: &CheckRun| match run.conclusion_at(call.now) {
        Some(_) => "completed",
        None => "in_progress",
    };
    let shapes = runs
        .iter()
        .filter(|run| {
            call.query("check_name").is_none_or(|name| name == run.name)
                && call
                    .query("status")
                    .is_none_or(|wanted| wanted == status(run))
                && call
                    .query("app_id")
                    .is_none_or(|id| id == ACTIONS.to_string())
        })
        .map(|run| run_shape(call, repository, run, status(run)));
    let shapes = shapes.collect();
    call.page(
        github,
        shapes,
        |total, shown| json!({"total_count": total, "check_runs": shown}),
    )
}

/// The id of GitHub Actions among Apps, the same for everyone.
const ACTIONS: u64 = 15368;

fn run_shape(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    run: &CheckRun,
    status: &str,
) -> Value {
    let url = format!("{}/check-runs/{}", call.urls.repository(repository), run.id);
    let page = format!("{}/runs/{}", call.urls.page(repository), run.id);
    let conclusion = run.conclusion_at(call.now);
    json!({
        "id": run.id,
        "name": run.name,
        "node_id": node_id("CR", run.id),
        "head_sha": run.commit.to_string(),
        "external_id": "",
        "url": url,
        "html_url": page,
        "details_url": page,
        "status": status,
        "conclusion": conclusion,
        "started_at": run.started_at.to_string(),
        "completed_at": conclusion.and(run.completes_at).map(|at| at.to_string()),
        "output": {"title": null, "summary": null, "text": null, "annotations_count": 0, "annotations_url": format!("{url}/annotations")},
        "check_suite": {"id": run.id},
        "app": actions_app(call),
        "pull_requests": [],
    })
}

fn actions_app(call: &GitHubCall<'_>) -> Value {
    json!({
        "id": ACTIONS,
        "slug": "github-actions",
        "node_id": node_id("A", ACTIONS),
        "client_id": "Iv1.05c79e9ad1f6bdfa",
        "owner": call.urls.account("github", "Organization"),
        "name": "GitHub Actions",
        "description": "Automate your workflow from idea to production",
        "external_url": "https://help.github.com/en/actions",
        "html_url": format!("{}/apps/github-actions", call.urls.html),
        "created_at": "2018-07-30T09:30:17Z",
        "updated_at": "2024-04-10T20:33:16Z",
        "permissions": {"checks": "write", "contents": "write", "metadata": "read"},
        "events": [],
    })
}

pub(super) fn combined(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let commit = commit_of(github, call)?;
    let repository = call.repository(github);
    let statuses = latest_statuses(repository, commit);
    let any = |states: &[&str]| {
        statuses
            .iter()
            .any(|status| states.contains(&status.state.as_str()))
    };
    let state = if any(&["failure", "error"]) {
        "failure"
    } else if any(&["pending"]) || statuses.is_empty() {
        // A commit without statuses is pending too: with only GitHub Actions it stays so for ever.
        "pending"
    } else {
        "success"
    };
    let shapes = statuses
        .iter()
        .map(|status| status_shape(call, repository, status));
    let api = call.urls.repository(repository);
    let shapes = shapes.collect();
    let shape = super::repository_shape::minimal(&call.urls, repository);
    call.page(github, shapes, |total, shown| {
        json!({
            "state": state,
            "statuses": shown,
            "sha": commit.to_string(),
            "total_count": total,
            "repository": shape,
            "commit_url": format!("{api}/commits/{commit}"),
            "url": format!("{api}/commits/{commit}/status"),
        })
    })
}

pub(super) fn statuses(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let commit = commit_of(github, call)?;
    let repository = call.repository(github);
    let statuses = repository
        .statuses
        .iter()
        .rev()
        .filter(|status| status.commit == commit);
    let creator = |status: &CommitStatus| json!({"creator": call.urls.user(&status.creator)});
    let shapes =
        statuses.map(|status| with(status_shape(call, repository, status), creator(status)));
    let shapes = shapes.collect();
    call.page(github, shapes, |_, shown| shown.into())
}

fn status_shape(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    status: &CommitStatus,
) -> Value {
    let creator = super::shapes::user_id(&status.creator);
    json!({
        "id": status.id,
        "node_id": node_id("SC", status.id),
        "state": status.state,
        "context": status.context,
        "description": status.description,
        "target_url": status.target_url,
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{creator}?v=4"),
        "url": format!("{}/statuses/{}", call.urls.repository(repository), status.commit),
        "created_at": status.created_at.to_string(),
        "updated_at": status.created_at.to_string(),
    })
}

pub(super) fn create_status(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let state = call.required("state")?.to_owned();
    if !["error", "failure", "pending", "success"].contains(&state.as_str()) {
        return Err(GitHubAnswer::invalid(
            json!({"resource": "Status", "code": "custom", "field": "state", "message": "state is not included in the list"}),
        ));
    }
    let sha = call.part("sha");
    let repository = call.repository(github);
    let commit = sha
        .parse()
        .ok()
        .filter(|id| repository.git.commit(*id).is_some());
    let commit = commit
        .ok_or_else(|| GitHubAnswer::error(422, format!("No commit found for SHA: {sha}")))?;
    let context = call.text("context")?.unwrap_or("default").to_owned();
    let same = repository
        .statuses
        .iter()
        .filter(|status| status.commit == commit && status.context == context);
    if same.count() >= 1000 {
        let message = "This SHA and context has reached the maximum number of statuses.";
        return Err(GitHubAnswer::invalid(
            json!({"resource": "Status", "code": "custom", "message": message}),
        ));
    }
    let status = CommitStatus {
        id: github.new_id(),
        commit,
        context,
        state,
        description: call.text("description")?.map(str::to_owned),
        target_url: call.text("target_url")?.map(str::to_owned),
        creator: call.caller.login().to_owned(),
        created_at: call.now,
    };
    let creator = json!({"creator": call.urls.user(&status.creator)});
    let shape = with(
        status_shape(call, call.repository(github), &status),
        creator,
    );
    call.repository_mut(github).statuses.push(status);
    GitHubAnswer::created(shape)
}
