//! The result of a step and of a scenario, and what is not as it was expected.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

use super::made::MadeCall;
use promote_core::contract::Outcome;
use promote_core::run::ending::Ending;
use promote_core::run::last_word::message;
use promote_core::run::{RunMode, RunResult};
use promote_intake::changes::{Changes, FileDiff};
use promote_mock::{Event, Seen, World};

/// What came of one step.
#[derive(Clone, Debug)]
pub struct StepResult {
    /// Whether somebody started a run or a plan; none if something else happened.
    pub mode: Option<RunMode>,
    /// How it ended, in a word.
    pub ending: Option<&'static str>,
    /// The exit code.
    pub exit: Option<u8>,
    /// The last word.
    pub message: String,
    /// The rules that refused.
    pub rules: Vec<String>,
    /// The calls, with their answers.
    pub calls: Vec<MadeCall>,
    /// Files that a plan would change.
    pub planned: Vec<FileDiff>,
    /// What a person who waits was told.
    pub said: Vec<String>,
    /// Where a secret of the world was seen after the run: no place is the right one.
    pub leaks: Vec<&'static str>,
    /// What somebody else did.
    pub event: Option<Event>,
    /// The Port run of the payload.
    pub run: Option<String>,
    /// The requests that arrived.
    pub requests: Vec<Seen>,
    /// The journal of the run; empty if nobody started one.
    pub journal: String,
    /// The world before.
    pub before: World,
    /// The world after.
    pub after: World,
}

impl StepResult {
    /// Nothing has happened yet in this world.
    pub(super) fn new(before: World) -> Self {
        Self {
            mode: None,
            ending: None,
            exit: None,
            message: String::new(),
            rules: Vec::new(),
            calls: Vec::new(),
            planned: Vec::new(),
            said: Vec::new(),
            leaks: Vec::new(),
            event: None,
            run: None,
            requests: Vec::new(),
            journal: String::new(),
            after: World::default(),
            before,
        }
    }

    /// Ends it as a run that could not start.
    pub(super) fn end_unusable(&mut self, mode: RunMode, why: String) {
        let ending = Ending::Unusable(why);
        self.ending = Some(ending.kind());
        self.exit = Some(ending.exit_code());
        self.message = message(&ending, mode);
    }

    /// Ends it as its run has ended.
    pub(super) fn end(&mut self, done: RunResult) {
        self.ending = Some(done.ending.kind());
        self.exit = Some(done.ending.exit_code());
        self.message = done.message;
        self.planned = Changes::of(&done.timeline).files;
        self.calls = done.timeline.into_iter().map(MadeCall::from).collect();
        if let Ending::Decided(Outcome::Refused(reasons)) = done.ending {
            self.rules = reasons.into_iter().map(|reason| reason.rule).collect();
        }
    }
}

/// What came of a scenario.
#[derive(Clone, Debug)]
pub struct ScenarioReport {
    /// Its title.
    pub title: String,
    /// Its file.
    pub path: PathBuf,
    /// How long it took.
    pub took: Duration,
    /// What is not as it should be; none if it passed.
    pub problems: Vec<ScenarioProblem>,
    /// The calls of every step, on the first backend.
    pub calls: Vec<Vec<MadeCall>>,
}

impl ScenarioReport {
    /// Whether everything is as it should be.
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug)]
pub struct ScenarioProblem {
    /// The line of the step.
    pub line: usize,
    /// The step, from 1.
    pub step: usize,
    /// Where: on the mock, over HTTP, or in the difference of the two, where the mock is what was expected.
    pub at: &'static str,
    /// What.
    pub mismatch: ExpectMismatch,
    /// What the expectation would say if it said what there is; none if it is no snapshot.
    pub snapshot: Option<ExpectSnapshot>,
}

/// Something that is not as it was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectMismatch {
    /// The key of the expectation.
    pub key: String,
    /// What was expected.
    pub expected: String,
    /// What there is.
    pub actual: String,
}

/// What an expectation would say.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectSnapshot {
    /// Where it stands, from `expect` on.
    pub path: Vec<String>,
    /// What it would say; none if what it names is not there.
    pub value: Option<Value>,
}
