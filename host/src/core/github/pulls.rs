//! Pull requests.

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Client, Repository};
use crate::core::contract::{Failure, Mergeability, PullFilter, PullRequest, PullState};
use crate::core::http::{Request, ServiceError, seg};

/// How long GitHub is given to find out whether a pull request can be merged, in milliseconds.
const SETTLING: [u64; 6] = [500, 1_000, 2_000, 4_000, 8_000, 8_000];
/// How many pull requests a search returns at most.
const MOST_FOUND: usize = 100;

/// A pull request as GitHub sends it; lists leave the last part out, and newer versions `merge_commit_sha`.
#[derive(Debug, Deserialize)]
pub(super) struct Pull {
    pub(super) number: u32,
    pub(super) node_id: String,
    html_url: String,
    title: String,
    pub(super) state: String,
    pub(super) head: Side,
    pub(super) base: Side,
    #[serde(default)]
    merge_commit_sha: Option<String>,
    #[serde(default)]
    merged_at: Option<String>,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    merged: bool,
    #[serde(default)]
    mergeable: Option<bool>,
    #[serde(default)]
    mergeable_state: Option<String>,
}

/// One end of a pull request. The repository of a deleted fork is null.
#[derive(Debug, Deserialize)]
pub(super) struct Side {
    #[serde(rename = "ref")]
    pub(super) branch: String,
    pub(super) sha: String,
    repo: Option<Home>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Home {
    id: u64,
}

impl Client {
    /// A pull request, after a short wait for GitHub to know whether it can be merged.
    pub async fn pull_request(
        &self,
        repository: &str,
        number: u32,
    ) -> Result<PullRequest, Failure> {
        Ok(self
            .settled(&Repository::parse(repository)?, number)
            .await?
            .into_contract())
    }

    /// The pull requests from a head branch (or, ending in `*`, from every branch that starts so) to a base branch.
    pub async fn pull_requests(
        &self,
        repository: &str,
        head: &str,
        base: &str,
        filter: PullFilter,
    ) -> Result<Vec<PullRequest>, Failure> {
        let pulls = self
            .find(&Repository::parse(repository)?, head, base, filter)
            .await?;
        Ok(pulls
            .into_iter()
            .take(MOST_FOUND)
            .map(Pull::into_contract)
            .collect())
    }

    /// Closes a pull request; one that is closed is left alone.
    ///
    /// Fails with `conflict` if it is merged.
    pub async fn close(&self, repository: &str, number: u32) -> Result<(), Failure> {
        let repository = Repository::parse(repository)?;
        let pull = self.pull(&repository, number).await?;
        match pull.state() {
            PullState::Merged => Err(Failure::Conflict(format!(
                "pull request #{number} is merged: it cannot be closed"
            ))),
            PullState::Closed => Ok(()),
            PullState::Open => {
                let body = json!({ "state": "closed" });
                let request =
                    Request::write(Method::PATCH, format!("{repository}/pulls/{number}"), body);
                Ok(self.send(request).await.map(drop)?)
            }
        }
    }

    pub(super) async fn pull(
        &self,
        repository: &Repository,
        number: u32,
    ) -> Result<Pull, ServiceError> {
        self.get(format!("{repository}/pulls/{number}")).await
    }

    /// A pull request with its mergeability, which GitHub computes when it is asked. One that is not open never gets any.
    pub(super) async fn settled(
        &self,
        repository: &Repository,
        number: u32,
    ) -> Result<Pull, ServiceError> {
        let mut pull = self.pull(repository, number).await?;
        for pause in SETTLING.map(Duration::from_millis) {
            if pull.state() != PullState::Open
                || pull.mergeable.is_some()
                || !self.http.session.wait(pause).await
            {
                break;
            }
            pull = self.pull(repository, number).await?;
        }
        Ok(pull)
    }

    /// The newest first. GitHub ignores a head without an owner and returns everything, so each one is verified.
    pub(super) async fn find(
        &self,
        repository: &Repository,
        head: &str,
        base: &str,
        filter: PullFilter,
    ) -> Result<Vec<Pull>, ServiceError> {
        let state = match filter {
            PullFilter::Open => "open",
            PullFilter::Ended => "closed",
            PullFilter::Any => "all",
        };
        let prefix = head.strip_suffix('*');
        let narrowed = match prefix {
            Some(_) => String::new(),
            None => format!("&head={}:{}", seg(&repository.owner), seg(head)),
        };
        let order = "sort=created&direction=desc&per_page=100";
        let target = format!(
            "{repository}/pulls?state={state}&base={}{narrowed}&{order}",
            seg(base)
        );
        let (pages, _) = self.pages::<Vec<Pull>>(target).await?;
        let ours = |pull: &Pull| {
            let named = prefix.map_or(pull.head.branch == head, |prefix| {
                pull.head.branch.starts_with(prefix)
            });
            named
                && pull.base.branch == base
                && pull.head.repo.is_some()
                && pull.head.repo == pull.base.repo
        };
        Ok(pages.into_iter().flatten().filter(ours).collect())
    }
}

impl Pull {
    pub(super) fn state(&self) -> PullState {
        match self.state.as_str() {
            _ if self.merged || self.merged_at.is_some() => PullState::Merged,
            "open" => PullState::Open,
            _ => PullState::Closed,
        }
    }

    /// The commit that the merge made; before a merge, the field holds a trial.
    pub(super) fn merge_commit(&self) -> Option<String> {
        self.merge_commit_sha
            .clone()
            .filter(|_| self.state() == PullState::Merged)
    }

    /// GraphQL, `MergeStateStatus`, in lower case.
    pub(super) fn mergeability(&self) -> Mergeability {
        match (self.mergeable, self.mergeable_state.as_deref()) {
            _ if self.state() != PullState::Open => Mergeability::Unknown,
            _ if self.draft => Mergeability::Draft,
            (Some(false), _) | (_, Some("dirty")) => Mergeability::Conflicting,
            (Some(true), Some("clean" | "has_hooks" | "unstable")) => Mergeability::Ready,
            (Some(true), Some("blocked")) => Mergeability::Blocked,
            (Some(true), Some("behind")) => Mergeability::Behind,
            _ => Mergeability::Unknown,
        }
    }

    pub(super) fn into_contract(self) -> PullRequest {
        PullRequest {
            state: self.state(),
            merge_commit: self.merge_commit(),
            mergeable: self.mergeability(),
            number: self.number,
            url: self.html_url,
            title: self.title,
            head: self.head.branch,
            head_commit: self.head.sha,
            base: self.base.branch,
            merged_at: self.merged_at,
        }
    }
}
