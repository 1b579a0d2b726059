//! Pull requests.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::contract::{Mergeability, PullFilter, PullRequest, PullState};
use crate::service::github::{Repo, conflict};
use crate::service::http::{CallResult, ServiceResult, seg};

/// The most pull requests that a search returns.
const MAX_FOUND: usize = 100;

/// A pull request as GitHub sends it; lists leave the options out, and newer versions `merge_commit_sha`.
#[derive(Debug, Deserialize)]
pub(super) struct WirePull {
    pub(super) number: u32,
    pub(super) node_id: String,
    html_url: String,
    title: String,
    body: Option<String>,
    state: String,
    pub(super) head: PullBranch,
    pub(super) base: PullBranch,
    /// The commit that the merge made; before a merge, a trial.
    pub(super) merge_commit_sha: Option<String>,
    pub(super) merged_at: Option<String>,
    draft: Option<bool>,
    mergeable: Option<bool>,
    mergeable_state: Option<String>,
}

/// One end of a pull request. The repository of a deleted fork is null.
#[derive(Debug, Deserialize)]
pub(super) struct PullBranch {
    #[serde(rename = "ref")]
    pub(super) branch: String,
    pub(super) sha: String,
    repo: Option<PullRepository>,
}

/// The repository of a branch.
#[derive(Debug, PartialEq, Deserialize)]
struct PullRepository {
    id: u64,
}

impl Repo<'_> {
    /// Reads a pull request, after a short wait for GitHub to know whether it can be merged.
    pub async fn pull_request(&self, number: u32) -> CallResult<PullRequest> {
        Ok(self.settled(number).await?.into_contract())
    }

    /// Finds the pull requests from a head branch (or, ending in `*`, from every branch that starts so) to a base branch.
    pub async fn pull_requests(
        &self,
        head: &str,
        base: &str,
        filter: PullFilter,
    ) -> CallResult<Vec<PullRequest>> {
        let pulls = self
            .find(head, base, filter)
            .await?
            .into_iter()
            .take(MAX_FOUND);
        Ok(pulls.map(WirePull::into_contract).collect())
    }

    /// Closes a pull request; one that is closed is left alone.
    ///
    /// Fails with `conflict` if it is merged.
    pub(crate) async fn close(&self, number: u32) -> CallResult<()> {
        match self.pull(number).await?.state() {
            PullState::Merged => conflict(format!("pull request #{number} is merged already")),
            PullState::Closed => Ok(()),
            PullState::Open => {
                let closed = json!({ "state": "closed" });
                Ok(self
                    .write(Method::PATCH, format!("/pulls/{number}"), closed)
                    .await?)
            }
        }
    }

    pub(super) async fn pull(&self, number: u32) -> ServiceResult<WirePull> {
        self.get(format!("/pulls/{number}")).await
    }

    /// Reads a pull request with its mergeability, which GitHub computes when it is asked; one that is not open gets none.
    pub(super) async fn settled(&self, number: u32) -> ServiceResult<WirePull> {
        self.session()
            .poll(
                || self.pull(number),
                |pull| pull.state() != PullState::Open || pull.mergeable.is_some(),
            )
            .await
    }

    /// Finds pull requests, the newest first. GitHub ignores a head that it does not understand and returns everything, so each is verified.
    pub(super) async fn find(
        &self,
        head: &str,
        base: &str,
        filter: PullFilter,
    ) -> ServiceResult<Vec<WirePull>> {
        let state = match filter {
            PullFilter::Open => "open",
            PullFilter::Ended => "closed",
            PullFilter::Any => "all",
        };
        let (start, exact) = head
            .strip_suffix('*')
            .map_or((head, true), |start| (start, false));
        let mut list = format!("/pulls?state={state}&base={}", seg(base));
        if exact {
            list += &format!("&head={}:{}", seg(&self.named.owner), seg(head));
        }
        list += "&sort=created&direction=desc&per_page=100";
        let mut found = Vec::new();
        for pull in self
            .pages::<Vec<WirePull>>(list)
            .await?
            .pages
            .into_iter()
            .flatten()
        {
            let branch = &pull.head.branch;
            let is_named = branch == start || (!exact && branch.starts_with(start));
            if is_named && pull.is_own() && pull.base.branch == base {
                found.push(pull);
            }
        }
        Ok(found)
    }
}

impl WirePull {
    pub(super) fn state(&self) -> PullState {
        match self.state.as_str() {
            _ if self.merged_at.is_some() => PullState::Merged,
            "open" => PullState::Open,
            _ => PullState::Closed,
        }
    }

    /// GraphQL, `MergeStateStatus`, in lower case.
    pub(super) fn mergeability(&self) -> Mergeability {
        match (self.mergeable, self.mergeable_state.as_deref()) {
            _ if self.state() != PullState::Open => Mergeability::Unknown,
            _ if self.draft == Some(true) => Mergeability::Draft,
            (Some(false), _) | (_, Some("dirty")) => Mergeability::Conflicting,
            (Some(true), Some("clean" | "has_hooks" | "unstable")) => Mergeability::Ready,
            (Some(true), Some("blocked")) => Mergeability::Blocked,
            (Some(true), Some("behind")) => Mergeability::Behind,
            _ => Mergeability::Unknown,
        }
    }

    /// Returns whether it has this title and body; line ends and space around are GitHub's.
    pub(super) fn has_words(&self, title: &str, body: &str) -> bool {
        let own = self.body.as_deref().unwrap_or_default();
        self.title.trim() == title.trim()
            && own.replace("\r\n", "\n").trim() == body.replace("\r\n", "\n").trim()
    }

    /// Returns whether its head is a branch of the repository itself; a fork's branch of any name is foreign.
    pub(super) fn is_own(&self) -> bool {
        self.base.repo.is_some() && self.head.repo == self.base.repo
    }

    pub(super) fn into_contract(self) -> PullRequest {
        let head = if self.is_own() {
            self.head.branch.clone()
        } else {
            // No branch has such a name, so no grant fits it.
            format!("fork:{}", self.head.branch)
        };
        PullRequest {
            state: self.state(),
            mergeable: self.mergeability(),
            // Of an open one, it is the merge that GitHub has tried.
            merge_commit: if self.merged_at.is_some() {
                self.merge_commit_sha
            } else {
                None
            },
            number: self.number,
            url: self.html_url,
            title: self.title,
            head,
            head_commit: self.head.sha,
            base: self.base.branch,
            merged_at: self.merged_at,
        }
    }
}
