//! `promote test`: runs scenario files and says which of them hold.
//!
//! It finds, reads and runs them and shows what came of it; what a scenario is and when it holds is
//! [`super::scenario`]'s.

mod format;
mod journals;
mod swept;
mod update;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::coverage::CallCoverage;
use super::files;
use super::scenario::{
    DEFAULTS_FILE, SCHEMA, SLOW_RUN_LOOK, Scenario, ScenarioError, ScenarioReport, ScenarioRunner,
    SlowRun,
};
use super::sweep::ShotFilter;

pub use format::TestFormat;
use format::TestResult;
pub use swept::{SweepTotals, sweep_all};

/// The arguments of `promote test`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote test                            every scenario in tests/scenarios
  promote test happy.toml --http          one, in process and over HTTP
  promote test --sweep --coverage         every failure of every call
  promote test --component policy.wasm    with a policy of your own")]
pub struct TestArgs {
    /// Scenario files, or folders that are searched for them
    #[arg(value_name = "PATH", default_value = "tests/scenarios")]
    pub paths: Vec<PathBuf>,

    /// Only those whose path or title contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub filter: String,

    /// The component that scenarios call NAME; without a name, the one that takes the default policy's place
    #[arg(long, value_name = "[NAME=]FILE")]
    pub component: Vec<String>,

    /// Run each over HTTP on loopback as well, and compare
    #[arg(long)]
    pub http: bool,

    /// Let every call of every run fail in every way, start each run again, and look whether the invariants hold
    #[arg(long, conflicts_with = "http")]
    pub sweep: bool,

    /// Of a sweep, only SCENARIO[/STEP]:CALL:TROUBLE, such as `happy:4:lost-answer` or `*:merge:*`
    #[arg(long, value_name = "SHOT", requires = "sweep")]
    pub only: Option<ShotFilter>,

    /// Seed of the policy's random numbers and of the jitter of pauses
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,

    /// Show which calls met which failures
    #[arg(long)]
    pub coverage: bool,

    /// Run again whenever a file below the paths, or a policy, changes
    #[arg(long, conflicts_with = "update")]
    pub watch: bool,

    /// Write what there is into expectations that are compared whole (outcome, calls, diff and so on), then run again
    #[arg(long, conflicts_with = "sweep")]
    pub update: bool,

    /// Keep the journal of each run in this folder, for `promote replay`
    #[arg(long, value_name = "FOLDER", conflicts_with = "sweep")]
    pub journals: Option<PathBuf>,

    /// Print the JSON Schema of scenario files, for editors, and run nothing
    #[arg(long)]
    pub schema: bool,

    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub format: TestFormat,
}

/// The exit code when a scenario file cannot be used.
const UNREADABLE_SCENARIO: u8 = 2;

/// The ways out of `promote test`: for people, for the result, for the state of things.
pub struct TestOutput<'a> {
    /// Takes lines for people.
    pub say: &'a (dyn Fn(&str) + Sync),
    /// Takes the result.
    pub data: &'a (dyn Fn(&str) + Sync),
    /// Shows how far it is, each time in the place of the last; none if nobody looks on.
    pub status: Option<&'a (dyn Fn(&str) + Sync)>,
}

