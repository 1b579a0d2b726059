//! The sequence of calls: gather, decide, propose, merge, record, verify.
//!
//! The base branch is the truth: whatever an earlier attempt did, a run first looks at what the manifest holds there. The
//! catalog is told last, so it is never ahead of git.

mod chain;
mod land;
mod propose;
mod verify;

use crate::catalog::named;
use crate::facts::Facts;
use crate::gates::{self, reason};
use crate::gather::gather;
use crate::host::{Change, PolicyHost, PullFilter, PullState, Severity};
use crate::settings::Settings;
use crate::text;
use crate::types::{Failure, Outcome, Promotion, Reason, ReasonCure, Relation, Request, Waiting};

use land::LandingResult;
use promote_guest::{Stop, explain};

/// The most times that a run starts over because somebody else was faster.
const ROUNDS: usize = 3;

/// Decides one request and carries it out.
///
/// # Errors
/// Fails as the calls do. A promotion that must not happen is an outcome, not an error.
pub fn promote(host: &mut impl PolicyHost, request: &Request) -> Result<Outcome, Failure> {
    let settings = Settings::parse(&request.settings).map_err(Failure::Rejected)?;
    let settings = match chain::pick(settings, request) {
        Ok(settings) => settings,
        Err(what) => return Ok(Outcome::Refused(vec![reason("chain", what)])),
    };
    let start = format!(
        "about to promote {} to {}",
        named(&request.subject.key),
        settings.environment
    );
    host.note(Severity::Info, &start);
    let repository = settings
        .repository
        .clone()
        .or_else(|| request.workflow.repository.clone());
    let mut run = PromotionRun {
        host,
        request,
        settings: &settings,
        repository: repository.as_deref(),
        conflict: None,
    };
    let outcome = run.rounds().or_else(Stop::outcome);
    outcome.map(bounded)
}

/// The same outcome with messages that end: what a file or a catalog holds may be long without end.
fn bounded(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Refused(reasons) => {
            let mut reasons: Vec<_> = reasons
                .into_iter()
                .map(|it| Reason {
                    message: text::cut(&it.message),
                    ..it
                })
                .collect();
            reasons.dedup();
            Outcome::Refused(reasons)
        }
        other => other,
    }
}

/// The promotion to make, once nothing speaks against it.
struct PromotionPlan {
    facts: Facts,
    repository: String,
    /// The image as git holds it in the end.
    image: String,
    /// The identifier of its entity.
    image_id: String,
    branch: String,
}

impl PromotionPlan {
    fn promotion(
        &self,
        previous: Option<&str>,
        pull: Option<u32>,
        commit: Option<String>,
    ) -> Promotion {
        Promotion {
            image: self.image.clone(),
            previous_image: previous.map(str::to_owned),
            pull_request: pull,
            commit,
        }
    }
}

struct PromotionRun<'a, H> {
    host: &'a mut H,
    request: &'a Request,
    settings: &'a Settings,
    repository: Option<&'a str>,
    /// What the last proposal ran into.
    conflict: Option<String>,
}

