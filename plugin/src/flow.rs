//! The sequence of calls: gather, decide, propose, merge, record, verify.
//!
//! The base branch is the truth: whatever an earlier attempt did, a run first looks at what the manifest holds there. The
//! catalog is told last, so it is never ahead of git.

mod chain;
mod land;
mod newer;
mod propose;
mod record;
mod verify;

use std::borrow::Cow;

use crate::catalog::named;
use crate::facts::Facts;
use crate::gates::{self, GateWait, reason};
use crate::gather::gather;
use crate::host::{PolicyHost, PullFilter, PullState, Severity};
use crate::settings::Settings;
use crate::text;
use crate::time::rfc3339;
use crate::types::{
    EarlierProposal, Failure, Outcome, Promotion, Reason, ReasonCure, Request, StopPoint, Waiting,
};

use land::LandingResult;
use promote_guest::{Stop, explain};
use verify::MergedPull;

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
        request: Cow::Borrowed(request),
        settings: &settings,
        repository: repository.as_deref(),
        conflict: None,
        is_resumed: request.resumed.is_some(),
        replaced: None,
        keeps_earlier: false,
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
    /// The branches of this service and environment, as a pattern.
    fn branches(&self) -> String {
        let folder = self.branch.rsplit_once('/');
        format!(
            "{}/*",
            folder.map_or(self.branch.as_str(), |(folder, _)| folder)
        )
    }

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
            is_rollback: self.facts.is_rollback,
        }
    }
}

struct PromotionRun<'a, H> {
    host: &'a mut H,
    request: Cow<'a, Request>,
    settings: &'a Settings,
    repository: Option<&'a str>,
    /// What the last proposal ran into.
    conflict: Option<String>,
    /// Whether this run goes on with an earlier attempt.
    is_resumed: bool,
    /// What waits, as long as this run is about to put a newer image in its place.
    replaced: Option<EarlierProposal>,
    /// Whether it has found that it cannot.
    keeps_earlier: bool,
}

