//! The commits of a branch, their authors and their changes: the comparison of a branch with its base.
//!
//! A commit is ours if GitHub names its author as it names the author of a commit that this run made with the same
//! credentials, if it is signed where GitHub signs ours, and if its trailer names the branch. A message alone proves
//! nothing: anybody can write one.

use std::sync::PoisonError;

use jiff::Timestamp;
use serde::Deserialize;

use super::plan_bond::PLAN_TRAILER;
use crate::contract::Proposal;
use crate::service::github::{ObjectSha, Repo, blob_id};
use crate::service::http::{ServiceResult, seg, segs};

/// The line that marks a commit as ours. It names the branch, so a commit is ours only where we would have put it.
pub(in crate::service::github) const TRAILER: &str = "Promotion-Branch";

/// The user of a workflow's own token.
const WORKFLOW_LOGIN: &str = "github-actions[bot]";

/// The author of the commits that this run makes, as GitHub fills it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::service::github) struct CommitIdentity {
    name: String,
    email: String,
    is_signed: bool,
}

/// A commit as "Create a commit" answers it.
#[derive(Deserialize)]
pub(super) struct CreatedCommit {
    pub(super) sha: String,
    author: CommitPerson,
    #[serde(default)]
    verification: SignatureCheck,
}

/// A comparison, as far as it is looked at ("Compare two commits").
#[derive(Debug, Deserialize)]
pub(in crate::service::github) struct BranchComparison {
    #[serde(default)]
    behind_by: usize,
    total_commits: usize,
    commits: Vec<ComparedCommit>,
    #[serde(default)]
    files: Vec<ComparedFile>,
}

#[derive(Debug, Deserialize)]
struct ComparedCommit {
    sha: String,
    commit: CommitText,
    parents: Vec<ObjectSha>,
}

#[derive(Debug, Deserialize)]
struct CommitText {
    message: String,
    author: CommitPerson,
    committer: CommitPerson,
    #[serde(default)]
    verification: SignatureCheck,
}

#[derive(Debug, Deserialize)]
struct CommitPerson {
    name: String,
    email: String,
    date: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
struct SignatureCheck {
    verified: bool,
}

#[derive(Debug, Deserialize)]
struct ComparedFile {
    filename: String,
    status: String,
    sha: Option<String>,
}

impl Repo<'_> {
    /// Takes note of the author of a commit that this run has just made.
    pub(super) fn note_identity(&self, created: &CreatedCommit) {
        self.note_author(Some(CommitIdentity::new(
            &created.author.name,
            &created.author.email,
            created.verification.verified,
        )));
    }

    /// Likewise, as far as it is known: nothing is ours without it.
    pub(super) fn note_author(&self, identity: Option<CommitIdentity>) {
        *self
            .client
            .identity
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = identity;
    }

    /// Returns whether this run's credentials are a workflow's own token: nothing that it does starts a workflow by itself
    /// ("Triggering a workflow"). The author of the commit of this run tells.
    pub(in crate::service::github) fn acts_as_workflow(&self) -> bool {
        self.identity()
            .is_some_and(|identity| identity.name == WORKFLOW_LOGIN)
    }

    fn identity(&self) -> Option<CommitIdentity> {
        self.client
            .identity
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns the plan that commits of ours name.
    pub(super) fn plan_of(&self, comparison: &BranchComparison, head: &str) -> Option<String> {
        let identity = self.identity()?;
        let mark = format!("{TRAILER}: {head}");
        let own = comparison.commits.iter().map(|compared| &compared.commit);
        own.filter(|commit| identity.made(commit, &mark))
            .find_map(|commit| {
                let mut lines = commit.message.lines();
                lines.find_map(|line| line.strip_prefix(PLAN_TRAILER)?.strip_prefix(": "))
            })
            .map(str::to_owned)
    }

    /// Compares a commit with the base branch.
    pub(in crate::service::github) async fn compare_with_base(
        &self,
        base: &str,
        commit: &str,
    ) -> ServiceResult<BranchComparison> {
        let target = format!("/compare/{}...{}?per_page=100", segs(base), seg(commit));
        self.get(target).await
    }

    /// Returns whether every commit of a comparison is ours, or a merge of the base such as GitHub's "Update branch" makes.
    /// What such a merge adds beyond the base is seen in the files.
    pub(in crate::service::github) fn are_ours(
        &self,
        comparison: &BranchComparison,
        head: &str,
    ) -> bool {
        let Some(identity) = self.identity() else {
            return false;
        };
        let mark = format!("{TRAILER}: {head}");
        comparison.commits.len() == comparison.total_commits
            && comparison.commits.iter().all(|compared| {
                comparison.is_base_merge(compared) || identity.made(&compared.commit, &mark)
            })
    }
}

impl CommitIdentity {
    pub(super) fn new(name: &str, email: &str, is_signed: bool) -> Self {
        Self {
            name: name.to_owned(),
            email: email.to_owned(),
            is_signed,
        }
    }

    fn made(&self, commit: &CommitText, mark: &str) -> bool {
        commit.author.name == self.name
            && commit.author.email == self.email
            && (commit.verification.verified || !self.is_signed)
            && commit.message.lines().any(|line| line == mark)
    }
}

impl BranchComparison {
    /// Returns whether a commit merges the base into another commit of the branch. All commits are listed that the base
    /// does not hold, so a parent that is not listed is of the base.
    fn is_base_merge(&self, compared: &ComparedCommit) -> bool {
        let is_listed = |parent: &ObjectSha| self.commits.iter().any(|one| one.sha == parent.sha);
        match &compared.parents[..] {
            [first, second] => is_listed(first) && !is_listed(second),
            _ => false,
        }
    }

    /// Returns whether the commits change exactly the files of a proposal, each to exactly its proposed content.
    pub(in crate::service::github) fn is_exactly(&self, proposal: &Proposal) -> bool {
        self.files.len() == proposal.changes.len()
            && proposal.changes.iter().all(|change| {
                let blob = blob_id(change.content.as_bytes());
                self.files.iter().any(|file| {
                    file.filename == change.path
                        && file.status == "modified"
                        && file.sha.as_deref() == Some(&blob)
                })
            })
    }

    /// Returns the names of files that differ, which are foreign to a proposal or not as proposed.
    pub(in crate::service::github) fn surplus(&self, proposal: &Proposal) -> Vec<&str> {
        self.files
            .iter()
            .filter(|file| {
                !proposal.changes.iter().any(|change| {
                    change.path == file.filename
                        && file.sha.as_deref() == Some(&blob_id(change.content.as_bytes()))
                })
            })
            .map(|file| file.filename.as_str())
            .collect()
    }

    /// Returns whether the base has commits that the branch does not.
    pub(super) fn is_behind(&self) -> bool {
        self.behind_by > 0
    }

    /// Returns when the newest commit was made.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.commits.last()?.commit.committer.date
    }
}
