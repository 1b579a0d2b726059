//! The same policy again: every call must be the recorded one, and the ending too. So must be what the rules say, which are
//! asked again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Runtime;

use super::recording::{RecordedAnswer, RecordedCall, RecordedInquiry, RunRecording};
use super::rulings::{self, RecordedQuestion, RecordedRuling};
use promote_core::call::contrast;
use promote_core::call::{Call, Fault, Reply};
use promote_core::contract::{Failure, Outcome};
use promote_core::gate::evidence::Evidence;
use promote_core::grants::ResolvedGrants;
use promote_core::journal::json;
use promote_core::limits::{Budget, LimitReached, Limits};
use promote_core::policy::Policy;
use promote_core::policy::engine::{Engine, Verdict};
use promote_core::policy::sandbox::Door;
use promote_core::rule::{Rule, RuleVerdict};
use promote_core::run::ending::Ending;
use promote_core::run::last_word::message;
use promote_core::run::{ending, settled, unproven, within_plan};

/// The time that a policy may compute after its last recorded call; a recorded one that was stopped did so for ever.
const COMPUTE_TIMEOUT: Duration = Duration::from_secs(10);

/// The result of a replay.
#[derive(Clone, Debug)]
pub struct ReplayResult {
    /// The number of calls that were the same.
    pub calls: usize,
    /// The comparison with the recording.
    pub verdict: ReplayComparison,
    /// The text that the policy printed.
    pub printed: String,
}

/// The comparison of a replay with its recording.
#[derive(Clone, Debug)]
pub enum ReplayComparison {
    /// Every call and the ending were the same.
    Same {
        /// The kind of ending.
        ending: String,
    },
    /// Every call was the same until the recording ended, before the policy did.
    Ends,
    /// Something was not.
    Diverged(Box<ReplayDivergence>),
}

/// The first difference between a replay and its recording.
#[derive(Clone, Debug)]
pub struct ReplayDivergence {
    /// The line of the journal, from 1.
    pub line: usize,
    /// The number of the call, from 1; for an ending, one more than the last.
    pub number: usize,
    /// The recorded side.
    pub recorded: DivergenceSide,
    /// The side of the replay.
    pub now: DivergenceSide,
}

/// One side of a divergence.
#[derive(Clone, Debug)]
pub enum DivergenceSide {
    /// A call.
    Call(Box<Call>),
    /// An ending, in words.
    Ending(String),
    /// What the rules said, in words.
    Rules(String),
}

impl DivergenceSide {
    /// The call, if it is one.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Call(call) => Some(call),
            Self::Ending(_) | Self::Rules(_) => None,
        }
    }

    /// A line for people; foreign text in it is not neutralised.
    pub fn words(&self) -> String {
        match self {
            Self::Call(call) => call.to_string(),
            Self::Ending(words) => format!("the end: {words}"),
            Self::Rules(words) => format!("the rules: {words}"),
        }
    }
}

impl ReplayDivergence {
    /// Lines for people, side by side.
    pub fn show(&self) -> String {
        let titles = ["recorded", "now"];
        let Some((recorded, now)) = self.recorded.call().zip(self.now.call()) else {
            let line = |words: String| promote_core::text::line(&words);
            return format!(
                "recorded  {}\nnow       {}\n",
                line(self.recorded.words()),
                line(self.now.words())
            );
        };
        contrast::show(titles, Some(recorded), Some(now), "")
    }
}

/// Answers as the recording does, and nothing else.
struct ReplayTape {
    recording: Arc<RunRecording>,
    /// The rules that are asked again.
    rules: Vec<Rule>,
    cursor: ReplayCursor,
    budget: Budget,
    /// True if the run was stopped where the recording ends, so that more calls are no surprise.
    is_cut: bool,
}

/// The position of a replay in its recording, and whether the policy may go on from there.
#[derive(Clone, Debug)]
enum ReplayCursor {
    /// So many calls were the same, and the next one must be the next of the recording.
    Playing(usize),
    /// So many calls were the same, and the recording has no answer for the last or for a further one.
    Ended(usize),
    /// So many calls were the same, and then the policy made this one.
    Diverged(usize, Box<Call>),
    /// So many calls were the same, and before the last one was made the rules said something else.
    Overruled(usize, Box<RulesDifference>),
}

/// What the rules said before a call, and what they say now.
#[derive(Clone, Debug)]
struct RulesDifference {
    line: usize,
    recorded: String,
    now: String,
}

impl ReplayCursor {
    /// The number of calls that were the same.
    fn calls(&self) -> usize {
        match self {
            Self::Playing(calls)
            | Self::Ended(calls)
            | Self::Diverged(calls, _)
            | Self::Overruled(calls, _) => *calls,
        }
    }
}

