//! What a pull request holds.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::git::Oid;

/// A way to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// A commit with two parents.
    Merge,
    /// One commit with everything.
    Squash,
    /// The same commits, on top of the base.
    Rebase,
}

impl Method {
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

/// What became of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullState {
    /// Nothing yet.
    Open,
    /// It was closed without a merge.
    Closed {
        /// When.
        at: Timestamp,
    },
    /// It was merged.
    Merged {
        /// When.
        at: Timestamp,
        /// By whom.
        by: String,
        /// The commit on the base branch.
        commit: Oid,
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
    pub head_sha: Oid,
    /// Branch to change.
    pub base: String,
    /// The base when it was opened or last pushed to.
    pub base_sha: Oid,
    /// Whether it is a draft.
    pub draft: bool,
    /// What became of it.
    pub state: PullState,
    /// Names of its labels.
    pub labels: BTreeSet<String>,
    /// Logins.
    pub assignees: Vec<String>,
    /// Logins and team slugs asked for a review.
    pub reviewers: (Vec<String>, Vec<String>),
    /// Reviews, oldest first.
    pub reviews: Vec<Review>,
    /// Comments, oldest first.
    pub comments: Vec<Comment>,
    /// Whether it merges itself once it can.
    pub auto_merge: Option<AutoMerge>,
    /// When it joined the merge queue.
    pub queued_at: Option<Timestamp>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// For which head and base `mergeable` is asked for, and how often it was.
    pub(super) asked: Option<(Oid, Oid, u32)>,
}

/// A merge to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoMerge {
    /// Who asked.
    pub by: String,
    /// How.
    pub method: Method,
    /// First line of the commit, if given.
    pub title: Option<String>,
    /// Rest of the commit, if given.
    pub message: Option<String>,
}

/// What a reviewer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewState {
    /// Yes.
    Approved,
    /// No, not so.
    ChangesRequested,
    /// Neither.
    Commented,
}

/// A review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Id.
    pub id: u64,
    /// Who.
    pub user: String,
    /// What.
    pub state: ReviewState,
    /// Of which commit.
    pub commit: Oid,
    /// When.
    pub at: Timestamp,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Id.
    pub id: u64,
    /// Who.
    pub user: String,
    /// What.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
}

/// A label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Six hexadecimal digits.
    pub color: String,
    /// What for.
    pub description: Option<String>,
}
