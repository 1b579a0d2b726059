//! The state of a repository.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::attestations::StoredAttestation;
use super::deployments::DeploymentEntry;
use super::environments::EnvironmentRule;
pub use super::pull_state::{
    AutoMerge, IssueLabel, MergeStyle, PullComment, PullRequest, PullReview, PullState, QueueEntry,
    ReviewState,
};
use super::rules::BranchRules;
use super::workflows::{WorkflowFile, WorkflowRun};
use crate::git::{ObjectId, ObjectStore};

/// A ref that changed, and that some reads still see as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StaleRef {
    /// The value before the change.
    pub(super) old: Option<ObjectId>,
    /// The number of reads that still see it.
    pub(super) left: u32,
    /// The time from which nobody sees it any more.
    pub(super) until: Timestamp,
}

/// A repository and everything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryState {
    /// Number, for ever; names change.
    pub id: u64,
    /// User or organisation.
    pub owner: String,
    /// Name.
    pub name: String,
    /// `owner/name` of earlier days, which redirect.
    pub renamed_from: Vec<String>,
    /// The settings of its owner.
    pub settings: RepositorySettings,
    /// Objects.
    pub git: ObjectStore,
    /// Full names (`refs/heads/main`) and what they point at.
    pub refs: BTreeMap<String, ObjectId>,
    /// Refs that lag.
    pub(super) stale: BTreeMap<String, StaleRef>,
    /// Pull requests by number.
    pub pulls: BTreeMap<u64, PullRequest>,
    /// Labels by name.
    pub labels: BTreeMap<String, IssueLabel>,
    /// Logins of those who may be asked for a review, with write access.
    pub collaborators: BTreeSet<String>,
    /// Rules by branch.
    pub rules: BTreeMap<String, BranchRules>,
    /// Check runs, oldest first.
    pub check_runs: Vec<CheckRun>,
    /// Commit statuses, oldest first.
    pub statuses: Vec<CommitStatus>,
    /// The checks that run on every pushed commit, unless a workflow's own token pushed it.
    pub ci: Vec<PushCheck>,
    /// Workflows that GitHub knows.
    pub workflows: Vec<WorkflowFile>,
    /// Runs of workflows, oldest first.
    pub workflow_runs: Vec<WorkflowRun>,
    /// Environments.
    pub environments: Vec<EnvironmentRule>,
    /// Deployments, oldest first.
    pub deployments: Vec<DeploymentEntry>,
    /// Attestations, oldest first.
    pub attestations: Vec<StoredAttestation>,
    /// Commits that GitHub signed.
    pub verified: BTreeSet<ObjectId>,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time of the last push.
    pub pushed_at: Timestamp,
}

/// The settings of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositorySettings {
    /// The base of most pull requests.
    pub default_branch: String,
    /// True if it is hidden from those without access.
    pub private: bool,
    /// True if it is read-only.
    pub archived: bool,
    /// True if `merge` is a way to merge.
    pub allow_merge_commit: bool,
    /// True if `squash` is a way to merge.
    pub allow_squash_merge: bool,
    /// True if `rebase` is a way to merge.
    pub allow_rebase_merge: bool,
    /// True if auto-merge may be enabled. GitHub's default is that it may not.
    pub allow_auto_merge: bool,
    /// True if a merged pull request's branch goes away by itself.
    pub delete_branch_on_merge: bool,
    /// True if issues are on; off, comments and labels answer 410.
    pub has_issues: bool,
    /// True if `GITHUB_TOKEN` may open pull requests.
    pub actions_may_create_pulls: bool,
    /// True if rules can be asked for: a private repository of a free plan has none and answers 403.
    pub rules_available: bool,
}

impl Default for RepositorySettings {
    fn default() -> Self {
        Self {
            default_branch: "main".into(),
            private: true,
            archived: false,
            allow_merge_commit: true,
            allow_squash_merge: true,
            allow_rebase_merge: true,
            allow_auto_merge: false,
            delete_branch_on_merge: false,
            has_issues: true,
            actions_may_create_pulls: true,
            rules_available: true,
        }
    }
}

