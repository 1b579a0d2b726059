//! The runs that go on now. On the mock a run only computes, so one that takes seconds may be a loop that never ends.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Scenario, ScenarioStep};

/// The time after which a run is unusually slow.
const SLOW_RUN: Duration = Duration::from_secs(5);

/// How often somebody who waits looks for slow runs.
pub const SLOW_RUN_LOOK: Duration = Duration::from_secs(1);

/// The runs that go on now, in the order of their beginnings.
#[derive(Default)]
pub struct RunningRuns(Mutex<RunList>);

#[derive(Default)]
struct RunList {
    begun: u64,
    runs: BTreeMap<u64, RunningRun>,
}

struct RunningRun {
    path: PathBuf,
    line: usize,
    /// The operator's limit for it.
    wall: Duration,
    since: Instant,
    /// True if somebody was told.
    is_told: bool,
}

/// A run that takes unusually long.
pub struct SlowRun {
    path: PathBuf,
    line: usize,
    wall: Duration,
    seconds: u64,
}

impl fmt::Display for SlowRun {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            to,
            "{}:{}: a run goes on for {} s: is there a loop in the policy? `limits.wall` ends each run after {} s, Ctrl-C ends the test",
            self.path.display(),
            self.line,
            self.seconds,
            self.wall.as_secs()
        )
    }
}

impl RunningRuns {
    /// Takes note of the run of a step, until what is returned is dropped.
    pub(super) fn start(&self, scenario: &Scenario, step: &ScenarioStep) -> RunningGuard<'_> {
        let mut list = self.lock();
        list.begun += 1;
        let number = list.begun;
        let run = RunningRun {
            path: scenario.path.clone(),
            line: step.line,
            wall: scenario.config.limits.wall,
            since: Instant::now(),
            is_told: false,
        };
        list.runs.insert(number, run);
        RunningGuard { all: self, number }
    }

    /// Returns those that are slow, each once.
    pub fn slow(&self) -> Vec<SlowRun> {
        let mut list = self.lock();
        let runs = list.runs.values_mut();
        let slow = runs.filter(|run| !run.is_told && run.since.elapsed() >= SLOW_RUN);
        slow.map(|run| {
            run.is_told = true;
            SlowRun {
                path: run.path.clone(),
                line: run.line,
                wall: run.wall,
                seconds: run.since.elapsed().as_secs(),
            }
        })
        .collect()
    }

    fn lock(&self) -> MutexGuard<'_, RunList> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the note of a run when it is dropped.
pub(super) struct RunningGuard<'a> {
    all: &'a RunningRuns,
    number: u64,
}

impl Drop for RunningGuard<'_> {
    fn drop(&mut self) {
        self.all.lock().runs.remove(&self.number);
    }
}
