//! What a run is put together from, in a scenario.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;

use super::{HeardLines, ScenarioBench};
use promote_core::contract::Workflow;
use promote_core::journal::{Journal, RunAudit};
use promote_core::run::observer::Observer as _;
use promote_core::run::resume::{RUN_NAME, WorkflowClient};
use promote_core::run::{PolicyChoice, RunJob, RunOrigin, RunTask};
use promote_core::service::github;
use promote_core::service::port;
use promote_core::service::registry::RegistrySetup;
use promote_core::service::secret::{Login, Secret};
use promote_core::service::transport::Clock as _;
use promote_core::source::live::{Live, LiveSetup};

/// The repository of the workflow that a run is in: in the sample, that of its manifests.
pub(super) const WORKFLOW_REPOSITORY: &str = "acme/gitops";

impl ScenarioBench<'_> {
    /// A job that makes its writes, in the first attempt of a workflow run.
    pub(super) fn job<'a>(
        &'a self,
        origin: RunOrigin,
        live: Arc<Live>,
        policy: &'a dyn PolicyChoice,
        journal: Journal,
        heard: &Arc<HeardLines>,
    ) -> anyhow::Result<RunJob<'a>> {
        let config = &self.scenario.config;
        Ok(RunJob {
            engine: self.engine,
            choice: policy,
            terms: config.terms(),
            origin,
            workflow: self.workflow(None, 0),
            workflows: Some(WorkflowClient {
                live: Arc::clone(&live),
                repository: WORKFLOW_REPOSITORY.to_owned(),
            }),
            audit: RunAudit::default(),
            task: RunTask::Run,
            seed: self.seed,
            live,
            clock: Arc::new(self.world.clock()),
            deadline: self.deadline()?,
            journal,
            observer: heard.clone(),
            interpose: None,
        })
    }

    /// The time at which a run that begins now ends at the latest.
    fn deadline(&self) -> anyhow::Result<Timestamp> {
        let now = self.world.clock().now();
        now.checked_add(self.scenario.config.limits.wall)
            .context("limits.wall is too long")
    }

    /// The workflow run that Port has started for a run, as its title says; the first where the world has none. `attempt` counts
    /// from 0.
    pub(super) fn workflow(&self, run_id: Option<&str>, attempt: usize) -> Workflow {
        let world = self.world.lock();
        let repository = world.github.find(WORKFLOW_REPOSITORY);
        let mut runs = repository
            .iter()
            .flat_map(|it| it.workflow_runs.iter().rev());
        let title = run_id.map(|id| format!("{RUN_NAME}{id}"));
        let number = title
            .and_then(|title| runs.find(|run| run.title == title))
            .map_or(1, |run| run.id);
        Workflow {
            url: Some(format!(
                "https://github.com/{WORKFLOW_REPOSITORY}/actions/runs/{number}"
            )),
            repository: Some(WORKFLOW_REPOSITORY.to_owned()),
            attempt: u32::try_from(attempt + 1).unwrap_or(u32::MAX),
        }
    }

    /// The clients of production, with the credentials that the world knows.
    pub(super) fn live(&self, run: &str, heard: &Arc<HeardLines>) -> anyhow::Result<Live> {
        let environment: BTreeMap<_, _> = self.world.lock().environment().into_iter().collect();
        // A world without credentials is one in which ours do not work.
        let given = |name: &str| {
            environment
                .get(name)
                .cloned()
                .unwrap_or_else(|| "none".to_owned())
        };
        let secret = |name: &str| Secret::new(name, &given(name));
        let [port_url, github_url, registry_url] = self.urls.clone();
        let progress = Arc::clone(heard);
        Ok(Live::new(LiveSetup {
            transport: Arc::clone(&self.transport),
            clock: Arc::new(self.world.clock()),
            deadline: self.deadline()?,
            seed: self.seed,
            port_url,
            github_url,
            port: port::Credentials {
                client_id: given("PORT_CLIENT_ID"),
                client_secret: secret("PORT_CLIENT_SECRET")?,
            },
            github: github::Credentials::Token(secret("GITHUB_TOKEN")?),
            registry: RegistrySetup {
                mirror: Some(registry_url),
                logins: self.registry_logins()?,
            },
            verifier: self.scenario.config.attestations.verifier()?,
            run: run.to_owned(),
            progress: Arc::new(move |text: &str| progress.say(text)),
            mask: Arc::new(|_| {}),
        })?)
    }

    /// The world's first user of registries, at each registry that has a private image.
    fn registry_logins(&self) -> anyhow::Result<BTreeMap<String, Login>> {
        let world = self.world.lock();
        let Some((user, password)) = world.registry.logins.iter().next() else {
            return Ok(BTreeMap::new());
        };
        let login = Login {
            user: user.clone(),
            password: Secret::new("password", password.text())?,
        };
        let names = world.registry.repositories.keys();
        let hosts = names.filter_map(|name| Some(name.split_once('/')?.0.to_owned()));
        Ok(hosts.map(|host| (host, login.clone())).collect())
    }
}