/// A check run, which ends by itself when its time comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    /// Id.
    pub id: u64,
    /// The commit.
    pub commit: ObjectId,
    /// Name, which a rule may require.
    pub name: String,
    /// The time at which it started.
    pub started_at: Timestamp,
    /// The time at which it ends, if ever.
    pub completes_at: Option<Timestamp>,
    /// The conclusion that it ends with: `success`, `failure` and so on.
    pub conclusion: String,
}

impl CheckRun {
    /// The conclusion, once it is known.
    pub fn conclusion_at(&self, now: Timestamp) -> Option<&str> {
        let completed = self.completes_at.is_some_and(|end| end <= now);
        completed.then_some(&self.conclusion)
    }
}

/// A commit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitStatus {
    /// Id.
    pub id: u64,
    /// The commit.
    pub commit: ObjectId,
    /// Name, which a rule may require.
    pub context: String,
    /// `error`, `failure`, `pending` or `success`.
    pub state: String,
    /// A description in words.
    pub description: Option<String>,
    /// A page.
    pub target_url: Option<String>,
    /// Login of the user who set it.
    pub creator: String,
    /// The time at which it was set.
    pub created_at: Timestamp,
}

/// A check that runs on every pushed commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushCheck {
    /// Name.
    pub name: String,
    /// The time that it takes; none if it never ends.
    pub takes: Option<SignedDuration>,
    /// The conclusion that it ends with.
    pub conclusion: String,
}

impl RepositoryState {
    /// Returns whether somebody may write to it; GitHub takes names of users in any case.
    pub fn is_collaborator(&self, login: &str) -> bool {
        let mut known = self.collaborators.iter();
        known.any(|one| one.eq_ignore_ascii_case(login))
    }

    /// `owner/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The head of a branch.
    pub fn branch(&self, name: &str) -> Option<ObjectId> {
        self.refs.get(&format!("refs/heads/{name}")).copied()
    }

    /// The rules of a branch; without an entry there are none.
    pub fn rules_of(&self, branch: &str) -> BranchRules {
        self.rules.get(branch).cloned().unwrap_or_default()
    }

    /// The commit that a branch, a tag, a full ref or an id names.
    pub fn resolve(&self, name: &str) -> Option<ObjectId> {
        let named = ["refs/heads/", "refs/tags/", "refs/", ""]
            .iter()
            .find_map(|prefix| self.refs.get(&format!("{prefix}{name}")));
        let id = named.copied().or_else(|| match name {
            "HEAD" => self.branch(&self.settings.default_branch),
            _ => name.parse().ok(),
        })?;
        self.git.commit(id).map(|_| id)
    }

    /// The number that the next issue or pull request gets.
    pub(super) fn next_number(&self) -> u64 {
        self.pulls.keys().next_back().map_or(1, |last| last + 1)
    }

    /// Adds a line of text for each thing that clients can see.
    pub(super) fn describe(&self, lines: &mut Vec<String>) {
        let name = self.full_name();
        lines.push(format!("{name}: {:?}", self.settings));
        lines.push(format!("{name}: {} objects", self.git.len()));
        lines.extend(
            self.refs
                .iter()
                .map(|(name_, id)| format!("{name} {name_} {id}")),
        );
        for pull in self.pulls.values() {
            let pull = PullRequest {
                asked: None,
                assessed: None,
                ..pull.clone()
            };
            lines.push(format!("{name}#{}: {pull:?}", pull.number));
        }
        lines.extend(
            self.labels
                .values()
                .map(|label| format!("{name}: {label:?}")),
        );
        lines.extend(self.check_runs.iter().map(|run| format!("{name}: {run:?}")));
        lines.extend(
            self.statuses
                .iter()
                .map(|status| format!("{name}: {status:?}")),
        );
        lines.extend(
            self.workflow_runs
                .iter()
                .map(|run| format!("{name}: {run:?}")),
        );
    }
}
