//! `promote replay`: a journal again, exactly, or what another policy would have decided.
//!
//! Nothing here reaches a service: a policy is given the recorded clock, random numbers and answers, and a write is
//! compared, never made. JOURNAL.md has the format of what is read.

mod answers;
mod backtest;
mod effects;
mod error;
mod exact;
mod html;
mod recording;
mod rules;
mod rulings;
mod show;
mod table;
mod trial_rules;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;
use promote_run::json_text;
use tokio::runtime::{Builder, Runtime};

use crate::journals;
use crate::page::ReportFormat;
use promote_core::policy::engine::Engine;
use promote_core::policy::{Policy, native};
use promote_core::text;
use promote_intake::config::{ComponentRef, Config};
use promote_intake::settings::{self, SettingsSchema};
use promote_intake::{builtin, supply};

pub use answers::UnknownAnswer;
pub use backtest::{
    DecisionChange, FirstDifference, PolicyTrial, RuleChoice, RunDecision, TrialResult,
};
pub use error::{ReplayError, read_recording};
pub use exact::{DivergenceSide, ReplayComparison, ReplayDivergence, ReplayResult, replay};
pub use recording::{RecordedAnswer, RecordedCall, RecordedFooter, RunRecording};
pub use rulings::RuleShelf;

use show::ExactReplay;
use table::BacktestReport;

/// The arguments of `promote replay`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// Journals, or folders that are searched for `*.jsonl`
    #[arg(value_name = "JOURNAL", required = true)]
    pub paths: Vec<PathBuf>,

    /// The component: the one that wrote the journals, or with `--backtest` another; without it, the built-in policy
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,

    /// The component of a rule that the recorded run had; without it, what that rule said is taken as recorded. May be repeated
    #[arg(long, value_name = "FILE")]
    pub rule_component: Vec<PathBuf>,

    /// Show which recorded decisions the component would flip, and why, in place of an exact replay
    #[arg(long)]
    pub backtest: bool,

    /// A backtest with the settings, limits and rules of this `promote.toml`, and of its component unless `--component` names one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Show which recorded promotions the rules of this file would have stopped, in place of a replay
    #[arg(long, value_name = "FILE", conflicts_with_all = ["component", "backtest", "config"])]
    pub rule: Option<PathBuf>,

    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
}

const EXAMPLES: &str = "\
Examples:
  promote replay run.jsonl               does the policy do the same again?
  promote replay --component team.wasm journals/
  promote replay --backtest --component new.wasm journals/
                                         which decisions would flip, and why
  promote replay --backtest --config promote.toml journals/
                                         the same for new settings
  promote replay --rule new.toml journals/
                                         what a new [[rule]] would have stopped
  promote replay --backtest --config promote.toml --format html journals/

Exit codes:
  0  the same again; a backtest: a report was made
  1  something went otherwise than recorded
  2  a journal cannot be replayed";

/// Replays journals, with compiled policies kept in `cache` if there is one; the result goes to `data`. Returns the exit code: 0 if all went as recorded or were compared with
/// another policy, 1 if one went otherwise, 2 if one cannot be replayed.
///
/// # Errors
/// When there is no journal, or the component or the configuration cannot be used.
pub fn run(
    args: &ReplayArgs,
    cache: Option<&Path>,
    say: &dyn Fn(&str),
    data: &dyn Fn(&str),
) -> anyhow::Result<u8> {
    let paths = journals::find(&args.paths)?;
    let engine = native::engine()?;
    if let Some(file) = &args.rule {
        return rules::run(args, file, &engine, cache, &paths, data);
    }
    let from = PolicyCompiler {
        engine: &engine,
        cache,
        say,
    };
    if args.backtest || args.config.is_some() {
        backtest(args, &from, paths, data)
    } else {
        exactly(args, &from, paths, data)
    }
}

fn exactly(
    args: &ReplayArgs,
    compiler: &PolicyCompiler<'_>,
    paths: Vec<PathBuf>,
    data: &dyn Fn(&str),
) -> anyhow::Result<u8> {
    if args.format == ReportFormat::Html {
        bail!(
            "`--format html` shows what another policy would have decided: ask for it with `--backtest`"
        );
    }
    let policy = compiler.policy(args.component.as_deref())?;
    let shelf = RuleShelf::new(compiler.engine, &args.rule_component, compiler.cache)?;
    let replayed = each(&paths, |path, runtime| {
        let recording = read_recording(path)?;
        if recording.header.component != policy.digest {
            return Err(ReplayError::OtherPolicy {
                recorded: recording.header.component,
                given: policy.digest.clone(),
            });
        }
        let (rules, _) = shelf.rules(&recording);
        let replayed = replay(compiler.engine, &policy, &recording, rules, runtime);
        Ok((recording, replayed))
    })?;
    let all: Vec<_> = paths.into_iter().zip(replayed).collect();
    data(&if args.format == ReportFormat::Json {
        json_text(show::machine(&all))
    } else {
        format!("{}\n", text::log(&show::text(&all)))
    });
    let has_diverged = |(_, replayed): &ExactReplay| {
        let verdict = replayed.as_ref().map(|(_, replayed)| &replayed.verdict);
        matches!(verdict, Ok(ReplayComparison::Diverged(_)))
    };
    if all.iter().any(has_diverged) {
        return Ok(1);
    }
    let has_unusable = all.iter().any(|(_, replayed)| replayed.is_err());
    Ok(if has_unusable { 2 } else { 0 })
}

