//! What follows from the rules' no: the promotion is refused or, where the operator wants that, waits for the cure.

use jiff::Timestamp;

use super::{RuleAnswer, RuleStep, RuleSubject, RuleVerdict};
use crate::contract::types::Awaited;
use crate::contract::{EarlierProposal, Outcome, Reason, ReasonCure, Request, Waiting};

/// The rules' no, which ends a policy that was about to propose or to merge.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the rules say no")]
pub struct StoppedByRules(pub Outcome);

/// The reasons that rules gave to a policy that asked early, as far as a promotion may wait for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AwaitedRules {
    reasons: Vec<Reason>,
    image: Option<String>,
}

impl StoppedByRules {
    /// Returns what follows from verdicts before a step; none if the step may be made. It is waited for only if everything
    /// that speaks against it may be waited for.
    pub fn by(
        verdicts: &[RuleVerdict],
        step: RuleStep,
        subject: &RuleSubject,
        request: &Request,
    ) -> Option<Self> {
        let refusals = |it: &RuleVerdict| it.refusals(step).collect::<Vec<_>>();
        let against: Vec<Reason> = verdicts.iter().flat_map(refusals).collect();
        if against.is_empty() {
            return None;
        }
        let can_wait = verdicts
            .iter()
            .all(|verdict| verdict.refusals(step).all(|reason| verdict.awaits(&reason)));
        Some(Self(if can_wait {
            let pull = subject.pull_request.or(open_pull(request));
            Outcome::Waiting(waiting(&against, subject.image(), pull))
        } else {
            Outcome::Refused(against)
        }))
    }
}

impl AwaitedRules {
    /// Takes from verdicts what a promotion may wait for.
    pub fn of(verdicts: &[RuleVerdict], subject: &RuleSubject) -> Self {
        let awaited = |verdict: &RuleVerdict| {
            let told = verdict.refusals(RuleStep::Merge);
            told.filter(|reason| verdict.awaits(reason))
                .collect::<Vec<_>>()
        };
        Self {
            reasons: verdicts.iter().flat_map(awaited).collect(),
            image: subject.image(),
        }
    }

    /// Returns what a policy's outcome comes to: one that refuses for nothing but what may be waited for, waits.
    #[must_use]
    pub fn settle(&self, outcome: Outcome, request: &Request) -> Outcome {
        let Outcome::Refused(refused) = &outcome else {
            return outcome;
        };
        // A policy may cut long words; whose they are, the rule's name says.
        let is_awaited = |reason: &Reason| self.reasons.iter().any(|it| it.rule == reason.rule);
        if refused.is_empty() || !refused.iter().all(is_awaited) {
            return outcome;
        }
        let told = self.reasons.iter();
        let told: Vec<Reason> = told
            .filter(|reason| refused.iter().any(|it| it.rule == reason.rule))
            .cloned()
            .collect();
        Outcome::Waiting(waiting(&told, self.image.clone(), open_pull(request)))
    }
}

impl RuleVerdict {
    /// Returns whether a promotion waits until a reason has gone.
    fn awaits(&self, reason: &Reason) -> bool {
        self.on_no == RuleAnswer::Wait && reason.cure != ReasonCure::Nothing
    }
}

impl RuleSubject {
    /// Returns the image that comes, if it is one.
    fn image(&self) -> Option<String> {
        let mut images: Vec<&String> = self.candidate.changes.iter().map(|it| &it.after).collect();
        images.dedup();
        match images[..] {
            [image] if !image.is_empty() => Some(image.clone()),
            _ => None,
        }
    }
}

fn open_pull(request: &Request) -> Option<u32> {
    let is_open = |it: &&EarlierProposal| !it.is_merged;
    let earlier = request.resumed.as_ref().filter(is_open)?;
    Some(earlier.pull_request)
}

fn waiting(reasons: &[Reason], image: Option<String>, pull_request: Option<u32>) -> Waiting {
    let words: Vec<String> = reasons
        .iter()
        .map(|reason| format!("{} ({})", reason.rule, reason.message))
        .collect();
    let rules = if reasons.len() == 1 { "rule" } else { "rules" };
    Waiting {
        image,
        awaited: Awaited::Rule,
        message: format!("the {rules} {}", words.join(", ")),
        until: until(reasons),
        pull_request,
    }
}

