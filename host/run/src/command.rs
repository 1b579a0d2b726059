//! `promote run` and `promote plan`.

use std::future::Future;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;

use crate::connector::Connector;
use crate::environment::Environment;
use crate::output_format::OutputFormat;
use crate::plan::{CommandTask, PlanUse};
use crate::report::{self, RunReport};
use crate::terminal::TerminalObserver;
use crate::{output, workflow};
use promote_core::grants::Operation;
use promote_core::journal::{Journal, RunAudit, digest};
use promote_core::policy::compile::StopFlag;
use promote_core::policy::engine::Engine;
use promote_core::policy::native;
use promote_core::run::observer::Observer;
use promote_core::run::{RunJob, RunOrigin};
use promote_core::service::transport::SystemClock;
use promote_intake::choice::Policies;
use promote_intake::config::ConfigFile;
use promote_intake::lock::Lock;
use promote_intake::payload::{LARGEST, Payload};
use promote_intake::plan_file::PlanTarget;
use promote_intake::supply::Supply;

/// The arguments of `run`.
#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    /// The arguments of both.
    pub common: CommonArgs,

    /// Make exactly the writes of this plan, which `promote plan --out` wrote, and stop before any other
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// The arguments of `plan`.
#[derive(Args)]
pub struct PlanArgs {
    #[command(flatten)]
    /// The arguments of both.
    pub common: CommonArgs,

    /// Write the plan to this new file, for `promote run --plan`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The arguments of `run` and `plan`; credentials come from the environment only.
#[derive(Args)]
pub struct CommonArgs {
    /// The operator's configuration: policy, settings, grants, limits
    #[arg(long, value_name = "FILE", default_value = "promote.toml")]
    config: PathBuf,

    /// Port's payload, `-` for standard input; without it, the input `port_payload` of the workflow's event
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,

    /// The journal's file; without it, a new file in the temporary folder
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    /// Compile the policy anew, and do not keep what it is compiled to; else it is kept in `PROMOTE_CACHE_DIR`, by
    /// default `promote` in the user's cache folder
    #[arg(long)]
    no_cache: bool,

    /// The form of the log on standard error: lines for people, or one JSON object a line
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: OutputFormat,

