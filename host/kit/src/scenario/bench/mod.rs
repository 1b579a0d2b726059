//! One scenario on one backend, step by step: the clients, the gate and the engine of production, in the world's time.
//!
//! - [`job`]: what a run is put together from, in a scenario;
//! - [`resume`]: goes on with what waits, as `promote resume` does.

mod job;
mod resume;

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;

use super::inject::{CallInjection, FaultySource};
use super::made::MadeCall;
use super::model::{RunsTogether, Scenario, ScenarioStep, StepAction};
use super::result::StepResult;
use super::together::interleave;
use promote_core::gate::CallRecord as Call;
use promote_core::journal::{Journal, digest};
use promote_core::policy::engine::Engine;
use promote_core::run::observer::Observer;
use promote_core::run::{RunJob, RunMode, RunOrigin, RunResult, RunTask, run};
use promote_core::service::transport::Transport;
use promote_core::source::approved::PlannedWrite;
use promote_intake::choice::{LoadPolicy, Policies};
use promote_intake::payload::Payload;
use promote_mock::SharedWorld;

/// One scenario on one backend.
pub(in crate::scenario) struct ScenarioBench<'a> {
    pub(in crate::scenario) engine: &'a Engine,
    pub(in crate::scenario) load: &'a dyn LoadPolicy,
    pub(in crate::scenario) scenario: &'a Scenario,
    pub(in crate::scenario) transport: Arc<dyn Transport>,
    /// Of Port, of GitHub and of all registries.
    pub(in crate::scenario) urls: [String; 3],
    pub(in crate::scenario) world: SharedWorld,
    /// The guest's random numbers and the jitter of pauses are the same in every run.
    pub(in crate::scenario) seed: u64,
}

/// The time that a request takes while runs go on at the same time: what one of them can do while another waits depends on it.
const PACE: Duration = Duration::from_millis(250);

impl ScenarioBench<'_> {
    /// Takes one step; `attempt` counts from 0. An injection takes the place of the trouble that the step has.
    pub(in crate::scenario) async fn step(
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
                let task = match mode {
                    RunMode::Run => RunTask::Run,
                    RunMode::Plan => RunTask::Plan,
                };
                self.start(task, payload, attempt, injection, &mut ran)
                    .await?;
            }
            StepAction::Approved(payload) => {
                let (planned, task) = self.approve(payload, attempt).await?;
                if planned.exit == Some(0) {
                    ran.mode = Some(RunMode::Run);
                    self.start(task, payload, attempt, injection, &mut ran)
                        .await?;
                } else {
                    // As the command line has it: no plan is written, so nobody can approve it.
                    ran = planned;
                }
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
            self.start(RunTask::Run, payload, attempt, None, &mut one)
                .await
                .map(|_| one)
        });
        let moment = || {
            let world = self.world.lock();
            (world.seen.len(), world.now)
        };
        self.world.lock().pace = PACE;
        let all = interleave(starts, runs.order, moment).await;
        self.world.lock().pace = Duration::ZERO;
        ran.join(all.into_iter().collect::<anyhow::Result<_>>()?);
        Ok(())
    }

    /// Has a plan made; returns how that ended, and the run that is approved if it ended well.
    async fn approve(
        &self,
        payload: &str,
        attempt: usize,
    ) -> anyhow::Result<(StepResult, RunTask)> {
        let mut planned = StepResult::new(self.world.snapshot());
        planned.mode = Some(RunMode::Plan);
        let writes = self
            .start(RunTask::Plan, payload, attempt, None, &mut planned)
            .await?;
        let text = serde_json::to_vec(&writes)?;
        let task = RunTask::Approved {
            writes,
            plan: digest(&text),
        };
        Ok((planned, task))
    }

    /// Starts a run, and returns the writes that it has planned.
    async fn start(
        &self,
        task: RunTask,
        payload: &str,
        attempt: usize,
        injection: Option<CallInjection>,
        ran: &mut StepResult,
    ) -> anyhow::Result<Vec<PlannedWrite>> {
        // As the command line has it: nobody is told of a run that cannot even start.
        let payload = match Payload::read(payload) {
            Ok(payload) => payload,
            Err(error) => {
                ran.end_unusable(task.mode(), error.to_string());
                return Ok(Vec::new());
            }
        };
        let policies = match Policies::prepare(&self.scenario.config, self.engine, self.load).await
        {
            Ok(policies) => policies,
            Err(error) => {
                ran.end_unusable(task.mode(), format!("{error:#}"));
                return Ok(Vec::new());
            }
        };
        ran.run = Some(payload.run.clone());
        let heard = Arc::new(HeardLines::default());
        let live = Arc::new(self.live(&payload.run, &heard)?);
        let (journal, bytes) = Journal::in_memory();
        let job = RunJob {
            task,
            workflow: self.workflow(Some(&payload.run), attempt),
            ..self.job(
                RunOrigin::PortRun(payload.into_claim()),
                live,
                &policies,
                journal,
                &heard,
            )?
        };
        let done = run_until_killed(job, injection).await;
        ran.journal = written(&bytes)?;
        ran.said = heard.take();
        let mut planned = Vec::new();
        match done {
            Some(mut done) => {
                planned = std::mem::take(&mut done.planned);
                ran.end(done);
            }
            None => {
                ran.calls =
                    MadeCall::of_journal(&ran.journal).context("reading the journal of the run")?;
            }
        }
        ran.leaks = self.leaks(&ran.journal, ran);
        Ok(planned)
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
}

/// Runs a job, with a call that goes wrong if there is an injection; returns nothing if that killed it.
async fn run_until_killed(
    mut job: RunJob<'_>,
    injection: Option<CallInjection>,
) -> Option<RunResult> {
    let Some(injection) = injection else {
        return Some(boxed(job).await);
    };
    let killed = Arc::clone(&injection.kill);
    job.interpose = Some(Box::new(|source| {
        Box::new(FaultySource::new(source, injection))
    }));
    // Dropped where it stands, as a killed process is.
    tokio::select! {
        done = boxed(job) => Some(done),
        () = killed.notified() => None,
    }
}

/// A run on the heap. In place it is part of every future around it, and in a build without optimisation of each of their frames:
/// that fills the stack of a worker.
fn boxed(job: RunJob<'_>) -> Pin<Box<dyn Future<Output = RunResult> + Send + '_>> {
    Box::pin(run(job, std::future::pending()))
}

/// Takes what a run has written into its journal.
fn written(bytes: &Mutex<Vec<u8>>) -> anyhow::Result<String> {
    let bytes = std::mem::take(&mut *bytes.lock().unwrap_or_else(PoisonError::into_inner));
    String::from_utf8(bytes).context("the journal of the run is no text")
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
