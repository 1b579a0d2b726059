//! The merge of a pull request that this run has opened a moment ago, in one request whose answer shows what it came to.
//!
//! What the other way checks before the merge, the answer to the proposal has shown: whose branch it is, into which base,
//! and that its one commit is on top of that base and changes exactly the proposed file. What the other way reads after the
//! merge is in the answer: the branch that it went into, the parents of the commit, and the file in it.

use std::sync::PoisonError;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::attempt::{SECOND_LOOK, method_name};
use super::wrong_base;
use crate::contract::{Ancestry, MergeMethod, Merged, Proposal};
use crate::service::github::{FreshPull, ParentList, Repo, blob_id, conflict};
use crate::service::http::CallResult;

/// The time for which the answer to a proposal stands for a look at the pull request before its merge. A merge that follows at
/// once is as long after it as after that look, one trip; this leaves a slow machine time, and a policy none to wait in.
const FRESH_TIME: SignedDuration = SignedDuration::from_secs(2);

const MERGE: &str =
    "mutation($pull: ID!, $head: GitObjectID!, $method: PullRequestMergeMethod!, $path: String!) {
    mergePullRequest(input: {pullRequestId: $pull, expectedHeadOid: $head, mergeMethod: $method})
    { pullRequest { merged baseRefName mergeCommit { oid parents(first: 3) { nodes { oid } }
        file(path: $path) { object { ... on Blob { oid text } } } } } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MergedNode {
    merged: bool,
    base_ref_name: String,
    merge_commit: Option<MergeCommitNode>,
}

#[derive(Deserialize)]
struct MergeCommitNode {
    oid: String,
    parents: ParentList,
    file: Option<MergedFileNode>,
}

#[derive(Deserialize)]
struct MergedFileNode {
    object: Option<MergedBlobNode>,
}

#[derive(Deserialize)]
struct MergedBlobNode {
    oid: Option<String>,
    text: Option<String>,
}

impl Repo<'_> {
    /// Takes the pull request of a proposal, if this run has opened it a moment ago and nothing has moved since.
    pub(super) fn take_fresh(
        &self,
        proposal: &Proposal,
        number: u32,
        head: &str,
    ) -> Option<FreshPull> {
        let fresh = self.client.fresh.lock();
        let fresh = fresh.unwrap_or_else(PoisonError::into_inner).take()?;
        let age = self.session().now().duration_since(fresh.at);
        let fits = fresh.repository == proposal.repository
            && fresh.number == number
            && fresh.head == head
            && fresh.base_commit == proposal.base_commit
            && age <= FRESH_TIME;
        fits.then_some(fresh)
    }

    /// Merges it. None if GitHub did not, or did not answer clearly: the other way finds out.
    ///
    /// Fails with `conflict` if it went into another branch, or brought more than the proposal.
    pub(super) async fn merge_fresh(
        &self,
        fresh: &FreshPull,
        proposal: &Proposal,
        method: MergeMethod,
    ) -> CallResult<Option<Merged>> {
        let [change] = proposal.changes.as_slice() else {
            return Ok(None);
        };
        let variables = json!({
            "pull": fresh.id, "head": fresh.head, "method": method_name(method).to_uppercase(), "path": change.path,
        });
        let answer = match self.graphql_once(MERGE, &variables).await {
            Ok(answer) => answer,
            Err(error) => {
                if error.is_uncertain() {
                    self.session().wait(SECOND_LOOK).await;
                }
                return Ok(None);
            }
        };
        let Some((base, commit)) = merged_node(&answer) else {
            return Ok(None);
        };
        if base != proposal.base {
            return wrong_base(fresh.number, &base, &proposal.base);
        }
        let Some(onto) = commit.base_before(method, &fresh.head) else {
            return Ok(None);
        };
        // The commit that was read, and that the proposal is on, must be below what the base held.
        if onto != fresh.base_commit {
            let moved = self.compare(&fresh.base_commit, &onto).await?;
            if !matches!(moved.status, Ancestry::Ahead | Ancestry::Identical) {
                return conflict(format!(
                    "#{} brought more than was proposed: {} had lost commit {} meanwhile",
                    fresh.number, proposal.base, fresh.base_commit
                ));
            }
        }
        let MergeCommitNode { oid, file, .. } = commit;
        let blob = file.and_then(|file| file.object);
        // What is not all of its text is read when it is asked for.
        if let Some(MergedBlobNode {
            oid: Some(id),
            text: Some(text),
        }) = blob
            && blob_id(text.as_bytes()) == id
        {
            self.keep_merged_file(&change.path, &oid, text);
        }
        Ok(Some(Merged::Now(oid)))
    }
}

/// Returns the base that a merge went into and its commit; none if the answer does not show both.
fn merged_node(answer: &Value) -> Option<(String, MergeCommitNode)> {
    let pull = &answer["data"]["mergePullRequest"]["pullRequest"];
    let node = MergedNode::deserialize(pull).ok()?;
    let commit = node.merge_commit.filter(|_| node.merged)?;
    Some((node.base_ref_name, commit))
}

impl MergeCommitNode {
    /// Returns what the base held before, if the commit is what this method makes of one commit.
    fn base_before(&self, method: MergeMethod, head: &str) -> Option<String> {
        match (method, self.parents.nodes.as_slice()) {
            (MergeMethod::Merge, [onto, merged]) if merged.oid == head => Some(onto.oid.clone()),
            (MergeMethod::Squash | MergeMethod::Rebase, [onto]) => Some(onto.oid.clone()),
            _ => None,
        }
    }
}
