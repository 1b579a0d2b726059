//! Merging: every way in which GitHub says no, told apart.

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::checks::method_name;
use super::pulls::Pull;
use super::{Client, Repository};
use crate::core::contract::{Failure, MergeMethod, Mergeability, Merged, PullState};
use crate::core::http::{Request, ServiceError};
use crate::core::retry::Effect;

/// The pauses between tries of a merge that a race or an outage stopped, in milliseconds.
const PAUSES: [u64; 4] = [1_000, 2_000, 4_000, 8_000];

/// What GitHub means by a refusal to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// A race: the same call can succeed in a moment.
    Transient,
    /// A check or a review is missing.
    Waiting,
    /// Merges go through a queue.
    Queue,
    /// The state of the pull request tells.
    Unclear,
    /// Nothing that this run does will help.
    Terminal,
}

/// What GitHub answers ("Merge a pull request", and as reported by other clients), the first match counts. The texts are
/// no contract: what is not known is final.
const REFUSALS: [(&str, Class); 12] = [
    // Whoever pushed is found out by reading the head again.
    ("Head branch was modified", Class::Transient),
    ("Base branch was modified", Class::Transient),
    ("merge queue", Class::Queue),
    ("equired status check", Class::Waiting),
    ("approving review", Class::Waiting),
    ("still a draft", Class::Terminal),
    ("not allowed", Class::Terminal),
    ("must not contain merge commits", Class::Terminal),
    ("not authorized", Class::Terminal),
    ("rule violations", Class::Unclear),
    ("not mergeable", Class::Unclear),
    ("", Class::Terminal),
];

/// What one try of a merge came to.
enum Try {
    /// The base branch holds it, in this commit.
    Merged(String),
    /// Something is missing that may come; whether it is a queue, and GitHub's words.
    Waiting(Box<Pull>, bool, String),
    /// Another try may do it; why this one did not.
    Again(Failure),
}

impl Client {
    /// Merges a pull request whose head is `expected_head`; one that is merged with it is a success.
    ///
    /// Fails with `conflict` if head or base moved on, with `rejected` if a rule stands against it.
    pub async fn merge(
        &self,
        repository: &str,
        number: u32,
        expected_head: &str,
        method: MergeMethod,
    ) -> Result<Merged, Failure> {
        match self
            .try_merge(
                &Repository::parse(repository)?,
                number,
                expected_head,
                method,
            )
            .await?
        {
            Try::Merged(commit) => Ok(Merged::Now(commit)),
            Try::Waiting(_, _, why) => Err(Failure::Rejected(why)),
            Try::Again(failure) => Err(failure),
        }
    }

    /// Merges at once if nothing stands in the way, else by auto-merge, else through the queue; the latter two are
    /// reported as later.
    ///
    /// Fails as [`Client::merge`] does, and with `rejected` if the repository allows neither.
    pub async fn merge_when_ready(
        &self,
        repository: &str,
        number: u32,
        expected_head: &str,
        method: MergeMethod,
    ) -> Result<Merged, Failure> {
        let repository = Repository::parse(repository)?;
        let mut pauses = PAUSES.into_iter();
        loop {
            let (pull, queue, why) = match self
                .try_merge(&repository, number, expected_head, method)
                .await?
            {
                Try::Merged(commit) => return Ok(Merged::Now(commit)),
                Try::Again(failure) => return Err(failure),
                Try::Waiting(pull, queue, why) => (pull, queue, why),
            };
            let refused = match self
                .enable_auto_merge(&pull.node_id, expected_head, method_name(method))
                .await?
            {
                None => return Ok(Merged::Later(why)),
                Some(refused) => refused,
            };
            // What stood in the way is gone meanwhile: there is nothing left to wait for.
            let clean = ["clean status", "unstable status"]
                .iter()
                .any(|text| refused.contains(text));
            if clean
                && let Some(pause) = pauses.next()
                && self.http.session.wait(Duration::from_millis(pause)).await
            {
                continue;
            }
            if !queue {
                return Err(Failure::Rejected(format!("{why}; auto-merge: {refused}")));
            }
            return match self.enqueue(&pull.node_id, expected_head).await? {
                Some(refused) if !refused.contains("already") => {
                    Err(Failure::Rejected(format!("{why}; merge queue: {refused}")))
                }
                _ => Ok(Merged::Later("the merge queue".to_owned())),
            };
        }
    }

