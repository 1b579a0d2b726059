//! The clients of a run: its way to Port, GitHub and registries, with the credentials of the environment.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;

use crate::environment::Environment;
use crate::output;
use crate::requests::ToldTransport;
use promote_core::run::resume::WorkflowClient;
use promote_core::service::github;
use promote_core::service::http::Progress;
use promote_core::service::secret::Secret;
use promote_core::service::transport::{Clock as _, SystemClock};
use promote_core::source::live::{Live, LiveSetup};
use promote_intake::config::Config;

/// Makes the clients of every run of this process, over one pool of connections.
pub(crate) struct Connector<'a> {
    config: &'a Config,
    environment: &'a Environment,
    pool: ToldTransport,
    progress: Progress,
}

/// The beginning of one run: who it is, the time that it has, and its seed.
pub(crate) struct RunStart {
    /// The run in Port; empty for what belongs to no single run.
    pub run_id: String,
    pub deadline: Timestamp,
    pub seed: u64,
}

impl<'a> Connector<'a> {
    /// Opens the pool; nothing is sent yet. Each wait is told to `progress`.
    ///
    /// # Errors
    /// When this machine cannot make requests.
    pub(crate) fn open(
        config: &'a Config,
        environment: &'a Environment,
        progress: Progress,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            config,
            environment,
            pool: ToldTransport::open()?,
            progress,
        })
    }

    /// Starts the time of a run, now.
    ///
    /// # Errors
    /// When `limits.wall` reaches beyond the end of time.
    pub(crate) fn start(&self, run_id: &str) -> anyhow::Result<RunStart> {
        let deadline = SystemClock
            .now()
            .checked_add(self.config.limits.wall)
            .context("limits.wall is too long")?;
        Ok(RunStart {
            run_id: run_id.to_owned(),
            deadline,
            seed: seed(),
        })
    }

    /// Returns the clients of a run that acts.
    ///
    /// # Errors
    /// Names the credentials that are missing, or the setting that cannot be used.
    pub(crate) fn live(&self, start: &RunStart) -> anyhow::Result<Live> {
        let credentials = self.environment.github_credentials(&self.config.grants)?;
        self.with(start, credentials)
    }

    /// Returns the clients that read workflow runs, if there is a token for it.
    ///
    /// # Errors
    /// As [`live`](Self::live).
    pub(crate) fn workflows(&self, start: &RunStart) -> anyhow::Result<Option<WorkflowClient>> {
        let Some((credentials, repository)) = self.environment.workflow_access()? else {
            return Ok(None);
        };
        Ok(Some(WorkflowClient {
            live: Arc::new(self.with(start, credentials)?),
            repository,
        }))
    }

    fn with(&self, start: &RunStart, github: github::Credentials) -> anyhow::Result<Live> {
        let in_workflow = self.environment.is_workflow();
        Ok(Live::new(LiveSetup {
            transport: Arc::new(self.pool.clone()),
            clock: Arc::new(SystemClock),
            deadline: start.deadline,
            seed: start.seed,
            port_url: self.environment.port_url(),
            github_url: self.environment.github_url(),
            port: self.environment.port_credentials()?,
            github,
            registry: self.environment.image_registries(&self.config.grants)?,
            verifier: self.config.attestations.verifier()?,
            run: start.run_id.clone(),
            progress: Arc::clone(&self.progress),
            mask: Arc::new(move |secret: &Secret| mask(in_workflow, secret)),
        })?)
    }
}

/// A seed that need not be secret: it is in the journal.
pub fn seed() -> u64 {
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    u64::try_from(time.as_nanos() & u128::from(u64::MAX)).unwrap_or_default()
}

/// Has a secret that this run made hidden in the workflow's log, each of its lines.
fn mask(in_workflow: bool, secret: &Secret) {
    if in_workflow {
        for line in secret.expose().lines().filter(|line| !line.is_empty()) {
            output::command("add-mask", "", line);
        }
    }
}
