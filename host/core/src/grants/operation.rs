//! The operation of a call, and its targets.

use crate::call::Call;
use crate::contract::{Change, EntityKey, Proposal};

/// An operation that can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Add lines to the log of the Port run.
    Note,
    /// Know who started the run by e-mail address and name, not only by Port's identifier.
    ReadActor,
    /// Know what reviewers of GitHub's environments said of the workflow run.
    ReadReviews,
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
    /// Read attestations of artifacts.
    ReadAttestations,
    /// Read images in registries.
    ReadImage,
    /// Commit to a branch of its own and open a pull request.
    Propose,
    /// Comment, label, ask for reviews.
    Decorate,
    /// Merge.
    Merge,
    /// Keep the host's status on what was proposed.
    KeepStatus,
    /// Keep the host's comment under what was proposed.
    KeepComment,
    /// Record what was promoted as a deployment at GitHub.
    KeepDeployment,
}

impl Operation {
    /// Every operation with the name that grants use, in the order of the enum.
    pub const NAMES: [(Self, &'static str); 19] = [
        (Self::Note, "run.note"),
        (Self::ReadActor, "run.actor"),
        (Self::ReadReviews, "run.reviews"),
        (Self::GetEntity, "port.get-entity"),
        (Self::Search, "port.search"),
        (Self::UpdateEntity, "port.update-entity"),
        (Self::ReadFile, "github.read-file"),
        (Self::ReadPullRequest, "github.read-pull-request"),
        (Self::ReadChecks, "github.read-checks"),
        (Self::ReadRules, "github.read-rules"),
        (Self::ReadCommits, "github.read-commits"),
        (Self::ReadAttestations, "github.attestations"),
        (Self::ReadImage, "registry.read"),
        (Self::Propose, "github.propose"),
        (Self::Decorate, "github.decorate"),
        (Self::Merge, "github.merge"),
        (Self::KeepStatus, "github.status"),
        (Self::KeepComment, "github.comment"),
        (Self::KeepDeployment, "github.deployment"),
    ];

    /// The name that grants use.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize].1
    }

    /// Whether the host alone asks for it, and no function of the contract.
    pub fn is_hosts(self) -> bool {
        matches!(
            self,
            Self::ReadActor
                | Self::ReadReviews
                | Self::KeepStatus
                | Self::KeepComment
                | Self::KeepDeployment
        )
    }

    /// Whether it changes Port or GitHub.
    pub fn is_write(self) -> bool {
        matches!(
            self,
            Self::Note
                | Self::UpdateEntity
                | Self::Propose
                | Self::Decorate
                | Self::Merge
                | Self::KeepStatus
                | Self::KeepComment
                | Self::KeepDeployment
        )
    }
}

/// The target of a call: the fields that a grant can speak of.
#[derive(Debug)]
pub enum CallTarget<'a> {
    /// The Port run itself.
    Run,
    /// Entities of one blueprint; no identifier means a search.
    Entity {
        /// Blueprint.
        blueprint: &'a str,
        /// Identifier.
        identifier: Option<&'a str>,
        /// The change, for an update.
        change: Option<&'a Change>,
    },
    /// Something in a repository.
    Repository(RepositoryTarget<'a>),
    /// An image in a registry.
    Image {
        /// Its reference, as the policy wrote it.
        reference: &'a str,
    },
}

/// Something in a repository.
#[derive(Clone, Debug, Default)]
pub struct RepositoryTarget<'a> {
    /// `owner/name`.
    pub repository: &'a str,
    /// Number of a pull request.
    pub number: Option<u32>,
    /// Files read or changed.
    pub paths: Vec<&'a str>,
    /// The branch that is written to or deleted.
    pub head: Option<&'a str>,
    /// The branch that the change is for.
    pub base: Option<&'a str>,
}