/// Something that happens while scenarios run.
pub enum TestEvent<'a> {
    /// A scenario has ended.
    Ended(&'a ScenarioReport),
    /// A run takes unusually long.
    Slow(&'a SlowRun),
}

/// Runs scenarios, with compiled policies kept in `cache` if there is one. Returns the exit code: 0 if all hold,
/// 1 if one does not, 2 if a file cannot be used (the others are run all the same).
///
/// # Errors
/// When a path cannot be searched, or nothing can be run on this machine.
pub async fn run(
    args: &TestArgs,
    cache: Option<PathBuf>,
    out: &TestOutput<'_>,
) -> anyhow::Result<u8> {
    if args.schema {
        (out.data)(SCHEMA);
        return Ok(0);
    }
    let runner = Arc::new(
        ScenarioRunner::new(policies(&args.component))?
            .seeded(args.seed)
            .caching(cache),
    );
    if args.watch {
        return watch::watch(&args.paths, &runner, out.say, async || {
            run_once(args, &runner, out).await
        })
        .await;
    }
    run_once(args, &runner, out).await
}

async fn run_once(
    args: &TestArgs,
    runner: &Arc<ScenarioRunner>,
    out: &TestOutput<'_>,
) -> anyhow::Result<u8> {
    let started = Instant::now();
    let (scenarios, unusable) = read(args, runner)?;
    unusable.iter().for_each(|error| (out.say)(error));
    let mut result = if scenarios.is_empty() {
        TestResult::default()
    } else if args.sweep {
        run_sweep(args, runner, scenarios, out).await?
    } else {
        run_tests(args, runner, scenarios, out).await?
    };
    if !args.coverage {
        result.coverage = None;
    }
    result.unusable = unusable;
    result.took = started.elapsed();
    (out.data)(&format::whole(args.format, &result));
    Ok(exit_code(&result))
}

fn exit_code(result: &TestResult) -> u8 {
    if !result.unusable.is_empty() {
        return UNREADABLE_SCENARIO;
    }
    u8::from(result.reports.iter().any(|report| !report.passed()))
}

async fn run_tests(
    args: &TestArgs,
    runner: &Arc<ScenarioRunner>,
    scenarios: Vec<Scenario>,
    out: &TestOutput<'_>,
) -> anyhow::Result<TestResult> {
    if args.update {
        let reports = all(runner, scenarios.clone(), false, &|_| {}).await?;
        update::update(&reports)?
            .iter()
            .for_each(|line| (out.say)(line));
    }
    let scenarios = if args.update {
        read(args, runner)?.0
    } else {
        scenarios
    };
    let shown = TestProgress::new(args, scenarios.len(), out);
    let reports = all(runner, scenarios, args.http, &|event| shown.show(event)).await?;
    let mut coverage = CallCoverage::default();
    reports
        .iter()
        .flat_map(|report| &report.runs)
        .for_each(|run| coverage.add(&run.calls));
    if let Some(folder) = &args.journals {
        for line in journals::keep(folder, &reports)? {
            (out.say)(&line);
        }
    }
    Ok(TestResult {
        reports,
        coverage: Some(coverage),
        ..TestResult::default()
    })
}

async fn run_sweep(
    args: &TestArgs,
    runner: &Arc<ScenarioRunner>,
    scenarios: Vec<Scenario>,
    out: &TestOutput<'_>,
) -> anyhow::Result<TestResult> {
    let only = args.only.clone().unwrap_or_default();
    let shown = TestProgress::new(args, scenarios.len(), out);
    let (reports, totals, coverage) =
        sweep_all(runner, scenarios, &only, &|event| shown.show(event)).await?;
    if totals.injections() == 0 {
        anyhow::bail!("no injection is meant: look at `--only` and `--filter`");
    }
    Ok(TestResult {
        reports,
        sweep: Some(totals),
        coverage: Some(coverage),
        ..TestResult::default()
    })
}

/// Shows reports as they come.
struct TestProgress<'a> {
    format: TestFormat,
    out: &'a TestOutput<'a>,
    total: usize,
    /// The number of reports so far, and of failed ones.
    count: Mutex<(usize, usize)>,
}

impl<'a> TestProgress<'a> {
    fn new(args: &TestArgs, total: usize, out: &'a TestOutput<'a>) -> Self {
        Self {
            format: args.format,
            out,
            total,
            count: Mutex::default(),
        }
    }

    fn show(&self, event: TestEvent<'_>) {
        let report = match event {
            TestEvent::Ended(report) => report,
            TestEvent::Slow(slow) => return (self.out.say)(&slow.to_string()),
        };
        match self.format {
            TestFormat::Text => (self.out.data)(&format::pretty(report)),
            _ => (self.out.say)(&format::progress(report)),
        }
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        count.0 += 1;
        count.1 += usize::from(!report.passed());
        if let Some(status) = self.out.status
            && count.0 < self.total
        {
            status(&format!(
                "{} of {}, {} failed",
                count.0, self.total, count.1
            ));
        }
    }
}

/// The scenarios that are meant and can be run, and what is wrong with the files that cannot be used.
fn read(args: &TestArgs, runner: &ScenarioRunner) -> anyhow::Result<(Vec<Scenario>, Vec<String>)> {
    let mut scenarios = Vec::new();
    let mut unusable = Vec::new();
    for scenario in read_all(&find(&args.paths)?) {
        match scenario {
            Ok(scenario) if is_meant(&scenario, args) => scenarios.push(scenario),
            Ok(_) => {}
            Err(error) => unusable.push(error.to_string()),
        }
    }
    scenarios.retain(|scenario| match runner.policy(scenario) {
        Ok(_) => true,
        Err(error) => {
            unusable.push(error.to_string());
            false
        }
    });
    if scenarios.is_empty() && unusable.is_empty() {
        anyhow::bail!("no scenario is meant: look at the paths, at `--filter` and at `--only`");
    }
    Ok((scenarios, unusable))
}

