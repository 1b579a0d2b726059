//! A branch of a proposal that is there before this run has put anything there: an earlier run's, or somebody else's.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::ReadyBranch;
use super::plan_bond::{BondVerdict, BranchCommits, short};
use crate::contract::{Mergeability, Proposal, PullFilter, PullState};
use crate::service::github::pulls::WirePull;
use crate::service::github::{Repo, conflict};
use crate::service::http::{CallResult, ServiceResult, segs};

/// The time that another run may take from its branch to its pull request, before it counts as dead.
const GIVE_WAY_TIME: SignedDuration = SignedDuration::from_secs(10);

/// The branch of a proposal before this run has put anything there.
enum BranchState {
    /// There is no branch: it came and went.
    Gone,
    /// Its pull request is merged, and the base branch holds the change.
    Merged(Box<WirePull>),
    /// The same change, in commits of ours.
    Current {
        commit: String,
        open: Option<Box<WirePull>>,
    },
    /// The same change, in commits of ours that lack what the base has gained, which a strict rule demands.
    Behind { pull: Box<WirePull> },
    /// An older proposal of ours, or the same change in somebody else's commits.
    Replaceable { open: Option<Box<WirePull>> },
    /// Somebody else's work.
    Foreign { commit: String },
    /// Not what the plan says to which this run, or what it goes on with, is bound: why.
    Unplanned(String),
}

/// A branch that was there before, once this run has dealt with it.
pub(super) enum TakenBranch {
    /// It holds this promotion's commit.
    Ready(ReadyBranch),
    /// Its pull request is merged.
    Merged(Box<WirePull>),
}

