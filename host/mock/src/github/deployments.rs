//! Deployments and their statuses (GitHub REST, Deployments). Nothing is deployed.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::shapes::node_id;
use super::state::RepositoryState;
use crate::git::ObjectId;

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentEntry {
    /// Number.
    pub id: u64,
    /// The commit.
    pub sha: ObjectId,
    /// What was asked for: a branch, a tag or a commit.
    pub reference: String,
    /// Its task.
    pub task: String,
    /// The environment.
    pub environment: String,
    /// What its maker keeps with it, JSON text.
    pub payload: String,
    /// Words for people.
    pub description: Option<String>,
    /// Login of its maker.
    pub creator: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its statuses, oldest first.
    pub statuses: Vec<DeploymentStatusEntry>,
}

/// A status of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentStatusEntry {
    /// Number.
    pub id: u64,
    /// `in_progress`, `success` and so on.
    pub state: String,
    /// Words for people.
    pub description: String,
    /// The page of its log.
    pub log_url: String,
    /// When it was set.
    pub at: Timestamp,
}

const STATES: [&str; 7] = [
    "error",
    "failure",
    "inactive",
    "in_progress",
    "queued",
    "pending",
    "success",
];

pub(super) fn list(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let is_asked = |one: &&DeploymentEntry| {
        let fits = |name: &str, value: &str| call.query(name).is_none_or(|it| it == value);
        fits("environment", &one.environment)
            && fits("task", &one.task)
            && fits("ref", &one.reference)
            && fits("sha", &one.sha.to_string())
    };
    let found = repository.deployments.iter().rev().filter(is_asked);
    let shapes = found.map(|one| shape(call, repository, one)).collect();
    call.page(github, shapes, |_, shown| shown.into())
}

pub(super) fn create(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let reference = call.required("ref")?.to_owned();
    let missing = || GitHubAnswer::error(422, format!("No ref found for: {reference}"));
    let sha = call
        .repository(github)
        .resolve(&reference)
        .ok_or_else(missing)?;
    let payload = call
        .body
        .get("payload")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let entry = DeploymentEntry {
        id: github.new_id(),
        sha,
        task: call.text("task")?.unwrap_or("deploy").to_owned(),
        environment: call.text("environment")?.unwrap_or("production").to_owned(),
        payload: payload.to_string(),
        description: call.text("description")?.map(str::to_owned),
        creator: call.caller.login().to_owned(),
        created_at: call.now,
        statuses: Vec::new(),
        reference,
    };
    let answer = shape(call, call.repository(github), &entry);
    call.repository_mut(github).deployments.push(entry);
    GitHubAnswer::created(answer)
}

pub(super) fn statuses(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    let entry = find(call, repository)?;
    let newest = entry.statuses.iter().rev();
    let shapes = newest
        .map(|status| status_shape(call, repository, entry, status))
        .collect();
    call.page(github, shapes, |_, shown| shown.into())
}

pub(super) fn create_status(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let state = call.required("state")?.to_owned();
    let description = call.text("description")?.unwrap_or_default().to_owned();
    let refuse = |field: &str, message: &str| {
        GitHubAnswer::invalid(json!({
            "resource": "DeploymentStatus", "code": "custom", "field": field, "message": message,
        }))
    };
    if !STATES.contains(&state.as_str()) {
        return Err(refuse("state", "state is not included in the list"));
    }
    if description.chars().count() > 140 {
        return Err(refuse(
            "description",
            "description is too long (maximum is 140 characters)",
        ));
    }
    let id = find(call, call.repository(github))?.id;
    let status = DeploymentStatusEntry {
        id: github.new_id(),
        state,
        description,
        log_url: call.text("log_url")?.unwrap_or_default().to_owned(),
        at: call.now,
    };
    let repository = call.repository_mut(github);
    let mut all = repository.deployments.iter_mut();
    let entry = all
        .find(|one| one.id == id)
        .ok_or_else(GitHubAnswer::not_found)?;
    entry.statuses.push(status.clone());
    let repository = call.repository(github);
    let entry = find(call, repository)?;
    GitHubAnswer::created(status_shape(call, repository, entry, &status))
}

/// Finds the deployment that the path names.
fn find<'g>(
    call: &GitHubCall<'_>,
    repository: &'g RepositoryState,
) -> Result<&'g DeploymentEntry, GitHubAnswer> {
    let asked = call.part("deployment");
    let mut all = repository.deployments.iter();
    all.find(|one| one.id.to_string() == asked)
        .ok_or_else(GitHubAnswer::not_found)
}

fn shape(call: &GitHubCall<'_>, repository: &RepositoryState, entry: &DeploymentEntry) -> Value {
    let api = call.urls.repository(repository);
    let url = format!("{api}/deployments/{}", entry.id);
    let at = entry.created_at.to_string();
    json!({
        "url": url,
        "id": entry.id,
        "node_id": node_id("DE", entry.id),
        "sha": entry.sha.to_string(),
        "ref": entry.reference,
        "task": entry.task,
        "payload": serde_json::from_str::<Value>(&entry.payload).unwrap_or_default(),
        "original_environment": entry.environment,
        "environment": entry.environment,
        "description": entry.description,
        "creator": call.urls.user(&entry.creator),
        "created_at": at,
        "updated_at": at,
        "statuses_url": format!("{url}/statuses"),
        "repository_url": api,
        "transient_environment": false,
        "production_environment": entry.environment == "production",
        "performed_via_github_app": null,
    })
}

fn status_shape(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    entry: &DeploymentEntry,
    status: &DeploymentStatusEntry,
) -> Value {
    let api = call.urls.repository(repository);
    let deployment = format!("{api}/deployments/{}", entry.id);
    let at = status.at.to_string();
    json!({
        "url": format!("{deployment}/statuses/{}", status.id),
        "id": status.id,
        "node_id": node_id("DES", status.id),
        "state": status.state,
        "creator": call.urls.user(&entry.creator),
        "description": status.description,
        "environment": entry.environment,
        "target_url": status.log_url,
        "log_url": status.log_url,
        "created_at": at,
        "updated_at": at,
        "deployment_url": deployment,
        "repository_url": api,
        "environment_url": "",
        "performed_via_github_app": null,
    })
}
