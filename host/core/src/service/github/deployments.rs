//! Deployments as GitHub records them: for its own pages, and for tools that count deployments by them.
//!
//! Nothing is deployed by it, and nothing is decided on it.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::service::github::Repo;
use crate::service::http::{CallResult, ServiceError, seg};

/// The task of our deployments. Those that GitHub makes itself, of jobs with an environment, have another.
const TASK: &str = "promote";
/// The longest description of a status (REST, "Create a deployment status").
const MAX_DESCRIPTION_CHARS: usize = 140;
/// The most earlier deployments that one makes inactive.
const MAX_EARLIER: usize = 5;

/// How a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeploymentState {
    /// The base branch holds the image, production does not run it yet.
    InProgress,
    /// It is done.
    Success,
    /// Production does not do well with it.
    Failure,
    /// Another one has taken its place.
    Inactive,
}

impl DeploymentState {
    fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Inactive => "inactive",
        }
    }
}

/// What is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeploymentRecord {
    pub(crate) environment: String,
    /// The commit on the base branch that holds the image.
    pub(crate) commit: String,
    /// What is promoted: deployments of others stay active.
    pub(crate) subject: String,
    /// The Port run.
    pub(crate) run: String,
    pub(crate) state: DeploymentState,
    pub(crate) description: String,
    /// The page of the workflow run.
    pub(crate) page: Option<String>,
}

impl DeploymentRecord {
    /// Returns the number of the deployment that is this run's.
    fn own(&self, all: &[WireDeployment]) -> Option<u64> {
        let mut all = all.iter();
        let own = all.find(|one| one.sha == self.commit && one.says("run", &self.run));
        own.map(|own| own.id)
    }
}

#[derive(Clone, Debug, Deserialize)]
struct WireDeployment {
    id: u64,
    sha: String,
    /// An object, or text that somebody else has put there.
    payload: Value,
}

#[derive(Deserialize)]
struct WireStatus {
    state: String,
}

impl WireDeployment {
    fn says(&self, key: &str, value: &str) -> bool {
        self.payload[key] == value
    }
}

impl Repo<'_> {
    /// Makes the deployment of a run, unless it is there, and gives it this status, unless it has it. One that has come to its
    /// end makes the earlier ones of the same subject inactive, which GitHub does not do by itself here (`auto_inactive`).
    pub(crate) async fn keep_deployment(&self, record: &DeploymentRecord) -> CallResult<()> {
        let all = self.deployments(&record.environment).await?;
        let own = match record.own(&all) {
            Some(own) => own,
            None => self.create_deployment(record).await?,
        };
        self.set_deployment(
            own,
            record.state,
            &record.description,
            record.page.as_deref(),
        )
        .await?;
        if record.state != DeploymentState::Success {
            return Ok(());
        }
        let earlier = all
            .iter()
            .filter(|one| one.id < own && one.says("subject", &record.subject));
        for one in earlier.take(MAX_EARLIER) {
            let why = format!("replaced by Port run {}", record.run);
            self.set_deployment(one.id, DeploymentState::Inactive, &why, None)
                .await?;
        }
        Ok(())
    }

    /// Returns the newest hundred deployments of ours in an environment, the newest first.
    async fn deployments(&self, environment: &str) -> CallResult<Vec<WireDeployment>> {
        let list = format!(
            "/deployments?environment={}&task={TASK}&per_page=100",
            seg(environment)
        );
        Ok(self.get(list).await?)
    }

    /// Creates the deployment; after an answer that was lost it looks whether it is there.
    async fn create_deployment(&self, record: &DeploymentRecord) -> CallResult<u64> {
        #[derive(Deserialize)]
        struct CreatedDeployment {
            id: u64,
        }
        let body = json!({
            "ref": record.commit,
            "task": TASK,
            "environment": record.environment,
            "auto_merge": false,
            // What the branch demands has been met: it holds the commit.
            "required_contexts": [],
            "payload": { "run": record.run, "subject": record.subject },
            "description": cut(&record.description),
        });
        let created: Result<CreatedDeployment, ServiceError> =
            self.once(Method::POST, "/deployments", body.clone()).await;
        match created {
            Err(error) if error.is_uncertain() => {
                let all = self.deployments(&record.environment).await?;
                match record.own(&all) {
                    Some(own) => Ok(own),
                    None => {
                        let again: CreatedDeployment =
                            self.once(Method::POST, "/deployments", body).await?;
                        Ok(again.id)
                    }
                }
            }
            other => Ok(other?.id),
        }
    }

    /// Sets the status of a deployment, unless it is the newest one. To set it twice changes nothing.
    async fn set_deployment(
        &self,
        id: u64,
        state: DeploymentState,
        description: &str,
        page: Option<&str>,
    ) -> CallResult<()> {
        let statuses = format!("/deployments/{id}/statuses");
        let description = cut(description);
        let newest: Vec<WireStatus> = self.get(format!("{statuses}?per_page=1")).await?;
        let newest = newest.first();
        let is_set = newest.is_some_and(|one| one.state == state.name());
        // One that was never begun has nothing to end.
        if is_set || (state == DeploymentState::Inactive && newest.is_none()) {
            return Ok(());
        }
        let mut body = json!({
            "state": state.name(),
            "description": description,
            "auto_inactive": false,
        });
        if let Some(page) = page {
            body["log_url"] = page.into();
        }
        Ok(self.write(Method::POST, statuses, body).await?)
    }
}

fn cut(text: &str) -> String {
    let line = crate::text::line(text);
    if line.chars().count() <= MAX_DESCRIPTION_CHARS {
        return line;
    }
    let mut cut: String = line.chars().take(MAX_DESCRIPTION_CHARS - 1).collect();
    cut.push('…');
    cut
}