impl Repo<'_> {
    /// Decides on a branch that was there before, perhaps with a pull request that this run has `opened` without knowing of
    /// the branch.
    pub(super) async fn take_over(
        &self,
        proposal: &Proposal,
        created: String,
        opened: Option<u32>,
    ) -> CallResult<TakenBranch> {
        let Proposal { head, base, .. } = proposal;
        let state = self.branch_state(proposal, opened).await;
        let is_usable = matches!(
            state,
            Ok(BranchState::Current { .. }
                | BranchState::Behind { .. }
                | BranchState::Replaceable { .. })
        );
        if let Some(number) = opened.filter(|_| !is_usable) {
            self.withdraw(number).await?;
        }
        let is_moved = matches!(state, Ok(BranchState::Replaceable { .. }));
        let (commit, open) = match state? {
            BranchState::Merged(pull) => return Ok(TakenBranch::Merged(pull)),
            BranchState::Current { commit, open } => (commit, open),
            BranchState::Behind { pull } => {
                let pull = self.take_in_base(*pull).await?;
                (pull.head.sha.clone(), Some(Box::new(pull)))
            }
            BranchState::Replaceable { open } => {
                let target = format!("/git/refs/heads/{}", segs(head));
                let body = json!({ "sha": created, "force": true });
                self.write(Method::PATCH, target, body).await?;
                (created, open)
            }
            BranchState::Gone if let Some(plan) = self.client.bond().kept() => {
                return conflict(format!(
                    "branch {head} is not there, and nothing but what plan {} proposed is merged for this run: start and plan anew",
                    short(plan)
                ));
            }
            BranchState::Unplanned(why) => return conflict(why),
            BranchState::Gone => {
                return conflict(format!("branch {head} came and went meanwhile: run again"));
            }
            BranchState::Foreign { commit } => {
                return conflict(format!(
                    "branch {head} holds commit {commit}, which is not ours: delete the branch, or promote under another name"
                ));
            }
        };
        if let Some(pull) = &open {
            self.write_words(proposal, pull).await?;
        }
        Ok(TakenBranch::Ready(ReadyBranch {
            commit,
            is_new: false,
            is_moved,
            open,
            base: self.branch(base).await?,
        }))
    }

    /// Finds out about the branch.
    async fn branch_state(
        &self,
        proposal: &Proposal,
        opened: Option<u32>,
    ) -> CallResult<BranchState> {
        let Proposal {
            head,
            base,
            changes,
            ..
        } = proposal;
        let mut pulls = self.find(head, base, PullFilter::Any).await?;
        // What this run has just opened says nothing about what was there before.
        let opened = pulls
            .iter()
            .position(|pull| Some(pull.number) == opened)
            .map(|at| Box::new(pulls.remove(at)))
            .filter(|pull| pull.state() == PullState::Open);
        let open = pulls
            .iter()
            .position(|pull| pull.state() == PullState::Open)
            .map(|at| Box::new(pulls.swap_remove(at)));
        if open.is_none()
            && let Some(pull) = pulls.into_iter().next()
        {
            let number = pull.number;
            if pull.state() == PullState::Closed {
                return conflict(format!(
                    "pull request #{number} was closed by a person: reopen it, or delete its branch {head} to start over"
                ));
            }
            // It may have been undone since; only the base branch itself can tell.
            let head = self.base_since(proposal, Some(&pull)).await?;
            if self.holds(head.as_deref(), changes).await? {
                return Ok(BranchState::Merged(Box::new(pull)));
            }
        }
        let open = open.or(opened);
        let found = self
            .session()
            .poll(|| self.branch(head), Option::is_some)
            .await?;
        let Some(commit) = found else {
            return Ok(BranchState::Gone);
        };
        let comparison = self.compare_with_base(base, &commit).await?;
        let commits = BranchCommits {
            are_ours: self.are_ours(&comparison, head),
            is_same: comparison.is_exactly(proposal),
            plan: self.plan_of(&comparison, head),
        };
        if !commits.are_ours && !commits.is_same {
            return Ok(BranchState::Foreign { commit });
        }
        Ok(match self.client.bond().judge(&commits, head, base) {
            BondVerdict::Fits => {
                let open = match (open, comparison.newest()) {
                    (None, Some(made)) => self.give_way(proposal, made).await?.map(Box::new),
                    (open, _) => open,
                };
                match open {
                    Some(pull) if comparison.is_behind() => self.current_or_behind(*pull).await?,
                    open => BranchState::Current { commit, open },
                }
            }
            // The same change by somebody else is replaced by ours, so nothing is lost.
            BondVerdict::Replace => BranchState::Replaceable { open },
            BondVerdict::Unplanned(why) => BranchState::Unplanned(why),
        })
    }

    /// Asks GitHub whether a branch that lacks commits of the base must take them in: it says so only under a strict rule, and
    /// without one an approved pull request is left as it is.
    async fn current_or_behind(&self, pull: WirePull) -> ServiceResult<BranchState> {
        let seen = self.settled(pull.number).await?;
        Ok(if seen.mergeability() == Mergeability::Behind {
            BranchState::Behind { pull: seen.into() }
        } else {
            BranchState::Current {
                commit: pull.head.sha.clone(),
                open: Some(pull.into()),
            }
        })
    }

    /// Merges the base into the branch of a pull request, and returns the pull request at its new head. Approvals stay, as
    /// far as the rules let them: the change is the same.
    async fn take_in_base(&self, pull: WirePull) -> CallResult<WirePull> {
        let old = &pull.head.sha;
        let target = format!("/pulls/{}/update-branch", pull.number);
        let body = json!({ "expected_head_sha": old });
        match self.write(Method::PUT, target, body).await {
            Err(error) if error.says(422, "no new commits") => return Ok(pull),
            // Somebody pushed, or the base conflicts by now.
            Err(error) if error.says(422, "") => return conflict(error.to_string()),
            other => other?,
        }
        let updated = self
            .session()
            .poll(|| self.pull(pull.number), |seen| seen.head.sha != *old)
            .await?;
        if updated.head.sha == *old {
            let number = pull.number;
            return conflict(format!(
                "#{number} did not take in the base in time: run again"
            ));
        }
        Ok(updated)
    }

    /// Gives another run that made the branch a moment ago the time to open its pull request, and returns that.
    async fn give_way(
        &self,
        proposal: &Proposal,
        made: Timestamp,
    ) -> ServiceResult<Option<WirePull>> {
        let found = self
            .session()
            .poll(
                || self.find(&proposal.head, &proposal.base, PullFilter::Open),
                |found| {
                    let age = self.session().now().duration_since(made);
                    !found.is_empty() || age > GIVE_WAY_TIME
                },
            )
            .await?;
        Ok(found.into_iter().next())
    }
}
