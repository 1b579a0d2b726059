//! How a run ended, in words, in a status and in an exit code. No run ends unsaid.

use serde::Deserialize;

use super::call::Call;
use super::contract::{Outcome, Promotion, Reason};
use super::gate::{Fate, Step};
use super::port::Termination;
use super::run::Mode;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The policy decided.
    Decided(Outcome),
    /// Port or GitHub failed, or the policy gave up on something that they said.
    Failed(String),
    /// The policy tried what was not granted, or said what is not so.
    Violation(Vec<String>),
    /// The policy ran into a limit.
    Limit(String),
    /// The policy trapped.
    Trapped(String),
    /// The run was stopped from outside.
    Cancelled,
    /// It could not start: a component, a configuration or a request that cannot be used.
    Unusable(String),
}

/// Who sets the status of the Port run at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// This host, with a label, as its very last call.
    #[default]
    Host,
    /// Port's own integration, from the exit code of the workflow (`reportWorkflowStatus`).
    Workflow,
}

impl Ending {
    /// A stable word for machines, the exit code, and the label beside the status of the Port run.
    ///
    /// Exit codes: 0 promoted, unchanged or pending; 1 refused; 2 usage or configuration; 3 a service failed; 4 violation,
    /// trap or limit.
    fn facts(&self) -> (&'static str, u8, &'static str) {
        match self {
            Self::Decided(Outcome::Promoted(_)) => ("promoted", 0, "Promoted"),
            Self::Decided(Outcome::Unchanged(_)) => ("unchanged", 0, "Already there"),
            Self::Decided(Outcome::Pending(_)) => ("pending", 0, "Pull request open"),
            Self::Decided(Outcome::Refused(_)) => ("refused", 1, "Refused"),
            Self::Failed(_) => ("failed", 3, "Failed"),
            Self::Violation(_) => ("violation", 4, "Policy broke its grants"),
            Self::Limit(_) => ("limit", 4, "Policy hit a limit"),
            Self::Trapped(_) => ("trapped", 4, "Policy crashed"),
            Self::Cancelled => ("cancelled", 3, "Cancelled"),
            Self::Unusable(_) => ("unusable", 2, "Could not start"),
        }
    }

    /// A stable word for machines.
    pub fn kind(&self) -> &'static str {
        self.facts().0
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        self.facts().1
    }

    /// The label beside the status of the Port run.
    pub fn label(&self) -> &'static str {
        self.facts().2
    }

    /// How the Port run ends.
    pub fn termination(&self) -> Termination {
        match self.exit_code() {
            0 => Termination::Success,
            _ => Termination::Failure,
        }
    }

    /// What happened and what to do, for people; for a plan, what would have. Foreign text in it is not neutralised yet.
    pub fn message(&self, mode: Mode) -> String {
        match self {
            Self::Decided(outcome) => decided(outcome, mode),
            Self::Failed(what) => format!("failed: {what}"),
            Self::Violation(what) => format!("the policy broke its grants: {}", what.join("; ")),
            Self::Limit(what) => what.clone(),
            Self::Trapped(what) => {
                format!("the policy crashed: {what}; the policy's author can replay the journal")
            }
            Self::Cancelled => {
                "stopped from outside before the end; run it again to go on from here".to_owned()
            }
            Self::Unusable(what) => format!("could not start: {what}"),
        }
    }
}

fn decided(outcome: &Outcome, mode: Mode) -> String {
    match outcome {
        Outcome::Promoted(p) if mode == Mode::Plan => format!("would promote {}", change(p)),
        Outcome::Pending(waiting) if mode == Mode::Plan => {
            format!("a pull request for {} would wait for {}", waiting.image, waiting.until)
        }
        Outcome::Promoted(p) => {
            let by = p.pull_request.map(|number| format!(", by pull request #{number}")).unwrap_or_default();
            format!("promoted {}{by}", change(p))
        }
        Outcome::Unchanged(p) => format!("nothing to do: {} is there already", p.image),
        Outcome::Pending(waiting) => {
            format!(
                "pull request #{} for {} is open and waits for {}",
                waiting.pull_request, waiting.image, waiting.until
            )
        }
        Outcome::Refused(reasons) if reasons.is_empty() => "refused: the policy gives no reason".to_owned(),
        Outcome::Refused(reasons) => {
            let one = |reason: &Reason| format!("{} ({})", reason.message, reason.rule);
            format!("refused: {}", reasons.iter().map(one).collect::<Vec<_>>().join("; "))
        }
    }
}

fn change(p: &Promotion) -> String {
    let was = p.previous_image.as_ref().map(|image| format!(" in place of {image}")).unwrap_or_default();
    format!("{}{was}", p.image)
}

/// What a run left behind in git, so that nobody has to look; from the calls that it made.
pub fn git_state(timeline: &[Step]) -> String {
    let steps = timeline.iter().filter(|step| step.fate != Fate::Stopped);
    steps.filter_map(left_behind).next_back().unwrap_or_else(|| "nothing was written to git".to_owned())
}

/// What one call left behind, if it is one that writes to git.
fn left_behind(step: &Step) -> Option<String> {
    Some(match (&step.call, step.fate) {
        (Call::Propose { proposal: p }, Fate::Done) => format!(
            "a pull request from {} to {} is open in {}; {} is unchanged",
            p.head, p.base, p.repository, p.base
        ),
        (Call::Propose { proposal: p }, _) => format!(
            "the branch {} may exist in {} without its pull request; {} is unchanged",
            p.head, p.repository, p.base
        ),
        (
            Call::Merge { repository: at, number, .. } | Call::MergeWhenReady { repository: at, number, .. },
            fate,
        ) => match (fate, &step.call) {
            (Fate::Done, Call::Merge { .. }) => format!("pull request #{number} of {at} is merged"),
            (Fate::Done, _) => {
                format!("pull request #{number} of {at} is merged, or will be by GitHub")
            }
            (Fate::Unknown, _) => format!("pull request #{number} of {at} may be merged or open"),
            (Fate::Refused | Fate::Stopped, _) => {
                format!("pull request #{number} of {at} is open, it could not be merged")
            }
        },
        _ => return None,
    })
}
