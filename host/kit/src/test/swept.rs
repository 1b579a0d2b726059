//! `promote test --sweep`: fires all shots side by side, and brings what came of them into a report and a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{TestEvent, tell_slow};
use crate::coverage::CallCoverage;
use crate::scenario::{
    CallTrouble, ExpectMismatch, MadeCall, SLOW_RUN_LOOK, Scenario, ScenarioProblem,
    ScenarioReport, ScenarioRunner,
};
use crate::sweep::{Invariant, ShotFilter, ShotResult, sweep};

/// For each trouble the number of shots, and of broken invariants.
#[derive(Clone, Debug, Default)]
pub struct SweepTotals(BTreeMap<CallTrouble, (usize, BTreeMap<Invariant, usize>)>);

impl SweepTotals {
    /// Returns the number of shots that were fired.
    pub fn injections(&self) -> usize {
        self.0.values().map(|(injections, _)| injections).sum()
    }

    /// Returns the number of times that an invariant was broken.
    pub fn broken(&self) -> usize {
        self.0
            .values()
            .flat_map(|(_, broken)| broken.values())
            .sum()
    }

    fn add(&mut self, struck: &ShotResult) {
        let (injections, broken) = self.0.entry(struck.shot.trouble).or_default();
        *injections += 1;
        for one in &struck.broken {
            *broken.entry(one.invariant).or_default() += 1;
        }
    }

    fn join(&mut self, other: Self) {
        for (trouble, (injections, broken)) in other.0 {
            let own = self.0.entry(trouble).or_default();
            own.0 += injections;
            for (invariant, count) in broken {
                *own.1.entry(invariant).or_default() += count;
            }
        }
    }

    /// A row for each trouble, a column for each invariant.
    pub(super) fn table(&self) -> String {
        let mut text = format!("{:14} {:>8}", "trouble", "injected");
        for invariant in Invariant::ALL {
            let _ = write!(text, "  {}", invariant.name());
        }
        for (trouble, (injections, broken)) in &self.0 {
            let _ = write!(text, "\n{:14} {injections:>8}", trouble.name());
            for invariant in Invariant::ALL {
                let count = broken.get(&invariant).copied().unwrap_or_default();
                let _ = write!(text, "  {count:>0$}", invariant.name().len());
            }
        }
        let _ = write!(
            text,
            "\n{} injections, {} broken",
            self.injections(),
            self.broken()
        );
        text
    }

    pub(super) fn json(&self) -> Value {
        let rows = self.0.iter().map(|(trouble, (injections, broken))| {
            let broken = Invariant::ALL.iter().map(|invariant| {
                let count = broken.get(invariant).copied().unwrap_or_default();
                (invariant.name().to_owned(), json!(count))
            });
            let broken: serde_json::Map<_, _> = broken.collect();
            json!({ "trouble": trouble.name(), "injected": injections, "broken": broken })
        });
        let rows: Vec<Value> = rows.collect();
        json!({ "injections": self.injections(), "broken": self.broken(), "table": rows })
    }
}

/// Fires every shot that is meant at every scenario. Each scenario is shown as it ends.
///
/// # Errors
/// When one cannot be run at all.
pub async fn sweep_all(
    runner: &Arc<ScenarioRunner>,
    scenarios: Vec<Scenario>,
    only: &ShotFilter,
    shown: &(dyn Fn(TestEvent<'_>) + Sync),
) -> anyhow::Result<(Vec<ScenarioReport>, SweepTotals, CallCoverage)> {
    // A sweep only computes: more at a time would only take turns.
    let places = Arc::new(Semaphore::new(4));
    let mut running = JoinSet::new();
    for (index, scenario) in scenarios.into_iter().enumerate() {
        let runner = Arc::clone(runner);
        let only = only.clone();
        let places = Arc::clone(&places);
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            let started = Instant::now();
            let mut coverage = CallCoverage::default();
            let path = scenario.path.display().to_string();
            let struck = sweep(&runner, &scenario, &only, &mut coverage)
                .await
                .context(path)?;
            let mut totals = SweepTotals::default();
            struck.iter().for_each(|struck| totals.add(struck));
            let mut report = report(&scenario, &struck, runner.seed());
            report.took = started.elapsed();
            anyhow::Ok((index, report, totals, coverage))
        });
    }
    let mut reports = BTreeMap::new();
    let mut totals = SweepTotals::default();
    let mut coverage = CallCoverage::default();
    loop {
        let next = tokio::time::timeout(SLOW_RUN_LOOK, running.join_next()).await;
        tell_slow(runner, shown);
        let Ok(next) = next else {
            continue;
        };
        let Some(ended) = next else {
            break;
        };
        let (index, report, own, calls) = ended.context("a sweep panicked")??;
        shown(TestEvent::Ended(&report));
        reports.insert(index, report);
        totals.join(own);
        coverage.join(calls);
    }
    Ok((reports.into_values().collect(), totals, coverage))
}

/// Turns broken invariants into problems of the scenario.
fn report(scenario: &Scenario, struck: &[ShotResult], seed: u64) -> ScenarioReport {
    let problems = struck.iter().flat_map(|struck| {
        struck.broken.iter().map(move |broken| ScenarioProblem {
            line: struck.line,
            step: struck.shot.step,
            at: "does not hold",
            snapshot: None,
            mismatch: ExpectMismatch {
                key: broken.invariant.name().to_owned(),
                expected: format!(
                    "it holds with {} at {}",
                    struck.shot.trouble.name(),
                    struck.shot.name
                ),
                actual: format!(
                    "{}\n{}{}\n{}",
                    broken.what,
                    printed(&struck.printed),
                    again(scenario, struck, seed),
                    calls(&struck.calls)
                ),
            },
        })
    });
    ScenarioReport {
        title: format!("{} ({} injections)", scenario.title, struck.len()),
        path: scenario.path.clone(),
        took: std::time::Duration::ZERO,
        problems: problems.collect(),
        runs: Vec::new(),
    }
}

/// What the policy printed: of a crash it is what says where.
fn printed(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| format!("policy: {line}\n")).collect()
}

/// The command that does it again.
fn again(scenario: &Scenario, struck: &ShotResult, seed: u64) -> String {
    let path = scenario.path.display();
    let shot = &struck.shot;
    format!("again: promote test {path} --sweep --seed {seed} --only '{shot}'")
}

fn calls(runs: &[Vec<MadeCall>]) -> String {
    let mut text = String::new();
    for (title, calls) in [
        "calls of the run that was hit:",
        "calls of the run after it:",
    ]
    .iter()
    .zip(runs)
    {
        let _ = writeln!(text, "{title}");
        for (index, made) in calls.iter().enumerate() {
            let _ = writeln!(text, "  {:>2}  {}", index + 1, made.line());
        }
    }
    text
}
