//! Workflows, their runs, and what reviewers said of them (GitHub REST, Actions).
//!
//! Nothing runs here: what a workflow run comes to is what the world's file or an event says.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::{GitHubCall, encode};
use super::environments::environment;
use super::repository_shape;
use super::shapes::node_id;
use super::state::RepositoryState;
use crate::world::shift;

/// A workflow of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowFile {
    /// Number.
    pub id: u64,
    /// The name of its file.
    pub file: String,
    /// `active`, `disabled_manually` or `disabled_inactivity`.
    pub state: String,
}

/// A run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowRun {
    /// Number.
    pub id: u64,
    /// The name of the workflow's file.
    pub file: String,
    /// What `run-name` came to.
    pub title: String,
    /// The event that started it.
    pub event: String,
    /// `queued`, `waiting`, `in_progress` or `completed`.
    pub status: String,
    /// How it ended, if it has.
    pub conclusion: Option<String>,
    /// What reviewers said of its environments.
    pub reviews: Vec<EnvironmentReview>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// A reviewer's word on an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentReview {
    /// The environment.
    pub environment: String,
    /// Login of the reviewer.
    pub user: String,
    /// `approved` or `rejected`.
    pub state: String,
}

impl GitHub {
    /// Moves all that is some time ago or some time ahead.
    pub(crate) fn shift(&mut self, by: SignedDuration) {
        for repository in &mut self.repositories {
            shift(&mut repository.created_at, by);
            for run in &mut repository.workflow_runs {
                shift(&mut run.created_at, by);
                shift(&mut run.updated_at, by);
            }
            for pull in repository.pulls.values_mut() {
                shift(&mut pull.created_at, by);
                shift(&mut pull.updated_at, by);
            }
        }
        self.now = self.now.saturating_add(by).unwrap_or(Timestamp::MAX);
    }

    /// Adds a workflow, or changes its state.
    pub fn set_workflow(&mut self, repository: &str, file: &str, state: &str) {
        let id = self.new_id();
        let Some(repository) = self.find_mut(repository) else {
            return;
        };
        match repository.workflows.iter_mut().find(|it| it.file == file) {
            Some(known) => state.clone_into(&mut known.state),
            None => repository.workflows.push(WorkflowFile {
                id,
                file: file.to_owned(),
                state: state.to_owned(),
            }),
        }
    }

    /// Adds a run of a workflow, or changes the newest one of that title.
    pub fn set_workflow_run(
        &mut self,
        repository: &str,
        file: &str,
        title: &str,
        status: &str,
        conclusion: Option<&str>,
    ) {
        let (id, now) = (self.new_id(), self.now);
        if self
            .find(repository)
            .is_some_and(|it| !it.workflows.iter().any(|known| known.file == file))
        {
            self.set_workflow(repository, file, "active");
        }
        let Some(repository) = self.find_mut(repository) else {
            return;
        };
        let conclusion = conclusion.map(str::to_owned);
        let mut known = repository.workflow_runs.iter_mut().rev();
        match known.find(|it| it.file == file && it.title == title) {
            Some(run) => {
                status.clone_into(&mut run.status);
                run.conclusion = conclusion;
                run.updated_at = now;
            }
            None => repository.workflow_runs.push(WorkflowRun {
                id,
                file: file.to_owned(),
                title: title.to_owned(),
                event: "workflow_dispatch".to_owned(),
                status: status.to_owned(),
                conclusion,
                reviews: Vec::new(),
                created_at: now,
                updated_at: now,
            }),
        }
    }

    /// Adds a reviewer's word to the newest workflow run of a title.
    pub fn review_environment(&mut self, repository: &str, title: &str, review: EnvironmentReview) {
        let Some(repository) = self.find_mut(repository) else {
            return;
        };
        let mut runs = repository.workflow_runs.iter_mut().rev();
        if let Some(run) = runs.find(|run| run.title == title) {
            run.reviews.push(review);
        }
    }
}

/// Finds the workflow that the path names by its number or its file.
fn workflow(github: &GitHub, call: &GitHubCall<'_>) -> Result<WorkflowFile, GitHubAnswer> {
    let asked = call.part("workflow");
    let repository = call.repository(github);
    let mut known = repository.workflows.iter();
    if let Some(known) = known.find(|it| it.file == asked || it.id.to_string() == asked) {
        return Ok(known.clone());
    }
    // Whatever is in its folder on the default branch is one.
    let branch = &repository.settings.default_branch;
    let path = format!(".github/workflows/{asked}");
    github
        .file_at(&repository.full_name(), branch, &path)
        .map(|_| WorkflowFile {
            id: 1,
            file: asked.to_owned(),
            state: "active".to_owned(),
        })
        .ok_or_else(GitHubAnswer::not_found)
}