impl<H: PolicyHost> PromotionRun<'_, H> {
    fn rounds(&mut self) -> Result<Outcome, Stop> {
        let mut round = 1;
        loop {
            let mut plan = self.decide()?;
            if plan.facts.is_current() {
                return self.settle(&mut plan);
            }
            match self.carry_out(&mut plan) {
                Err(Stop::Failed(Failure::Conflict(what))) if round < ROUNDS => {
                    self.refuse_if_closed(&plan)?;
                    self.warn(&format!(
                        "looking again, since something moved meanwhile: {what}"
                    ));
                    round += 1;
                }
                result => return result,
            }
        }
    }

    /// Reads everything and asks every rule; writes nothing.
    fn decide(&mut self) -> Result<PromotionPlan, Stop> {
        let (facts, mut reasons) = gather(self.host, self.request, self.settings, self.repository)?;
        // What the base branch holds already is not promoted any more: no rule can undo it, and the catalog must follow.
        let done = reasons.is_empty() && facts.as_ref().is_some_and(Facts::is_current);
        if let Some(facts) = facts.as_ref().filter(|_| !done) {
            let verdict = gates::all(facts, self.settings);
            reasons.extend(verdict.reasons);
            for warning in verdict.warnings {
                self.warn(&format!("{}: {}", warning.rule, warning.message));
            }
        }
        let Some(facts) = facts.filter(|_| reasons.is_empty()) else {
            return Err(Stop::Refused(reasons));
        };
        let (Some(wanted), Some(image), Some(repository)) =
            (&facts.wanted, &facts.image, self.repository)
        else {
            return Err(Stop::Failed(Failure::Other(
                "facts are missing without a reason".to_owned(),
            )));
        };
        let image_id = image.key.identifier.clone();
        let wanted = wanted.to_string();
        let promoted = facts.promoted().map_or(wanted.clone(), |it| it.to_string());
        let (service, environment) = (&facts.service.key.identifier, &self.settings.environment);
        let branch = match facts.is_rollback {
            true => text::rollback_branch(service, environment, &self.request.run_id),
            false => text::branch(service, environment, &wanted),
        };
        Ok(PromotionPlan {
            repository: repository.to_owned(),
            image: promoted,
            image_id,
            branch,
            facts,
        })
    }

    /// The base branch holds the image already: perhaps an earlier attempt of this promotion put it there and was cut off.
    fn settle(&mut self, plan: &mut PromotionPlan) -> Result<Outcome, Stop> {
        let head = format!("{}*", plan.branch);
        let base = &self.settings.base;
        let pulls =
            self.host
                .find_pull_requests(&plan.repository, &head, base, PullFilter::Ended)?;
        let ours = pulls
            .into_iter()
            .find(|pull| pull.state == PullState::Merged);
        if let Some(pull) = &ours {
            self.clean_up(plan, &pull.head);
        }
        self.record(plan)?;
        if let Some(pull) = &ours {
            self.verify_if_recent(plan, pull)?;
        }
        Ok(match ours {
            Some(pull) => {
                Outcome::Promoted(plan.promotion(None, Some(pull.number), pull.merge_commit))
            }
            None => Outcome::Unchanged(plan.promotion(Some(&plan.image), None, None)),
        })
    }

    /// Commits, opens the pull request, merges it, and tells the catalog.
    fn carry_out(&mut self, plan: &mut PromotionPlan) -> Result<Outcome, Stop> {
        let pull = self.propose(plan)?;
        let what = format!(
            "pull request {} changes {}",
            pull.number,
            plan.facts.changed()
        );
        self.tell(&what);
        self.decorate(plan, &pull);
        self.supersede(plan, &pull);
        match self.land(plan, &pull)? {
            LandingResult::Waits(until) => Ok(Outcome::Pending(Waiting {
                image: plan.image.clone(),
                pull_request: pull.number,
                until,
            })),
            LandingResult::Merged(commit) => {
                self.clean_up(plan, &pull.head);
                // It is done: to start over now could only do it twice, if a read lags behind the merge.
                self.record(plan)
                    .and_then(|()| self.verify(plan, None))
                    .map_err(for_good)?;
                let previous = plan.facts.previous();
                let promotion =
                    plan.promotion(previous.as_deref(), Some(pull.number), Some(commit));
                Ok(Outcome::Promoted(promotion))
            }
        }
    }

    /// A human's "closed" is a no.
    fn refuse_if_closed(&mut self, plan: &PromotionPlan) -> Result<(), Stop> {
        let head = format!("{}*", plan.branch);
        let pulls = self.host.find_pull_requests(
            &plan.repository,
            &head,
            &self.settings.base,
            PullFilter::Any,
        )?;
        match pulls.first().filter(|pull| pull.state == PullState::Closed) {
            Some(pull) => Err(Stop::Refused(vec![Reason {
                cure: ReasonCure::People,
                ..reason(
                    "closed",
                    format!(
                        "pull request {} for this promotion was closed without a merge: somebody said no; reopen it to go on",
                        pull.number
                    ),
                )
            }])),
            None => Ok(()),
        }
    }

    /// Deletes the branch of a merged pull request. That it stays is untidy, not wrong.
    fn clean_up(&mut self, plan: &PromotionPlan, branch: &str) {
        if let Err(failure) = self.host.delete_branch(&plan.repository, branch) {
            self.warn(&format!(
                "branch {branch} is merged but could not be deleted: {}",
                explain(&failure)
            ));
        }
    }

    /// Points the catalog's runtimes at the image, unless they do already.
    fn record(&mut self, plan: &PromotionPlan) -> Result<(), Stop> {
        let relation = &self.settings.image_relation;
        let facts = &plan.facts;
        for (runtime, targets) in facts.production.iter().zip(&facts.recorded) {
            if runtime.targets(relation) == *targets {
                continue;
            }
            let target = Relation {
                name: relation.clone(),
                targets: targets.clone(),
            };
            let change = Change {
                title: None,
                properties: None,
                relations: vec![target],
            };
            self.host.update_entity(&runtime.key, &change)?;
        }
        Ok(())
    }

    fn tell(&mut self, message: &str) {
        self.host.note(Severity::Info, &text::cut(message));
    }

    fn warn(&mut self, message: &str) {
        self.host.note(Severity::Warning, &text::cut(message));
    }
}

/// The same stop, but no conflict that a new round could cure.
fn for_good(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(Failure::Conflict(what)) => Stop::Failed(Failure::Other(what)),
        other => other,
    }
}

#[cfg(test)]
mod tests;
