//! Whether the open pull requests of a repository can be merged, asked for all at once.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::pulls::mergeability_of;
use crate::contract::Mergeability;
use crate::service::github::Repo;
use crate::service::http::{CallResult, ServiceError};

/// GraphQL reference: `PullRequest.mergeable`, `PullRequest.mergeStateStatus`.
pub(in crate::service::github) const MERGEABILITY: &str =
    "query($owner: String!, $name: String!, $after: String) {
    repository(owner: $owner, name: $name) {
    pullRequests(states: OPEN, first: 100, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {
    pageInfo { hasNextPage endCursor } nodes { number isDraft mergeable mergeStateStatus } } } }";

/// The most pages that are read; what they do not hold can be asked for by itself.
const MAX_PAGES: usize = 10;

/// One page of a list in an answer of GraphQL (GraphQL reference, `PageInfo`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection<T> {
    /// Whether there is more, and where it begins.
    pub(crate) page_info: PageInfo,
    /// What the page holds.
    pub(crate) nodes: Vec<T>,
}

/// What follows a page.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageInfo {
    /// Whether there is a next page.
    pub(crate) has_next_page: bool,
    /// Where the next page begins, if the document asks for it.
    pub(crate) end_cursor: Option<String>,
}

#[derive(Deserialize)]
struct MergeabilityAnswer {
    data: MergeabilityData,
}

#[derive(Deserialize)]
struct MergeabilityData {
    repository: Option<RepositoryNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryNode {
    pull_requests: Connection<PullNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullNode {
    number: u32,
    is_draft: bool,
    mergeable: String,
    merge_state_status: String,
}

impl PullNode {
    fn mergeability(&self) -> Mergeability {
        let mergeable = match self.mergeable.as_str() {
            "MERGEABLE" => Some(true),
            "CONFLICTING" => Some(false),
            _ => None,
        };
        let state = self.merge_state_status.to_ascii_lowercase();
        mergeability_of(self.is_draft, mergeable, &state)
    }
}

impl Repo<'_> {
    /// Returns whether each open pull request can be merged, by its number; `unknown` where GitHub has not tried it yet.
    pub(crate) async fn mergeabilities(&self) -> CallResult<BTreeMap<u32, Mergeability>> {
        let mut found = BTreeMap::new();
        let mut after = None;
        for _ in 0..MAX_PAGES {
            let variables = json!({
                "owner": self.named.owner, "name": self.named.name, "after": after,
            });
            let answer: MergeabilityAnswer =
                serde_json::from_value(self.graphql(MERGEABILITY, &variables).await?)
                    .map_err(|why| ServiceError::Malformed(why.to_string()))?;
            let Some(repository) = answer.data.repository else {
                break;
            };
            let Connection { page_info, nodes } = repository.pull_requests;
            found.extend(nodes.iter().map(|node| (node.number, node.mergeability())));
            after = page_info.end_cursor;
            if !page_info.has_next_page || after.is_none() {
                break;
            }
        }
        Ok(found)
    }
}
