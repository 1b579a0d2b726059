//! Merging: every way in which GitHub says no, told apart.

use http::Method;
use serde_json::{Value, json};

use crate::contract::{Failure, MergeMethod, Mergeability, Merged, Proposal, PullState};
use crate::service::github::pulls::WirePull;
use crate::service::github::{ObjectSha, Repo, conflict, rejected};
use crate::service::http::{CallResult, ServiceError, ServiceResult};

/// The meaning of a refusal to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RefusalClass {
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

/// Parts of GitHub's refusals ("Merge a pull request", and as reported by other clients); the first match counts. The texts
/// are no contract: what is not known is final.
const REFUSALS: [(&str, RefusalClass); 13] = [
    // Whoever pushed is found out by reading the head again.
    ("Head branch was modified", RefusalClass::Transient),
    ("Base branch was modified", RefusalClass::Transient),
    ("merge queue", RefusalClass::Queue),
    ("equired status check", RefusalClass::Waiting),
    ("approving review", RefusalClass::Waiting),
    ("still a draft", RefusalClass::Terminal),
    ("not allowed", RefusalClass::Terminal),
    ("must not contain merge commits", RefusalClass::Terminal),
    ("not authorized", RefusalClass::Terminal),
    ("rule violations", RefusalClass::Unclear),
    ("not mergeable", RefusalClass::Unclear),
    ("merge conflicts", RefusalClass::Unclear),
    ("can't be rebased", RefusalClass::Unclear),
];

/// `PullRequest` is merged when its rules are met.
const AUTO_MERGE: &str = "mutation($pull: ID!, $head: GitObjectID, $method: PullRequestMergeMethod) {
    enablePullRequestAutoMerge(input: {pullRequestId: $pull, expectedHeadOid: $head, mergeMethod: $method})
    { clientMutationId } }";
/// `PullRequest` goes to the merge queue.
const ENQUEUE: &str = "mutation($pull: ID!, $head: GitObjectID) {
    enqueuePullRequest(input: {pullRequestId: $pull, expectedHeadOid: $head}) { clientMutationId } }";

/// The result of one try of a merge.
enum MergeAttempt {
    /// The base branch holds it, in this commit.
    Merged(String),
    /// Something is missing that may come.
    Waiting(WaitingMerge),
    /// Another try may do it; why this one did not.
    Again(Failure),
}

/// A pull request that cannot be merged yet.
struct WaitingMerge {
    /// Its node id, for GraphQL.
    node: String,
    /// Whether merges go through a queue.
    is_queued: bool,
    /// GitHub's words.
    reason: String,
}

