//! The result of a step and of a scenario, and what is not as it was expected.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

use super::made::MadeCall;
use promote_core::contract::Outcome;
use promote_core::run::ending::Ending;
use promote_core::run::last_word::message;
use promote_core::run::{RunMode, RunResult};
use promote_intake::changes::{FileDiff, RunChanges};
use promote_mock::{RequestRecord, World, WorldEvent};

/// The result of one step.
#[derive(Clone, Debug)]
pub struct StepResult {
    /// The run or plan that somebody started; none if something else happened.
    pub mode: Option<RunMode>,
    /// The kind of its ending.
    pub ending: Option<&'static str>,
    /// The exit code.
    pub exit: Option<u8>,
    /// The last word.
    pub message: String,
    /// The text that the policy printed.
    pub printed: String,
    /// The rules that refused.
    pub rules: Vec<String>,
    /// The calls, with their answers.
    pub calls: Vec<MadeCall>,
    /// Files that a plan would change.
    pub planned: Vec<FileDiff>,
    /// The lines that a person who waits was told.
    pub said: Vec<String>,
    /// The places where a secret of the world was seen after the run; there must be none.
    pub leaks: Vec<&'static str>,
    /// The event, if somebody else did something.
    pub event: Option<WorldEvent>,
    /// The Port run of the payload.
    pub run: Option<String>,
    /// The requests that arrived.
    pub requests: Vec<RequestRecord>,
    /// The journal of the run; empty if nobody started one.
    pub journal: String,
    /// The runs that began at the same time, if several did; of a resume, each run that went on or was ended.
    pub together: Vec<Self>,
    /// The world before.
    pub before: World,
    /// The world after.
    pub after: World,
}

impl StepResult {
    /// Nothing has happened yet in this world.
    pub(crate) fn new(before: World) -> Self {
        Self {
            mode: None,
            ending: None,
            exit: None,
            message: String::new(),
            printed: String::new(),
            rules: Vec::new(),
            calls: Vec::new(),
            planned: Vec::new(),
            said: Vec::new(),
            leaks: Vec::new(),
            event: None,
            run: None,
            requests: Vec::new(),
            journal: String::new(),
            together: Vec::new(),
            after: World::default(),
            before,
        }
    }

    /// Takes over what runs that began at the same time came to: their words, calls and leaks, one run after another.
    pub(super) fn join(&mut self, runs: Vec<Self>) {
        let messages: Vec<&str> = runs.iter().map(|run| run.message.as_str()).collect();
        self.message = messages.join("\n");
        for run in &runs {
            self.calls.extend(run.calls.iter().cloned());
            self.said.extend(run.said.iter().cloned());
            self.leaks.extend(&run.leaks);
        }
        self.together = runs;
    }

    /// Ends it as a run that could not start.
    pub(super) fn end_unusable(&mut self, mode: RunMode, why: String) {
        let ending = Ending::Unusable(why);
        self.ending = Some(ending.kind());
        self.exit = Some(ending.exit_code());
        self.message = message(&ending, mode);
    }

    /// Ends it as a resume that did this to the last run that it looked at.
    pub(super) fn end_resume(&mut self, ending: &'static str, message: String, exit: u8) {
        self.ending = Some(ending);
        self.exit = Some(exit);
        self.message = message;
    }

    /// Ends it as its run has ended.
    pub(super) fn end(&mut self, done: RunResult) {
        self.ending = Some(done.ending.kind());
        self.exit = Some(done.ending.exit_code());
        self.message = done.message;
        self.printed = done.printed;
        self.planned = RunChanges::of(&done.timeline).files;
        self.calls = done.timeline.into_iter().map(MadeCall::from).collect();
        if let Ending::Decided(Outcome::Refused(reasons)) = done.ending {
            self.rules = reasons.into_iter().map(|reason| reason.rule).collect();
        }
    }
}

/// The report of a scenario.
#[derive(Clone, Debug)]
pub struct ScenarioReport {
    /// Its title.
    pub title: String,
    /// Its file.
    pub path: PathBuf,
    /// The time that it took.
    pub took: Duration,
    /// Everything that is not as it should be; empty if it passed.
    pub problems: Vec<ScenarioProblem>,
    /// The runs of its steps, on the first backend.
    pub runs: Vec<ReportedRun>,
}

/// A run of a scenario, for its author.
#[derive(Clone, Debug)]
pub struct ReportedRun {
    /// The step, from 1.
    pub step: usize,
    /// The kind of its ending.
    pub ending: Option<&'static str>,
    /// The last word.
    pub message: String,
    /// The rules that refused.
    pub rules: Vec<String>,
    /// The text that the policy printed.
    pub printed: String,
    /// The calls, with their answers.
    pub calls: Vec<MadeCall>,
    /// The journal; empty if the run never began.
    pub journal: String,
}

impl ReportedRun {
    /// The runs of steps; what happened in between is none.
    pub(super) fn of(steps: Vec<StepResult>) -> Vec<Self> {
        let steps = steps.into_iter().enumerate();
        let runs = steps.filter(|(_, ran)| ran.mode.is_some());
        runs.map(|(index, ran)| Self {
            step: index + 1,
            ending: ran.ending,
            message: ran.message,
            rules: ran.rules,
            printed: ran.printed,
            calls: ran.calls,
            journal: ran.journal,
        })
        .collect()
    }
}

impl ScenarioReport {
    /// Returns whether everything is as it should be.
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
    /// The place: on the mock, over HTTP, or in the difference of the two, where the mock is the expected side.
    pub at: &'static str,
    /// The difference.
    pub mismatch: ExpectMismatch,
    /// The expectation that would fit; none if it is not a snapshot.
    pub snapshot: Option<ExpectSnapshot>,
}

/// Something that is not as it was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectMismatch {
    /// The key of the expectation.
    pub key: String,
    /// The expected side.
    pub expected: String,
    /// The actual side.
    pub actual: String,
}

/// An expectation that would fit what there is.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectSnapshot {
    /// Its keys, from `expect` on.
    pub path: Vec<String>,
    /// Its value; none if there is no such thing.
    pub value: Option<Value>,
}
