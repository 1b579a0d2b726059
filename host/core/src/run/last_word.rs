//! The ending of a run, in words.

use crate::call::Call;
use crate::contract::types::Awaited;
use crate::contract::{Failure, Outcome, Promotion, Waiting};
use crate::gate::{CallAnswer, CallRecord, describe};
use crate::run::RunMode;
use crate::run::ending::Ending;
use crate::source::dry_run;

/// The last word to people: what happened, what to do and, if the policy did not decide, what was left behind.
pub(super) fn last_word(ending: &Ending, mode: RunMode, timeline: &[CallRecord]) -> String {
    let message = message(ending, mode);
    if matches!(ending, Ending::Decided(_)) || timeline.is_empty() {
        message
    } else {
        format!("{message}. State: {}.", git_state(timeline))
    }
}

/// Says for people how a run ended and what to do; for a plan, how it would end. Foreign text in it is not neutralised yet.
pub fn message(ending: &Ending, mode: RunMode) -> String {
    match ending {
        Ending::Decided(outcome) => decided(outcome, mode),
        Ending::Failed(what) => format!("failed: {what}"),
        Ending::Violation(what) => format!("the policy broke its grants: {}", what.join("; ")),
        Ending::Limit(what) => what.clone(),
        Ending::Trapped(what) => {
            format!("the policy crashed: {what}; the policy's author can replay the journal")
        }
        Ending::Cancelled => {
            "stopped from outside before the end; run it again to go on from here".to_owned()
        }
        Ending::Unusable(what) => format!("could not start: {what}"),
    }
}

impl Ending {
    /// A stable word for machines, and the label beside the status of the Port run.
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::Decided(Outcome::Promoted(p)) if p.is_rollback => ["promoted", "Rolled back"],
            Self::Decided(Outcome::Promoted(_)) => ["promoted", "Promoted"],
            Self::Decided(Outcome::Unchanged(_)) => ["unchanged", "Already there"],
            Self::Decided(Outcome::Waiting(waiting)) => ["waiting", waiting.awaited.label()],
            Self::Decided(Outcome::Refused(_)) => ["refused", "Refused"],
            Self::Failed(_) => ["failed", "Failed"],
            Self::Violation(_) => ["violation", "Grants broken"],
            Self::Limit(_) => ["limit", "Limit reached"],
            Self::Trapped(_) => ["trapped", "Policy crashed"],
            Self::Cancelled => ["cancelled", "Cancelled"],
            Self::Unusable(_) => ["unusable", "Could not start"],
        }
    }

    /// A stable word for machines.
    pub fn kind(&self) -> &'static str {
        self.names()[0]
    }

    /// The label beside the status of the Port run.
    pub fn label(&self) -> &'static str {
        self.names()[1]
    }
}

fn decided(outcome: &Outcome, mode: RunMode) -> String {
    match outcome {
        Outcome::Promoted(p) if mode == RunMode::Plan && p.is_rollback => {
            format!("would roll back to {}", change(p))
        }
        Outcome::Promoted(p) if mode == RunMode::Plan => format!("would promote {}", change(p)),
        Outcome::Waiting(waiting) if mode == RunMode::Plan => awaited(waiting, "would wait"),
        Outcome::Promoted(p) => {
            let by = p
                .pull_request
                .map(|number| format!(", by pull request #{number}"))
                .unwrap_or_default();
            let done = if p.is_rollback {
                "rolled back to"
            } else {
                "promoted"
            };
            format!("{done} {}{by}", change(p))
        }
        Outcome::Unchanged(p) => format!("nothing to do: {} is there already", p.image),
        Outcome::Waiting(waiting) => awaited(waiting, "waits"),
        Outcome::Refused(reasons) if reasons.is_empty() => {
            "refused: the policy gives no reason".to_owned()
        }
        Outcome::Refused(reasons) => {
            let reasons: Vec<_> = reasons
                .iter()
                .map(|reason| format!("{} ({})", reason.message, reason.rule))
                .collect();
            format!("refused: {}", reasons.join("; "))
        }
    }
}

