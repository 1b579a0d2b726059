//! The expectations of a step, as they stand in the file. Whatever is left out is not looked at.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{hint, near};
use crate::failure::FAILURES;
use promote_core::call::Call;
use promote_mock::github::PullState;

/// The result that a step must have.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StepExpect {
    /// The ending of the run.
    pub outcome: Option<OutcomeKind>,
    /// The exit code.
    pub exit: Option<u8>,
    /// The rules that refused, in order.
    pub rules: Option<Vec<String>>,
    /// Texts that the last word must hold.
    pub message: ExpectedTexts,
    /// Texts that a person who waits must be told.
    pub says: ExpectedTexts,
    /// All calls, in order.
    pub calls: Option<Vec<CallName>>,
    /// All calls that change something, in order; lines of the log aside.
    pub writes: Option<Vec<CallName>>,
    /// Some of the calls, in order.
    pub includes: Vec<CallName>,
    /// Calls that must not be made.
    pub never: Vec<CallName>,
    /// The lines that the step removed and added, by path, in default branches; of a plan, the planned ones. A file that is
    /// not named must not differ.
    pub diff: Option<BTreeMap<String, String>>,
    /// Files at the default branch, by path; the repository is the world's first unless a key names it, as
    /// `owner/repository:path`.
    pub files: BTreeMap<String, FileExpect>,
    /// Relations and properties of Port's entities, by `blueprint/identifier`; `title` is the title.
    pub entities: BTreeMap<String, BTreeMap<String, Value>>,
    /// The Port run of the payload.
    pub run: Option<RunExpect>,
    /// The state of every pull request of the first repository, oldest first.
    pub pulls: Option<Vec<PullWord>>,
    /// The content of single pull requests of the first repository, by number.
    pub pull: BTreeMap<String, PullExpect>,
    /// Every branch of the first repository, sorted.
    pub branches: Option<Vec<String>>,
    /// Nothing in Port or GitHub differs from before the step, but for the log and the end of the step's Port run.
    pub no_writes: bool,
    /// Nothing in Port or GitHub differs from before the step, but for the step's Port run and what `diff`, `files`,
    /// `entities`, `pulls` and `branches` name.
    pub no_other_writes: bool,
    /// The most requests that the step may make.
    pub requests: Option<usize>,
}

impl StepExpect {
    /// Returns whether nothing at all is expected.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The ending of a run, as in the workflow's `outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "documented at Ending")]
pub enum OutcomeKind {
    Promoted,
    Unchanged,
    Waiting,
    /// A resume found nothing that may go on.
    Idle,
    /// A resume ended a run that waited.
    Ended,
    /// A resume leaves a run that needs somebody's approval first.
    Held,
    /// A resume leaves a run, since a service did not tell what becomes of it.
    Unclear,
    Refused,
    Failed,
    Violation,
    Limit,
    Trapped,
    Cancelled,
    Unusable,
}

impl OutcomeKind {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::Unchanged => "unchanged",
            Self::Waiting => "waiting",
            Self::Idle => "idle",
            Self::Ended => "ended",
            Self::Held => "held",
            Self::Unclear => "unclear",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Violation => "violation",
            Self::Limit => "limit",
            Self::Trapped => "trapped",
            Self::Cancelled => "cancelled",
            Self::Unusable => "unusable",
        }
    }
}

/// The content of a pull request, and what was added to it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PullExpect {
    /// Its title.
    pub title: Option<String>,
    /// Texts that its body must hold.
    pub body: ExpectedTexts,
    /// All its labels, sorted.
    pub labels: Option<Vec<String>>,
    /// Everybody who is asked for a review: people, then teams.
    pub reviewers: Option<Vec<String>>,
    /// Texts that its comments must hold.
    pub comments: ExpectedTexts,
}

/// The state of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullWord {
    /// Nothing yet.
    Open,
    /// Closed without a merge.
    Closed,
    /// Merged.
    Merged,
}

impl PullWord {
    /// Returns the word for a state.
    pub(super) fn of(state: &PullState) -> Self {
        match state {
            PullState::Open => Self::Open,
            PullState::Closed { .. } => Self::Closed,
            PullState::Merged { .. } => Self::Merged,
        }
    }

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Merged => "merged",
        }
    }
}

/// One text or several.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "TextOrTexts")]
pub struct ExpectedTexts(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrTexts {
    One(String),
    Many(Vec<String>),
}

impl From<TextOrTexts> for ExpectedTexts {
    fn from(texts: TextOrTexts) -> Self {
        Self(match texts {
            TextOrTexts::One(text) => vec![text],
            TextOrTexts::Many(texts) => texts,
        })
    }
}

/// A file: its whole text, or some of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum FileExpect {
    /// The whole text.
    Whole(String),
    /// Some of it.
    Parts(FileParts),
}

/// The parts of a file that may be expected.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FileParts {
    /// True if it is there.
    #[serde(default = "yes")]
    pub exists: bool,
    /// Texts that it must hold.
    #[serde(default)]
    pub holds: ExpectedTexts,
    /// Its mode in git, such as `100755`.
    pub mode: Option<String>,
}

fn yes() -> bool {
    true
}

/// The parts of a Port run that may be expected.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RunExpect {
    /// Its identifier, if it is not the one of the payload.
    pub id: Option<String>,
    /// Its status, such as `SUCCESS`.
    pub status: Option<String>,
    /// The label beside the status.
    pub label: Option<String>,
    /// Texts that its log must hold.
    #[serde(default)]
    pub log: ExpectedTexts,
    /// The number of lines of its log.
    pub lines: Option<usize>,
}

/// A call by its name in the journal, such as `get-entity`; with a failure, such as `merge: rejected`, one that failed so.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CallName(String);

impl CallName {
    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CallName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (name, failure) = match text.split_once(": ") {
            Some((name, failure)) => (name, Some(failure)),
            None => (text.as_str(), None),
        };
        // The calls name themselves: whatever is wrong with the rest, only an unknown name is an unknown variant.
        let known = serde_json::from_value::<Call>(json!({ "call": name }));
        if let Err(error) = known
            && let message = error.to_string()
            && message.starts_with("unknown variant")
        {
            let hint = hint(&message);
            return Err(format!("no call is named `{name}`{hint}"));
        }
        // `stopped` if the run ended with the call.
        let known = FAILURES.iter().map(|(name, _)| *name).chain(["stopped"]);
        match failure {
            Some(failure) if !known.clone().any(|name| name == failure) => {
                let hint = near(failure, known.clone());
                let hint = hint.map(|near| format!("; did you mean `{near}`?"));
                Err(format!(
                    "no call fails with `{failure}`, expected one of {}{}",
                    known.collect::<Vec<_>>().join(", "),
                    hint.unwrap_or_default()
                ))
            }
            _ => Ok(Self(text)),
        }
    }
}
