//! A scenario as it was read: what there is, what happens, what must come of it.

use std::path::PathBuf;
use std::time::Duration;

use super::ask::StepExpect;
use promote_core::run::RunMode;
use promote_intake::config::Config;
use promote_mock::{Event, World};

/// A scenario, read and checked; nothing of it has run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What people call it: its title, or its file's name.
    pub title: String,
    /// Its file.
    pub path: PathBuf,
    /// What there is at the beginning.
    pub world: World,
    /// The operator's word.
    pub config: Config,
    /// What happens, in order.
    pub steps: Vec<ScenarioStep>,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub struct ScenarioStep {
    /// Its line in the file.
    pub line: usize,
    /// What happens.
    pub act: StepAction,
    /// What must come of it.
    pub expect: StepExpect,
}

/// What happens in a step.
#[derive(Clone, Debug)]
pub enum StepAction {
    /// Somebody starts the promotion, or a plan of it, with this payload.
    Start(RunMode, String),
    /// Somebody else does something.
    Event(Box<Event>),
    /// Time passes.
    Advance(Duration),
    /// Nothing goes wrong any more.
    Heal,
}

impl Scenario {
    /// What commands call it: its file's name without the ending.
    pub fn name(&self) -> String {
        self.path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }
}
