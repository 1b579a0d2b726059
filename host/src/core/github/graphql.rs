//! The two things that only GraphQL can do: auto-merge and the merge queue.

use http::Method;
use serde_json::{Value, json};

use super::Client;
use crate::core::http::{Request, ServiceError};

impl Client {
    /// `enablePullRequestAutoMerge`: none if it is enabled, else why not.
    pub(super) async fn enable_auto_merge(
        &self,
        pull: &str,
        head: &str,
        method: &str,
    ) -> Result<Option<String>, ServiceError> {
        let query = "mutation($pull: ID!, $head: GitObjectID, $method: PullRequestMergeMethod) { \
            enablePullRequestAutoMerge(input: { pullRequestId: $pull, expectedHeadOid: $head, mergeMethod: $method }) \
            { clientMutationId } }";
        let method = method.to_uppercase();
        self.graphql(
            query,
            json!({ "pull": pull, "head": head, "method": method }),
        )
        .await
    }

    /// `enqueuePullRequest`: none if it is in the queue, else why not.
    pub(super) async fn enqueue(
        &self,
        pull: &str,
        head: &str,
    ) -> Result<Option<String>, ServiceError> {
        let query = "mutation($pull: ID!, $head: GitObjectID) { \
            enqueuePullRequest(input: { pullRequestId: $pull, expectedHeadOid: $head }) { clientMutationId } }";
        self.graphql(query, json!({ "pull": pull, "head": head }))
            .await
    }

    /// Sends a mutation that may be repeated. GraphQL answers 200 even when it refuses.
    async fn graphql(&self, query: &str, variables: Value) -> Result<Option<String>, ServiceError> {
        let body = json!({ "query": query, "variables": variables });
        let answer = self
            .send(Request::write(Method::POST, self.http.graphql(), body))
            .await?;
        let answer: Value = answer.json()?;
        let errors = answer["errors"].as_array().into_iter().flatten();
        let texts: Vec<_> = errors
            .map(|e| e["message"].as_str().unwrap_or("no reason given"))
            .collect();
        Ok((!texts.is_empty()).then(|| self.http.clean(&texts.join("; "))))
    }
}
