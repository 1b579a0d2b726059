//! How a run ended, as a status and as an exit code. No run ends unsaid; its words stand in `words`.

use serde::Deserialize;

use super::contract::Outcome;

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

    /// How the Port run ends, in Port's words.
    pub fn status(&self) -> &'static str {
        if self.exit_code() == 0 { "SUCCESS" } else { "FAILURE" }
    }
}
