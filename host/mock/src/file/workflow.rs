//! The workflows of a repository in a world file, their runs, and the environments that reviewers guard.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::github::{EnvironmentReview, GitHub};

/// The workflows, workflow runs and environments of a repository.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct ActionsFile {
    /// The state of each workflow, by its file.
    workflows: BTreeMap<String, WorkflowStateFile>,
    /// The logins of the reviewers of each environment.
    environments: BTreeMap<String, Vec<String>>,
    runs: Vec<WorkflowRunFile>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WorkflowStateFile {
    Active,
    Disabled,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WorkflowRunFile {
    workflow: String,
    title: String,
    /// The way it ended; a run without one is still at work.
    conclusion: Option<String>,
    /// The status of one that is still at work.
    status: Option<String>,
    #[serde(default)]
    reviews: Vec<EnvironmentReviewFile>,
}

/// A reviewer's word.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct EnvironmentReviewFile {
    environment: String,
    user: String,
    state: EnvironmentReviewState,
}

/// What a reviewer says of an environment.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EnvironmentReviewState {
    Approved,
    Rejected,
}

impl From<EnvironmentReviewFile> for EnvironmentReview {
    fn from(file: EnvironmentReviewFile) -> Self {
        let state = match file.state {
            EnvironmentReviewState::Approved => "approved",
            EnvironmentReviewState::Rejected => "rejected",
        };
        Self {
            environment: file.environment,
            user: file.user,
            state: state.to_owned(),
        }
    }
}

/// Returns the status of a workflow run in GitHub's words.
pub(crate) fn status_of<'a>(status: Option<&'a str>, conclusion: Option<&str>) -> &'a str {
    match (conclusion, status) {
        (Some(_), _) => "completed",
        (None, Some(status)) => status,
        (None, None) => "in_progress",
    }
}

impl ActionsFile {
    pub(super) fn build(self, repository: &str, github: &mut GitHub) {
        for (file, state) in self.workflows {
            let state = match state {
                WorkflowStateFile::Active => "active",
                WorkflowStateFile::Disabled => "disabled_manually",
            };
            github.set_workflow(repository, &file, state);
        }
        for (name, reviewers) in self.environments {
            github.set_environment(repository, &name, reviewers.into_iter().collect());
        }
        for run in self.runs {
            let conclusion = run.conclusion.as_deref();
            let status = status_of(run.status.as_deref(), conclusion);
            github.set_workflow_run(repository, &run.workflow, &run.title, status, conclusion);
            for review in run.reviews {
                github.review_environment(repository, &run.title, review.into());
            }
        }
    }
}
