//! What a policy's verdict comes to: how the run ends, and what of it the policy claims without proof.

use crate::contract::{Outcome, Promotion, Reason, ReasonCure, Request, StopPoint};
use crate::gate::evidence::Evidence;
use crate::gate::{NoJournal, describe};
use crate::grants::{CallTarget, Operation, RepositoryTarget, ResolvedGrants};
use crate::policy::engine::Verdict;
use crate::rule::{AwaitedRules, StoppedByRules};

use super::ending::Ending;

/// Returns what a policy's verdict comes to, after what the rules told it.
pub fn settled(verdict: Verdict, awaited: &AwaitedRules, request: &Request) -> Verdict {
    match verdict {
        Verdict::Returned(Ok(outcome)) => Verdict::Returned(Ok(awaited.settle(outcome, request))),
        other => other,
    }
}

/// Says what a policy claims without proof, if it does.
pub fn unproven(verdict: &Verdict, evidence: &Evidence, grants: &ResolvedGrants) -> Option<String> {
    let Verdict::Returned(Ok(outcome)) = verdict else {
        return None;
    };
    match outcome {
        Outcome::Promoted(promotion) => unproven_promotion(promotion, evidence, grants),
        Outcome::Waiting(waiting) => {
            let number = waiting.pull_request?;
            (!evidence.has_proposed(number) && !is_ours(number, evidence, grants)).then(|| {
                format!("it says that pull request #{number} waits, and this run has neither proposed nor read it on a granted branch")
            })
        }
        _ => None,
    }
}

fn unproven_promotion(
    promotion: &Promotion,
    evidence: &Evidence,
    grants: &ResolvedGrants,
) -> Option<String> {
    let image = &promotion.image;
    if !evidence.proves(|file| grants.governs(file), &grants.value_keys(), image) {
        return Some(format!(
            "it says that {image} was promoted, and no granted file that this run has read or merged at its base branch holds it as a whole value"
        ));
    }
    let number = promotion.pull_request?;
    (!is_ours(number, evidence, grants)).then(|| {
        format!(
            "it says that pull request #{number} brought the image, and this run has neither proposed nor read it on a granted branch"
        )
    })
}

/// Returns whether this run has seen a pull request of that number on a branch that is ours to propose from.
fn is_ours(number: u32, evidence: &Evidence, grants: &ResolvedGrants) -> bool {
    evidence.pulls_numbered(number).any(|(id, pull)| {
        let target = CallTarget::Repository(RepositoryTarget {
            repository: id.repository.as_str(),
            head: Some(&pull.head),
            base: Some(&pull.base),
            ..RepositoryTarget::default()
        });
        grants.allow(Operation::Propose, &target).is_some()
    })
}

/// Returns how a run ends that keeps to a plan: it waits only with a pull request, whose commit names the plan. Whoever went on
/// with it otherwise could not tell what was approved. `plan` is the digest of one, if the run keeps to it.
pub fn within_plan(ending: Ending, plan: Option<&str>) -> Ending {
    match ending {
        Ending::Decided(Outcome::Waiting(waiting))
            if plan.is_some() && waiting.pull_request.is_none() =>
        {
            let until = waiting.until.as_ref();
            let until_words = until.map_or_else(String::new, |at| format!(", until {at}"));
            let message = format!(
                "it would wait for {}{until_words}, and nothing that waits before its pull request is open keeps to a plan: start the action again then, and plan anew",
                waiting.message
            );
            Ending::Decided(Outcome::Refused(vec![Reason {
                rule: "plan".to_owned(),
                message,
                stops: StopPoint::Propose,
                cure: ReasonCure::Time(waiting.until),
            }]))
        }
        other => other,
    }
}

/// Returns how a run ends with this verdict and these violations.
pub fn ending(verdict: Verdict, violations: Vec<String>) -> Ending {
    if !violations.is_empty() {
        return Ending::Violation(violations);
    }
    match verdict {
        Verdict::Returned(Ok(outcome)) => Ending::Decided(outcome),
        Verdict::Returned(Err(failure)) => Ending::Failed(describe(&failure).to_owned()),
        Verdict::Limit(limit) => Ending::Limit(limit.to_string()),
        Verdict::Cancelled => Ending::Cancelled,
        Verdict::Trapped(trap) => {
            if let Some(StoppedByRules(outcome)) = trap.downcast_ref() {
                return Ending::Decided(outcome.clone());
            }
            match trap.downcast_ref::<NoJournal>() {
                Some(error) => Ending::Failed(error.to_string()),
                None => Ending::Trapped(trap.root_cause().to_string()),
            }
        }
    }
}