impl Call {
    /// The operation, and each target that must be granted; none for calls that reach no service.
    ///
    /// Calls about a pull request by number name no branch here: the gate adds the branches of the pull request that it
    /// has seen.
    pub fn targets(&self) -> Option<(Operation, Vec<CallTarget<'_>>)> {
        use Operation as O;
        let of = |operation, target| (operation, vec![CallTarget::Repository(target)]);
        let at = |operation, repository| {
            of(
                operation,
                RepositoryTarget {
                    repository,
                    ..RepositoryTarget::default()
                },
            )
        };
        let pull = |operation, repository, number: &u32| {
            of(
                operation,
                RepositoryTarget {
                    repository,
                    number: Some(*number),
                    ..RepositoryTarget::default()
                },
            )
        };
        Some(match self {
            Self::Now | Self::Sleep { .. } | Self::CheckRules { .. } | Self::IsGranted { .. } => {
                return None;
            }
            Self::Note { .. } => (O::Note, vec![CallTarget::Run]),
            Self::GetEntity { key } => (O::GetEntity, vec![entity(key, None)]),
            Self::GetEntities { keys } => (
                O::GetEntity,
                keys.iter().map(|key| entity(key, None)).collect(),
            ),
            Self::Search { blueprint, .. } => (
                O::Search,
                vec![CallTarget::Entity {
                    blueprint,
                    identifier: None,
                    change: None,
                }],
            ),
            Self::UpdateEntity { key, change } => {
                (O::UpdateEntity, vec![entity(key, Some(change))])
            }
            Self::ReadFile {
                repository, path, ..
            } => of(
                O::ReadFile,
                RepositoryTarget {
                    repository,
                    paths: vec![path],
                    ..RepositoryTarget::default()
                },
            ),
            Self::GetPullRequest { repository, number }
            | Self::GetPullPeople { repository, number } => {
                pull(O::ReadPullRequest, repository, number)
            }
            Self::FindPullRequests { repository, .. }
            | Self::GetCommitPulls { repository, .. }
            | Self::GetFilePulls { repository, .. } => at(O::ReadPullRequest, repository),
            Self::GetChecks { repository, .. } => at(O::ReadChecks, repository),
            Self::GetBranchRules { repository, .. } => at(O::ReadRules, repository),
            Self::GetCommit { repository, .. } | Self::Compare { repository, .. } => {
                at(O::ReadCommits, repository)
            }
            Self::GetAttestations { repository, .. } => at(O::ReadAttestations, repository),
            Self::GetDigest { reference }
            | Self::GetImage { reference }
            | Self::GetImageAttestations { reference } => {
                (O::ReadImage, vec![CallTarget::Image { reference }])
            }
            Self::Propose {
                proposal:
                    Proposal {
                        repository,
                        base,
                        head,
                        changes,
                        ..
                    },
            } => {
                let paths = changes.iter().map(|change| change.path.as_str()).collect();
                of(
                    O::Propose,
                    RepositoryTarget {
                        repository,
                        number: None,
                        paths,
                        head: Some(head),
                        base: Some(base),
                    },
                )
            }
            Self::DeleteBranch { repository, branch } => of(
                O::Propose,
                RepositoryTarget {
                    repository,
                    head: Some(branch),
                    ..RepositoryTarget::default()
                },
            ),
            Self::ClosePullRequest { repository, number } => pull(O::Propose, repository, number),
            Self::Comment {
                repository, number, ..
            }
            | Self::AddLabels {
                repository, number, ..
            }
            | Self::RequestReviewers {
                repository, number, ..
            } => pull(O::Decorate, repository, number),
            Self::Merge {
                repository, number, ..
            }
            | Self::MergeWhenReady {
                repository, number, ..
            } => pull(O::Merge, repository, number),
        })
    }
}

fn entity<'a>(key: &'a EntityKey, change: Option<&'a Change>) -> CallTarget<'a> {
    CallTarget::Entity {
        blueprint: &key.blueprint,
        identifier: Some(&key.identifier),
        change,
    }
}