/// Reads files side by side, and returns them in their order.
fn read_all(paths: &[PathBuf]) -> Vec<Result<Scenario, ScenarioError>> {
    let share = paths.len().div_ceil(workers()).max(1);
    thread::scope(|scope| {
        let mut readers = Vec::new();
        for paths in paths.chunks(share) {
            readers.push(scope.spawn(move || {
                let scenarios = paths.iter().map(|path| Scenario::read(path));
                scenarios.collect::<Vec<_>>()
            }));
        }
        readers
            .into_iter()
            .flat_map(|reader| reader.join().expect("a reader does not panic"))
            .collect()
    })
}

fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs all of them side by side, and returns what came of them in their order. Each is shown as it ends.
///
/// # Errors
/// When one cannot be run at all.
pub async fn all(
    runner: &Arc<ScenarioRunner>,
    scenarios: Vec<Scenario>,
    http: bool,
    shown: &(dyn Fn(TestEvent<'_>) + Sync),
) -> anyhow::Result<Vec<ScenarioReport>> {
    let total = scenarios.len();
    // On the mock a scenario only computes; over HTTP it waits too, but more at a time would only have more sockets open.
    let places = if http { 16 } else { workers() };
    let queue = Arc::new(Mutex::new(scenarios.into_iter().enumerate()));
    let (done, mut ended) = mpsc::unbounded_channel();
    for _ in 0..places.min(total) {
        let runner = Arc::clone(runner);
        let queue = Arc::clone(&queue);
        let done = done.clone();
        let handle = Handle::current();
        // Each thread takes the next one by itself: to be woken for each would take a tenth of a scenario's time.
        spawn_blocking(move || {
            while let Some((index, scenario)) = next(&queue) {
                let path = || scenario.path.display().to_string();
                let report = handle
                    .block_on(runner.test(&scenario, http))
                    .with_context(path);
                if done.send((index, report)).is_err() {
                    break;
                }
            }
        });
    }
    drop(done);
    let mut reports: Vec<Option<ScenarioReport>> = vec![None; total];
    loop {
        let next = tokio::time::timeout(SLOW_RUN_LOOK, ended.recv()).await;
        tell_slow(runner, shown);
        match next {
            Ok(Some((index, report))) => {
                let report = report?;
                shown(TestEvent::Ended(&report));
                reports[index] = Some(report);
            }
            Ok(None) => break,
            Err(_) => {}
        }
    }
    reports
        .into_iter()
        .collect::<Option<_>>()
        .context("a scenario panicked")
}

/// Shows the runs that have become slow, each once.
fn tell_slow(runner: &ScenarioRunner, shown: &(dyn Fn(TestEvent<'_>) + Sync)) {
    let slow = runner.running().slow();
    slow.iter().for_each(|run| shown(TestEvent::Slow(run)));
}

fn next<T>(queue: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).next()
}

/// Shows a scenario's report to people: a line, and if it failed the problems and the calls.
pub fn show(report: &ScenarioReport) -> String {
    format::pretty(report)
}

/// Every scenario file at and below these paths, sorted.
///
/// # Errors
/// Names the path that does not exist or cannot be searched.
pub fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = files::find(paths, "toml")?;
    // It is no scenario, but what those beside it start from.
    found.retain(|path| path.file_name() != Some(DEFAULTS_FILE.as_ref()));
    Ok(found)
}

fn is_meant(scenario: &Scenario, args: &TestArgs) -> bool {
    let filter = &args.filter;
    let name = scenario.name();
    let shot = args
        .only
        .as_ref()
        .is_none_or(|only| only.means_scenario(&name));
    shot && (scenario.title.contains(filter) || scenario.path.to_string_lossy().contains(filter))
}

pub(crate) fn policies(named: &[String]) -> BTreeMap<String, PathBuf> {
    let pairs = named.iter().map(|text| match text.split_once('=') {
        Some((name, file)) => (name.to_owned(), PathBuf::from(file)),
        None => ("builtin".to_owned(), PathBuf::from(text)),
    });
    pairs.collect()
}
