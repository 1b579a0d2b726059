//! A proposal of this run, and what became of it.

use jiff::Timestamp;

use crate::contract::{Proposal, PullRequest};
use crate::id::{BranchFile, CommitId};

/// A merge whose files are not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gate) struct UnreadMerge {
    /// The commit of the merge.
    pub(in crate::gate) commit: CommitId,
    /// The beginning of the call that merged; none if it was merged before.
    pub(in crate::gate) since: Option<Timestamp>,
}

/// A proposal of this run, and what became of it.
#[derive(Clone, Debug)]
pub struct ProposalRecord {
    /// The proposal.
    pub proposal: Proposal,
    /// Its pull request, as it was answered.
    pub pull: PullRequest,
    /// The text of each changed file before.
    pub(super) before: Vec<String>,
    pub(super) merge: MergeRecord,
}

/// The merge of a proposal, as far as this run knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MergeRecord {
    /// Not merged.
    Open,
    /// Merged; the files are not read again yet.
    Unread(UnreadMerge),
    /// Merged, and read at the merge commit.
    Read,
}

impl ProposalRecord {
    /// Returns the files that the proposal changes, on its base branch.
    pub(super) fn files(&self) -> Vec<BranchFile> {
        let Proposal {
            repository,
            base,
            changes,
            ..
        } = &self.proposal;
        changes
            .iter()
            .map(|change| BranchFile::new(repository, base, &change.path))
            .collect()
    }

    /// Returns the numbers of the lines that the change of this index changes, from 1.
    pub(super) fn changed_lines(&self, index: usize) -> Vec<usize> {
        let before = self.before[index].lines();
        let after = self.proposal.changes[index].content.lines();
        let mut before = before.map(Some).chain(std::iter::repeat(None));
        after
            .zip(1..)
            .filter(|(line, _)| before.next().flatten() != Some(*line))
            .map(|(_, number)| number)
            .collect()
    }
}
