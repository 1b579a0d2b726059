//! `promote resume`: goes on with every promotion that waits, one after the other.
//!
//! One that fails does not stop the others. What becomes of each is decided in the core; here it is put together, and `resumed`
//! tells of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use crate::command::{journal_path, stopped, supply};
use crate::connector::Connector;
use crate::environment::Environment;
use crate::output_format::OutputFormat;
use crate::report::{self, RunReport};
use crate::resumed::{ResumeReport, ResumedPromotion, StepTaken};
use crate::terminal::TerminalObserver;
use crate::{output, workflow};
use promote_core::contract::Failure;
use promote_core::gate::describe;
use promote_core::journal::{Journal, RunAudit, digest};
use promote_core::policy::compile::StopFlag;
use promote_core::policy::engine::Engine;
use promote_core::policy::native;
use promote_core::run::resume::{
    self, NextStep, SurveyTerms, SurveyedRun, WaitEnd, WorkflowClient,
};
use promote_core::run::{ResumedRun, RunJob, RunMode, RunOrigin, RunResult, RunTask};
use promote_core::service::transport::{Clock as _, SystemClock};
use promote_intake::choice::Policies;
use promote_intake::config::{Config, ConfigFile};
use promote_intake::supply::Supply;

/// How often a run looks whether somebody has stopped this process.
const STOP_POLL: Duration = Duration::from_millis(100);

/// The arguments of `resume`; credentials come from the environment only.
#[derive(Args)]
pub struct ResumeArgs {
    /// The operator's configuration: policy, settings, grants, limits
    #[arg(long, value_name = "FILE", default_value = "promote.toml")]
    config: PathBuf,

    /// The folder for the journals of what goes on; without it, the temporary folder
    #[arg(long, value_name = "FOLDER")]
    journals: Option<PathBuf>,

    /// The form of the log on standard error: lines for people, or one JSON object a line
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: OutputFormat,

    /// The form of the output: how many still wait, or what became of each as one JSON object
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// Goes on with whatever waits and returns the exit code: that of the worst.
///
/// # Errors
/// When it cannot start: its configuration or this machine are in the way.
pub(crate) async fn resume(args: &ResumeArgs, environment: &Environment) -> anyhow::Result<u8> {
    args.log_format.choose_log();
    environment.check_credentials(false)?;
    let stop = StopFlag::default();
    let listening = stopped(&stop)?;
    let work = resume_all(args, environment, &stop);
    tokio::pin!(listening, work);
    tokio::select! {
        code = &mut work => code,
        // What goes on is told by the flag, and ends as any run that is stopped.
        () = &mut listening => work.await,
    }
}

/// What every run of this process shares.
struct ResumeTools<'a> {
    config: &'a Config,
    environment: &'a Environment,
    engine: &'a Engine,
    supply: &'a Supply<'a>,
    connector: Connector<'a>,
    stop: &'a StopFlag,
    /// SHA-256 of `promote.toml`.
    digest: String,
    journals: PathBuf,
}

async fn resume_all(
    args: &ResumeArgs,
    environment: &Environment,
    stop: &StopFlag,
) -> anyhow::Result<u8> {
    let ConfigFile { config, text } = &environment.config(&args.config).await?;
    let engine = native::engine()?.with_compile_limits(config.limits.compile.clone(), stop.clone());
    let supply = supply(&engine, &args.config, environment.cache(), environment)?;
    let in_config = || args.config.display().to_string();
    supply.check(config).with_context(in_config)?;
    let tools = ResumeTools {
        config,
        environment,
        engine: &engine,
        supply: &supply,
        connector: Connector::open(config, environment, Arc::new(output::progress))?,
        stop,
        digest: digest(text.as_bytes()),
        journals: args
            .journals
            .clone()
            .unwrap_or_else(|| environment.temporary()),
    };
    let mut report = ResumeReport::default();
    let surveyed = match tools.survey().await? {
        Ok(surveyed) => surveyed,
        Err(failure) => {
            report.stop(&format!("looking for what waits: {}", describe(&failure)));
            return Ok(report.print(args.format));
        }
    };
    for run in surveyed {
        if stop.is_raised() {
            report.stop("stopped before everything was looked at: run it again");
            break;
        }
        report.add(tools.take(run).await?);
    }
    workflow::summarize(&report.summary(), environment);
    Ok(report.print(args.format))
}