impl Repo<'_> {
    /// Merges the pull request of a proposal whose head is the given commit; one that is merged already is a success.
    ///
    /// Fails with `conflict` if it holds more than the proposal, if its head or base moved on or if it went into another
    /// branch; with `rejected` if a rule stands against it.
    pub(crate) async fn merge(
        &self,
        proposal: &Proposal,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<Merged> {
        self.check_before_merge(proposal, number, head).await?;
        let merged = self.merge_now(number, head, method).await?;
        self.check_after_merge(proposal, number, merged).await
    }

    /// Merges at once if nothing stands in the way, else by auto-merge, else through the queue; the latter two are
    /// reported as later.
    ///
    /// Fails as [`Repo::merge`] does, and with `rejected` if the repository allows neither.
    pub(crate) async fn merge_when_ready(
        &self,
        proposal: &Proposal,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<Merged> {
        self.check_before_merge(proposal, number, head).await?;
        let merged = self.merge_now_or_later(number, head, method).await?;
        self.check_after_merge(proposal, number, merged).await
    }

    /// Merges, whatever the pull request holds below its head.
    pub(super) async fn merge_now(
        &self,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<Merged> {
        match self.try_merge(number, head, method).await? {
            MergeAttempt::Merged(commit) => Ok(Merged::Now(commit)),
            // Whoever may use the queue can still merge it, and GitHub calls it clean: only the refusal tells.
            MergeAttempt::Waiting(waiting) if waiting.is_queued => {
                Ok(Merged::Later(waiting.reason))
            }
            MergeAttempt::Waiting(waiting) => rejected(waiting.reason),
            MergeAttempt::Again(failure) => Err(failure),
        }
    }

    /// Merges or leaves the merge to GitHub, whatever the pull request holds below its head.
    pub(super) async fn merge_now_or_later(
        &self,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<Merged> {
        let WaitingMerge {
            node,
            is_queued,
            reason,
        } = match self.try_merge(number, head, method).await? {
            MergeAttempt::Merged(commit) => return Ok(Merged::Now(commit)),
            MergeAttempt::Again(failure) => return Err(failure),
            MergeAttempt::Waiting(waiting) => waiting,
        };
        let auto_merge = json!({
            "pull": node, "head": head, "method": method_name(method).to_uppercase(),
        });
        let Some(refusal) = self.mutate(AUTO_MERGE, &auto_merge).await? else {
            return Ok(Merged::Later(reason));
        };
        if refusal.contains("clean status") || refusal.contains("unstable status") {
            // What stood in the way is gone meanwhile: there is nothing left to wait for.
            return self.merge_now(number, head, method).await;
        }
        if !is_queued {
            return rejected(format!("{reason}; auto-merge: {refusal}"));
        }
        let enqueue = json!({ "pull": node, "head": head });
        match self.mutate(ENQUEUE, &enqueue).await? {
            Some(refusal) if !refusal.contains("already") => {
                rejected(format!("{reason}; merge queue: {refusal}"))
            }
            _ => Ok(Merged::Later("the merge queue".to_owned())),
        }
    }

    /// Checks that a pull request is what was proposed, and nothing more: a merge pins the head and neither the base nor
    /// the commits below it.
    async fn check_before_merge(
        &self,
        proposal: &Proposal,
        number: u32,
        head: &str,
    ) -> CallResult<()> {
        let (pull, comparison) = tokio::try_join!(
            self.pull(number),
            self.compare_with_base(&proposal.base, head)
        )?;
        // What is merged is looked at where it is: in the base branch.
        if pull.state() == PullState::Merged {
            return Ok(());
        }
        if !pull.is_own() || pull.head.branch != proposal.head {
            return conflict(format!("#{number} is not of our branch {}", proposal.head));
        }
        if pull.base.branch != proposal.base {
            return conflict(format!(
                "#{number} was pointed at {}, and {} was proposed",
                pull.base.branch, proposal.base
            ));
        }
        if !self.are_ours(&comparison, &proposal.head) {
            return conflict(format!(
                "#{number} holds commits that are not ours: they were not proposed"
            ));
        }
        if !comparison.is_exactly(proposal) {
            let surplus = comparison.surplus(proposal).join(", ");
            return conflict(format!(
                "#{number} does not change exactly what was proposed ({surplus}): run again"
            ));
        }
        Ok(())
    }

    /// Checks that a merge went into the proposed base, which somebody may have changed at the last moment.
    async fn check_after_merge(
        &self,
        proposal: &Proposal,
        number: u32,
        merged: Merged,
    ) -> CallResult<Merged> {
        let Merged::Now(commit) = &merged else {
            return Ok(merged);
        };
        // The gate reads the files next, as evidence of what the base gained.
        let (pull, ()) = tokio::try_join!(
            self.session().poll(
                || self.pull(number),
                |pull| pull.state() == PullState::Merged
            ),
            async {
                self.fetch_merged_files(&proposal.changes, commit).await;
                Ok(())
            },
        )?;
        if pull.base.branch != proposal.base {
            return conflict(format!(
                "#{number} was merged into {}, and {} was proposed: somebody changed its base",
                pull.base.branch, proposal.base
            ));
        }
        Ok(merged)
    }

    /// Tries until the answer is a clear one, or the patience is used up.
    async fn try_merge(
        &self,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<MergeAttempt> {
        self.session()
            .poll(
                || self.merge_once(number, head, method),
                |attempt| !matches!(attempt, MergeAttempt::Again(_)),
            )
            .await
    }

    async fn merge_once(
        &self,
        number: u32,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<MergeAttempt> {
        let body = json!({ "sha": head, "merge_method": method_name(method) });
        let error = match self
            .once(Method::PUT, &format!("/pulls/{number}/merge"), body)
            .await
        {
            Ok(ObjectSha { sha }) => return Ok(MergeAttempt::Merged(sha)),
            Err(error) => error,
        };
        let class = match &error {
            ServiceError::Refused(no) if matches!(no.status.as_u16(), 405 | 409) => {
                class(&no.message)
            }
            error if error.is_uncertain() => RefusalClass::Transient,
            _ => return Err(error.into()),
        };
        // Whatever it said, the pull request itself knows better: another attempt may have merged it.
        let pull = self.settled(number).await?;
        let state = pull.state();
        let reason = error.to_string();
        if state == PullState::Merged {
            // By whom and with what in it, the base branch tells.
            return self.merge_commit(pull).await.map(MergeAttempt::Merged);
        }
        if pull.head.sha != head {
            return conflict(format!(
                "#{number} is at commit {} now, not at {head}: {reason}",
                pull.head.sha
            ));
        }
        match (state, class, pull.mergeability()) {
            (PullState::Closed, ..) => conflict(format!("#{number} is closed: {reason}")),
            (_, RefusalClass::Terminal, _) => rejected(reason),
            (_, RefusalClass::Waiting | RefusalClass::Queue, _)
            | (_, RefusalClass::Unclear, Mergeability::Blocked) => {
                Ok(MergeAttempt::Waiting(WaitingMerge {
                    node: pull.node_id,
                    is_queued: class == RefusalClass::Queue,
                    reason,
                }))
            }
            (_, RefusalClass::Unclear, Mergeability::Draft) => {
                rejected(format!("it is a draft: {reason}"))
            }
            (_, RefusalClass::Unclear, Mergeability::Behind) => {
                conflict(format!("the head must first take in the base: {reason}"))
            }
            (_, RefusalClass::Unclear, Mergeability::Conflicting) => {
                conflict(format!("head and base conflict: {reason}"))
            }
            _ if error.is_uncertain() => Ok(MergeAttempt::Again(error.into())),
            _ => Ok(MergeAttempt::Again(Failure::Conflict(reason))),
        }
    }

    /// Finds the commit that a merge made. Newer versions of the API no longer tell; then the head of the base holds it.
    async fn merge_commit(&self, pull: WirePull) -> CallResult<String> {
        if let Some(commit) = pull.merge_commit_sha {
            return Ok(commit);
        }
        let base = &pull.base.branch;
        let head = self.branch(base).await?;
        head.ok_or_else(|| Failure::NotFound(format!("branch {base} does not exist")))
    }

    /// Sends a mutation that may be repeated, and returns the reasons for which it was not done, if it was not.
    async fn mutate(&self, query: &str, variables: &Value) -> ServiceResult<Option<String>> {
        let answer = self.client.graphql(query, variables).await?;
        let errors = answer["errors"].as_array().into_iter().flatten();
        let texts: Vec<_> = errors
            .map(|error| error["message"].as_str().unwrap_or("no reason"))
            .collect();
        if texts.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.client.http.clean(&texts.join("; "))))
    }
}

/// The name that GitHub gives a method.
fn method_name(method: MergeMethod) -> &'static str {
    match method {
        MergeMethod::Merge => "merge",
        MergeMethod::Squash => "squash",
        MergeMethod::Rebase => "rebase",
    }
}

fn class(message: &str) -> RefusalClass {
    let known = REFUSALS.iter().find(|(text, _)| message.contains(text));
    known.map_or(RefusalClass::Terminal, |(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_classified() {
        use RefusalClass::{Queue, Terminal, Transient, Unclear, Waiting};
        for (message, expected) in [
            (
                "Head branch was modified. Review and try the merge again.",
                Transient,
            ),
            (
                "Base branch was modified. Review and try the merge again.",
                Transient,
            ),
            ("Pull Request is not mergeable", Unclear),
            ("Pull Request has merge conflicts", Unclear),
            ("This branch can't be rebased", Unclear),
            ("Pull Request is still a draft", Terminal),
            (
                "Merge commits are not allowed on this repository.",
                Terminal,
            ),
            (
                "Squash merges are not allowed on this repository.",
                Terminal,
            ),
            (
                "Rebase merges are not allowed on this repository.",
                Terminal,
            ),
            ("This branch must not contain merge commits.", Terminal),
            ("Required status check \"ci\" is expected.", Waiting),
            ("2 of 3 required status checks are pending.", Waiting),
            (
                "At least 1 approving review is required by reviewers with write access.",
                Waiting,
            ),
            ("You're not authorized to push to this branch.", Terminal),
            (
                "Repository rule violations found Changes must be made through the merge queue",
                Queue,
            ),
            ("Repository rule violations found Something new", Unclear),
            ("Never seen before", Terminal),
        ] {
            assert_eq!(class(message), expected, "{message}");
        }
    }
}
