//! An open pull request as GraphQL gives it.

use serde::Deserialize;

use super::proposal::ProposalNote;
use crate::contract::{Mergeability, PullRequest, PullState};

/// The fields that a query or a mutation selects of an open pull request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenPullNode {
    pub(crate) number: u32,
    url: String,
    title: String,
    body: String,
    pub(crate) head_ref_name: String,
    pub(crate) head_ref_oid: String,
    /// Whether its head is in another repository.
    pub(crate) is_cross_repository: bool,
}

impl OpenPullNode {
    /// Returns it as the contract has it; `base` is the branch that it is for.
    pub(crate) fn into_contract(self, base: &str) -> PullRequest {
        let note = ProposalNote::of_body(&self.body);
        PullRequest {
            number: self.number,
            url: self.url,
            title: self.title,
            state: PullState::Open,
            head: self.head_ref_name,
            head_commit: self.head_ref_oid,
            base: base.to_owned(),
            merge_commit: None,
            merged_at: None,
            mergeable: Mergeability::Unknown,
            image: note.image,
            runs: note.runs,
        }
    }
}
