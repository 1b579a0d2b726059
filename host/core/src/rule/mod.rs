//! Rules: what organisations and teams have to say about a promotion, whatever its policy is.
//!
//! A rule is a component that can call nothing. It says what it must know, the host reads that through the gate, and the rule
//! answers with reasons. [`RuleInquiry`] asks all rules of a run, side by side, each in an instance of its own; who makes the
//! reads is not its business, so a gate and a replay ask in the same way.

mod facts;
mod inquiry;
mod program;

use serde::{Deserialize, Serialize};

use crate::contract::{Candidate, Reason, StopPoint};

pub use inquiry::{ROUNDS, RuleInquiry, RuleQuestion};
pub use program::{NotARule, RuleProgram};

/// A rule of one run, with what the operator set for it.
#[derive(Clone)]
pub struct Rule {
    /// The name that people read and that its reasons have.
    pub name: String,
    /// Where it was written down, for people: `promote.toml`, or the organisation's baseline.
    pub origin: String,
    /// Whether its no is obeyed.
    pub mode: RuleMode,
    /// Its settings, JSON text.
    pub settings: String,
    /// The component.
    pub program: RuleProgram,
}

/// Whether a rule's no is obeyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleMode {
    /// It refuses.
    #[default]
    Enforce,
    /// It is told to people, and nothing else follows.
    Monitor,
}

/// The step before which rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleStep {
    /// A proposal.
    Propose,
    /// A merge.
    Merge,
}

/// What rules judge: the values that a promotion changes and, before a merge, the pull request that does it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleSubject {
    /// Repository, base and values.
    pub candidate: Candidate,
    /// The pull request, once there is one.
    pub pull_request: Option<u32>,
    /// The commit of its head.
    pub head_commit: Option<String>,
}

/// What one rule said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleVerdict {
    /// The rule's name.
    pub rule: String,
    /// Whether it is obeyed.
    pub mode: RuleMode,
    /// What it has against the promotion; a rule that cannot answer has that against it.
    pub reasons: Vec<Reason>,
}

/// A rule as the header of a journal holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRecord {
    /// Its name.
    pub name: String,
    /// Where it was written down.
    pub origin: String,
    /// Whether it is obeyed.
    pub mode: RuleMode,
    /// SHA-256 of the component, in hex.
    pub component: String,
    /// Its settings, JSON text.
    pub settings: String,
}

impl Rule {
    /// Returns the rule as a journal holds it.
    pub fn record(&self) -> RuleRecord {
        RuleRecord {
            name: self.name.clone(),
            origin: self.origin.clone(),
            mode: self.mode,
            component: self.program.digest().to_owned(),
            settings: self.settings.clone(),
        }
    }
}

impl RuleVerdict {
    /// Returns the reasons as a policy is told: a rule that is only monitored warns.
    pub fn told(&self) -> impl Iterator<Item = Reason> {
        let monitored = self.mode == RuleMode::Monitor;
        self.reasons.iter().cloned().map(move |reason| Reason {
            stops: if monitored {
                StopPoint::Nothing
            } else {
                reason.stops
            },
            ..reason
        })
    }

    /// Returns the reasons for which a step is not made.
    pub fn refusals(&self, step: RuleStep) -> impl Iterator<Item = Reason> {
        self.told().filter(move |reason| match reason.stops {
            StopPoint::Nothing => false,
            StopPoint::Merge => step == RuleStep::Merge,
            StopPoint::Propose => true,
        })
    }
}

/// The rules' no, which ends a policy that was about to propose or to merge.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the rules say no")]
pub struct RefusedByRules(pub Vec<Reason>);
