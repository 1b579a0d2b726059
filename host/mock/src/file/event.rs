//! The events of a world file: deeds of other people, with their time.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use toml::Spanned;

use super::workflow::{EnvironmentReviewFile, status_of};
use super::{FilePlace, WorldFileError, duration, meant};
use crate::event::{
    AwaitedEvent, ForeignRequest, OperatorSync, RequestPattern, RequestTrigger, WorldEvent,
};
use crate::{ServiceName, World, github};

/// An event of a world file: the deed, and its time or the operation that it belongs to.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EventFile {
    /// The time after the beginning at which it happens.
    after: Option<SignedDuration>,
    /// The GitHub operation that it comes just before, the next time one is asked for.
    before_operation: Option<String>,
    /// The GitHub operation that it comes just after, the next time one succeeds.
    after_operation: Option<String>,
    /// The request that it comes just before, the next time one arrives.
    before_request: Option<RequestPattern>,
    /// The request that it comes just after, the next time one is answered well.
    after_request: Option<RequestPattern>,
    then: ThenFile,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum ThenFile {
    Sync(OperatorSync),
    Request(ForeignRequest),
    Commit {
        repository: String,
        #[serde(default = "main")]
        branch: String,
        files: BTreeMap<String, String>,
    },
    Push {
        repository: String,
        files: BTreeMap<String, String>,
    },
    Close {
        repository: String,
    },
    Merge {
        repository: String,
    },
    Retarget {
        repository: String,
        base: String,
    },
    Review {
        repository: String,
        user: String,
        state: ReviewFile,
    },
    Check {
        repository: String,
        name: String,
        conclusion: String,
    },
    #[serde(rename_all = "kebab-case")]
    DeleteBranch {
        repository: String,
        branch: String,
    },
    #[serde(rename_all = "kebab-case")]
    WorkflowRun {
        repository: String,
        workflow: String,
        title: String,
        status: Option<String>,
        conclusion: Option<String>,
    },
    #[serde(rename_all = "kebab-case")]
    EnvironmentReview {
        repository: String,
        title: String,
        review: EnvironmentReviewFile,
    },
    RevokeTokens(ServiceName),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReviewFile {
    Approved,
    ChangesRequested,
    Commented,
    Dismissed,
}

impl From<ReviewFile> for github::ReviewState {
    fn from(file: ReviewFile) -> Self {
        match file {
            ReviewFile::Approved => Self::Approved,
            ReviewFile::ChangesRequested => Self::ChangesRequested,
            ReviewFile::Commented => Self::Commented,
            ReviewFile::Dismissed => Self::Dismissed,
        }
    }
}

fn main() -> String {
    "main".to_owned()
}

impl From<ThenFile> for WorldEvent {
    fn from(file: ThenFile) -> Self {
        use github::GitHubEvent as There;
        Self::GitHub(match file {
            ThenFile::Sync(sync) => return Self::Sync(sync),
            ThenFile::Request(foreign) => return Self::Request(foreign),
            ThenFile::RevokeTokens(ServiceName::Port) => return Self::RevokePortTokens,
            ThenFile::RevokeTokens(ServiceName::GitHub) => There::RevokeTokens,
            ThenFile::RevokeTokens(ServiceName::Registry) => return Self::RevokeRegistryTokens,
            ThenFile::Commit {
                repository,
                branch,
                files,
            } => There::Commit {
                repository,
                branch,
                files,
            },
            ThenFile::Push { repository, files } => There::Push { repository, files },
            ThenFile::Close { repository } => There::Close { repository },
            ThenFile::Merge { repository } => There::Merge { repository },
            ThenFile::Retarget { repository, base } => There::Retarget { repository, base },
            ThenFile::Review {
                repository,
                user,
                state,
            } => There::Review {
                repository,
                user,
                state: state.into(),
            },
            ThenFile::Check {
                repository,
                name,
                conclusion,
            } => There::Check {
                repository,
                name,
                conclusion,
            },
            ThenFile::WorkflowRun {
                repository,
                workflow,
                title,
                status,
                conclusion,
            } => There::WorkflowRun {
                status: status_of(status.as_deref(), conclusion.as_deref()).to_owned(),
                repository,
                workflow,
                title,
                conclusion,
            },
            ThenFile::EnvironmentReview {
                repository,
                title,
                review,
            } => There::EnvironmentReview {
                repository,
                title,
                review: review.into(),
            },
            ThenFile::DeleteBranch { repository, branch } => {
                There::DeleteBranch { repository, branch }
            }
        })
    }
}

/// Returns the words for an operation that this GitHub lacks, with the most similar name that it has.
///
/// The list of names is long, so one suggestion helps more than all of them.
fn unknown_operation(operation: &str) -> String {
    let hint = meant(operation, github::operations());
    format!("GitHub has no operation `{operation}` here{hint}")
}

/// Schedules an event: at a time, or around an operation of GitHub.
pub(super) fn schedule(
    at: &FilePlace<'_>,
    file: Spanned<EventFile>,
    world: &mut World,
) -> Result<(), WorldFileError> {
    let offset = file.span().start;
    let file = file.into_inner();
    let event = WorldEvent::from(file.then);
    let around = [
        file.before_request.map(RequestTrigger::Before),
        file.after_request.map(RequestTrigger::After),
    ];
    let around: Vec<RequestTrigger> = around.into_iter().flatten().collect();
    let when = match (
        file.after,
        file.before_operation,
        file.after_operation,
        around.as_slice(),
    ) {
        (Some(after), None, None, []) => {
            world.after(duration(after), event);
            return Ok(());
        }
        (None, None, None, [when]) => {
            world.awaited.push(AwaitedEvent {
                when: when.clone(),
                then: event,
            });
            return Ok(());
        }
        (None, Some(operation), None, []) => github::EventTrigger::Before(operation),
        (None, None, Some(operation), []) => github::EventTrigger::After(operation),
        _ => {
            let message = "it needs one of `after`, `before-operation`, `after-operation`, `before-request` and \
                           `after-request`";
            return Err(at.error(offset, "events", message));
        }
    };
    if let github::EventTrigger::Before(operation) | github::EventTrigger::After(operation) = &when
        && !github::operations().any(|known| known == operation)
    {
        return Err(at.error(offset, "events", unknown_operation(operation)));
    }
    let WorldEvent::GitHub(event) = event else {
        let message = "only what happens at GitHub can be tied to one of its operations; \
                       `before-request` and `after-request` take any event";
        return Err(at.error(offset, "events", message));
    };
    world
        .github
        .schedule
        .push(github::TriggeredEvent { when, event });
    Ok(())
}