impl<H: PolicyHost> PromotionRun<'_, H> {
    fn rounds(&mut self) -> Result<Outcome, Stop> {
        let mut round = 1;
        loop {
            match self.round() {
                Err(Stop::Failed(Failure::Conflict(what))) if round < ROUNDS => {
                    self.warn(&format!(
                        "looking again, since something moved meanwhile: {what}"
                    ));
                    round += 1;
                }
                result => return result,
            }
        }
    }

    fn round(&mut self) -> Result<Outcome, Stop> {
        let mut plan = match self.newer_plan()? {
            Some(plan) => plan,
            None => self.decide()?,
        };
        if plan.facts.is_current() {
            return self.settle(&mut plan);
        }
        self.catch_up(&plan)?;
        if self.was_merged() {
            return Ok(self.moved_on(&plan));
        }
        let result = self.carry_out(&mut plan);
        let is_conflict = matches!(result, Err(Stop::Failed(Failure::Conflict(_))));
        if is_conflict && !self.keep_earlier() && !self.was_merged() {
            self.refuse_if_closed(&plan)?;
        }
        result
    }

    /// Whether this run goes on with what was merged already, by itself or by others.
    fn was_merged(&self) -> bool {
        let earlier = self.request.resumed.as_ref();
        earlier.is_some_and(|it| it.is_merged)
    }

    /// Reads everything and asks every rule; writes nothing.
    fn decide(&mut self) -> Result<PromotionPlan, Stop> {
        let (facts, mut reasons) =
            gather(self.host, &self.request, self.settings, self.repository)?;
        // What was merged, or what the base branch holds already, is not promoted any more: no rule can undo it, and the
        // catalog must follow.
        let is_there = self.was_merged() || facts.as_ref().is_some_and(Facts::is_current);
        let done = reasons.is_empty() && is_there;
        if let Some(facts) = facts.as_ref().filter(|_| !done) {
            let mut verdict = gates::all(facts, self.settings);
            let told = self.ask_rules(facts);
            if reasons.is_empty()
                && verdict.reasons.is_empty()
                && let Some(wait) = verdict.latest_wait()
            {
                if told.is_empty() {
                    return Err(Stop::Waits(self.waiting(facts, wait)));
                }
                // Whether those are waited for, the host decides; afterwards it still waits for this.
                let message = format!("waits for {} too", wait.message);
                self.warn(&message);
                return Err(Stop::Refused(told));
            }
            reasons.extend(verdict.take_reasons());
            reasons.extend(told);
            for warning in std::mem::take(&mut verdict.warnings) {
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
        let branch = match (&self.request.resumed, &facts.way_back) {
            (Some(earlier), _) => earlier.head.clone(),
            (None, Some(open)) => open.clone(),
            (None, None) if facts.is_rollback => {
                text::rollback_branch(service, environment, &self.request.run_id)
            }
            (None, None) => text::branch(service, environment, &wanted),
        };
        Ok(PromotionPlan {
            repository: repository.to_owned(),
            image: promoted,
            image_id,
            branch,
            facts,
        })
    }

    /// Asks the rules of organisation and team, so that people learn every reason at once. The host asks them again before it
    /// proposes and merges, and tells what only warns; what stops only the merge must let the pull request be opened.
    fn ask_rules(&mut self, facts: &Facts) -> Vec<Reason> {
        let Some(repository) = self.repository else {
            return Vec::new();
        };
        let candidate = facts.candidate(repository, &self.settings.base);
        // Without a value to change there is nothing to judge; a reason that says why is there already.
        if candidate.changes.is_empty() {
            return Vec::new();
        }
        let mut told = self.host.check_rules(&candidate);
        told.retain(|reason| reason.stops == StopPoint::Propose);
        told
    }

    /// The base branch holds the image already: perhaps an earlier attempt of this promotion put it there and was cut off.
    fn settle(&mut self, plan: &mut PromotionPlan) -> Result<Outcome, Stop> {
        // All of this service and environment: the host sees by a later merge that the branch was shown as it was before it.
        let head = plan.branches();
        let base = &self.settings.base;
        let pulls =
            self.host
                .find_pull_requests(&plan.repository, &head, base, PullFilter::Ended)?;
        let ours = pulls
            .into_iter()
            .find(|pull| pull.state == PullState::Merged && pull.head.starts_with(&plan.branch));
        if let Some(pull) = &ours {
            self.clean_up(plan, &pull.head);
        }
        let is_recorded = self.record(plan)?;
        if let Some(pull) = &ours {
            self.verify_again(plan, pull)?;
        }
        Ok(match ours {
            // By this run or an earlier attempt of it, or told by it; else others have done it all.
            Some(pull) if is_recorded || pull.runs.contains(&self.request.run_id) => {
                Outcome::Promoted(plan.promotion(None, Some(pull.number), pull.merge_commit))
            }
            _ => Outcome::Unchanged(plan.promotion(Some(&plan.image), None, None)),
        })
    }

    /// Commits, opens the pull request, merges it, and tells the catalog.
    fn carry_out(&mut self, plan: &mut PromotionPlan) -> Result<Outcome, Stop> {
        let pull = self.propose(plan)?;
        self.replaced = None;
        let what = format!(
            "pull request {} changes {}",
            pull.number,
            plan.facts.changed()
        );
        self.tell(&what);
        self.decorate(plan, &pull);
        self.supersede(plan, &pull);
        match self.land(plan, &pull)? {
            LandingResult::Waits(awaited, message) => Ok(Outcome::Waiting(Waiting {
                image: Some(plan.image.clone()),
                awaited,
                message,
                until: None,
                pull_request: Some(pull.number),
            })),
            LandingResult::Merged(commit) => {
                self.clean_up(plan, &pull.head);
                // It is done: to start over now could only do it twice, if a read lags behind the merge.
                let merged = MergedPull {
                    number: pull.number,
                    commit: &commit,
                    earlier: None,
                };
                if let Err(stop) = self.record_all(plan) {
                    self.go_on_merged(plan, &pull);
                    return Err(stop);
                }
                self.verify(plan, &merged).map_err(for_good)?;
                let previous = plan.facts.previous();
                let promotion =
                    plan.promotion(previous.as_deref(), Some(pull.number), Some(commit));
                Ok(Outcome::Promoted(promotion))
            }
        }
    }

    /// What a rule makes a promotion wait for that has no pull request yet.
    fn waiting(&self, facts: &Facts, wait: &GateWait) -> Waiting {
        Waiting {
            image: facts.wanted.as_ref().map(ToString::to_string),
            awaited: wait.awaited,
            message: wait.message.clone(),
            until: wait.until.map(rfc3339),
            pull_request: None,
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