impl ReplayTape {
    /// Moves past the recorded call that this one must be, and returns its answer, if the recording has one.
    ///
    /// # Errors
    /// Stops the policy if the recording ends here, or has another call.
    fn advance(&mut self, call: &Call) -> Result<Option<Result<Reply, Failure>>, Fault> {
        let calls = self.cursor.calls();
        match self.recording.steps.get(calls) {
            Some(step) if step.call == *call => {
                self.cursor = ReplayCursor::Playing(calls + 1);
                Ok(step.answer.as_ref().map(|answer| answer.result.clone()))
            }
            None if self.is_cut => Err(self.stop(ReplayCursor::Ended(calls))),
            _ => {
                let call = Box::new(call.clone());
                Err(self.stop(ReplayCursor::Diverged(calls, call)))
            }
        }
    }

    /// Asks the rules again before the last call.
    ///
    /// # Errors
    /// Stops the policy if they say something else.
    async fn ask_rules(&mut self) -> Result<(), Fault> {
        let calls = self.cursor.calls();
        let recording = Arc::clone(&self.recording);
        for inquiry in &recording.steps[calls - 1].inquiries {
            if let Some(difference) = self.difference(calls - 1, inquiry).await {
                return Err(self.stop(ReplayCursor::Overruled(calls, Box::new(difference))));
            }
        }
        Ok(())
    }

    /// Returns how the answers of the rules differ from the recorded ones.
    async fn difference(
        &self,
        number: usize,
        inquiry: &RecordedInquiry,
    ) -> Option<RulesDifference> {
        if self.rules.is_empty() {
            return None;
        }
        let question = RecordedQuestion {
            recording: &self.recording,
            number,
            facts: Some(inquiry.facts),
            step: inquiry.step,
            subject: &inquiry.subject,
            now: inquiry.at,
        };
        let is_asked = |verdict: &&RuleVerdict| self.rules.iter().any(|it| it.name == verdict.rule);
        let recorded: Vec<RuleVerdict> =
            inquiry.verdicts.iter().filter(is_asked).cloned().collect();
        let now = match rulings::ask(&self.rules, &question).await {
            // The host said so in the name of each, and asked none.
            RecordedRuling::NoService => return None,
            RecordedRuling::Verdicts(verdicts) if verdicts == recorded => return None,
            RecordedRuling::Verdicts(verdicts) => said(&verdicts),
            RecordedRuling::Unknown(call) => format!("they need to know more: {call}"),
        };
        Some(RulesDifference {
            line: inquiry.line,
            recorded: said(&recorded),
            now,
        })
    }

    fn stop(&mut self, cursor: ReplayCursor) -> Fault {
        self.cursor = cursor;
        Fault::Trap(wasmtime::Error::msg(
            "the recording does not go on like this",
        ))
    }
}

/// The verdicts of rules, for people.
fn said(verdicts: &[RuleVerdict]) -> String {
    let reasons = verdicts.iter().flat_map(RuleVerdict::told);
    let words: Vec<String> = reasons
        .map(|reason| format!("{} ({})", reason.message, reason.rule))
        .collect();
    if words.is_empty() {
        return "nothing against it".to_owned();
    }
    words.join("; ")
}

fn limit_trap(limit: LimitReached) -> Fault {
    Fault::Trap(wasmtime::Error::new(limit))
}

#[async_trait]
impl Door for ReplayTape {
    async fn call(&mut self, call: Call) -> Result<Reply, Fault> {
        // In the order of the gate: what is too large is not recorded.
        self.budget
            .carry(json(&call).get().len())
            .map_err(limit_trap)?;
        let answer = self.advance(&call)?;
        self.ask_rules().await?;
        self.budget.admit(&call).map_err(limit_trap)?;
        let Some(answer) = answer else {
            let calls = self.cursor.calls();
            if let Some(stopped) =
                self.recording.steps[calls - 1].stop(&self.recording.header.request)
            {
                return Err(Fault::Trap(wasmtime::Error::new(stopped)));
            }
            return Err(self.stop(ReplayCursor::Ended(calls)));
        };
        let reply = answer?;
        self.budget
            .carry(json(&reply).get().len())
            .map_err(limit_trap)?;
        Ok(reply)
    }

    fn limits(&self) -> &Limits {
        self.budget.limits()
    }
}

