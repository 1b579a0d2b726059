//! A promotion, put together from the journals of its runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use promote_core::call::Call;
use promote_core::contract::{Actor, Outcome, Promotion};
use promote_core::gate::describe;
use promote_core::journal::JournalHeader;
use promote_core::journal::record::JournalLine;

use crate::replay::{RecordedCall, RunRecording};

/// The word for a run without an ending.
const CUT: &str = "cut";

/// One run of a promotion.
pub(super) struct LoggedRun {
    pub(super) path: PathBuf,
    recording: RunRecording,
    /// The sum of its footer.
    seal: Option<String>,
}

/// All runs of one run of Port's action, the first one first.
pub(super) struct LoggedPromotion {
    runs: Vec<LoggedRun>,
}

/// One step of a run's timeline.
pub(super) struct LoggedStep {
    /// The time since the run began.
    pub(super) after: SignedDuration,
    /// The time until it was answered; none if it was not.
    pub(super) took: Option<SignedDuration>,
    pub(super) what: String,
    pub(super) is_write: bool,
    /// Why it failed, if it did.
    pub(super) failure: Option<String>,
}

impl LoggedRun {
    pub(super) fn new(path: PathBuf, recording: RunRecording) -> Self {
        let seal = recording.footer.as_ref().and_then(|footer| {
            let text = std::fs::read_to_string(&path).ok()?;
            let line = text.lines().nth(footer.line - 1)?;
            Some(JournalLine::parse(line)?.sum.to_owned())
        });
        Self {
            path,
            recording,
            seal,
        }
    }

    pub(super) fn header(&self) -> &JournalHeader {
        &self.recording.header
    }

    /// Returns the kind of its ending, as the output `outcome` has it.
    pub(super) fn ending(&self) -> &str {
        let footer = self.recording.footer.as_ref();
        footer.map_or(CUT, |footer| &footer.ending)
    }

    /// Returns its seal, if it has one.
    pub(super) fn seal(&self) -> Option<&str> {
        self.seal.as_deref()
    }

    /// Returns the words for its ending.
    pub(super) fn message(&self) -> String {
        match &self.recording.footer {
            Some(footer) => footer.message.clone(),
            None => {
                "the journal has no ending: the run was killed, or the rest was removed".to_owned()
            }
        }
    }

    /// Returns when it ended, as far as its journal tells.
    pub(super) fn ended(&self) -> Timestamp {
        let footer = self.recording.footer.as_ref().map(|footer| footer.at);
        let answers = self.recording.steps.iter().rev();
        let last = || {
            answers
                .map(|step| step.answer.as_ref().map_or(step.at, |answer| answer.at))
                .next()
        };
        footer
            .or_else(last)
            .unwrap_or(self.recording.header.started_at)
    }

    /// Returns what it promoted or found in place, if it came to that.
    fn promotion(&self) -> Option<&Promotion> {
        match self.recording.footer.as_ref()?.outcome.as_ref()? {
            Outcome::Promoted(promotion) | Outcome::Unchanged(promotion) => Some(promotion),
            Outcome::Waiting(_) | Outcome::Refused(_) => None,
        }
    }

    /// Returns the number of the pull request that it waits for.
    fn awaited_pull(&self) -> Option<u32> {
        match self.recording.footer.as_ref()?.outcome.as_ref()? {
            Outcome::Waiting(waiting) => waiting.pull_request,
            _ => None,
        }
    }

    /// Returns its calls, without the policy's looks at the clock.
    pub(super) fn steps(&self) -> impl Iterator<Item = LoggedStep> {
        let began = self.recording.header.started_at;
        let calls = self.recording.steps.iter();
        calls
            .filter(|step| !matches!(step.call, Call::Now))
            .map(move |step| LoggedStep::of(step, began))
    }
}

impl LoggedStep {
    fn of(step: &RecordedCall, began: Timestamp) -> Self {
        let answer = step.answer.as_ref();
        let failure = match answer.map(|answer| &answer.result) {
            Some(Ok(_)) => None,
            Some(Err(failure)) => Some(describe(failure).to_owned()),
            None => Some("the run ended before there was an answer".to_owned()),
        };
        Self {
            after: step.at.duration_since(began),
            took: answer.map(|answer| answer.at.duration_since(step.at)),
            what: step.call.to_string(),
            is_write: step.call.is_write() && !matches!(step.call, Call::Note { .. }),
            failure,
        }
    }
}

impl LoggedPromotion {
    pub(super) fn runs(&self) -> &[LoggedRun] {
        &self.runs
    }

    pub(super) fn first(&self) -> &RunRecording {
        &self.runs[0].recording
    }

    /// Returns the last run, which says how the promotion stands.
    pub(super) fn last(&self) -> &LoggedRun {
        &self.runs[self.runs.len() - 1]
    }

    pub(super) fn began(&self) -> Timestamp {
        self.first().header.started_at
    }

    /// Returns the kind of ending of the last run.
    pub(super) fn outcome(&self) -> &str {
        self.last().ending()
    }

    /// Returns what is in production by it, if it came to that.
    pub(super) fn promotion(&self) -> Option<&Promotion> {
        self.runs.iter().rev().find_map(LoggedRun::promotion)
    }

    pub(super) fn pull_request(&self) -> Option<u32> {
        let promoted = self
            .promotion()
            .and_then(|promotion| promotion.pull_request);
        promoted.or_else(|| self.runs.iter().rev().find_map(LoggedRun::awaited_pull))
    }

    /// Returns who clicked, as Port told the first run.
    pub(super) fn actor(&self) -> &str {
        let Actor { id, email, name } = &self.first().header.request.actor;
        let known = [name.as_deref(), email.as_deref(), Some(id.as_str())];
        let known = known.into_iter().flatten().find(|text| !text.is_empty());
        known.unwrap_or("nobody that Port names")
    }

    /// Returns who approved what of it, as its runs knew by their ends.
    pub(super) fn approvers(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        let footers = self
            .runs
            .iter()
            .filter_map(|run| run.recording.footer.as_ref());
        for one in footers.flat_map(|footer| &footer.approved_by) {
            if !all.contains(&one.as_str()) {
                all.push(one);
            }
        }
        all
    }

    /// Returns the names of the rules that applied to its last run.
    pub(super) fn rules(&self) -> Vec<&str> {
        let rules = self.last().header().rules.iter();
        rules.map(|rule| rule.name.as_str()).collect()
    }
}

/// Puts the runs of each run of Port together, the newest promotion first.
pub(super) fn gather(mut runs: Vec<LoggedRun>) -> Vec<LoggedPromotion> {
    runs.sort_by(|one, other| {
        let key = |run: &LoggedRun| (run.header().started_at, run.path.clone());
        key(one).cmp(&key(other))
    });
    let mut by_run: BTreeMap<String, Vec<LoggedRun>> = BTreeMap::new();
    for run in runs {
        let id = run.header().request.run_id.clone();
        by_run.entry(id).or_default().push(run);
    }
    let mut promotions: Vec<LoggedPromotion> = by_run
        .into_values()
        .map(|runs| LoggedPromotion { runs })
        .collect();
    promotions.sort_by_key(|promotion| std::cmp::Reverse(promotion.began()));
    promotions
}
