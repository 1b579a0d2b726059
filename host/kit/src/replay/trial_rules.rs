//! The rules of a backtest: asked as a run asks them, with what the recording holds.

use jiff::Timestamp;

use super::recording::{RecordedCall, RunRecording};
use super::rulings::{self, RecordedQuestion, RecordedRuling};
use promote_core::call::{Call, Reply};
use promote_core::contract::{Proposal, PullRequest, Reason};
use promote_core::gate::derive_candidate;
use promote_core::gate::values::USUAL_KEYS;
use promote_core::rule::{AwaitedRules, Rule, RuleStep, RuleSubject, RuleVerdict, StoppedByRules};

/// The rules that apply to a recorded run.
pub(super) struct TrialRules {
    rules: Vec<Rule>,
    /// The names of rules whose component is not at hand.
    missing: Vec<String>,
    /// What the policy has proposed.
    proposed: Option<(Proposal, PullRequest)>,
    /// What the policy was told, as far as it may be waited for.
    pub(super) awaited: AwaitedRules,
}

/// The reason why the rules do not let a call be made.
pub(super) enum NoRuling {
    /// They say no.
    Stopped(StoppedByRules),
    /// Nobody can tell what they would say.
    Unknown(String),
}

impl TrialRules {
    /// The rules of a run, with the names of those whose component is not at hand.
    pub(super) fn new((rules, missing): (Vec<Rule>, Vec<String>)) -> Self {
        Self {
            rules,
            missing,
            proposed: None,
            awaited: AwaitedRules::default(),
        }
    }

    /// Takes note of what was proposed.
    pub(super) fn observe(&mut self, call: &Call, reply: &Reply) {
        if let (Call::Propose { proposal }, Reply::PullRequest(pull)) = (call, reply) {
            self.proposed = Some((proposal.clone(), pull.clone()));
        }
    }

    /// Asks the rules, if a call is one about which they are asked. `last` is the newest step whose answer the policy has.
    /// Returns what a policy is told.
    ///
    /// # Errors
    /// If they do not let the call be made, or if nobody can tell.
    pub(super) async fn ask(
        &mut self,
        recording: &RunRecording,
        last: usize,
        call: &Call,
        now: Timestamp,
    ) -> Result<Vec<Reason>, NoRuling> {
        if self.rules.is_empty() && self.missing.is_empty() {
            return Ok(Vec::new());
        }
        let Some((step, subject)) = self.subject(recording, call) else {
            return Ok(Vec::new());
        };
        if let Some(name) = self.missing.first() {
            return Err(NoRuling::Unknown(format!(
                "the component of the rule {name} is not here (name it with `--rule-component FILE`)"
            )));
        }
        let number = asked_at(recording, step, last);
        let recorded = &recording.steps[number];
        let inquiry = recorded.inquiries.iter().find(|it| it.step == step);
        // The host derived it, with the keys that the operator had granted.
        let subject = match inquiry {
            Some(inquiry) if recorded.call == *call => inquiry.subject.clone(),
            _ => subject,
        };
        let question = RecordedQuestion {
            recording,
            number,
            facts: inquiry.map(|inquiry| inquiry.facts),
            step,
            subject: &subject,
            now: inquiry.map_or(now, |inquiry| inquiry.at),
        };
        let verdicts = match rulings::ask(&self.rules, &question).await {
            RecordedRuling::Verdicts(verdicts) => verdicts,
            RecordedRuling::NoService => {
                return Err(NoRuling::Unknown(
                    "Port did not tell the service when the rules were asked".to_owned(),
                ));
            }
            RecordedRuling::Unknown(read) => {
                return Err(NoRuling::Unknown(format!(
                    "a rule needs what the recording does not hold, {read}"
                )));
            }
        };
        if matches!(call, Call::CheckRules { .. }) {
            self.awaited = AwaitedRules::of(&verdicts, &subject);
            return Ok(verdicts.iter().flat_map(RuleVerdict::told).collect());
        }
        let request = &recording.header.request;
        match StoppedByRules::by(&verdicts, step, &subject, request) {
            Some(stopped) => Err(NoRuling::Stopped(stopped)),
            None => Ok(Vec::new()),
        }
    }

    /// Returns what the rules judge before a call; none if they are not asked.
    fn subject(&self, recording: &RunRecording, call: &Call) -> Option<(RuleStep, RuleSubject)> {
        let derived = |proposal: &Proposal| {
            let texts = recording.steps.iter().filter_map(RecordedCall::reply);
            let text_of = |blob: &str| {
                texts.clone().find_map(|reply| match reply {
                    Reply::File(Some(file)) if file.blob == blob => Some(file.content.as_str()),
                    _ => None,
                })
            };
            derive_candidate(proposal, &USUAL_KEYS, |_, blob| text_of(blob))
        };
        let subject = |candidate, pull: Option<&PullRequest>| RuleSubject {
            candidate,
            pull_request: pull.map(|pull| pull.number),
            head_commit: pull.map(|pull| pull.head_commit.clone()),
        };
        match call {
            Call::CheckRules { candidate } => {
                Some((RuleStep::Propose, subject(candidate.clone(), None)))
            }
            Call::Propose { proposal } => {
                Some((RuleStep::Propose, subject(derived(proposal), None)))
            }
            Call::Merge { .. } | Call::MergeWhenReady { .. } => {
                let (proposal, pull) = self.proposed.as_ref()?;
                Some((RuleStep::Merge, subject(derived(proposal), Some(pull))))
            }
            _ => None,
        }
    }
}

/// Returns the step up to which answers are known: the next at which the recorded run asked its rules before the same step, or
/// the last that did, or the newest whose answer the policy has.
fn asked_at(recording: &RunRecording, step: RuleStep, last: usize) -> usize {
    let asked = |it: &RecordedCall| it.inquiries.iter().any(|inquiry| inquiry.step == step);
    let steps = recording.steps.iter().enumerate();
    let mut found = None;
    for (number, _) in steps.filter(|(_, it)| asked(it)) {
        found = Some(number);
        if number >= last {
            break;
        }
    }
    found.unwrap_or(last)
}
