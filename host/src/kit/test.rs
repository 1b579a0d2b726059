//! `promote test`: runs scenario files and says which of them hold.
//!
//! It finds, reads and runs them and shows what came of it; what a scenario is and when it holds is
//! [`super::scenario`]'s.

mod format;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::scenario::{Report, Runner, Scenario};

/// What `promote test` is told.
#[derive(Args, Clone, Debug)]
pub struct TestArgs {
    /// Scenario files, or folders that are searched for them
    #[arg(value_name = "PATH", default_value = "tests/scenarios")]
    pub paths: Vec<PathBuf>,

    /// Only those whose path or title contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub filter: String,

    /// The component that scenarios call NAME; without a name, the one that takes the default policy's place
    #[arg(long, value_name = "[NAME=]FILE")]
    pub policy: Vec<String>,

    /// Run each over HTTP on loopback as well, and compare
    #[arg(long)]
    pub http: bool,

    /// How to say what came of them
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How to say what came of scenarios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Pretty,
    /// One JSON object
    Json,
    /// JUnit's XML, for CI servers
    Junit,
    /// Annotations of a GitHub workflow
    Github,
}

/// No scenario file could be used.
const UNREADABLE: u8 = 2;

/// Runs scenarios; progress goes to `say`, the result to `data`. Returns the exit code: 0 if all hold, 1 if one does
/// not, 2 if a file cannot be used.
///
/// # Errors
/// When a path cannot be searched, or nothing can be run on this machine.
pub async fn run(
    args: &TestArgs,
    say: &(dyn Fn(&str) + Sync),
    data: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<u8> {
    let started = Instant::now();
    let runner = Arc::new(Runner::new(policies(&args.policy))?);
    let (mut scenarios, mut unusable) = (Vec::new(), Vec::new());
    for path in find(&args.paths)? {
        match Scenario::read(&path) {
            Ok(scenario) if is_meant(&scenario, &args.filter) => scenarios.push(scenario),
            Ok(_) => {}
            Err(error) => unusable.push(error.to_string()),
        }
    }
    for scenario in &scenarios {
        if let Err(error) = runner.policy(scenario) {
            unusable.push(error.to_string());
        }
    }
    if scenarios.is_empty() && unusable.is_empty() {
        anyhow::bail!("no scenario is meant: look at the paths and at `--filter`");
    }
    if !unusable.is_empty() {
        unusable.iter().for_each(|error| say(error));
        return Ok(UNREADABLE);
    }
    let shown = |report: &Report| {
        if args.format == Format::Pretty {
            data(&format::pretty(report));
        } else {
            say(&format::progress(report));
        }
    };
    let reports = all(&runner, scenarios, args.http, &shown).await?;
    data(&format::whole(args.format, &reports, started.elapsed()));
    Ok(u8::from(reports.iter().any(|report| !report.passed())))
}

/// Runs all of them side by side, and returns what came of them in their order. Each is shown as it ends.
///
/// # Errors
/// When one cannot be run at all.
pub async fn all(
    runner: &Arc<Runner>,
    scenarios: Vec<Scenario>,
    http: bool,
    shown: &(dyn Fn(&Report) + Sync),
) -> anyhow::Result<Vec<Report>> {
    let total = scenarios.len();
    // More at a time would only have more sockets open.
    let places = Arc::new(Semaphore::new(16));
    let mut running = JoinSet::new();
    for (index, scenario) in scenarios.into_iter().enumerate() {
        let (runner, places) = (Arc::clone(runner), Arc::clone(&places));
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            let path = scenario.path.display().to_string();
            let tested = runner.test(&scenario, http).await;
            (index, tested.with_context(|| path))
        });
    }
    let mut reports: Vec<Option<Report>> = vec![None; total];
    while let Some(ended) = running.join_next().await {
        let (index, report) = ended.context("a scenario panicked")?;
        let report = report?;
        shown(&report);
        reports[index] = Some(report);
    }
    Ok(reports.into_iter().flatten().collect())
}

/// What came of a scenario, for people: a line, and if it failed what is wrong and which calls were made.
pub fn show(report: &Report) -> String {
    format::pretty(report)
}

/// Every scenario file at and below these paths, sorted.
///
/// # Errors
/// Names the path that does not exist or cannot be searched.
pub fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        search(path, &mut found).with_context(|| format!("searching {}", path.display()))?;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn search(path: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.metadata()?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in path.read_dir()? {
        let (entry, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            search(&entry, found)?;
        } else if entry.extension().is_some_and(|extension| extension == "toml") {
            found.push(entry);
        }
    }
    Ok(())
}

fn is_meant(scenario: &Scenario, filter: &str) -> bool {
    scenario.title.contains(filter) || scenario.path.to_string_lossy().contains(filter)
}

fn policies(named: &[String]) -> BTreeMap<String, PathBuf> {
    let pairs = named.iter().map(|text| match text.split_once('=') {
        Some((name, file)) => (name.to_owned(), PathBuf::from(file)),
        None => ("builtin".to_owned(), PathBuf::from(text)),
    });
    pairs.collect()
}
