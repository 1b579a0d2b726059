//! The workflows of a repository in a world file, their runs, and the environments that reviewers guard.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::github::{DeploymentBranches, EnvironmentReview, GitHub};

/// The workflows, workflow runs and environments of a repository.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct ActionsFile {
    /// The state of each workflow, by its file.
    workflows: BTreeMap<String, WorkflowStateFile>,
    environments: BTreeMap<String, EnvironmentFile>,
    runs: Vec<WorkflowRunFile>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WorkflowStateFile {
    Active,
    Disabled,
}

/// An environment: the logins of its reviewers, or these with the branches that may use it.
#[derive(Deserialize)]
#[serde(untagged)]
enum EnvironmentFile {
    Reviewers(Vec<String>),
    Guarded(GuardedEnvironmentFile),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct GuardedEnvironmentFile {
    #[serde(default)]
    reviewers: Vec<String>,
    branches: DeploymentBranchesFile,
}

/// The branches that may use an environment: patterns, or those that are protected.
#[derive(Deserialize)]
#[serde(untagged)]
enum DeploymentBranchesFile {
    Patterns(Vec<String>),
    Kind(DeploymentBranchesKind),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DeploymentBranchesKind {
    Any,
    Protected,
}

impl From<DeploymentBranchesFile> for DeploymentBranches {
    fn from(file: DeploymentBranchesFile) -> Self {
        match file {
            DeploymentBranchesFile::Patterns(patterns) => Self::Patterns(patterns),
            DeploymentBranchesFile::Kind(DeploymentBranchesKind::Any) => Self::Any,
            DeploymentBranchesFile::Kind(DeploymentBranchesKind::Protected) => Self::Protected,
        }
    }
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
        for (name, environment) in self.environments {
            let (reviewers, branches) = match environment {
                EnvironmentFile::Reviewers(reviewers) => (reviewers, DeploymentBranches::default()),
                EnvironmentFile::Guarded(guarded) => (guarded.reviewers, guarded.branches.into()),
            };
            github.set_environment(repository, &name, reviewers.into_iter().collect());
            github.set_deployment_branches(repository, &name, branches);
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
