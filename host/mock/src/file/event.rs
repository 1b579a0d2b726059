//! What others do, in a world file.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use toml::Spanned;

use super::{Place, WorldFileError, duration};
use crate::event::{Event, Foreign, Sync};
use crate::{Service, World, github};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EventFile {
    /// How long after the beginning.
    after: Option<SignedDuration>,
    /// Just before this operation of GitHub is next asked for.
    before_operation: Option<String>,
    /// Just after this operation of GitHub next succeeds.
    after_operation: Option<String>,
    then: ThenFile,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ThenFile {
    Sync(Sync),
    Request(Foreign),
    Commit {
        repository: String,
        #[serde(default = "main")]
        branch: String,
        files: BTreeMap<String, String>,
    },
    Close {
        repository: String,
    },
    Merge {
        repository: String,
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
    RevokeTokens(Service),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewFile {
    Approved,
    ChangesRequested,
    Commented,
}

fn main() -> String {
    "main".to_owned()
}

impl From<ThenFile> for Event {
    fn from(file: ThenFile) -> Self {
        use github::Event as There;
        Self::GitHub(match file {
            ThenFile::Sync(sync) => return Self::Sync(sync),
            ThenFile::Request(foreign) => return Self::Request(foreign),
            ThenFile::RevokeTokens(Service::Port) => return Self::RevokePortTokens,
            ThenFile::RevokeTokens(Service::GitHub) => There::RevokeTokens,
            ThenFile::Commit {
                repository,
                branch,
                files,
            } => There::Commit {
                repository,
                branch,
                files,
            },
            ThenFile::Close { repository } => There::Close { repository },
            ThenFile::Merge { repository } => There::Merge { repository },
            ThenFile::Review {
                repository,
                user,
                state,
            } => {
                let state = match state {
                    ReviewFile::Approved => github::ReviewState::Approved,
                    ReviewFile::ChangesRequested => github::ReviewState::ChangesRequested,
                    ReviewFile::Commented => github::ReviewState::Commented,
                };
                There::Review {
                    repository,
                    user,
                    state,
                }
            }
            ThenFile::Check {
                repository,
                name,
                conclusion,
            } => There::Check {
                repository,
                name,
                conclusion,
            },
            ThenFile::DeleteBranch { repository, branch } => {
                There::DeleteBranch { repository, branch }
            }
        })
    }
}

/// Schedules an event: at a time, or around an operation of GitHub.
pub(super) fn schedule(
    at: &Place<'_>,
    file: Spanned<EventFile>,
    world: &mut World,
) -> Result<(), WorldFileError> {
    let offset = file.span().start;
    let file = file.into_inner();
    let event = Event::from(file.then);
    let when = match (file.after, file.before_operation, file.after_operation) {
        (Some(after), None, None) => {
            world.after(duration(after), event);
            return Ok(());
        }
        (None, Some(operation), None) => github::When::Before(operation),
        (None, None, Some(operation)) => github::When::After(operation),
        _ => {
            let message = "it needs one of `after`, `before-operation` and `after-operation`";
            return Err(at.error(offset, "events", message));
        }
    };
    if let github::When::Before(operation) | github::When::After(operation) = &when
        && !github::operations().any(|known| known == operation)
    {
        let near = promote_core::near::near(operation, github::operations());
        let hint = near
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        return Err(at.error(
            offset,
            "events",
            format!("GitHub has no operation `{operation}` here{hint}"),
        ));
    }
    let Event::GitHub(event) = event else {
        let message = "only what happens at GitHub can be tied to one of its operations";
        return Err(at.error(offset, "events", message));
    };
    world
        .github
        .schedule
        .push(github::Scheduled { when, event });
    Ok(())
}
