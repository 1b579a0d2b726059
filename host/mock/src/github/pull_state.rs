//! The state of a pull request.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::merge::MergeOrder;
use super::mergeable::Mergeability;
use crate::git::ObjectId;

/// A way to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MergeStyle {
    /// A commit with two parents.
    Merge,
    /// One commit with everything.
    Squash,
    /// The same commits, on top of the base.
    Rebase,
}

impl MergeStyle {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Merge, Self::Squash, Self::Rebase];

    /// GitHub's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }

    /// The method of this name, in any case: REST writes it small, GraphQL in capitals.
    pub fn parse(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|method| method.name().eq_ignore_ascii_case(name))
    }
}

/// The state of a pull request: open, closed or merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullState {
    /// It is open.
    Open,
    /// It was closed without a merge.
    Closed {
        /// The time.
        at: Timestamp,
        /// Login of who closed it, if GitHub tells.
        by: Option<String>,
    },
    /// It was merged.
    Merged {
        /// The time.
        at: Timestamp,
        /// Login of the person who merged it.
        by: String,
        /// The commit on the base branch.
        commit: ObjectId,
    },
}

/// A pull request, which is an issue too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Id among everything.
    pub id: u64,
    /// Number in its repository.
    pub number: u64,
    /// Title.
    pub title: String,
    /// Text, if any.
    pub body: Option<String>,
    /// Login of who opened it.
    pub author: String,
    /// Branch with the change.
    pub head: String,
    /// Its newest commit.
    pub head_sha: ObjectId,
    /// Branch to change.
    pub base: String,
    /// The base when it was opened or last pushed to.
    pub base_sha: ObjectId,
    /// True if it is a draft.
    pub draft: bool,
    /// Open, closed or merged.
    pub state: PullState,
    /// Names of its labels.
    pub labels: BTreeSet<String>,
    /// Logins.
    pub assignees: Vec<String>,
    /// Logins and team slugs asked for a review.
    pub reviewers: (Vec<String>, Vec<String>),
    /// Reviews, oldest first.
    pub reviews: Vec<PullReview>,
    /// Comments, oldest first.
    pub comments: Vec<PullComment>,
    /// The merge that happens by itself once the rules are met.
    pub auto_merge: Option<AutoMerge>,
    /// Its place in the merge queue.
    pub queue_entry: Option<QueueEntry>,
    /// The time at which it was opened.
    pub created_at: Timestamp,
    /// The time of its last change.
    pub updated_at: Timestamp,
    /// The head and base that `mergeable` was last asked for, and the number of times.
    pub(super) asked: Option<(ObjectId, ObjectId, u32)>,
    /// The mergeability that was computed last.
    pub(super) assessed: Option<Assessment>,
    /// A merge that was answered with 502 and still happens.
    pub(super) slow_merge: Option<SlowMerge>,
}

impl PullRequest {
    /// Returns the pull request as if nobody had asked whether it can be merged.
    #[must_use]
    pub fn without_looks(&self) -> Self {
        Self {
            asked: None,
            assessed: None,
            ..self.clone()
        }
    }
}

/// A place in the merge queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    /// The time at which the pull request joined the queue.
    pub since: Timestamp,
    /// True if its required checks never start, because a workflow's own token put it there. It then holds up
    /// everything behind it.
    pub is_jammed: bool,
}

/// The result of computing the mergeability of one head and its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Assessment {
    pub(super) head: ObjectId,
    pub(super) mergeability: Mergeability,
    /// The trial merge of head and base; none if they conflict.
    pub(super) trial: Option<ObjectId>,
}

/// A merge that goes on after its request has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SlowMerge {
    pub(super) lands_at: Timestamp,
    pub(super) order: MergeOrder,
}

/// A merge to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoMerge {
    /// Login of the person who asked for it.
    pub by: String,
    /// The way to merge.
    pub method: MergeStyle,
    /// First line of the commit, if given.
    pub title: Option<String>,
    /// Rest of the commit, if given.
    pub message: Option<String>,
    /// True if it was switched on while the pull request could have joined the merge queue at once: GitHub may then
    /// never queue it.
    pub is_swallowed: bool,
}

/// The opinion of a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewState {
    /// The reviewer approves.
    Approved,
    /// The reviewer asks for changes.
    ChangesRequested,
    /// The reviewer gives no opinion.
    Commented,
    /// Somebody has taken back what the reviewer said.
    Dismissed,
}

/// A review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullReview {
    /// Id.
    pub id: u64,
    /// Login of the author.
    pub user: String,
    /// The opinion.
    pub state: ReviewState,
    /// The commit that was reviewed.
    pub commit: ObjectId,
    /// The time of the review.
    pub at: Timestamp,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullComment {
    /// Id.
    pub id: u64,
    /// Login of the author.
    pub user: String,
    /// The text.
    pub body: String,
    /// The time at which it was written.
    pub created_at: Timestamp,
    /// The time of its last edit.
    pub updated_at: Timestamp,
}

/// A label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueLabel {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Six hexadecimal digits.
    pub color: String,
    /// Its purpose, in words.
    pub description: Option<String>,
}