/// Runs the policy of a recording again, with the recorded time, random numbers and answers, and asks these of its rules again.
pub fn replay(
    engine: &Engine,
    policy: &Policy,
    recording: &RunRecording,
    rules: Vec<Rule>,
    runtime: &Runtime,
) -> ReplayResult {
    let header = &recording.header;
    let tape = ReplayTape {
        recording: Arc::new(recording.clone()),
        rules,
        cursor: ReplayCursor::Playing(0),
        budget: Budget::new(header.limits.clone()),
        is_cut: recording.is_cut(),
    };
    let surroundings = recording.surroundings();
    let cancel = async {
        if recording.is_cut() {
            tokio::time::sleep(COMPUTE_TIMEOUT).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let run = engine.run(
        &policy.program,
        &header.request,
        tape,
        &surroundings,
        cancel,
    );
    let (verdict, tape, printed) = runtime.block_on(run);
    ReplayResult {
        calls: tape.cursor.calls(),
        verdict: compare(recording, &tape, verdict),
        printed,
    }
}

fn compare(recording: &RunRecording, tape: &ReplayTape, verdict: Verdict) -> ReplayComparison {
    let calls = match &tape.cursor {
        ReplayCursor::Ended(_) => return ReplayComparison::Ends,
        ReplayCursor::Diverged(calls, call) => {
            return diverged(recording, *calls, DivergenceSide::Call(call.clone()));
        }
        ReplayCursor::Overruled(calls, difference) => {
            return ReplayComparison::Diverged(Box::new(ReplayDivergence {
                line: difference.line,
                number: *calls,
                recorded: DivergenceSide::Rules(difference.recorded.clone()),
                now: DivergenceSide::Rules(difference.now.clone()),
            }));
        }
        ReplayCursor::Playing(calls) => *calls,
    };
    let mode = recording.mode();
    let steps = &recording.steps[..calls];
    let awaited = steps.iter().rev().find_map(RecordedCall::awaited);
    let verdict = settled(
        verdict,
        &awaited.unwrap_or_default(),
        &recording.header.request,
    );
    let plan = recording.header.audit.plan.as_deref();
    let possible = endings(steps, verdict).into_iter();
    let possible: Vec<_> = possible.map(|it| within_plan(it, plan)).collect();
    if calls == recording.steps.len() {
        let same = possible.iter().find(|ending| {
            recording.footer.as_ref().is_some_and(|footer| {
                footer.ending == ending.kind() && footer.says(&message(ending, mode))
            })
        });
        if let Some(ending) = same {
            return ReplayComparison::Same {
                ending: ending.kind().to_owned(),
            };
        }
        // It was stopped from outside while it computed, or between its last call and the end.
        if recording.is_cut() {
            return ReplayComparison::Ends;
        }
    }
    let now = possible.first().map_or_else(String::new, |ending| {
        format!("{}: {}", ending.kind(), message(ending, mode))
    });
    diverged(recording, calls, DivergenceSide::Ending(now))
}

/// The divergence after so many calls that were the same.
fn diverged(recording: &RunRecording, calls: usize, now: DivergenceSide) -> ReplayComparison {
    let (line, recorded) = match (recording.steps.get(calls), &recording.footer) {
        (Some(step), _) => (step.line, DivergenceSide::Call(Box::new(step.call.clone()))),
        (None, Some(footer)) => (
            footer.line,
            DivergenceSide::Ending(format!("{}: {}", footer.ending, footer.message)),
        ),
        (None, None) => (recording.lines, DivergenceSide::Ending(recording.end())),
    };
    ReplayComparison::Diverged(Box::new(ReplayDivergence {
        line,
        number: calls + 1,
        recorded,
        now,
    }))
}

/// Returns the endings of a run that made these calls. The recording does not tell what the grants were, so both answers
/// of the host to what a policy claims are possible.
fn endings(steps: &[RecordedCall], verdict: Verdict) -> Vec<Ending> {
    let denied = steps.iter().filter_map(|step| match &step.answer {
        Some(RecordedAnswer {
            result: Err(Failure::Denied(what)),
            ..
        }) => Some(what.clone()),
        _ => None,
    });
    let violations: Vec<String> = denied.collect();
    // Not every denied call is a violation: for a proposal that does not fit its grant, the policy may refuse.
    let decided = match &verdict {
        Verdict::Returned(Ok(outcome @ Outcome::Refused(_))) => {
            Some(Ending::Decided(outcome.clone()))
        }
        _ => None,
    };
    let claimed = unproven(&verdict, &Evidence::default(), &ResolvedGrants::default())
        .map(|claim| Ending::Violation([violations.clone(), vec![claim]].concat()));
    [Some(ending(verdict, violations)), claimed, decided]
        .into_iter()
        .flatten()
        .collect()
}