/// The time at which all reasons have gone, if each names one.
fn until(reasons: &[Reason]) -> Option<String> {
    let mut latest: Option<Timestamp> = None;
    for reason in reasons {
        let ReasonCure::Time(Some(until)) = &reason.cure else {
            return None;
        };
        latest = latest.max(until.parse().ok());
    }
    latest.map(|at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Candidate, Entity, EntityKey, StopPoint, ValueChange};
    use crate::rule::RuleMode;

    fn reason(rule: &str, cure: ReasonCure) -> Reason {
        Reason {
            rule: rule.to_owned(),
            message: "not yet".to_owned(),
            stops: StopPoint::Propose,
            cure,
        }
    }

    fn verdict(on_no: RuleAnswer, reasons: Vec<Reason>) -> RuleVerdict {
        RuleVerdict {
            rule: "r".to_owned(),
            mode: RuleMode::Enforce,
            on_no,
            reasons,
        }
    }

    fn subject(afters: &[&str]) -> RuleSubject {
        let change = |after: &&str| ValueChange {
            path: "a.yaml".to_owned(),
            before: "a:1".to_owned(),
            after: (*after).to_owned(),
        };
        RuleSubject {
            candidate: Candidate {
                repository: "acme/gitops".to_owned(),
                base: "main".to_owned(),
                changes: afters.iter().map(change).collect(),
            },
            pull_request: None,
            head_commit: None,
        }
    }

    fn request(resumed: Option<EarlierProposal>) -> Request {
        let subject = EntityKey {
            blueprint: "service".to_owned(),
            identifier: "web".to_owned(),
        };
        Request {
            resumed,
            ..Request::trial("promote", Entity::named(subject))
        }
    }

    #[test]
    fn only_what_can_be_cured_and_may_be_waited_for_is() {
        use ReasonCure::{Nothing, People, Time};
        use RuleAnswer::{Refuse, Wait};
        for (verdicts, waits) in [
            (vec![verdict(Wait, vec![reason("r", People)])], true),
            (vec![verdict(Wait, vec![reason("r", Time(None))])], true),
            (vec![verdict(Wait, vec![reason("r", Nothing)])], false),
            (vec![verdict(Refuse, vec![reason("r", People)])], false),
            (
                vec![
                    verdict(Wait, vec![reason("r", People)]),
                    verdict(Refuse, vec![reason("s", People)]),
                ],
                false,
            ),
            (
                vec![
                    verdict(Wait, vec![reason("r", People)]),
                    verdict(Refuse, Vec::new()),
                ],
                true,
            ),
        ] {
            let stopped =
                StoppedByRules::by(&verdicts, RuleStep::Propose, &subject(&[]), &request(None));
            let found = matches!(stopped, Some(StoppedByRules(Outcome::Waiting(_))));
            assert_eq!(found, waits, "{verdicts:?}");
        }
    }

    #[test]
    fn a_wait_ends_with_its_last_reason_and_names_image_and_pull_request() {
        let time = |at: &str| ReasonCure::Time(Some(at.to_owned()));
        let both = vec![
            reason("r", time("2026-01-06T10:00:00Z")),
            reason("s", time("2026-01-06T09:00:00Z")),
        ];
        let earlier = EarlierProposal {
            repository: "acme/gitops".to_owned(),
            pull_request: 7,
            head: "promote/web/a".to_owned(),
            image: "a".to_owned(),
            is_merged: false,
            waits_until: None,
        };
        let stopped = StoppedByRules::by(
            &[verdict(RuleAnswer::Wait, both)],
            RuleStep::Propose,
            &subject(&["a:2", "a:2"]),
            &request(Some(earlier)),
        );
        let expected = Waiting {
            image: Some("a:2".to_owned()),
            awaited: Awaited::Rule,
            message: "the rules r (not yet), s (not yet)".to_owned(),
            until: Some("2026-01-06T10:00:00Z".to_owned()),
            pull_request: Some(7),
        };
        assert_eq!(stopped, Some(StoppedByRules(Outcome::Waiting(expected))));
    }

    #[test]
    fn a_policy_that_refuses_for_more_than_the_rules_refuses() {
        let people = || reason("r", ReasonCure::People);
        let awaited = AwaitedRules::of(
            &[verdict(RuleAnswer::Wait, vec![people()])],
            &subject(&["a:2"]),
        );
        let lock = reason("lock", ReasonCure::People);
        for (reasons, waits) in [
            (vec![people()], true),
            (vec![people(), lock], false),
            (Vec::new(), false),
        ] {
            let settled = awaited.settle(Outcome::Refused(reasons.clone()), &request(None));
            assert_eq!(matches!(settled, Outcome::Waiting(_)), waits, "{reasons:?}");
        }
    }
}
