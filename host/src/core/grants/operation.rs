//! What a call does, and on what.

use crate::core::call::Call;
use crate::core::contract::{Change, EntityKey};

/// What can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Add lines to the log of the Port run.
    Note,
    /// Read entities.
    GetEntity,
    /// Search a blueprint's entities.
    Search,
    /// Change an entity.
    UpdateEntity,
    /// Read a file.
    ReadFile,
    /// Read pull requests.
    ReadPullRequest,
    /// Read checks and statuses.
    ReadChecks,
    /// Read what a branch demands.
    ReadRules,
    /// Read and compare commits.
    ReadCommits,
    /// Commit to a branch of its own and open a pull request.
    Propose,
    /// Comment, label, ask for reviews.
    Decorate,
    /// Merge.
    Merge,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 12] = [
        Self::Note,
        Self::GetEntity,
        Self::Search,
        Self::UpdateEntity,
        Self::ReadFile,
        Self::ReadPullRequest,
        Self::ReadChecks,
        Self::ReadRules,
        Self::ReadCommits,
        Self::Propose,
        Self::Decorate,
        Self::Merge,
    ];

    /// The operations that a name in a grant stands for: one, or with `github.read` all that only read GitHub.
    ///
    /// # Errors
    /// Lists the names that there are.
    pub fn named(name: &str) -> Result<Vec<Self>, String> {
        let meant: Vec<Self> = Self::ALL
            .into_iter()
            .filter(|o| {
                o.name() == name || name == "github.read" && o.name().starts_with("github.read-")
            })
            .collect();
        if meant.is_empty() {
            let known: Vec<&str> = Self::ALL.iter().map(|operation| operation.name()).collect();
            return Err(format!(
                "unknown operation `{name}`; there are github.read, {}",
                known.join(", ")
            ));
        }
        Ok(meant)
    }

    /// The name that grants use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "run.note",
            Self::GetEntity => "port.get-entity",
            Self::Search => "port.search",
            Self::UpdateEntity => "port.update-entity",
            Self::ReadFile => "github.read-file",
            Self::ReadPullRequest => "github.read-pull-request",
            Self::ReadChecks => "github.read-checks",
            Self::ReadRules => "github.read-rules",
            Self::ReadCommits => "github.read-commits",
            Self::Propose => "github.propose",
            Self::Decorate => "github.decorate",
            Self::Merge => "github.merge",
        }
    }

    /// Whether it is about a repository.
    pub fn is_github(self) -> bool {
        self.name().starts_with("github.")
    }

    /// Whether it is about entities.
    pub fn is_port(self) -> bool {
        self.name().starts_with("port.")
    }
}

/// What a call is about: the fields that a grant can speak of.
#[derive(Debug)]
pub enum Target<'a> {
    /// The Port run itself.
    Run,
    /// Entities of one blueprint; no identifier means a search.
    Entity {
        /// Blueprint.
        blueprint: &'a str,
        /// Identifier.
        identifier: Option<&'a str>,
        /// What changes, for an update.
        change: Option<&'a Change>,
    },
    /// Something in a repository.
    Repository {
        /// `owner/name`.
        repository: &'a str,
        /// Files read or changed.
        paths: Vec<&'a str>,
        /// The branch that is written to or deleted.
        head: Option<&'a str>,
        /// The branch that the change is for.
        base: Option<&'a str>,
    },
}

impl Call {
    /// The operation, and each target that must be granted; none for calls that reach no service.
    ///
    /// Calls about a pull request by number name only the repository here: the gate adds the branches of the pull
    /// request that it has seen.
    pub fn targets(&self) -> Option<(Operation, Vec<Target<'_>>)> {
        let repository = |repository| {
            vec![Target::Repository {
                repository,
                paths: Vec::new(),
                head: None,
                base: None,
            }]
        };
        Some(match self {
            Self::Now | Self::Sleep { .. } => return None,
            Self::Note { .. } => (Operation::Note, vec![Target::Run]),
            Self::GetEntity { key } => (Operation::GetEntity, vec![of_entity(key, None)]),
            Self::GetEntities { keys } => (
                Operation::GetEntity,
                keys.iter().map(|key| of_entity(key, None)).collect(),
            ),
            Self::Search { blueprint, .. } => (
                Operation::Search,
                vec![Target::Entity {
                    blueprint,
                    identifier: None,
                    change: None,
                }],
            ),
            Self::UpdateEntity { key, change } => {
                (Operation::UpdateEntity, vec![of_entity(key, Some(change))])
            }
            Self::ReadFile {
                repository, path, ..
            } => (
                Operation::ReadFile,
                vec![Target::Repository {
                    repository,
                    paths: vec![path],
                    head: None,
                    base: None,
                }],
            ),
            Self::GetPullRequest { repository: r, .. }
            | Self::FindPullRequests { repository: r, .. } => {
                (Operation::ReadPullRequest, repository(r))
            }
            Self::GetChecks { repository: r, .. } => (Operation::ReadChecks, repository(r)),
            Self::GetBranchRules { repository: r, .. } => (Operation::ReadRules, repository(r)),
            Self::GetCommit { repository: r, .. } | Self::Compare { repository: r, .. } => {
                (Operation::ReadCommits, repository(r))
            }
            Self::Propose { proposal } => (
                Operation::Propose,
                vec![Target::Repository {
                    repository: &proposal.repository,
                    paths: proposal.changes.iter().map(|c| c.path.as_str()).collect(),
                    head: Some(&proposal.head),
                    base: Some(&proposal.base),
                }],
            ),
            Self::DeleteBranch { repository, branch } => (
                Operation::Propose,
                vec![Target::Repository {
                    repository,
                    paths: Vec::new(),
                    head: Some(branch),
                    base: None,
                }],
            ),
            Self::ClosePullRequest { repository: r, .. } => (Operation::Propose, repository(r)),
            Self::Comment { repository: r, .. }
            | Self::AddLabels { repository: r, .. }
            | Self::RequestReviewers { repository: r, .. } => (Operation::Decorate, repository(r)),
            Self::Merge { repository: r, .. } | Self::MergeWhenReady { repository: r, .. } => {
                (Operation::Merge, repository(r))
            }
        })
    }
}

fn of_entity<'a>(key: &'a EntityKey, change: Option<&'a Change>) -> Target<'a> {
    Target::Entity {
        blueprint: &key.blueprint,
        identifier: Some(&key.identifier),
        change,
    }
}