impl ResumeTools<'_> {
    /// Looks at everything that waits, and says what is next for each.
    async fn survey(&self) -> anyhow::Result<Result<Vec<SurveyedRun>, Failure>> {
        // It belongs to no single run.
        let start = self.connector.start("")?;
        let live = self.connector.live(&start)?;
        let workflows = self.connector.workflows(&start)?;
        let actions = self.config.port.actions.identifiers();
        let terms = SurveyTerms {
            actions: &actions,
            grants: &self.config.grants,
            wait: self.config.limits.wait.try_into()?,
            visits_open: self.config.keeps_status() || self.config.follows_staging(),
            now: SystemClock.now(),
            workflows: workflows.as_ref().map(WorkflowClient::access),
            environment: self.config.workflow.environment.as_deref(),
        };
        let surveyed = resume::survey(&live, terms).await;
        // A token of an App is given back before anything else is begun.
        if let (Ok(_), Err(failure)) = (&surveyed, live.github.revoke().await) {
            output::problem(describe(&failure));
        }
        Ok(surveyed)
    }

    /// Takes the step that a promotion needs, and tells what came of it.
    async fn take(
        &self,
        SurveyedRun { run_id, step }: SurveyedRun,
    ) -> anyhow::Result<ResumedPromotion> {
        let (taken, message) = match step {
            NextStep::Leave => (StepTaken::Waits, String::new()),
            NextStep::Hold(why) => {
                output::problem(&format!("Port run {run_id} is held: {why}"));
                (StepTaken::Held, why)
            }
            NextStep::Unclear(why) => {
                output::problem(&format!("Port run {run_id} is left alone: {why}"));
                (StepTaken::Unclear, why)
            }
            NextStep::End(end) => self.end(&run_id, end).await?,
            NextStep::GoOn(resumed) => match self.go_on(resumed).await {
                Ok(done) => {
                    let taken = StepTaken::WentOn {
                        ending: done.ending.kind(),
                        code: done.ending.exit_code(),
                    };
                    (taken, done.message)
                }
                Err(error) => {
                    let why = format!("{error:#}");
                    output::problem(&format!("Port run {run_id}: {why}"));
                    (StepTaken::NotStarted, why)
                }
            },
        };
        Ok(ResumedPromotion {
            run: run_id,
            taken,
            message,
        })
    }

    async fn end(&self, run_id: &str, end: WaitEnd) -> anyhow::Result<(StepTaken, String)> {
        let live = self.connector.live(&self.connector.start(run_id)?)?;
        let told = resume::end(&live, &end).await;
        // It ends within the hour by itself.
        let _ = live.github.revoke().await;
        Ok(match told {
            Ok(true) => {
                output::tell(&format!("Port run {run_id}: {}", end.message));
                let taken = StepTaken::Ended {
                    label: end.label.text(),
                    is_success: end.is_success,
                };
                (taken, end.message)
            }
            Ok(false) => (StepTaken::MovedOn, String::new()),
            Err(failure) => {
                let why = describe(&failure).to_owned();
                output::problem(&format!("Port run {run_id}: {why}"));
                (StepTaken::NotEnded, why)
            }
        })
    }

    /// Goes on with one promotion; returns how it ended.
    async fn go_on(&self, resumed: ResumedRun) -> anyhow::Result<RunResult> {
        let (config, environment) = (self.config, self.environment);
        let policies = Policies::prepare(config, self.engine, self.supply).await?;
        let start = self.connector.start(&resumed.run_id)?;
        let run_id = &start.run_id;
        let recorded = resumed.proposal.clone().filter(|_| resumed.records_ended);
        let path = journal_path(&self.journals, run_id);
        let journal = Journal::create(&path)
            .with_context(|| format!("cannot start the journal {}", path.display()))?;
        let job = RunJob {
            engine: self.engine,
            choice: &policies,
            terms: config.terms(),
            origin: RunOrigin::Resumed(resumed),
            workflow: environment.workflow(),
            // What reviewers said of the first workflow run has been looked up.
            workflows: None,
            audit: RunAudit {
                config: Some(self.digest.clone()),
                ..environment.audit()
            },
            task: RunTask::Run,
            seed: start.seed,
            live: Arc::new(self.connector.live(&start)?),
            clock: Arc::new(SystemClock),
            deadline: start.deadline,
            journal,
            observer: Arc::new(TerminalObserver::new(RunMode::Run)),
            interpose: None,
        };
        let done = promote_core::run::run(job, self.stopped()).await;
        output::tell(&format!("Port run {run_id}: {}", done.message));
        let report = RunReport {
            done: &done,
            mode: RunMode::Run,
            subject: report::subject(&done, run_id),
            links: report::links(&done, RunMode::Run, run_id, environment),
            run_id: run_id.clone(),
            journal: path,
            picked: policies.picked(),
        };
        workflow::show(&report, environment);
        if let Some(proposal) = recorded
            && done.ending.exit_code() == 0
        {
            let live = self.connector.live(&self.connector.start(run_id)?)?;
            let noted = resume::note_recorded(&live, &proposal).await;
            // It ends within the hour by itself.
            let _ = live.github.revoke().await;
            if let Err(failure) = noted {
                output::problem(describe(&failure));
            }
        }
        Ok(done)
    }

    /// Is ready once somebody has stopped this process.
    async fn stopped(&self) {
        while !self.stop.is_raised() {
            tokio::time::sleep(STOP_POLL).await;
        }
    }
}
