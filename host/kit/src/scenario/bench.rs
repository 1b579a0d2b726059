//! One scenario on one backend, step by step: the clients, the gate and the engine of production, in the world's time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use jiff::Timestamp;

use super::inject::{CallInjection, FaultySource};
use super::made::MadeCall;
use super::model::{RunsTogether, Scenario, ScenarioStep, StepAction};
use super::result::StepResult;
use super::together::interleave;
use promote_core::contract::Workflow;
use promote_core::gate::{CallRecord as Call, describe};
use promote_core::journal::{Journal, RunAudit};
use promote_core::policy::engine::Engine;
use promote_core::run::observer::Observer;
use promote_core::run::resume::{
    self, NextStep, SurveyTerms, SurveyedRun, WorkflowAccess, WorkflowClient,
};
use promote_core::run::{PolicyChoice, RunJob, RunMode, RunOrigin, RunTask, run};
use promote_core::service::github;
use promote_core::service::port;
use promote_core::service::registry::RegistrySetup;
use promote_core::service::secret::{Login, Secret};
use promote_core::service::transport::{Clock as _, Transport};
use promote_core::source::live::{Live, LiveSetup};
use promote_intake::choice::{LoadPolicy, Policies};
use promote_intake::config::StatusReporter;
use promote_intake::payload::Payload;
use promote_mock::SharedWorld;

/// The repository of the workflow that a run is in.
const WORKFLOW_REPOSITORY: &str = "acme/gitops";

/// One scenario on one backend.
pub(super) struct ScenarioBench<'a> {
    pub(super) engine: &'a Engine,
    pub(super) load: &'a dyn LoadPolicy,
    pub(super) scenario: &'a Scenario,
    pub(super) transport: Arc<dyn Transport>,
    /// Of Port, of GitHub and of all registries.
    pub(super) urls: [String; 3],
    pub(super) world: SharedWorld,
    /// The guest's random numbers and the jitter of pauses are the same in every run.
    pub(super) seed: u64,
}

