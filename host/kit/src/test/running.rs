//! The scenarios that run now. On the mock a run only computes, so one that takes seconds may be a loop that never ends.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::scenario::Scenario;

/// The time after which a scenario is unusually slow.
pub(super) const SLOW_SCENARIO: Duration = Duration::from_secs(5);

/// The scenarios that run now, by their number.
#[derive(Default)]
pub(super) struct RunningScenarios(Mutex<BTreeMap<usize, RunningScenario>>);

struct RunningScenario {
    path: PathBuf,
    /// The operator's limit for one run.
    wall: Duration,
    since: Instant,
    /// True if somebody was told.
    is_told: bool,
}

/// A scenario that runs for unusually long.
pub struct SlowScenario {
    path: PathBuf,
    wall: Duration,
    seconds: u64,
}

impl fmt::Display for SlowScenario {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            to,
            "{} has run for {} s: is there a loop in the policy? `limits.wall` ends each run after {} s, Ctrl-C ends the test",
            self.path.display(),
            self.seconds,
            self.wall.as_secs()
        )
    }
}

impl RunningScenarios {
    /// Takes note of a scenario until what is returned is dropped.
    pub(super) fn start(self: &Arc<Self>, index: usize, scenario: &Scenario) -> RunningGuard {
        let running = RunningScenario {
            path: scenario.path.clone(),
            wall: scenario.config.limits.wall,
            since: Instant::now(),
            is_told: false,
        };
        self.lock().insert(index, running);
        RunningGuard {
            all: Arc::clone(self),
            index,
        }
    }

    /// Returns those that are slow, each once.
    pub(super) fn slow(&self) -> Vec<SlowScenario> {
        let mut running = self.lock();
        let running = running.values_mut();
        let slow = running.filter(|one| !one.is_told && one.since.elapsed() >= SLOW_SCENARIO);
        slow.map(|one| {
            one.is_told = true;
            SlowScenario {
                path: one.path.clone(),
                wall: one.wall,
                seconds: one.since.elapsed().as_secs(),
            }
        })
        .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, RunningScenario>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the note of a scenario when it is dropped.
pub(super) struct RunningGuard {
    all: Arc<RunningScenarios>,
    index: usize,
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        self.all.lock().remove(&self.index);
    }
}
