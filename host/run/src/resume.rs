//! `promote resume`: goes on with every promotion that waits, one after the other.
//!
//! One that fails does not stop the others. What becomes of each is decided in the core; here it is put together and told.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use crate::command::{journal_path, mask, seed, stopped, supply};
use crate::environment::Environment;
use crate::output;
use crate::output_format::OutputFormat;
use crate::requests::ToldTransport;
use crate::terminal::TerminalObserver;
use promote_core::gate::describe;
use promote_core::journal::{Journal, RunAudit, digest};
use promote_core::policy::compile::StopFlag;
use promote_core::policy::engine::Engine;
use promote_core::policy::native;
use promote_core::run::resume::{self, NextStep, SurveyTerms, SurveyedRun, WorkflowAccess};
use promote_core::run::{ResumedRun, RunJob, RunMode, RunOrigin, RunTask};
use promote_core::service::github;
use promote_core::service::secret::Secret;
use promote_core::service::transport::{Clock as _, SystemClock};
use promote_core::source::live::{Live, LiveSetup};
use promote_core::text::count;
use promote_intake::choice::Policies;
use promote_intake::config::{Config, ConfigFile};
use promote_intake::supply::Supply;

/// How often a run looks whether somebody has stopped this process.
const STOP_POLL: Duration = Duration::from_millis(100);

/// The exit code when Port or GitHub did not answer, or a promotion failed.
const FAILED: u8 = 3;

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
    pool: ToldTransport,
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
        pool: ToldTransport::open()?,
        stop,
        digest: digest(text.as_bytes()),
        journals: args
            .journals
            .clone()
            .unwrap_or_else(|| environment.temporary()),
    };
    let live = tools.live("")?;
    let actions = config.port.actions.identifiers();
    let workflows = tools.workflows()?;
    let workflows = workflows.as_ref().map(|(live, repository)| WorkflowAccess {
        github: &live.github,
        repository,
    });
    let terms = SurveyTerms {
        actions: &actions,
        grants: &config.grants,
        wait: config.limits.wait.try_into()?,
        renews_status: config.keeps_status(),
        now: SystemClock.now(),
        workflows,
        environment: config.workflow.environment.as_deref(),
    };
    let surveyed = resume::survey(&live, terms).await;
    // A token of an App is given back before anything else is begun.
    let revoked = live.github.revoke().await;
    let surveyed = match surveyed {
        Ok(surveyed) => surveyed,
        Err(failure) => {
            output::problem(&format!("looking for what waits: {}", describe(&failure)));
            return Ok(FAILED);
        }
    };
    if let Err(failure) = revoked {
        output::problem(describe(&failure));
    }
    let waiting = surveyed
        .iter()
        .filter(|run| matches!(run.step, NextStep::Leave | NextStep::Hold(_)))
        .count();
    let mut worst = 0;
    for SurveyedRun { run_id, step } in surveyed {
        if stop.is_raised() {
            output::problem("stopped before everything was looked at: run it again");
            return Ok(FAILED);
        }
        let code = match step {
            NextStep::Leave => continue,
            NextStep::Hold(why) => {
                output::problem(&format!("Port run {run_id} is held: {why}"));
                0
            }
            NextStep::Unclear(why) => {
                output::problem(&format!("Port run {run_id} is left alone: {why}"));
                FAILED
            }
            NextStep::End(end) => {
                let live = tools.live(&run_id)?;
                let told = resume::end(&live, &end).await;
                // It ends within the hour by itself.
                let _ = live.github.revoke().await;
                match told {
                    Ok(true) => {
                        output::tell(&format!("Port run {run_id}: {}", end.message));
                        0
                    }
                    // It moved on by itself in the meantime.
                    Ok(false) => 0,
                    Err(failure) => {
                        output::problem(&format!("Port run {run_id}: {}", describe(&failure)));
                        FAILED
                    }
                }
            }
            NextStep::GoOn(resumed) => match tools.go_on(resumed).await {
                Ok(code) => code,
                Err(error) => {
                    output::problem(&format!("Port run {run_id}: {error:#}"));
                    FAILED
                }
            },
        };
        worst = worst.max(code);
    }
    let waiting = count(waiting, "promotion");
    output::data(&format!("still waiting for something else: {waiting}\n"));
    Ok(worst)
}

impl ResumeTools<'_> {
    /// The way to workflow runs, if there is a token for it.
    fn workflows(&self) -> anyhow::Result<Option<(Live, String)>> {
        let Some((credentials, repository)) = self.environment.workflow_access()? else {
            return Ok(None);
        };
        Ok(Some((self.live_with("", credentials)?, repository)))
    }

    fn live(&self, run: &str) -> anyhow::Result<Live> {
        let credentials = self.environment.github_credentials(&self.config.grants)?;
        self.live_with(run, credentials)
    }

    fn live_with(&self, run: &str, credentials: github::Credentials) -> anyhow::Result<Live> {
        let clock = SystemClock;
        let deadline = clock
            .now()
            .checked_add(self.config.limits.wall)
            .context("limits.wall is too long")?;
        let in_workflow = self.environment.is_workflow();
        Ok(Live::new(LiveSetup {
            transport: Arc::new(self.pool.clone()),
            clock: Arc::new(clock),
            deadline,
            seed: seed(),
            port_url: self.environment.port_url(),
            github_url: self.environment.github_url(),
            port: self.environment.port_credentials()?,
            github: credentials,
            registry: self.environment.image_registries(&self.config.grants)?,
            verifier: self.config.attestations.verifier()?,
            run: run.to_owned(),
            progress: Arc::new(|text: &str| output::progress(text)),
            mask: Arc::new(move |secret: &Secret| mask(in_workflow, secret)),
        })?)
    }

    /// Goes on with one promotion. One that is refused is that promotion's end, and no failure of this command.
    async fn go_on(&self, resumed: ResumedRun) -> anyhow::Result<u8> {
        let (config, environment) = (self.config, self.environment);
        let policies = Policies::prepare(config, self.engine, self.supply).await?;
        let run_id = resumed.run_id.clone();
        let recorded = resumed.proposal.clone().filter(|_| resumed.records_ended);
        let path = journal_path(&self.journals, &run_id);
        let journal = Journal::create(&path)
            .with_context(|| format!("cannot start the journal {}", path.display()))?;
        let clock = SystemClock;
        let deadline = clock
            .now()
            .checked_add(config.limits.wall)
            .context("limits.wall is too long")?;
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
            seed: seed(),
            live: Arc::new(self.live(&run_id)?),
            clock: Arc::new(clock),
            deadline,
            journal,
            observer: Arc::new(TerminalObserver::new(RunMode::Run)),
            interpose: None,
        };
        let done = promote_core::run::run(job, self.stopped()).await;
        output::tell(&format!("Port run {run_id}: {}", done.message));
        let code = done.ending.exit_code();
        if let Some(proposal) = recorded
            && code == 0
        {
            let live = self.live(&run_id)?;
            let noted = resume::note_recorded(&live, &proposal).await;
            // It ends within the hour by itself.
            let _ = live.github.revoke().await;
            if let Err(failure) = noted {
                output::problem(describe(&failure));
            }
        }
        Ok(if code == 1 { 0 } else { code })
    }

    /// Is ready once somebody has stopped this process.
    async fn stopped(&self) {
        while !self.stop.is_raised() {
            tokio::time::sleep(STOP_POLL).await;
        }
    }
}
