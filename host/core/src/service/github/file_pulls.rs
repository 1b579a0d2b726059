//! The pull requests that made a file what it is, by the history of the file: that of a busy repository pushes them out of
//! sight within hours.

use serde::Deserialize;
use serde_json::json;

use super::proposal::{ProposalNote, TRAILER};
use super::{Repo, rejected};
use crate::contract::{Failure, Mergeability, PullFilter, PullRequest, PullState};
use crate::service::http::{CallResult, ServiceError};

/// The part of a query for a commit that tells of a file's history (GraphQL reference: `Commit.history`,
/// `Commit.associatedPullRequests`). It takes the variable `path`.
macro_rules! file_history {
    () => {
        "history(path: $path, first: 20) { nodes { message associatedPullRequests(first: 5) { nodes {
        number url title body state headRefName headRefOid baseRefName isCrossRepository mergedAt mergeCommit { oid } } } } }"
    };
}
pub(crate) use file_history;

const QUERY: &str = concat!(
    "query($owner: String!, $name: String!, $ref: String!, $path: String!) {
    repository(owner: $owner, name: $name) { ref(qualifiedName: $ref) { target { ... on Commit { ",
    file_history!(),
    " } } } } }"
);

#[derive(Deserialize)]
struct HistoryAnswer {
    data: HistoryData,
}

#[derive(Deserialize)]
struct HistoryData {
    repository: Option<RepositoryNode>,
}

#[derive(Deserialize)]
struct RepositoryNode {
    r#ref: Option<RefNode>,
}

#[derive(Deserialize)]
struct RefNode {
    target: TargetNode,
}

#[derive(Deserialize)]
struct TargetNode {
    history: FileHistory,
}

/// The commits that changed a file, the newest first.
#[derive(Deserialize)]
pub(crate) struct FileHistory {
    nodes: Vec<HistoryNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryNode {
    message: String,
    /// Null for credentials that may not read pull requests.
    associated_pull_requests: Option<PullNodes>,
}

#[derive(Deserialize)]
struct PullNodes {
    nodes: Vec<PullNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullNode {
    number: u32,
    url: String,
    title: String,
    body: String,
    state: String,
    head_ref_name: String,
    head_ref_oid: String,
    base_ref_name: String,
    is_cross_repository: bool,
    merged_at: Option<String>,
    merge_commit: Option<MergeNode>,
}

#[derive(Deserialize)]
struct MergeNode {
    oid: String,
}

/// What brought one commit of a file's history.
enum CommitOrigin {
    /// Merged pull requests, perhaps none.
    Pulls(Vec<PullRequest>),
    /// A commit of ours of which GitHub does not know the pull request yet, from this branch.
    Untold(String),
    /// Pull requests that the credentials may not read.
    Hidden,
}

impl FileHistory {
    /// Returns the pull requests to a branch; none if GitHub does not know all of them yet.
    pub(crate) fn pulls(self, base: &str) -> Option<Vec<PullRequest>> {
        let origins = self.nodes.into_iter().map(|node| node.origin(base));
        let pulls: Option<Vec<_>> = origins
            .map(|origin| match origin {
                CommitOrigin::Pulls(pulls) => Some(pulls),
                CommitOrigin::Untold(_) | CommitOrigin::Hidden => None,
            })
            .collect();
        Some(each_once(pulls?.concat()))
    }
}

impl HistoryNode {
    fn origin(self, base: &str) -> CommitOrigin {
        let Some(associated) = self.associated_pull_requests else {
            return CommitOrigin::Hidden;
        };
        let pulls: Vec<_> = associated
            .nodes
            .into_iter()
            .filter(|pull| {
                !pull.is_cross_repository && pull.state == "MERGED" && pull.base_ref_name == base
            })
            .map(PullNode::into_contract)
            .collect();
        let trailer = self.message.lines().rev();
        let mut heads = trailer.filter_map(|line| {
            let rest = line.strip_prefix(TRAILER)?;
            rest.strip_prefix(": ")
        });
        match heads.next() {
            Some(head) if pulls.is_empty() => CommitOrigin::Untold(head.trim().to_owned()),
            _ => CommitOrigin::Pulls(pulls),
        }
    }
}

impl PullNode {
    fn into_contract(self) -> PullRequest {
        let note = ProposalNote::of_body(&self.body);
        PullRequest {
            number: self.number,
            url: self.url,
            title: self.title,
            state: PullState::Merged,
            head: self.head_ref_name,
            head_commit: self.head_ref_oid,
            base: self.base_ref_name,
            merge_commit: self.merge_commit.map(|commit| commit.oid),
            merged_at: self.merged_at,
            mergeable: Mergeability::Unknown,
            image: note.image,
            runs: note.runs,
        }
    }
}

impl Repo<'_> {
    /// Returns the merged pull requests to a branch that changed a file, the newest change first.
    ///
    /// Fails with `not-found` if there is no such branch.
    pub(crate) async fn file_pulls(
        &self,
        path: &str,
        branch: &str,
    ) -> CallResult<Vec<PullRequest>> {
        let variables = json!({
            "owner": self.named.owner, "name": self.named.name,
            "ref": format!("refs/heads/{branch}"), "path": path,
        });
        let answer = self.query(QUERY, &variables).await?;
        let refusal = self.refusal(&answer);
        let answer: HistoryAnswer = serde_json::from_value(answer)
            .map_err(|why| ServiceError::Malformed(why.to_string()))?;
        let found = answer.data.repository.and_then(|it| it.r#ref);
        let target = match (found, refusal) {
            (Some(RefNode { target }), _) => target,
            (None, Some(refusal)) => return rejected(refusal),
            (None, None) => {
                return Err(Failure::NotFound(format!("there is no branch {branch}")));
            }
        };
        let mut pulls = Vec::new();
        for node in target.history.nodes {
            match node.origin(branch) {
                CommitOrigin::Pulls(brought) => pulls.extend(brought),
                // A merge of a moment ago: the list of pull requests knows it first.
                CommitOrigin::Untold(head) => {
                    let ended = self.pull_requests(&head, branch, PullFilter::Ended).await?;
                    let merged = ended.into_iter();
                    pulls.extend(merged.filter(|pull| pull.state == PullState::Merged));
                }
                CommitOrigin::Hidden => {
                    return rejected("the credentials may not read pull requests");
                }
            }
        }
        Ok(each_once(pulls))
    }
}

/// Leaves out the pull requests that stand further in front already.
fn each_once(pulls: Vec<PullRequest>) -> Vec<PullRequest> {
    let mut once: Vec<PullRequest> = Vec::new();
    for pull in pulls {
        if once.iter().all(|known| known.number != pull.number) {
            once.push(pull);
        }
    }
    once
}
