//! Rules: what organisations and teams have to say about a promotion, whatever its policy is.
//!
//! A rule is a component that can call nothing. It says what it must know, the host reads that through the gate, and the rule
//! answers with reasons. [`RuleInquiry`] asks all rules of a run, side by side, each in an instance of its own; who makes the
//! reads is not its business, so a gate and a replay ask in the same way. Next: [`source`](crate::source).

mod facts;
mod inquiry;
mod program;
mod stop;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contract::{Candidate, Reason, Request, StopPoint};
use crate::limits::Limits;
use crate::text;

pub use inquiry::{ROUNDS, RuleInquiry, RuleQuestion};
pub use program::{NotARule, RuleProgram};
pub use stop::{AwaitedRules, StoppedByRules};

/// A rule of one run, with what the operator set for it.
#[derive(Clone)]
pub struct Rule {
    /// The name that people read and that its reasons have.
    pub name: String,
    /// Where it was written down, for people: `promote.toml`, or the organisation's baseline.
    pub origin: String,
    /// Whether its no is obeyed.
    pub mode: RuleMode,
    /// What follows from a no that something can cure.
    pub on_no: RuleAnswer,
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

/// The consequence of a rule's no that time or people can cure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleAnswer {
    /// The promotion is refused.
    #[default]
    Refuse,
    /// The promotion waits for the cure.
    Wait,
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

/// The subject that rules judge: the values that a promotion changes and, before a merge, the pull request that does it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleSubject {
    /// Repository, base and values.
    pub candidate: Candidate,
    /// The pull request, once there is one.
    pub pull_request: Option<u32>,
    /// The commit of its head.
    pub head_commit: Option<String>,
}

/// The answer of one rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleVerdict {
    /// The rule's name.
    pub rule: String,
    /// Whether it is obeyed.
    pub mode: RuleMode,
    /// What follows from its no; a rule that cannot answer refuses.
    pub on_no: RuleAnswer,
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
    /// What follows from a no that something can cure.
    pub on_no: RuleAnswer,
    /// SHA-256 of the component, in hex.
    pub component: String,
    /// Its settings, JSON text.
    pub settings: String,
}

impl fmt::Display for RuleRecord {
    /// Its origin, what follows from its no, and its component.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let no = match (self.mode, self.on_no) {
            (RuleMode::Monitor, _) => "only monitored",
            (RuleMode::Enforce, RuleAnswer::Refuse) => "refuses",
            (RuleMode::Enforce, RuleAnswer::Wait) => "waits or refuses",
        };
        let component = self.component.get(..12).unwrap_or(&self.component);
        write!(to, "{}, {no}, {component}", text::line(&self.origin))
    }
}

impl Rule {
    /// Returns the reads that the rule needs first for a request, each in words; a sentence where it does not say.
    pub async fn first_needs(&self, request: &Request, limits: &Limits) -> Vec<String> {
        let subject = RuleSubject {
            candidate: Candidate {
                repository: "OWNER/REPOSITORY".to_owned(),
                base: "BASE".to_owned(),
                changes: Vec::new(),
            },
            pull_request: None,
            head_commit: None,
        };
        let question = RuleQuestion {
            request,
            service: &request.subject,
            subject: &subject,
            step: RuleStep::Propose,
            now: Timestamp::UNIX_EPOCH,
        };
        let mut inquiry = RuleInquiry::new(std::slice::from_ref(self), question, limits);
        let needs = inquiry.needs().await;
        let mut words: Vec<String> = needs
            .iter()
            .map(|call| text::line(&call.to_string()))
            .collect();
        words.extend(
            inquiry
                .faults()
                .map(|fault| format!("unknown: it {}", text::line(fault))),
        );
        words
    }

    /// Returns the rule as a journal holds it.
    pub fn record(&self) -> RuleRecord {
        RuleRecord {
            name: self.name.clone(),
            origin: self.origin.clone(),
            mode: self.mode,
            on_no: self.on_no,
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
