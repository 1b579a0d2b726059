//! Merges that GitHub makes itself: through the merge queue, or by auto-merge once the rules are met.

use serde_json::{Value, json};

use super::attempt::{MergeAttempt, method_name};
use crate::contract::{MergeMethod, Merged};
use crate::service::github::pulls::WirePull;
use crate::service::github::{Repo, rejected};
use crate::service::http::CallResult;

/// `PullRequest` is merged when its rules are met.
pub(in crate::service::github) const AUTO_MERGE: &str =
    "mutation($pull: ID!, $head: GitObjectID, $method: PullRequestMergeMethod) {
    enablePullRequestAutoMerge(input: {pullRequestId: $pull, expectedHeadOid: $head, mergeMethod: $method})
    { pullRequest { isInMergeQueue autoMergeRequest { enabledAt } } } }";
/// `PullRequest` goes to the merge queue.
pub(in crate::service::github) const ENQUEUE: &str =
    "mutation($pull: ID!, $head: GitObjectID) {
    enqueuePullRequest(input: {pullRequestId: $pull, expectedHeadOid: $head}) { mergeQueueEntry { state } } }";
/// Whether a branch has a merge queue.
pub(in crate::service::github) const HAS_QUEUE: &str =
    "query($owner: String!, $name: String!, $branch: String!) {
    repository(owner: $owner, name: $name) { mergeQueue(branch: $branch) { id } } }";

/// The answer to a mutation that GitHub understood.
enum MutationAnswer {
    Done(Value),
    /// Why not, in GitHub's words.
    Refused(String),
}

impl Repo<'_> {
    /// Puts a pull request into the merge queue. If it may not join yet, auto-merge does it later: to switch that on first
    /// can leave a pull request armed that could have joined, and GitHub then never queues it.
    pub(super) async fn join_queue(
        &self,
        pull: &WirePull,
        head: &str,
        method: MergeMethod,
        said: String,
    ) -> CallResult<Merged> {
        let base = &pull.base.branch;
        if self.acts_as_workflow() {
            return jams_queue(base);
        }
        let variables = json!({ "pull": pull.node_id, "head": head });
        let why = match self.mutate(ENQUEUE, &variables).await? {
            MutationAnswer::Done(payload)
                if !payload["enqueuePullRequest"]["mergeQueueEntry"].is_null() =>
            {
                return Ok(Merged::Later(format!("the merge queue of {base}")));
            }
            MutationAnswer::Done(_) => "GitHub took it and did not queue it".to_owned(),
            MutationAnswer::Refused(why) if why.contains("already in the queue") => {
                return Ok(Merged::Later(format!("the merge queue of {base}")));
            }
            MutationAnswer::Refused(why) => why,
        };
        match self.arm(pull, head, method).await? {
            MutationAnswer::Done(_) => Ok(Merged::Later(format!(
                "what the rules of {base} demand, then its merge queue"
            ))),
            MutationAnswer::Refused(no) => rejected(format!(
                "{said}; merge queue: {why}; auto-merge, which would queue it later: {no}"
            )),
        }
    }

    /// Switches auto-merge on for a pull request that the rules hold up.
    pub(super) async fn merge_once_met(
        &self,
        pull: &WirePull,
        head: &str,
        method: MergeMethod,
        awaited: String,
    ) -> CallResult<Merged> {
        let base = &pull.base.branch;
        if self.acts_as_workflow() && self.has_merge_queue(base).await {
            return jams_queue(base);
        }
        let no = match self.arm(pull, head, method).await? {
            MutationAnswer::Done(_) => return Ok(Merged::Later(awaited)),
            MutationAnswer::Refused(no) => no,
        };
        if no.contains("clean status") || no.contains("unstable status") {
            // What stood in the way is gone meanwhile: there is nothing left to wait for.
            return match self.attempt(pull.number, head, method).await? {
                MergeAttempt::Queue { pull, said } => {
                    self.join_queue(&pull, head, method, said).await
                }
                MergeAttempt::Merged(commit) => Ok(Merged::Now(commit)),
                MergeAttempt::Blocked { awaited, .. } => {
                    rejected(format!("it waits for {awaited}; auto-merge: {no}"))
                }
                MergeAttempt::Again(failure) => Err(failure),
            };
        }
        rejected(format!("it waits for {awaited}; auto-merge: {no}"))
    }

    async fn arm(
        &self,
        pull: &WirePull,
        head: &str,
        method: MergeMethod,
    ) -> CallResult<MutationAnswer> {
        let name = method_name(method).to_uppercase();
        let variables = json!({ "pull": pull.node_id, "head": head, "method": name });
        let answer = self.mutate(AUTO_MERGE, &variables).await?;
        if let MutationAnswer::Done(data) = &answer {
            let pull = &data["enablePullRequestAutoMerge"]["pullRequest"];
            if pull["autoMergeRequest"].is_null() && pull["isInMergeQueue"] != true {
                let why = "GitHub took it and did not switch it on".to_owned();
                return Ok(MutationAnswer::Refused(why));
            }
        }
        Ok(answer)
    }

    /// Returns whether a branch has a merge queue, as far as that can be read.
    async fn has_merge_queue(&self, branch: &str) -> bool {
        let variables =
            json!({ "owner": self.named.owner, "name": self.named.name, "branch": branch });
        match self.graphql(HAS_QUEUE, &variables).await {
            Ok(answer) => !answer["data"]["repository"]["mergeQueue"].is_null(),
            Err(_) => false,
        }
    }

    /// Sends a mutation that may be repeated. One on a pull request that GitHub does not know everywhere yet is sent again.
    async fn mutate(&self, query: &str, variables: &Value) -> CallResult<MutationAnswer> {
        let send = || self.graphql(query, variables);
        let is_known = |answer: &Value| {
            let errors = answer["errors"].as_array();
            !errors
                .into_iter()
                .flatten()
                .any(|error| error["type"] == "NOT_FOUND")
        };
        let answer = self.session().poll(send, is_known).await?;
        Ok(match self.refusal(&answer) {
            None => MutationAnswer::Done(answer["data"].clone()),
            Some(refusal) => MutationAnswer::Refused(refusal),
        })
    }
}

/// Refuses what would hold up everybody else.
fn jams_queue<T>(base: &str) -> CallResult<T> {
    rejected(format!(
        "{base} has a merge queue, and what GITHUB_TOKEN puts into it starts no workflow: it would wait at the head of the \
         queue for checks that never start, and block the queue for everybody; act as a GitHub App"
    ))
}