/// What waits for what, and until when. The time stands at the end, where `resume` reads it.
fn awaited(waiting: &Waiting, waits: &str) -> String {
    let image = waiting.image.as_deref().unwrap_or("the promotion");
    let what = match waiting.pull_request.filter(|number| *number > 0) {
        // A plan has opened none.
        Some(number) if number >= dry_run::FIRST => {
            format!("the pull request for {image} {waits}")
        }
        Some(number) => {
            let is = if waiting.awaited == Awaited::Sync {
                "merged"
            } else {
                "open"
            };
            format!("pull request #{number} for {image} is {is} and {waits}")
        }
        None => format!("{image} {waits}"),
    };
    let until = waiting.until.as_ref();
    let until = until.map_or_else(String::new, |at| format!(", until {at}"));
    format!("{what} for {}{until}", waiting.message)
}

fn change(p: &Promotion) -> String {
    let was = p
        .previous_image
        .as_ref()
        .map(|image| format!(" in place of {image}"))
        .unwrap_or_default();
    format!("{}{was}", p.image)
}

/// The status of a call, as far as the host knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallStatus {
    /// It was done.
    Done,
    /// It was not sent: nothing has changed.
    Stopped,
    /// The service said no.
    Refused,
    /// There is no answer: it may have been done.
    Unknown,
}

impl CallStatus {
    fn of(answer: &CallAnswer) -> Self {
        match answer {
            CallAnswer::Reply(_) => Self::Done,
            CallAnswer::Trap(_) | CallAnswer::Failure(Failure::Denied(_)) => Self::Stopped,
            CallAnswer::NotYet
            | CallAnswer::Failure(Failure::Unavailable(_) | Failure::Other(_)) => Self::Unknown,
            CallAnswer::Failure(_) => Self::Refused,
        }
    }
}

impl CallRecord {
    /// Describes the fault of the call, if there is one.
    pub fn problem(&self) -> Option<&str> {
        match &self.answer {
            CallAnswer::NotYet => Some("the run was stopped before there was an answer"),
            CallAnswer::Reply(_) => None,
            CallAnswer::Failure(failure) => Some(describe(failure)),
            CallAnswer::Trap(why) => Some(why),
        }
    }
}

/// Describes what a run left behind in git, so that nobody has to look; from the calls that it made.
fn git_state(timeline: &[CallRecord]) -> String {
    let steps = timeline
        .iter()
        .filter(|step| CallStatus::of(&step.answer) != CallStatus::Stopped);
    steps
        .filter_map(left_behind)
        .next_back()
        .unwrap_or_else(|| "nothing was written to git".to_owned())
}

/// Describes what one call left behind, if it is one that writes to git.
fn left_behind(step: &CallRecord) -> Option<String> {
    Some(match (&step.call, CallStatus::of(&step.answer)) {
        (Call::Propose { proposal: p }, CallStatus::Done) => format!(
            "a pull request from {} to {} is open in {}; {} is unchanged",
            p.head, p.base, p.repository, p.base
        ),
        (Call::Propose { proposal: p }, _) => format!(
            "the branch {} may exist in {} without its pull request; {} is unchanged",
            p.head, p.repository, p.base
        ),
        (
            Call::Merge {
                repository: at,
                number,
                ..
            }
            | Call::MergeWhenReady {
                repository: at,
                number,
                ..
            },
            fate,
        ) => match (fate, &step.call) {
            (CallStatus::Done, Call::Merge { .. }) => {
                format!("pull request #{number} of {at} is merged")
            }
            (CallStatus::Done, _) => {
                format!("pull request #{number} of {at} is merged, or will be by GitHub")
            }
            (CallStatus::Unknown, _) => {
                format!("pull request #{number} of {at} may be merged or open")
            }
            (CallStatus::Refused | CallStatus::Stopped, _) => {
                format!("pull request #{number} of {at} is open, it could not be merged")
            }
        },
        _ => return None,
    })
}
