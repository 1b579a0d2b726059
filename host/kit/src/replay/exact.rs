//! The same policy again: every call must be the recorded one, and the ending too.

use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Runtime;

use super::recording::{RecordedCall, RunRecording};
use promote_core::call::contrast;
use promote_core::call::{Call, Fault, Reply};
use promote_core::contract::Failure;
use promote_core::gate::evidence::Evidence;
use promote_core::grants::ResolvedGrants;
use promote_core::journal::json;
use promote_core::limits::{Budget, Limits};
use promote_core::policy::Policy;
use promote_core::policy::engine::{Engine, Verdict};
use promote_core::policy::sandbox::Door;
use promote_core::run::ending::Ending;
use promote_core::run::last_word::message;
use promote_core::run::{ending, unproven};

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
}

impl DivergenceSide {
    /// The call, if it is one.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Call(call) => Some(call),
            Self::Ending(_) => None,
        }
    }

    /// A line for people; foreign text in it is not neutralised.
    pub fn words(&self) -> String {
        match self {
            Self::Call(call) => call.to_string(),
            Self::Ending(words) => format!("the end: {words}"),
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
    steps: Vec<RecordedCall>,
    next: usize,
    budget: Budget,
    /// True if the run was stopped where the recording ends, so that more calls are no surprise.
    is_cut: bool,
    stopped: Option<TapeStop>,
}

/// The reason for which the tape stopped the policy.
#[derive(Clone, Debug, thiserror::Error)]
enum TapeStop {
    #[error("the recording ends here")]
    End,
    #[error("not the recorded call")]
    Diverged(Box<Call>),
}

impl ReplayTape {
    fn stop(&mut self, why: TapeStop) -> Fault {
        self.stopped = Some(why.clone());
        Fault::Trap(wasmtime::Error::new(why))
    }
}

#[async_trait]
impl Door for ReplayTape {
    async fn call(&mut self, call: Call) -> Result<Reply, Fault> {
        let trap = |limit| Fault::Trap(wasmtime::Error::new(limit));
        // In the order of the gate: what is too large is not recorded.
        self.budget.carry(json(&call).get().len()).map_err(trap)?;
        let Some(step) = self.steps.get(self.next).filter(|step| step.call == call) else {
            let at_end = self.next == self.steps.len() && self.is_cut;
            return Err(self.stop(if at_end {
                TapeStop::End
            } else {
                TapeStop::Diverged(Box::new(call))
            }));
        };
        let answer = step.answer.clone();
        self.next += 1;
        self.budget.admit(&call).map_err(trap)?;
        match answer {
            None => Err(self.stop(TapeStop::End)),
            Some((_, Err(failure))) => Err(failure.into()),
            Some((_, Ok(reply))) => {
                self.budget.carry(json(&reply).get().len()).map_err(trap)?;
                Ok(reply)
            }
        }
    }

    fn limits(&self) -> &Limits {
        self.budget.limits()
    }
}

/// Runs the policy of a recording again, with the recorded time, random numbers and answers.
pub fn replay(
    engine: &Engine,
    policy: &Policy,
    recording: &RunRecording,
    runtime: &Runtime,
) -> ReplayResult {
    let header = &recording.header;
    let tape = ReplayTape {
        steps: recording.steps.clone(),
        next: 0,
        budget: Budget::new(header.limits.clone()),
        is_cut: recording.is_cut(),
        stopped: None,
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
        calls: tape.next,
        verdict: compare(recording, &tape, verdict),
        printed,
    }
}

fn compare(recording: &RunRecording, tape: &ReplayTape, verdict: Verdict) -> ReplayComparison {
    let number = tape.next + 1;
    let recorded = recording.steps.get(tape.next);
    let diverged = |now: DivergenceSide| {
        let (line, recorded) = match (recorded, &recording.footer) {
            (Some(step), _) => (step.line, DivergenceSide::Call(Box::new(step.call.clone()))),
            (None, Some(footer)) => (
                footer.line,
                DivergenceSide::Ending(format!("{}: {}", footer.ending, footer.message)),
            ),
            (None, None) => (recording.lines, DivergenceSide::Ending(recording.end())),
        };
        ReplayComparison::Diverged(Box::new(ReplayDivergence {
            line,
            number,
            recorded,
            now,
        }))
    };
    match &tape.stopped {
        Some(TapeStop::End) => return ReplayComparison::Ends,
        Some(TapeStop::Diverged(call)) => return diverged(DivergenceSide::Call(call.clone())),
        None => {}
    }
    let mode = recording.mode();
    let possible = endings(tape, verdict);
    let same = |ending: &&Ending| {
        recording.footer.as_ref().is_some_and(|footer| {
            footer.ending == ending.kind() && footer.message.starts_with(&message(ending, mode))
        })
    };
    match possible.iter().find(same) {
        Some(ending) if recorded.is_none() => ReplayComparison::Same {
            ending: ending.kind().to_owned(),
        },
        // It was stopped from outside while it computed, or between its last call and the end.
        _ if recorded.is_none() && recording.is_cut() => ReplayComparison::Ends,
        _ => {
            let now = possible
                .first()
                .map(|ending| format!("{}: {}", ending.kind(), message(ending, mode)));
            diverged(DivergenceSide::Ending(now.unwrap_or_default()))
        }
    }
}

/// Returns the endings of a run that goes like this one. The recording does not tell what the grants were, so both answers
/// of the host to what a policy claims are possible.
fn endings(tape: &ReplayTape, verdict: Verdict) -> Vec<Ending> {
    let steps = &tape.steps[..tape.next];
    let denied = steps.iter().filter_map(|step| match &step.answer {
        Some((_, Err(Failure::Denied(what)))) => Some(what.clone()),
        _ => None,
    });
    let violations: Vec<String> = denied.collect();
    // Not every denied call is a violation: a key that a grant lacks is told, and the policy may refuse.
    let decided = match &verdict {
        Verdict::Returned(Ok(outcome)) => Some(Ending::Decided(outcome.clone())),
        _ => None,
    };
    let claimed = unproven(&verdict, &Evidence::default(), &ResolvedGrants::default())
        .map(|claim| Ending::Violation([violations.clone(), vec![claim]].concat()));
    [Some(ending(verdict, violations)), claimed, decided]
        .into_iter()
        .flatten()
        .collect()
}
