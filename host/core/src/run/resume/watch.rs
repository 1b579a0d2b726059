//! Whether anybody goes on with what waits: the workflow that resumes, as GitHub shows it.
//!
//! A run that begins to wait looks at it once, and so does `promote doctor`. Nothing is decided on it.

use jiff::{SignedDuration, Timestamp};

use super::WorkflowAccess;
use crate::contract::Failure;
use crate::gate::describe;
use crate::service::github::WorkflowFile;

/// How long ago a run of it may be that succeeded.
const LATELY: SignedDuration = SignedDuration::from_hours(24);

/// How the workflow that resumes stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumeWatch {
    /// It has succeeded lately, or is new.
    Alive,
    /// GitHub knows none of that name.
    Absent,
    /// It is switched off; GitHub's word for it.
    Disabled(String),
    /// It is there, and nothing that it ran has succeeded lately.
    Silent,
    /// It cannot be seen, for this reason.
    Unseen(String),
}

impl ResumeWatch {
    /// Looks at the workflow of this file.
    pub async fn look(access: WorkflowAccess<'_>, file: &str, now: Timestamp) -> Self {
        match look(access, file, now).await {
            Ok(watch) => watch,
            Err(failure) => Self::Unseen(describe(&failure).to_owned()),
        }
    }

    /// Says what is wrong with it, as the end of a sentence that names it, then a colon and what to do; none if nothing is known to
    /// be.
    pub fn problem(&self) -> Option<String> {
        Some(match self {
            Self::Alive | Self::Unseen(_) => return None,
            Self::Absent => {
                "is not there: commit and push what `promote init` wrote, or name yours by `resume` in `[workflow]`".to_owned()
            }
            Self::Disabled(state) => format!(
                "is switched off ({state}): enable it on its page below the repository's Actions"
            ),
            Self::Silent => {
                "has not succeeded for a day: look at its last runs below the repository's Actions".to_owned()
            }
        })
    }
}

async fn look(
    access: WorkflowAccess<'_>,
    file: &str,
    now: Timestamp,
) -> Result<ResumeWatch, Failure> {
    let repo = access.github.repo(access.repository)?;
    let since = now.checked_sub(LATELY).unwrap_or(Timestamp::MIN);
    let (found, has_succeeded) =
        tokio::join!(repo.workflow_file(file), repo.has_succeeded(file, since));
    let Some(found) = found? else {
        return Ok(ResumeWatch::Absent);
    };
    Ok(judge(found, has_succeeded?, since))
}

fn judge(found: WorkflowFile, has_succeeded: bool, since: Timestamp) -> ResumeWatch {
    if found.state != "active" {
        ResumeWatch::Disabled(found.state)
    } else if has_succeeded || found.created_at.is_some_and(|at| at >= since) {
        ResumeWatch::Alive
    } else {
        ResumeWatch::Silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_is_alive_while_it_succeeds_or_is_new() {
        let since = Timestamp::UNIX_EPOCH;
        let later = since.saturating_add(LATELY).ok();
        let before = since.checked_sub(LATELY).ok();
        let off = "disabled_inactivity";
        for (state, created_at, has_succeeded, expected) in [
            ("active", before, true, ResumeWatch::Alive),
            ("active", later, false, ResumeWatch::Alive),
            ("active", before, false, ResumeWatch::Silent),
            ("active", None, false, ResumeWatch::Silent),
            (off, later, true, ResumeWatch::Disabled(off.to_owned())),
        ] {
            let found = WorkflowFile {
                state: state.to_owned(),
                created_at,
            };
            let watch = judge(found, has_succeeded, since);
            assert_eq!(watch, expected, "{state} {created_at:?} {has_succeeded}");
            assert_eq!(watch.problem().is_none(), watch == ResumeWatch::Alive);
        }
    }
}