impl ScenarioBench<'_> {
    /// Takes one step; `attempt` counts from 0. An injection takes the place of the trouble that the step has.
    pub(super) async fn step(
        &self,
        step: &ScenarioStep,
        attempt: usize,
        injection: Option<CallInjection>,
    ) -> anyhow::Result<StepResult> {
        self.world
            .lock()
            .faults
            .0
            .extend(step.faults.0.iter().cloned());
        let mut ran = StepResult::new(self.world.snapshot());
        let injection = injection.or_else(|| step.trouble.map(CallInjection::from));
        match &step.act {
            StepAction::Start(mode, payload) => {
                ran.mode = Some(*mode);
                self.start(*mode, payload, attempt, injection, &mut ran)
                    .await?;
            }
            StepAction::Together(runs) => self.start_together(runs, attempt, &mut ran).await?,
            StepAction::Resume => self.resume(injection, &mut ran).await?,
            StepAction::Event(event) => {
                self.world.lock().happen(event);
                ran.event = Some((**event).clone());
            }
            StepAction::Advance(time) => self.world.lock().advance(*time),
            StepAction::Heal => self.world.lock().heal(),
        }
        ran.after = self.world.snapshot();
        ran.requests = ran.after.seen.split_off(ran.before.seen.len());
        Ok(ran)
    }

    async fn start_together(
        &self,
        runs: &RunsTogether,
        attempt: usize,
        ran: &mut StepResult,
    ) -> anyhow::Result<()> {
        let before = &ran.before;
        let starts = runs.payloads.iter().map(async |payload| {
            let mut one = StepResult::new(before.clone());
            one.mode = Some(RunMode::Run);
            self.start(RunMode::Run, payload, attempt, None, &mut one)
                .await
                .map(|()| one)
        });
        let all = interleave(starts, runs.order).await;
        ran.join(all.into_iter().collect::<anyhow::Result<_>>()?);
        Ok(())
    }

    async fn start(
        &self,
        mode: RunMode,
        payload: &str,
        attempt: usize,
        injection: Option<CallInjection>,
        ran: &mut StepResult,
    ) -> anyhow::Result<()> {
        // As the command line has it: nobody is told of a run that cannot even start.
        let payload = match Payload::read(payload) {
            Ok(payload) => payload,
            Err(error) => {
                ran.end_unusable(mode, error.to_string());
                return Ok(());
            }
        };
        let policies = match Policies::prepare(&self.scenario.config, self.engine, self.load).await
        {
            Ok(policies) => policies,
            Err(error) => {
                ran.end_unusable(mode, format!("{error:#}"));
                return Ok(());
            }
        };
        ran.run = Some(payload.run.clone());
        let (journal, bytes) = Journal::in_memory();
        let heard = Arc::new(HeardLines::default());
        let mut job = self.job(mode, payload, &policies, attempt, journal, &heard)?;
        let done = match injection {
            None => Some(run(job, std::future::pending()).await),
            Some(injection) => {
                let killed = Arc::clone(&injection.kill);
                job.interpose = Some(Box::new(|source| {
                    Box::new(FaultySource::new(source, injection))
                }));
                // Dropped where it stands, as a killed process is.
                tokio::select! {
                    done = run(job, std::future::pending()) => Some(done),
                    () = killed.notified() => None,
                }
            }
        };
        let bytes = std::mem::take(&mut *bytes.lock().unwrap_or_else(PoisonError::into_inner));
        ran.journal = String::from_utf8(bytes).context("the journal of the run is no text")?;
        ran.said = heard.take();
        match done {
            Some(done) => ran.end(done),
            None => {
                ran.calls =
                    MadeCall::of_journal(&ran.journal).context("reading the journal of the run")?
            }
        }
        ran.leaks = self.leaks(&ran.journal, ran);
        Ok(())
    }

    /// Goes on with whatever waits, as `promote resume` does, one after the other; the result is that of the last one.
    async fn resume(
        &self,
        injection: Option<CallInjection>,
        ran: &mut StepResult,
    ) -> anyhow::Result<()> {
        let config = &self.scenario.config;
        let heard = Arc::new(HeardLines::default());
        let clock = self.world.clock();
        let deadline = clock
            .now()
            .checked_add(config.limits.wall)
            .context("limits.wall is too long")?;
        ran.run = self.scenario.steps.iter().find_map(|step| match &step.act {
            StepAction::Start(_, payload) => Some(Payload::read(payload).ok()?.run),
            _ => None,
        });
        // A world may begin with a run that somebody else has started.
        let begun = || self.world.lock().port.runs.keys().next().cloned();
        ran.run = ran.run.take().or_else(begun);
        ran.end_resume("idle", String::new(), 0);
        let live = self.live("", deadline, &heard)?;
        let actions = config.port.actions.identifiers();
        let terms = SurveyTerms {
            actions: &actions,
            grants: &config.grants,
            wait: config.limits.wait.try_into()?,
            renews_status: config.keeps_status(),
            now: clock.now(),
            // The sample's workflows are in the repository of its manifests.
            workflows: Some(WorkflowAccess {
                github: &live.github,
                repository: WORKFLOW_REPOSITORY,
            }),
            environment: config.workflow.environment.as_deref(),
        };
        let surveyed = match resume::survey(&live, terms).await {
            Ok(surveyed) => surveyed,
            Err(failure) => {
                ran.end_resume("failed", describe(&failure).to_owned(), 3);
                return Ok(());
            }
        };
        let policies = Policies::prepare(config, self.engine, self.load).await?;
        let mut injection = injection;
        for SurveyedRun { run_id, step } in surveyed {
            let (resumed, live) = match step {
                NextStep::Leave => continue,
                NextStep::Hold(why) => {
                    heard.say(&why);
                    ran.end_resume("held", why, 0);
                    continue;
                }
                NextStep::Unclear(why) => {
                    heard.say(&why);
                    ran.end_resume("unclear", why, 3);
                    continue;
                }
                NextStep::End(end) => {
                    let live = self.live(&run_id, deadline, &heard)?;
                    let message = match resume::end(&live, &end).await {
                        Ok(true) => end.message,
                        Ok(false) => continue,
                        // Port still shows it in progress: the next resume ends it.
                        Err(failure) => {
                            let why = describe(&failure).to_owned();
                            heard.say(&why);
                            ran.end_resume("unclear", why, 3);
                            continue;
                        }
                    };
                    let mut one = StepResult::new(ran.before.clone());
                    one.run = Some(run_id.clone());
                    one.end_resume("ended", message.clone(), 0);
                    ran.together.push(one);
                    ran.run = Some(run_id);
                    ran.end_resume("ended", message, 0);
                    continue;
                }
                NextStep::GoOn(resumed) => (resumed, self.live(&run_id, deadline, &heard)?),
            };
            ran.run = Some(run_id.clone());
            let records = resumed
                .records_ended
                .then(|| resumed.proposal.clone())
                .flatten();
            let (journal, bytes) = Journal::in_memory();
            let origin = RunOrigin::Resumed(resumed);
            let live = Arc::new(live);
            let mut job = self.job_from(
                RunMode::Run,
                origin,
                Arc::clone(&live),
                &policies,
                0,
                journal,
                &heard,
            )?;
            let done = match injection.take() {
                None => Some(run(job, std::future::pending()).await),
                Some(injection) => {
                    let killed = Arc::clone(&injection.kill);
                    job.interpose = Some(Box::new(|source| {
                        Box::new(FaultySource::new(source, injection))
                    }));
                    tokio::select! {
                        done = run(job, std::future::pending()) => Some(done),
                        () = killed.notified() => None,
                    }
                }
            };
            let bytes = std::mem::take(&mut *bytes.lock().unwrap_or_else(PoisonError::into_inner));
            ran.journal = String::from_utf8(bytes).context("the journal of the run is no text")?;
            let mut one = StepResult::new(ran.before.clone());
            one.mode = Some(RunMode::Run);
            one.run = Some(run_id.clone());
            one.journal.clone_from(&ran.journal);
            one.calls =
                MadeCall::of_journal(&ran.journal).context("reading the journal of the run")?;
            let Some(done) = done else {
                ran.calls.clone_from(&one.calls);
                ran.together.push(one);
                break;
            };
            if let Some(proposal) = records
                && done.ending.exit_code() == 0
                && let Err(failure) = resume::note_recorded(&live, &proposal).await
            {
                heard.say(describe(&failure));
            }
            ran.end(done);
            one.ending = ran.ending;
            one.message.clone_from(&ran.message);
            one.rules.clone_from(&ran.rules);
            ran.together.push(one);
            ran.leaks.extend(self.leaks(&ran.journal, ran));
        }
        ran.said = heard.take();
        Ok(())
    }

    /// Returns the places where a secret can be read that was one before the run, or is one now.
    fn leaks(&self, journal: &str, ran: &StepResult) -> Vec<&'static str> {
        let now = self.world.lock();
        let secret = |text: &str| ran.before.betrayed_by(text) || now.betrayed_by(text);
        let logs = now
            .port
            .runs
            .values()
            .flat_map(|run| &run.logs)
            .any(|log| secret(&log.message));
        let places = [
            ("the journal", secret(journal)),
            ("the message", secret(&ran.message)),
            ("what was said", ran.said.iter().any(|text| secret(text))),
            ("the log in Port", logs),
        ];
        places
            .into_iter()
            .filter(|(_, leaks)| *leaks)
            .map(|(place, _)| place)
            .collect()
    }

    fn job<'a>(
        &'a self,
        mode: RunMode,
        payload: Payload,
        policy: &'a dyn PolicyChoice,
        attempt: usize,
        journal: Journal,
        heard: &Arc<HeardLines>,
    ) -> anyhow::Result<RunJob<'a>> {
        let clock = self.world.clock();
        let deadline = clock
            .now()
            .checked_add(self.scenario.config.limits.wall)
            .context("limits.wall is too long")?;
        let live = Arc::new(self.live(&payload.run, deadline, heard)?);
        let origin = RunOrigin::PortRun(payload.into_claim());
        self.job_from(mode, origin, live, policy, attempt, journal, heard)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a job that differ")]
    fn job_from<'a>(
        &'a self,
        mode: RunMode,
        origin: RunOrigin,
        live: Arc<Live>,
        policy: &'a dyn PolicyChoice,
        attempt: usize,
        journal: Journal,
        heard: &Arc<HeardLines>,
    ) -> anyhow::Result<RunJob<'a>> {
        let config = &self.scenario.config;
        let clock = Arc::new(self.world.clock());
        let deadline = clock
            .now()
            .checked_add(config.limits.wall)
            .context("limits.wall is too long")?;
        let workflow = Workflow {
            url: Some(format!(
                "https://github.com/{WORKFLOW_REPOSITORY}/actions/runs/{}",
                self.workflow_run(&origin)
            )),
            repository: Some(WORKFLOW_REPOSITORY.to_owned()),
            attempt: u32::try_from(attempt + 1).unwrap_or(u32::MAX),
        };
        Ok(RunJob {
            engine: self.engine,
            choice: policy,
            grants: &config.grants,
            limits: config.limits.clone(),
            sets_status: config.port.report == StatusReporter::Host,
            record: config.port.record.clone(),
            environment: config.workflow.environment.clone(),
            actions: config.port.actions.identifiers(),
            origin,
            workflow,
            workflows: Some(WorkflowClient {
                live: Arc::clone(&live),
                repository: WORKFLOW_REPOSITORY.to_owned(),
            }),
            audit: RunAudit::default(),
            task: match mode {
                RunMode::Run => RunTask::Run,
                RunMode::Plan => RunTask::Plan,
            },
            seed: self.seed,
            live,
            clock,
            deadline,
            journal,
            observer: heard.clone(),
            interpose: None,
        })
    }

    /// The clients of production, with the credentials that the world knows.
    fn live(
        &self,
        run: &str,
        deadline: Timestamp,
        heard: &Arc<HeardLines>,
    ) -> anyhow::Result<Live> {
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
            deadline,
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
}

impl ScenarioBench<'_> {
    /// Returns the number of the workflow run that Port has started for a run, as its title says; 1 where the world has none.
    fn workflow_run(&self, origin: &RunOrigin) -> u64 {
        let RunOrigin::PortRun(claim) = origin else {
            return 1;
        };
        let title = format!("{}{}", resume::RUN_NAME, claim.run_id);
        let world = self.world.lock();
        let repository = world.github.find(WORKFLOW_REPOSITORY);
        let mut runs = repository
            .iter()
            .flat_map(|it| it.workflow_runs.iter().rev());
        runs.find(|run| run.title == title).map_or(1, |run| run.id)
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

/// Remembers what people were told.
#[derive(Default)]
struct HeardLines(Mutex<Vec<String>>);

impl HeardLines {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for HeardLines {
    fn step(&self, _: &Call) {}

    fn say(&self, text: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text.to_owned());
    }
}
