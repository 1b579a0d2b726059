//! Calls as data: the narrow waist between a policy and everything else.
//!
//! Every import of the contract becomes one [`Call`], and is answered by one [`Reply`] or one failure. Gate, journal,
//! grants and sources only know these. Because a call is a value, it can be compared, written to a journal and read again:
//!
//! ```
//! use promote_core::call::Call;
//!
//! let merge = Call::DeleteBranch {
//!     repository: "acme/gitops".into(),
//!     branch: "promote/web".into(),
//! };
//! let line = serde_json::to_string(&merge)?;
//! assert_eq!(serde_json::from_str::<Call>(&line)?, merge);
//! assert_eq!(merge.to_string(), "delete branch acme/gitops from promote/web"); // for people
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Next: [`grants`](crate::grants), which decide about it.

pub mod contrast;
mod display;

use serde::{Deserialize, Serialize};

use crate::contract::{
    Attestations, BranchRules, Candidate, Change, Check, Commit, Comparison, Entity, EntityKey,
    Failure, File, Image, MergeMethod, Merged, Proposal, PullFilter, PullPeople, PullRequest,
    Reason, Severity,
};
use crate::grants::CallTarget;

/// One call of the policy, complete: two equal calls ask for the same thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "fields are named and documented in wit/")]
pub enum Call {
    /// `env.now`
    Now,
    /// `env.sleep`
    Sleep { seconds: u32 },
    /// `run-log.note`
    Note { severity: Severity, message: String },
    /// `port-read.get-entity`
    GetEntity { key: EntityKey },
    /// `port-read.get-entities`
    GetEntities { keys: Vec<EntityKey> },
    /// `port-read.search`
    Search { blueprint: String, query: String },
    /// `port-write.update-entity`
    UpdateEntity { key: EntityKey, change: Change },
    /// `github-read.read-file`
    ReadFile {
        repository: String,
        path: String,
        revision: String,
    },
    /// `github-read.get-pull-request`
    GetPullRequest { repository: String, number: u32 },
    /// `github-read.get-pull-people`
    GetPullPeople { repository: String, number: u32 },
    /// `github-read.find-pull-requests`
    FindPullRequests {
        repository: String,
        head: String,
        base: String,
        filter: PullFilter,
    },
    /// `github-read.get-commit-pulls`
    GetCommitPulls { repository: String, commit: String },
    /// `github-read.get-file-pulls`
    GetFilePulls {
        repository: String,
        path: String,
        branch: String,
    },
    /// `github-read.get-checks`
    GetChecks {
        repository: String,
        commit: String,
        base: String,
    },
    /// `github-read.get-branch-rules`
    GetBranchRules { repository: String, branch: String },
    /// `github-read.get-commit`
    GetCommit {
        repository: String,
        revision: String,
    },
    /// `github-read.compare`
    Compare {
        repository: String,
        base: String,
        head: String,
    },
    /// `github-read.get-attestations`
    GetAttestations { repository: String, digest: String },
    /// `registry-read.is-granted`
    IsGranted { reference: String },
    /// `registry-read.get-digest`
    GetDigest { reference: String },
    /// `registry-read.get-image`
    GetImage { reference: String },
    /// `registry-read.get-image-attestations`
    GetImageAttestations { reference: String },
    /// `rules.check`
    CheckRules { candidate: Candidate },
    /// `github-propose.propose`
    Propose { proposal: Proposal },
    /// `github-propose.delete-branch`
    DeleteBranch { repository: String, branch: String },
    /// `github-propose.close-pull-request`
    ClosePullRequest { repository: String, number: u32 },
    /// `github-propose.comment`
    Comment {
        repository: String,
        number: u32,
        marker: String,
        body: String,
    },
    /// `github-propose.add-labels`
    AddLabels {
        repository: String,
        number: u32,
        labels: Vec<String>,
    },
    /// `github-propose.request-reviewers`
    RequestReviewers {
        repository: String,
        number: u32,
        users: Vec<String>,
        teams: Vec<String>,
    },
    /// `github-merge.merge`
    Merge {
        repository: String,
        number: u32,
        expected_head: String,
        method: MergeMethod,
    },
    /// `github-merge.merge-when-ready`
    MergeWhenReady {
        repository: String,
        number: u32,
        expected_head: String,
        method: MergeMethod,
    },
}

/// The answer to a [`Call`]; which variant answers which call is fixed by the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// Done, with nothing to say.
    Done(()),
    /// The time.
    Time(String),
    /// An entity, or none.
    Entity(Option<Entity>),
    /// Entities in the order asked for.
    Entities(Vec<Option<Entity>>),
    /// Entities found by a search.
    Found(Vec<Entity>),
    /// An entity after an update.
    Updated(Entity),
    /// A file, or none.
    File(Option<File>),
    /// A pull request.
    PullRequest(PullRequest),
    /// The people behind a pull request.
    PullPeople(PullPeople),
    /// Pull requests, newest first.
    PullRequests(Vec<PullRequest>),
    /// Checks of a commit.
    Checks(Vec<Check>),
    /// Rules of a branch.
    BranchRules(BranchRules),
    /// A commit, or none.
    Commit(Option<Commit>),
    /// A comparison.
    Comparison(Comparison),
    /// Attestations, verified.
    Attestations(Attestations),
    /// Whether a read is granted.
    Granted(bool),
    /// The digest of an image, or none.
    Digest(Option<String>),
    /// An image, or none.
    Image(Option<Image>),
    /// What the rules have against a promotion.
    Reasons(Vec<Reason>),
    /// The result of a merge.
    Merged(Merged),
}

impl Call {
    /// Whether the call changes Port or GitHub. `run-log.note` does, in Port's run.
    pub fn is_write(&self) -> bool {
        self.targets()
            .is_some_and(|(operation, _)| operation.is_write())
    }

    /// Whether this call, a write, could change what a read returns: Port's whole catalog, or one repository. No call writes
    /// to a registry.
    pub fn touches(&self, read: &Self) -> bool {
        !read.is_about_image() && self.repository() == read.repository()
    }

    /// Whether it is about an image in a registry.
    fn is_about_image(&self) -> bool {
        matches!(
            self,
            Self::IsGranted { .. }
                | Self::GetDigest { .. }
                | Self::GetImage { .. }
                | Self::GetImageAttestations { .. }
        )
    }

    /// Returns the repository that a call is about; none if it is about Port, or reaches no service.
    fn repository(&self) -> Option<&str> {
        let (_, targets) = self.targets()?;
        targets.into_iter().find_map(|target| match target {
            CallTarget::Repository(at) => Some(at.repository),
            _ => None,
        })
    }
}

/// The failure of a call: one that the policy is told, or one that ends it.
#[derive(Debug)]
pub enum Fault {
    /// The policy is told.
    Failure(Failure),
    /// The policy ends here: a limit, a journal that cannot be written, a replay that does not match.
    Trap(wasmtime::Error),
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}