    /// Tries until the answer is a clear one.
    async fn try_merge(
        &self,
        repository: &Repository,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> Result<Try, Failure> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let outcome = self.merge_once(repository, number, head, method).await?;
            let pause = pauses
                .next()
                .filter(|_| matches!(outcome, Try::Again(_)))
                .map(Duration::from_millis);
            match pause {
                Some(pause)
                    if self
                        .http
                        .session
                        .wait(self.http.session.jittered(pause))
                        .await => {}
                _ => return Ok(outcome),
            }
        }
    }

    async fn merge_once(
        &self,
        repository: &Repository,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> Result<Try, Failure> {
        #[derive(Deserialize)]
        struct Done {
            sha: String,
            merged: bool,
        }
        let target = format!("{repository}/pulls/{number}/merge");
        let body = json!({ "sha": head, "merge_method": method_name(method) });
        let request = Request::write(Method::PUT, target, body).effect(Effect::Once);
        let error = match self
            .send(request)
            .await
            .and_then(|answer| answer.json::<Done>())
        {
            Ok(done) if done.merged => return Ok(Try::Merged(done.sha)),
            Ok(_) => {
                return Err(Failure::Other(format!(
                    "GitHub took the merge of #{number} and did not merge"
                )));
            }
            Err(error) => error,
        };
        let class = match &error {
            ServiceError::Refused(refusal) if matches!(refusal.status.as_u16(), 405 | 409) => {
                REFUSALS
                    .iter()
                    .find(|(text, _)| refusal.message.contains(text))
                    .map_or(Class::Terminal, |r| r.1)
            }
            error if error.is_uncertain() => Class::Transient,
            _ => return Err(error.into()),
        };
        // Whatever it said, the pull request itself knows better: another attempt may have merged it.
        let pull = self.settled(repository, number).await?;
        let (sha, state) = (&pull.head.sha, pull.state());
        if sha != head {
            return Err(Failure::Conflict(format!(
                "#{number} is at commit {sha} now, not at {head}: {error}"
            )));
        }
        let why = error.to_string();
        match (state, class, pull.mergeability()) {
            (PullState::Merged, ..) => self.merge_commit(repository, &pull).await.map(Try::Merged),
            (PullState::Closed, ..) => {
                Err(Failure::Conflict(format!("#{number} is closed: {why}")))
            }
            (_, Class::Terminal, _) => Err(Failure::Rejected(why)),
            (_, Class::Waiting | Class::Queue, _) => {
                Ok(Try::Waiting(pull.into(), class == Class::Queue, why))
            }
            (_, Class::Unclear, Mergeability::Blocked) => Ok(Try::Waiting(pull.into(), false, why)),
            (_, Class::Unclear, Mergeability::Draft) => {
                Err(Failure::Rejected(format!("it is a draft: {why}")))
            }
            (_, Class::Unclear, Mergeability::Behind) => Err(Failure::Conflict(format!(
                "the head must first take in the base: {why}"
            ))),
            (_, Class::Unclear, Mergeability::Conflicting) => {
                Err(Failure::Conflict(format!("head and base conflict: {why}")))
            }
            _ if error.is_uncertain() => Ok(Try::Again(error.into())),
            _ => Ok(Try::Again(Failure::Conflict(why))),
        }
    }

    /// The commit that a merge made. Newer versions of the API no longer tell; then the head of the base holds it.
    async fn merge_commit(&self, repository: &Repository, pull: &Pull) -> Result<String, Failure> {
        if let Some(commit) = pull.merge_commit() {
            return Ok(commit);
        }
        let gone = || Failure::NotFound(format!("branch {} does not exist", pull.base.branch));
        self.branch(repository, &pull.base.branch)
            .await?
            .ok_or_else(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_classified() {
        let class = |message: &str| {
            REFUSALS
                .iter()
                .find(|(text, _)| message.contains(text))
                .map(|r| r.1)
        };
        for (message, expected) in [
            (
                "Head branch was modified. Review and try the merge again.",
                Class::Transient,
            ),
            (
                "Base branch was modified. Review and try the merge again.",
                Class::Transient,
            ),
            ("Pull Request is not mergeable", Class::Unclear),
            ("Pull Request is still a draft", Class::Terminal),
            (
                "Merge commits are not allowed on this repository.",
                Class::Terminal,
            ),
            (
                "Squash merges are not allowed on this repository.",
                Class::Terminal,
            ),
            (
                "Rebase merges are not allowed on this repository.",
                Class::Terminal,
            ),
            (
                "This branch must not contain merge commits.",
                Class::Terminal,
            ),
            ("Required status check \"ci\" is expected.", Class::Waiting),
            ("2 of 3 required status checks are pending.", Class::Waiting),
            (
                "At least 1 approving review is required by reviewers with write access.",
                Class::Waiting,
            ),
            (
                "You're not authorized to push to this branch.",
                Class::Terminal,
            ),
            (
                "Repository rule violations found Changes must be made through the merge queue",
                Class::Queue,
            ),
            (
                "Repository rule violations found Something new",
                Class::Unclear,
            ),
            ("Never seen before", Class::Terminal),
        ] {
            assert_eq!(class(message), Some(expected), "{message}");
        }
    }
}
