//! A scenario as it was read: what there is, what happens, what must come of it.

use std::path::PathBuf;
use std::time::Duration;

use super::ask::StepExpect;
use super::inject::CallTrouble;
use promote_core::run::RunMode;
use promote_intake::config::Config;
use promote_mock::{ServiceFaults, World, WorldEvent};

/// A scenario, read and checked; nothing of it has run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name for people: its title, or its file's name.
    pub title: String,
    /// Its file.
    pub path: PathBuf,
    /// The world at the beginning.
    pub world: World,
    /// The operator's word.
    pub config: Config,
    /// Its steps, in order.
    pub steps: Vec<ScenarioStep>,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub struct ScenarioStep {
    /// Its line in the file.
    pub line: usize,
    /// What goes wrong from here on, at Port and GitHub.
    pub faults: ServiceFaults,
    /// The event or the run that happens.
    pub act: StepAction,
    /// The call of the run that meets a trouble.
    pub trouble: Option<StepTrouble>,
    /// The result that is expected.
    pub expect: StepExpect,
}

/// The event or the run of a step.
#[derive(Clone, Debug)]
pub enum StepAction {
    /// Somebody starts the promotion, or a plan of it, with this payload.
    Start(RunMode, String),
    /// Somebody starts the promotion with this payload, has a plan of it made and approves that: the run keeps to it.
    Approved(String),
    /// Runs with these payloads begin at the same time.
    Together(RunsTogether),
    /// Whatever waits goes on, if it may.
    Resume,
    /// Somebody else does something.
    Event(Box<WorldEvent>),
    /// Time passes.
    Advance(Duration),
    /// Nothing goes wrong any more.
    Heal,
}

/// Runs at the same time: which of them goes on next is drawn by a seed, request by request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsTogether {
    /// The payload of each.
    pub payloads: Vec<String>,
    /// The seed of the order.
    pub order: u64,
}

/// A trouble that one call of a run meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepTrouble {
    /// The number of the call among those that reach Port or GitHub, from 1; a run that makes fewer meets none.
    pub call: usize,
    /// The trouble.
    pub trouble: CallTrouble,
}

impl Scenario {
    /// Returns its name for commands: its file's name without the ending.
    pub fn name(&self) -> String {
        self.path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }
}
