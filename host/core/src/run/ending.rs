//! The ending of a run, as a status and as an exit code. Its words and names stand in `last_word`.

use crate::contract::Outcome;

/// The ending of a run.
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

impl Ending {
    /// The exit code of the process: 0 promoted, unchanged or waiting; 1 refused; 2 usage or configuration; 3 a service
    /// failed; 4 violation, trap or limit.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Decided(Outcome::Promoted(_) | Outcome::Unchanged(_) | Outcome::Waiting(_)) => 0,
            Self::Decided(Outcome::Refused(_)) => 1,
            Self::Unusable(_) => 2,
            Self::Failed(_) | Self::Cancelled => 3,
            Self::Violation(_) | Self::Limit(_) | Self::Trapped(_) => 4,
        }
    }

    /// Returns the status in which the Port run ends, in Port's words; none if it does not end yet.
    pub fn status(&self) -> Option<&'static str> {
        match self {
            Self::Decided(Outcome::Waiting(_)) => None,
            _ if self.exit_code() == 0 => Some("SUCCESS"),
            _ => Some("FAILURE"),
        }
    }
}
