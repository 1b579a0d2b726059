//! What Port and GitHub know of everything that waits, read for all together: two hundred that wait for a review cost a
//! handful of requests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Candidate, MERGE_LAG, NextStep, SurveyTerms, is_overdue, started};
use crate::contract::types::Awaited;
use crate::contract::{Failure, Mergeability, PullState};
use crate::service::github::ProposedPull;
use crate::service::port::PortRun;
use crate::source::live::Live;

/// All that is known before anything is decided.
pub(super) struct SurveyOverview<'a> {
    pub(super) live: &'a Live,
    pub(super) terms: &'a SurveyTerms<'a>,
    /// The runs in progress, the oldest first.
    pub(super) runs: &'a [PortRun],
    pub(super) pulls: &'a [ProposedPull],
    /// The runs that have ended, by their identifiers; read only where something was merged that none in progress tells of.
    pub(super) ended: BTreeMap<String, PortRun>,
    /// By repository and number.
    mergeable: BTreeMap<(String, u32), Mergeability>,
}

impl<'a> SurveyOverview<'a> {
    pub(super) async fn read(
        live: &'a Live,
        terms: &'a SurveyTerms<'a>,
        runs: &'a [PortRun],
        pulls: &'a [ProposedPull],
        candidates: &[Candidate<'_>],
    ) -> Result<Self, Failure> {
        let mut overview = Self {
            live,
            terms,
            runs,
            pulls,
            ended: BTreeMap::new(),
            mergeable: BTreeMap::new(),
        };
        if overview.needs_ended(candidates) {
            for action in terms.actions {
                let ended = live.port.runs(action, false).await?;
                overview
                    .ended
                    .extend(ended.into_iter().map(|run| (run.id.clone(), run)));
            }
        }
        for repository in overview.repositories_in_review(candidates) {
            let known = live.github.repo(repository)?.mergeabilities().await;
            // Each can be asked for by itself, and tells what is wrong.
            for (number, mergeable) in known.unwrap_or_default() {
                overview
                    .mergeable
                    .insert((repository.to_owned(), number), mergeable);
            }
        }
        Ok(overview)
    }

    /// Returns the merged pull requests of which no run in progress will tell the catalog.
    pub(super) fn untold(&self) -> impl Iterator<Item = &'a ProposedPull> {
        self.pulls.iter().filter(|known| {
            let is_active = |id: &String| self.runs.iter().any(|run| run.id == *id);
            known.pull.state == PullState::Merged
                && !known.is_recorded
                && !known.pull.runs.iter().any(is_active)
        })
    }

    /// Runs that have ended are of interest for what they merged: to record it, or since it overtook what is awaited.
    fn needs_ended(&self, candidates: &[Candidate<'_>]) -> bool {
        let is_waiting_for_sync = |it: &Candidate<'_>| it.awaited == Some(Awaited::Sync);
        self.untold().next().is_some() || candidates.iter().any(is_waiting_for_sync)
    }

    /// Returns the repositories with pull requests of which it must be known whether they can be merged.
    fn repositories_in_review<'c>(&self, candidates: &[Candidate<'c>]) -> BTreeSet<&'c str> {
        if self.terms.visits_open {
            // All of them go on in any case.
            return BTreeSet::new();
        }
        candidates
            .iter()
            .filter(|it| it.awaited.is_some() && !is_overdue(it.run, self.terms))
            .filter_map(|it| it.pull)
            .filter(|known| known.pull.state == PullState::Open)
            .map(|known| known.repository.as_str())
            .collect()
    }

    /// Returns whether a pull request can be merged. One of which GitHub did not know it yet is asked for by itself, after
    /// a short wait.
    pub(super) async fn mergeability(&self, known: &ProposedPull) -> Result<Mergeability, Failure> {
        let key = (known.repository.clone(), known.pull.number);
        match self.mergeable.get(&key) {
            Some(Mergeability::Unknown) | None => {
                let repo = self.live.github.repo(&known.repository)?;
                Ok(repo.pull_request(known.pull.number).await?.mergeable)
            }
            Some(mergeable) => Ok(*mergeable),
        }
    }

    /// Returns whether a run would go on with a merge that GitHub does not show on the base branch yet: the run would take
    /// the image before it for one that came after it, and the catalog would never be told.
    pub(super) async fn is_too_early(&self, step: &NextStep) -> bool {
        let NextStep::GoOn(resumed) = step else {
            return false;
        };
        let Some(proposal) = resumed.proposal.as_ref().filter(|it| it.is_merged) else {
            return false;
        };
        let merged = self.pulls.iter().find(|known| {
            (&known.repository, known.pull.number) == (&proposal.repository, proposal.pull_request)
        });
        let Some(known) = merged.filter(|known| self.is_fresh(known)) else {
            return false;
        };
        let (Some(commit), Ok(repo)) = (
            &known.pull.merge_commit,
            self.live.github.repo(&known.repository),
        ) else {
            return false;
        };
        // What cannot be told goes on, as after ten minutes.
        repo.contains(&known.pull.base, commit)
            .await
            .is_ok_and(|is_there| !is_there)
    }

    fn is_fresh(&self, known: &ProposedPull) -> bool {
        let merged_at: Option<Timestamp> = known
            .pull
            .merged_at
            .as_deref()
            .and_then(|at| at.parse().ok());
        merged_at.is_some_and(|at| self.terms.now.duration_since(at) < MERGE_LAG)
    }

    /// Returns the newest later run of the same action for the same target that has merged something, and the number of its
    /// pull request.
    pub(super) fn overtaken(&self, run: &PortRun) -> Option<(&PortRun, u32)> {
        let later = |id: &String| {
            let known = self.ended.get(id);
            known
                .or_else(|| self.runs.iter().find(|other| other.id == *id))
                .filter(|other| {
                    other.subject() == run.subject()
                        && other.action() == run.action()
                        && started(other) > started(run)
                })
        };
        let merged = self
            .pulls
            .iter()
            .filter(|known| known.pull.state == PullState::Merged)
            // A run that goes on with this one's pull request overtakes nothing.
            .filter(|known| !known.pull.runs.contains(&run.id));
        merged
            .filter_map(|known| {
                let newer = known.pull.runs.iter().find_map(later)?;
                Some((newer, known.pull.number))
            })
            .max_by_key(|(newer, _)| started(newer))
    }
}
