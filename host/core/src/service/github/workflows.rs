//! Runs of workflows and the reviews that let them start, as far as somebody who goes on with their work must know them.

use jiff::Timestamp;
use serde::Deserialize;

use crate::contract::{EnvironmentReview, EnvironmentVerdict};
use crate::service::github::Repo;
use crate::service::http::{CallResult, ServiceResult, seg};

/// A run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WorkflowRun {
    /// Its number.
    pub id: u64,
    /// The title: what `run-name` comes to.
    #[serde(rename = "display_title")]
    pub title: String,
    /// Its page.
    #[serde(rename = "html_url")]
    pub url: String,
    status: Option<String>,
    conclusion: Option<String>,
}

/// A workflow, as far as it matters whether it runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct WorkflowFile {
    /// `active`, or why it is not.
    pub(crate) state: String,
    /// When GitHub has seen it first.
    pub(crate) created_at: Option<Timestamp>,
}

/// The runs of a workflow since a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowRuns {
    /// The newest first.
    pub runs: Vec<WorkflowRun>,
    /// Whether they are all of them.
    pub is_whole: bool,
}

/// A reviewer's word on environments of a workflow run, as GitHub sends it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct WireReview {
    /// `approved`, `rejected` or, with words only, `pending`.
    state: String,
    comment: Option<String>,
    environments: Vec<NamedEnvironment>,
    user: Option<ReviewerName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ReviewerName {
    login: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct NamedEnvironment {
    name: Option<String>,
    #[serde(default)]
    protection_rules: Vec<ProtectionRule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ProtectionRule {
    #[serde(rename = "type")]
    kind: String,
}

impl WorkflowRun {
    /// Returns how it ended; none as long as it is queued, waits for a reviewer or runs (REST, "List workflow runs").
    pub fn conclusion(&self) -> Option<&str> {
        if self.status.as_deref() != Some("completed") {
            return None;
        }
        Some(self.conclusion.as_deref().unwrap_or("unknown"))
    }
}

impl WireReview {
    /// Returns the verdict on each environment; none where only words were said.
    fn into_contract(self) -> Vec<EnvironmentReview> {
        let verdict = match self.state.as_str() {
            "approved" => EnvironmentVerdict::Approved,
            "rejected" => EnvironmentVerdict::Rejected,
            _ => return Vec::new(),
        };
        let reviewer = self.user.map(|user| user.login).unwrap_or_default();
        let comment = self.comment.filter(|comment| !comment.is_empty());
        let names = self.environments.into_iter().filter_map(|it| it.name);
        let reviews = names.map(|environment| EnvironmentReview {
            environment,
            reviewer: reviewer.clone(),
            verdict,
            comment: comment.clone(),
        });
        reviews.collect()
    }
}

impl Repo<'_> {
    /// Returns the runs of a workflow, by the name of its file, that were made since a moment.
    pub(crate) async fn workflow_runs(
        &self,
        workflow: &str,
        since: Timestamp,
    ) -> CallResult<WorkflowRuns> {
        #[derive(Deserialize)]
        struct RunsPage {
            total_count: usize,
            workflow_runs: Vec<WorkflowRun>,
        }
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let list = format!(
            "/actions/workflows/{}/runs?created={}&exclude_pull_requests=true&per_page=100",
            seg(workflow),
            seg(&format!(">={since}"))
        );
        let pages = self.pages::<RunsPage>(list).await?;
        // GitHub shows the first thousand of a search, and says how many there are.
        let total = pages.pages.last().map_or(0, |page| page.total_count);
        let runs: Vec<WorkflowRun> = pages
            .pages
            .into_iter()
            .flat_map(|page| page.workflow_runs)
            .collect();
        Ok(WorkflowRuns {
            is_whole: pages.is_whole && runs.len() >= total,
            runs,
        })
    }

    /// Returns a workflow by the name of its file, if it is on the default branch (REST, "Get a workflow").
    pub(crate) async fn workflow_file(&self, file: &str) -> CallResult<Option<WorkflowFile>> {
        let target = format!("/actions/workflows/{}", seg(file));
        match self.get(target).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.says(404, "") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns whether a run of a workflow has succeeded that was made since a moment.
    pub(crate) async fn has_succeeded(&self, file: &str, since: Timestamp) -> CallResult<bool> {
        #[derive(Deserialize)]
        struct RunCount {
            total_count: usize,
        }
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let target = format!(
            "/actions/workflows/{}/runs?status=success&created={}&exclude_pull_requests=true&per_page=1",
            seg(file),
            seg(&format!(">={since}"))
        );
        match self.get::<RunCount>(target).await {
            Ok(found) => Ok(found.total_count > 0),
            Err(error) if error.says(404, "") => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns what reviewers said of a workflow run.
    pub(crate) async fn environment_reviews(&self, run: u64) -> CallResult<Vec<EnvironmentReview>> {
        let reviews: Vec<WireReview> = self.get(format!("/actions/runs/{run}/approvals")).await?;
        let reviews = reviews.into_iter().flat_map(WireReview::into_contract);
        Ok(reviews.collect())
    }

    /// Returns the names of the environments that reviewers must let a job into.
    pub(crate) async fn reviewed_environments(&self) -> CallResult<Vec<String>> {
        #[derive(Deserialize)]
        struct EnvironmentsPage {
            #[serde(default)]
            environments: Vec<NamedEnvironment>,
        }
        let pages: ServiceResult<_> = self
            .pages::<EnvironmentsPage>("/environments?per_page=100".to_owned())
            .await;
        let all = pages?.pages.into_iter().flat_map(|page| page.environments);
        let reviewed = all.filter(|it| {
            let mut rules = it.protection_rules.iter();
            rules.any(|rule| rule.kind == "required_reviewers")
        });
        Ok(reviewed.filter_map(|it| it.name).collect())
    }
}