    /// The form of the output: the outcome in words, for a plan what would change; or everything as one JSON object
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// The exit code of a run that was stopped before it began: nothing was wrong with it, and nothing was done.
const STOPPED: u8 = 3;

/// Runs or plans one promotion and returns the exit code.
pub async fn run(
    args: &CommonArgs,
    task: CommandTask<'_>,
    environment: &Environment,
) -> anyhow::Result<u8> {
    args.log_format.choose_log();
    let stop = StopFlag::default();
    let stopped = stopped(&stop)?;
    let ConfigFile { config, text } = environment.config(&args.config).await?;
    let payload = payload(args, environment)?;
    let engine = native::engine()?.with_compile_limits(config.limits.compile.clone(), stop.clone());
    let cache = if args.no_cache {
        None
    } else {
        environment.cache()
    };
    let supply = supply(&engine, &args.config, cache, environment)?;
    let in_config = || args.config.display().to_string();
    supply.check(&config).with_context(in_config)?;
    let policies = Policies::prepare(&config, &engine, &supply).await;
    if stop.is_raised() {
        output::problem("stopped before the run began: nothing was done");
        return Ok(STOPPED);
    }
    let plan_use = PlanUse::prepare(task, PlanTarget::new(&payload.run, text.as_bytes()))?;
    let policies = policies
        .with_context(in_config)?
        .bound_to(plan_use.component())?;
    let reads_reviews = config.grants.mention(Operation::ReadReviews);
    environment.check_credentials(reads_reviews)?;
    let (journal, journal_path) = journal(args, environment, &payload.run)?;
    let mode = plan_use.task().mode();
    let observer: Arc<dyn Observer> = Arc::new(TerminalObserver::new(mode));
    let shown = Arc::clone(&observer);
    let connector = Connector::open(
        &config,
        environment,
        Arc::new(move |text: &str| shown.say(text)),
    )?;
    let start = connector.start(&payload.run)?;
    let live = Arc::new(connector.live(&start)?);
    let workflows = connector.workflows(&start)?;
    if workflows.is_none() && reads_reviews {
        bail!("the grant `run.reviews` needs WORKFLOW_TOKEN and GITHUB_REPOSITORY");
    }
    let job = RunJob {
        engine: &engine,
        choice: &policies,
        terms: config.terms(),
        origin: RunOrigin::PortRun(payload.into_claim()),
        workflow: environment.workflow(),
        workflows,
        audit: RunAudit {
            config: Some(digest(text.as_bytes())),
            ..environment.audit()
        },
        task: plan_use.task(),
        seed: start.seed,
        live,
        clock: Arc::new(SystemClock),
        deadline: start.deadline,
        journal,
        observer,
        interpose: None,
    };
    let run_id = start.run_id;
    let title = format!("{} for the Port run {run_id}", mode.name());
    workflow::group(Some(&title), environment);
    let done = promote_core::run::run(job, stopped).await;
    for line in done.printed.lines() {
        output::say(&format!("  policy: {line}"));
    }
    workflow::group(None, environment);
    let report = RunReport {
        done: &done,
        mode,
        subject: report::subject(&done, &run_id),
        links: report::links(&done, mode, &run_id, environment),
        run_id,
        journal: journal_path,
        picked: policies.picked(),
    };
    workflow::publish(&report, environment);
    output::data(&report.print(args.format));
    plan_use.finish(&done, policies.picked())?;
    Ok(done.ending.exit_code())
}

fn payload(args: &CommonArgs, environment: &Environment) -> anyhow::Result<Payload> {
    if let Some(path) = &args.payload {
        let text = match path.to_str() {
            Some("-") => capped(std::io::stdin().lock()),
            _ => std::fs::File::open(path).and_then(capped),
        };
        return Ok(Payload::read(&text.with_context(|| {
            format!("reading the payload {}", path.display())
        })?)?);
    }
    let Some(path) = environment.event() else {
        bail!(
            "no payload: outside a workflow, name it with `--payload FILE` (`-` for standard input)"
        );
    };
    let text = std::fs::File::open(&path).and_then(capped);
    Ok(Payload::read_event(&text.with_context(|| {
        format!("reading the event {}", path.display())
    })?)?)
}

/// Reads at most a little more than the largest payload, so that a larger one is told apart.
fn capped(from: impl std::io::Read) -> std::io::Result<String> {
    let mut text = String::new();
    from.take(LARGEST as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Returns the supply of a configuration's components, held to the lock beside it.
pub fn supply<'a>(
    engine: &'a Engine,
    config: &Path,
    cache: Option<PathBuf>,
    environment: &Environment,
) -> anyhow::Result<Supply<'a>> {
    let lock = Lock::read(&Lock::path(config))?;
    Ok(Supply::new(engine, config, cache, environment.registry()?, &output::say).locked(lock))
}

fn journal(
    args: &CommonArgs,
    environment: &Environment,
    run: &str,
) -> anyhow::Result<(Journal, PathBuf)> {
    let path = args
        .journal
        .clone()
        .unwrap_or_else(|| journal_path(&environment.temporary(), run));
    let journal = Journal::create(&path).with_context(|| {
        format!(
            "cannot start the journal {}; `--journal FILE` names another",
            path.display()
        )
    })?;
    Ok((journal, path))
}

/// A new file for the journal of a run: of its identifier, what is safe in a name.
pub(crate) fn journal_path(folder: &Path, run: &str) -> PathBuf {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let safe: String = run
        .chars()
        .map(|c| if is_safe(c) { c } else { '-' })
        .take(64)
        .collect();
    let millis = Timestamp::now().as_millisecond();
    folder.join(format!("promote-{safe}-{millis}.jsonl"))
}

/// Listens, from now on, for somebody who stops this process. It raises the flag, for whoever cannot wait, and readies the
/// future.
pub(crate) fn stopped(flag: &StopFlag) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let signal = stop_signal()?;
    let flag = flag.clone();
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        signal.await;
        flag.raise();
        // A run that is over does not listen any more.
        let _ = sender.send(());
    });
    Ok(async move {
        if receiver.await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// Returns a future that is ready after ctrl-c, or when the runner cancels a job.
#[cfg(unix)]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for ctrl-c")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Returns a future that is ready after ctrl-c.
#[cfg(not(unix))]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async { tokio::signal::ctrl_c().await.unwrap_or(()) })
}