fn backtest(
    args: &ReplayArgs,
    compiler: &PolicyCompiler<'_>,
    paths: Vec<PathBuf>,
    data: &dyn Fn(&str),
) -> anyhow::Result<u8> {
    let config = args.config.as_deref().map(Config::read_local).transpose()?;
    if config
        .as_ref()
        .is_some_and(|config| !config.team.is_empty())
    {
        bail!(
            "the configuration has [[team]] rules, and a recording does not hold what Port said of the service: try one \
             policy at a time, with a file that has its component and settings in [policy]"
        );
    }
    let policy = backtest_policy(args, config.as_ref(), compiler)?;
    let shelf = RuleShelf::new(compiler.engine, &args.rule_component, compiler.cache)?;
    let configured = match (&config, &args.config) {
        (Some(config), Some(file)) => rulings::load(config, file, compiler.engine, compiler.cache)?,
        _ => Vec::new(),
    };
    let rules = match &config {
        Some(_) => RuleChoice::Configured(&configured),
        None => RuleChoice::Recorded(&shelf),
    };
    let trial = PolicyTrial {
        rules,
        engine: compiler.engine,
        policy: &policy,
        settings: config.as_ref().map(|config| config.policy.settings()),
        limits: config.as_ref().map(|config| config.limits.clone()),
    };
    let started = Instant::now();
    let asked = each(&paths[..1], |_, runtime| {
        runtime.block_on(settings::schema(compiler.engine, &policy))
    })?;
    let schema = asked.into_iter().collect::<Result<Vec<_>, _>>();
    let schema = schema.context("asking the policy for its settings")?;
    let tried = each(&paths, |path, runtime| {
        let recording = read_recording(path)?;
        if trial.settings.is_none() {
            check_recorded(&schema[0], &recording)?;
        }
        Ok(trial.on(recording, runtime))
    })?;
    let report = BacktestReport {
        policy: policy.digest.clone(),
        took: started.elapsed(),
        all: paths.into_iter().zip(tried).collect(),
    };
    data(&match args.format {
        ReportFormat::Text => format!("{}\n", text::log(&table::text(&report))),
        ReportFormat::Json => json_text(table::machine(&report)),
        ReportFormat::Html => html::report(&report),
    });
    Ok(if report.all.iter().any(|(_, tried)| tried.is_err()) {
        2
    } else {
        0
    })
}

/// Returns the policy to try: that of the command line, of the configuration, or the built-in one.
fn backtest_policy(
    args: &ReplayArgs,
    config: Option<&Config>,
    compiler: &PolicyCompiler<'_>,
) -> anyhow::Result<Policy> {
    if let Some(file) = &args.component {
        return compiler.policy(Some(file));
    }
    let component = config.map(|config| &config.policy.component);
    match (component, &args.config) {
        (Some(ComponentRef::Oci(pinned)), _) => bail!(
            "{0} is in a registry, and a replay asks none: `promote pull {0} --output policy.wasm`, then `--component policy.wasm`",
            pinned.reference
        ),
        (Some(ComponentRef::Path(file)), Some(from)) => {
            compiler.policy(Some(&from.parent().unwrap_or(Path::new("")).join(file)))
        }
        _ => compiler.policy(None),
    }
}

/// Checks that the recorded settings are such that the policy knows: they were made for the one that wrote the journal.
fn check_recorded(schema: &SettingsSchema, recording: &RunRecording) -> Result<(), ReplayError> {
    let settings = serde_json::from_str(&recording.header.request.settings).unwrap_or_default();
    match settings::problems(schema, &settings).as_deref() {
        Ok([]) => Ok(()),
        Ok([wrong, ..]) => Err(ReplayError::OtherSettings(wrong.to_string())),
        Err(error) => Err(ReplayError::OtherSettings(error.to_string())),
    }
}

/// Compiles policies, or takes their native code from the cache.
struct PolicyCompiler<'a> {
    engine: &'a Engine,
    cache: Option<&'a Path>,
    say: &'a dyn Fn(&str),
}

impl PolicyCompiler<'_> {
    /// A policy from a file, or the built-in one, which has a name too.
    fn policy(&self, file: Option<&Path>) -> anyhow::Result<Policy> {
        let file = file.filter(|file| *file != Path::new("builtin"));
        let (bytes, name) = match file {
            None => (builtin::POLICY.to_vec(), "the built-in policy".to_owned()),
            Some(path) => {
                let name = format!("the policy {}", path.display());
                (supply::read(path, &name)?, name)
            }
        };
        Ok(builtin::load(self.engine, &bytes, self.cache, self.say)
            .context(name)?
            .0)
    }
}

/// Does some work for each journal, on every processor, and returns what came of it in their order.
fn each<T: Send>(
    paths: &[PathBuf],
    work: impl Fn(&Path, &Runtime) -> T + Sync,
) -> anyhow::Result<Vec<T>> {
    let processors = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(paths.len());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(paths.len()));
    let labour = |runtime: Runtime| {
        while let Some((index, path)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, paths.get(i)?)))
        {
            let result = work(path, &runtime);
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((index, result));
        }
    };
    let runtimes = (0..processors).map(|_| Builder::new_current_thread().enable_time().build());
    let runtimes = runtimes
        .collect::<Result<Vec<_>, _>>()
        .context("starting threads")?;
    std::thread::scope(|scope| {
        for runtime in runtimes {
            scope.spawn(|| labour(runtime));
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
