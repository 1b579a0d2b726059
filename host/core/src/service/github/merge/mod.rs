//! Merging: at once, or by GitHub when the rules of the branch are met.
//!
//! Whatever GitHub answers, the state of the pull request decides: see [`MergeVerdict`].

mod attempt;
mod fresh;
mod later;
mod refusal;
#[cfg(test)]
mod tests;

use crate::contract::{MergeMethod, Merged, Proposal, PullState};
use crate::service::github::pulls::WirePull;
use crate::service::github::{Repo, conflict, rejected};
use crate::service::http::CallResult;
use attempt::MergeAttempt;

impl Repo<'_> {
    /// Merges the pull request of a proposal whose head is the given commit; one that is merged already is a success.
    ///
    /// What the rules of the branch hold up is reported as later, with what it waits for.
    ///
    /// Fails with `conflict` if it holds more than the proposal, if its head or base moved on or if it went into another
    /// branch; with `rejected` if a rule stands against it that no waiting meets.
    pub(crate) async fn merge(
        &self,
        proposal: &Proposal,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<Merged> {
        if let Some(fresh) = self.take_fresh(proposal, number, head)
            && let Some(merged) = self.merge_fresh(&fresh, proposal, method).await?
        {
            return Ok(merged);
        }
        self.check_before_merge(proposal, number, head).await?;
        let merged = self.merge_now(number, head, method).await?;
        self.check_after_merge(proposal, number, merged).await
    }

    /// Merges at once if nothing stands in the way, else through the queue, else by auto-merge; the latter two are
    /// reported as later.
    ///
    /// Fails as [`Repo::merge`] does, and with `rejected` if the repository allows neither.
    pub(crate) async fn merge_when_ready(
        &self,
        proposal: &Proposal,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<Merged> {
        if let Some(fresh) = self.take_fresh(proposal, number, head)
            && let Some(merged) = self.merge_fresh(&fresh, proposal, method).await?
        {
            return Ok(merged);
        }
        self.check_before_merge(proposal, number, head).await?;
        let merged = self.merge_now_or_later(number, head, method).await?;
        self.check_after_merge(proposal, number, merged).await
    }

    /// Merges, whatever the pull request holds below its head.
    pub(super) async fn merge_now(
        &self,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<Merged> {
        match self.attempt(number, head, method).await? {
            MergeAttempt::Merged(commit) => Ok(Merged::Now(commit)),
            MergeAttempt::Blocked { awaited, .. } => Ok(Merged::Later(awaited)),
            MergeAttempt::Queue { pull, said } => rejected(format!(
                "merges into {} go through its merge queue, and this merge does not: ask for a merge when ready \
                 (mode \"auto-merge\"), which joins the queue ({said})",
                pull.base.branch
            )),
            MergeAttempt::Again(failure) => Err(failure),
        }
    }

    /// Merges or leaves the merge to GitHub, whatever the pull request holds below its head.
    pub(super) async fn merge_now_or_later(
        &self,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<Merged> {
        match self.attempt(number, head, method).await? {
            MergeAttempt::Merged(commit) => Ok(Merged::Now(commit)),
            MergeAttempt::Queue { pull, said } => self.join_queue(&pull, head, method, said).await,
            MergeAttempt::Blocked { pull, awaited } => {
                self.merge_once_met(&pull, head, method, awaited).await
            }
            MergeAttempt::Again(failure) => Err(failure),
        }
    }

    /// Checks that a pull request is what was proposed, and nothing more: a merge pins the head and neither the base nor
    /// the commits below it.
    async fn check_before_merge(
        &self,
        proposal: &Proposal,
        number: u32,
        head: &str,
    ) -> CallResult<()> {
        let (pull, comparison) = tokio::try_join!(
            self.pull(number),
            self.compare_with_base(&proposal.base, head)
        )?;
        // What is merged is looked at where it is: in the base branch.
        if pull.state() == PullState::Merged {
            return Ok(());
        }
        if !pull.is_own() || pull.head.branch != proposal.head {
            return conflict(format!("#{number} is not of our branch {}", proposal.head));
        }
        if pull.base.branch != proposal.base {
            return conflict(format!(
                "#{number} was pointed at {}, and {} was proposed",
                pull.base.branch, proposal.base
            ));
        }
        if !self.are_ours(&comparison, &proposal.head) {
            return conflict(format!(
                "#{number} holds commits that are not ours: they were not proposed"
            ));
        }
        if !comparison.is_exactly(proposal) {
            let surplus = comparison.surplus(proposal).join(", ");
            return conflict(format!(
                "#{number} does not change exactly what was proposed ({surplus}): run again"
            ));
        }
        Ok(())
    }

    /// Checks that a merge went into the proposed base, which somebody may have changed at the last moment.
    async fn check_after_merge(
        &self,
        proposal: &Proposal,
        number: u32,
        merged: Merged,
    ) -> CallResult<Merged> {
        let Merged::Now(commit) = &merged else {
            return Ok(merged);
        };
        let session = self.session();
        let is_merged = |pull: &WirePull| pull.state() == PullState::Merged;
        // The gate reads the files next, as evidence of what the base gained.
        let (pull, ()) = tokio::try_join!(session.poll(|| self.pull(number), is_merged), async {
            self.fetch_merged_files(&proposal.changes, commit).await;
            Ok(())
        },)?;
        if pull.base.branch != proposal.base {
            return wrong_base(number, &pull.base.branch, &proposal.base);
        }
        Ok(merged)
    }
}

fn wrong_base<T>(number: u32, base: &str, proposed: &str) -> CallResult<T> {
    conflict(format!(
        "#{number} was merged into {base}, and {proposed} was proposed: somebody changed its base"
    ))
}
