//! One merge, tried until GitHub's answer is clear.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::refusal;
use crate::contract::{Failure, MergeMethod, Mergeability, PullState};
use crate::service::github::pulls::WirePull;
use crate::service::github::{ObjectSha, Repo, conflict, rejected};
use crate::service::http::{CallResult, ServiceError};

/// The pause after an answer that was lost: GitHub may still be merging, and takes a second request for another merge.
pub(super) const SECOND_LOOK: Duration = Duration::from_secs(4);

/// The result of trying to merge.
pub(super) enum MergeAttempt {
    /// The base branch holds it, in this commit.
    Merged(String),
    /// The rules of the branch are not met yet.
    Blocked {
        pull: Box<WirePull>,
        /// What it waits for, in plain words.
        awaited: String,
    },
    /// Merges go through a queue; GitHub's words.
    Queue { pull: Box<WirePull>, said: String },
    /// Another try may do it; why this one did not.
    Again(Failure),
}

/// The meaning of a merge that was not a success, by the state of the pull request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MergeVerdict {
    /// It is merged after all.
    Merged,
    /// It is no longer what this run wants to merge, so the promotion starts over; why.
    Conflict(String),
    /// No waiting helps; why, and what to do.
    Rejected(String),
    /// It waits for what the rules of the branch demand.
    Blocked(String),
    /// It must go through the queue.
    Queue,
    /// It could be merged: a race, or GitHub has not caught up with itself.
    Again,
}

/// Decides on a merge that GitHub refused with this message (empty if there was no answer) or did not answer.
pub(super) fn judge(pull: &WirePull, head: &str, message: &str) -> MergeVerdict {
    use MergeVerdict::{Again, Blocked, Conflict, Merged, Queue, Rejected};
    let number = pull.number;
    match pull.state() {
        PullState::Merged => return Merged,
        _ if pull.head.sha != head => {
            let now = &pull.head.sha;
            return Conflict(format!("#{number} is at commit {now} now, not at {head}"));
        }
        PullState::Closed => return Conflict(format!("#{number} is closed")),
        PullState::Open => {}
    }
    if let Some(advice) = refusal::final_advice(message) {
        return Rejected(advice.to_owned());
    }
    let base = &pull.base.branch;
    match pull.mergeability() {
        Mergeability::Draft => Rejected("mark it as ready for review".to_owned()),
        Mergeability::Conflicting => Conflict(format!("#{number} and {base} conflict")),
        // GitHub calls it so only where a rule demands that the head holds all of the base.
        Mergeability::Behind => {
            Conflict(format!("#{number} must first take in what {base} gained"))
        }
        // Whoever may use the queue can still merge it, and GitHub calls it clean: only the refusal tells.
        _ if refusal::names_queue(message) => Queue,
        Mergeability::Blocked => Blocked(refusal::awaited(message)),
        Mergeability::Ready | Mergeability::Unknown => Again,
    }
}

impl Repo<'_> {
    /// Tries until the answer is a clear one, or the patience is used up.
    pub(super) async fn attempt(
        &self,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<MergeAttempt> {
        let is_clear = |attempt: &MergeAttempt| !matches!(attempt, MergeAttempt::Again(_));
        self.session()
            .poll(|| self.attempt_once(number, head, method), is_clear)
            .await
    }

    async fn attempt_once(
        &self,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<MergeAttempt> {
        let body = json!({ "sha": head, "merge_method": method_name(method) });
        let target = format!("/pulls/{number}/merge");
        let error = match self.once(Method::PUT, &target, body).await {
            Ok(ObjectSha { sha }) => return Ok(MergeAttempt::Merged(sha)),
            Err(error) => error,
        };
        let message = match &error {
            ServiceError::Refused(no) if matches!(no.status.as_u16(), 405 | 409) => {
                no.message.clone()
            }
            error if error.is_uncertain() => String::new(),
            _ => return Err(error.into()),
        };
        // Whatever it said, the pull request itself knows better: another attempt may have merged it.
        let mut pull = self.settled(number).await?;
        let mut verdict = judge(&pull, head, &message);
        if error.is_uncertain() && verdict == MergeVerdict::Again {
            self.session().wait(SECOND_LOOK).await;
            pull = self.settled(number).await?;
            verdict = judge(&pull, head, &message);
        }
        match verdict {
            // By whom and with what in it, the base branch tells.
            MergeVerdict::Merged => self.merge_commit(pull).await.map(MergeAttempt::Merged),
            MergeVerdict::Conflict(why) => conflict(format!("{why}: {error}")),
            MergeVerdict::Rejected(advice) => rejected(format!("{error}; {advice}")),
            MergeVerdict::Blocked(awaited) => Ok(MergeAttempt::Blocked {
                awaited: self.with_workflow_hint(awaited, &message),
                pull: pull.into(),
            }),
            MergeVerdict::Queue => Ok(MergeAttempt::Queue {
                pull: pull.into(),
                said: error.to_string(),
            }),
            MergeVerdict::Again if error.is_uncertain() => Ok(MergeAttempt::Again(error.into())),
            MergeVerdict::Again => Ok(MergeAttempt::Again(Failure::Conflict(error.to_string()))),
        }
    }

    /// Adds why a check may never report: what a workflow's own token proposes starts no workflow by itself.
    fn with_workflow_hint(&self, awaited: String, message: &str) -> String {
        if refusal::awaits_checks(message) && self.acts_as_workflow() {
            format!(
                "{awaited}; GITHUB_TOKEN opened it, so its workflows start only after a person approves them: \
                 approve them on its page, or act as a GitHub App"
            )
        } else {
            awaited
        }
    }

    /// The commit that a merge made. Newer versions of the API no longer tell; then the head of the base holds it.
    async fn merge_commit(&self, pull: WirePull) -> CallResult<String> {
        let base = &pull.base.branch;
        let commit = match pull.merge_commit_sha {
            None => self.branch(base).await?,
            known => known,
        };
        commit.ok_or_else(|| Failure::NotFound(format!("branch {base} does not exist")))
    }
}

/// The name that GitHub gives a method.
pub(super) fn method_name(method: MergeMethod) -> &'static str {
    match method {
        MergeMethod::Merge => "merge",
        MergeMethod::Squash => "squash",
        MergeMethod::Rebase => "rebase",
    }
}
