//! A code and its explanation.

/// The kinds of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// An ending of a run: the step's output `outcome`.
    Outcome,
    /// A reason for which the host or the built-in policy refuses.
    Rule,
    /// A failure that a call to Port or GitHub comes back with.
    Failure,
    /// A finding of `promote doctor`.
    Finding,
    /// What a promotion waits for.
    Waiting,
    /// How `promote resume` ends a run that nobody works for any more.
    Ended,
}

/// A code with its meaning.
#[derive(Clone, Copy, Debug)]
pub struct CodeExplanation {
    /// The code.
    pub code: &'static str,
    /// Its kind.
    pub kind: CodeKind,
    /// The meaning: what has happened.
    pub means: &'static str,
    /// The remedy: what the reader can do.
    pub remedy: &'static str,
}

impl CodeKind {
    /// Returns the word for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Rule => "rule",
            Self::Failure => "failure",
            Self::Finding => "finding",
            Self::Waiting => "waiting",
            Self::Ended => "ended",
        }
    }

    /// Returns the words for people.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Outcome => "how a run ends",
            Self::Rule => "a rule of the host or the built-in policy that refuses (exit code 1)",
            Self::Failure => "what a call to Port or GitHub came back with",
            Self::Finding => "a finding of `promote doctor`",
            Self::Waiting => "what a promotion waits for (exit code 0)",
            Self::Ended => "how `promote resume` ends a run that waited or never ran",
        }
    }
}