pub(super) fn get(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let found = workflow(github, call)?;
    let repository = call.repository(github);
    let api = call.urls.repository(repository);
    let page = call.urls.page(repository);
    let path = format!(".github/workflows/{}", found.file);
    let at = repository.created_at.to_string();
    GitHubAnswer::ok(json!({
        "id": found.id,
        "node_id": node_id("W", found.id),
        "name": found.file.trim_end_matches(".yml"),
        "path": path,
        "state": found.state,
        "created_at": at,
        "updated_at": at,
        "url": format!("{api}/actions/workflows/{}", found.id),
        "html_url": format!("{page}/blob/{}/{path}", repository.settings.default_branch),
        "badge_url": format!("{page}/workflows/{}/badge.svg", encode(&found.file)),
    }))
}

/// The newest first. `created` is a search's range; `>=` is served.
pub(super) fn runs(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let file = workflow(github, call)?.file;
    let repository = call.repository(github);
    let since = match call.query("created") {
        None => None,
        Some(range) => Some(
            range
                .strip_prefix(">=")
                .and_then(|since| since.parse::<Timestamp>().ok())
                .ok_or_else(|| {
                    GitHubAnswer::error(422, "`created` is served as `>=` and a time only")
                })?,
        ),
    };
    let wanted = call.query("status");
    let runs = repository.workflow_runs.iter().rev().filter(|run| {
        run.file == file
            && since.is_none_or(|since| run.created_at >= since)
            && call.query("event").is_none_or(|event| event == run.event)
            && wanted.is_none_or(|it| it == run.status || Some(it) == run.conclusion.as_deref())
    });
    let shapes = runs
        .enumerate()
        .map(|(at, run)| shape(call, repository, run, at))
        .collect();
    call.page(
        github,
        shapes,
        |total, shown| json!({"total_count": total, "workflow_runs": shown}),
    )
}

fn shape(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    run: &WorkflowRun,
    number: usize,
) -> Value {
    let api = call.urls.repository(repository);
    let page = call.urls.page(repository);
    let url = format!("{api}/actions/runs/{}", run.id);
    let workflow = repository.workflows.iter().find(|it| it.file == run.file);
    let workflow = workflow.map_or(0, |it| it.id);
    let branch = &repository.settings.default_branch;
    let head = repository.branch(branch);
    let commit = head.and_then(|id| Some((id, repository.git.commit(id)?)));
    let head_commit = commit.map(|(id, commit)| {
        json!({
            "id": id.to_string(),
            "tree_id": commit.tree.to_string(),
            "message": commit.message,
            "timestamp": run.created_at.to_string(),
            "author": {"name": commit.author.name, "email": commit.author.email},
            "committer": {"name": commit.committer.name, "email": commit.committer.email},
        })
    });
    let minimal = repository_shape::minimal(&call.urls, repository);
    json!({
        "id": run.id,
        "name": run.file.trim_end_matches(".yml"),
        "node_id": node_id("WFR", run.id),
        "check_suite_id": run.id,
        "check_suite_node_id": node_id("CS", run.id),
        "head_branch": branch,
        "head_sha": head.map(|id| id.to_string()).unwrap_or_default(),
        "path": format!(".github/workflows/{}", run.file),
        "run_number": number + 1,
        "run_attempt": 1,
        "event": run.event,
        "display_title": run.title,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": workflow,
        "url": url,
        "html_url": format!("{page}/actions/runs/{}", run.id),
        "pull_requests": [],
        "created_at": run.created_at.to_string(),
        "updated_at": run.updated_at.to_string(),
        "run_started_at": run.created_at.to_string(),
        "jobs_url": format!("{url}/jobs"),
        "logs_url": format!("{url}/logs"),
        "check_suite_url": format!("{api}/check-suites/{}", run.id),
        "artifacts_url": format!("{url}/artifacts"),
        "cancel_url": format!("{url}/cancel"),
        "rerun_url": format!("{url}/rerun"),
        "previous_attempt_url": null,
        "workflow_url": format!("{api}/actions/workflows/{workflow}"),
        "head_commit": head_commit,
        "repository": minimal,
        "head_repository": minimal,
    })
}

/// What reviewers said of a run, the newest last.
pub(super) fn approvals(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let id = call.number("run")?;
    let repository = call.repository(github);
    let run = repository.workflow_runs.iter().find(|run| run.id == id);
    let run = run.ok_or_else(GitHubAnswer::not_found)?;
    let shapes = run.reviews.iter().map(|review| {
        let known = repository.environments.iter();
        let mut known = known.filter(|it| it.name == review.environment);
        let id = known.next().map_or(0, |it| it.id);
        let environment = environment(call, repository, id, &review.environment);
        json!({
            "state": review.state,
            "comment": "",
            "environments": [environment],
            "user": call.urls.user(&review.user),
        })
    });
    GitHubAnswer::ok(shapes.collect())
}
