//! The labels of Port runs that `promote resume` ends without another look at the promotion.

/// The label of a run that is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndLabel {
    /// What was asked for was done, and a newer promotion followed.
    Promoted,
    /// A person closed its pull request.
    Closed,
    /// A newer run took its place.
    Replaced,
    /// It waited longer than it may.
    GivenUp,
    /// Its workflow run was cancelled.
    Cancelled,
    /// Its workflow run ended without a word.
    Failed,
    /// No workflow run was ever made for it.
    NeverStarted,
    /// A reviewer of its environment did not let it start.
    Rejected,
}

impl EndLabel {
    /// Every label.
    pub const ALL: [Self; 8] = [
        Self::Promoted,
        Self::Closed,
        Self::Replaced,
        Self::GivenUp,
        Self::Cancelled,
        Self::Failed,
        Self::NeverStarted,
        Self::Rejected,
    ];

    /// Returns the label as Port shows it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Promoted => "Promoted",
            Self::Closed => "Closed",
            Self::Replaced => "Replaced",
            Self::GivenUp => "Given up",
            Self::Cancelled => "Cancelled",
            Self::Failed => "Failed",
            Self::NeverStarted => "Never started",
            Self::Rejected => "Rejected",
        }
    }
}
