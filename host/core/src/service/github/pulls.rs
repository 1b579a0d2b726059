//! Pull requests.

use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::contract::{Mergeability, PullFilter, PullRequest, PullState};
use crate::service::github::{ProposalNote, Repo, conflict};
use crate::service::http::{CallResult, ServiceResult, seg};

/// The most pull requests that a search returns.
const MAX_FOUND: usize = 100;
/// The most pages of pull requests that are read to find those of ours.
const MAX_PAGES: usize = 10;

/// A pull request as GitHub sends it; lists leave the options out, and newer versions `merge_commit_sha`.
#[derive(Clone, Debug, Deserialize)]
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
    updated_at: Option<Timestamp>,
    pub(super) user: Option<UserName>,
    pub(super) merged_by: Option<UserName>,
    draft: Option<bool>,
    mergeable: Option<bool>,
    mergeable_state: Option<String>,
}

/// A user, by login.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct UserName {
    pub(super) login: String,
    /// `User`, `Bot` or `Mannequin`; not sent everywhere.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

/// A pull request whose note names Port runs, as whoever goes on with them sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposedPull {
    /// `owner/name`.
    pub repository: String,
    /// The pull request; whether it can be merged is not known yet.
    pub pull: PullRequest,
    /// Whether it was recorded in the catalog without a run that could have told.
    pub is_recorded: bool,
    /// Who opened it.
    pub author: Option<String>,
}

/// One end of a pull request. The repository of a deleted fork is null.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PullBranch {
    #[serde(rename = "ref")]
    pub(super) branch: String,
    pub(super) sha: String,
    repo: Option<PullRepository>,
}

/// The repository of a branch.
#[derive(Clone, Debug, PartialEq, Deserialize)]
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

    /// Returns the pull requests with a note of ours that have changed since a moment, the newest change first.
    pub(crate) async fn proposed_since(&self, since: Timestamp) -> CallResult<Vec<ProposedPull>> {
        let mut found = Vec::new();
        for page in 1..=MAX_PAGES {
            let list =
                format!("/pulls?state=all&sort=updated&direction=desc&per_page=100&page={page}");
            let pulls: Vec<WirePull> = self.get(list).await?;
            let is_last = pulls.len() < 100
                || pulls
                    .last()
                    .and_then(|pull| pull.updated_at)
                    .is_some_and(|at| at < since);
            for pull in pulls {
                let is_recent =
                    pull.state() == PullState::Open || pull.updated_at.is_none_or(|at| at >= since);
                let note = pull.note();
                if pull.is_own() && is_recent && !note.runs.is_empty() {
                    found.push(ProposedPull {
                        repository: format!("{}/{}", self.named.owner, self.named.name),
                        is_recorded: note.recorded,
                        author: pull.user.as_ref().map(|user| user.login.clone()),
                        pull: pull.into_contract(),
                    });
                }
            }
            if is_last {
                break;
            }
        }
        Ok(found)
    }

    /// Returns who closed a pull request without merging it, if GitHub says so (REST, "Get an issue").
    pub(crate) async fn closed_by(&self, number: u32) -> CallResult<Option<String>> {
        #[derive(Deserialize)]
        struct ClosedIssue {
            closed_by: Option<UserName>,
        }
        let issue: ClosedIssue = self.get(format!("/issues/{number}")).await?;
        Ok(issue.closed_by.map(|user| user.login))
    }

    /// Adds a last line to the body of a pull request whose promotion was recorded although no run could tell.
    pub(crate) async fn note_recorded(&self, number: u32, line: &str) -> CallResult<()> {
        let pull = self.pull(number).await?;
        let note = pull.note();
        if note.recorded {
            return Ok(());
        }
        let note = ProposalNote {
            recorded: true,
            ..note
        };
        let body = note.append_to(&format!("{}\n\n{}", pull.words(), crate::text::body(line)));
        let target = format!("/pulls/{number}");
        Ok(self
            .write(Method::PATCH, target, json!({ "body": body }))
            .await?)
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
    ///
    /// Of branches with a common start, those that have ended are looked for by the start itself and among the newest hundred
    /// only: a busy repository has thousands, of 20 kB each.
    pub(super) async fn find(
        &self,
        head: &str,
        base: &str,
        filter: PullFilter,
    ) -> ServiceResult<Vec<WirePull>> {
        let Some(start) = head.strip_suffix('*') else {
            return self.find_exactly(head, base, filter).await;
        };
        let list = list_of(base, filter, None);
        let mut found = if matches!(filter, PullFilter::Open) {
            self.pages::<Vec<WirePull>>(list).await?.pages.concat()
        } else {
            let newest = self.some_pages::<Vec<WirePull>>(list, 1);
            let exact = async {
                // No branch ends so.
                if start.is_empty() || start.ends_with('/') {
                    return Ok(Vec::new());
                }
                self.find_exactly(start, base, filter).await
            };
            let (newest, exact) = tokio::try_join!(newest, exact)?;
            let mut found = newest.pages.concat();
            found.extend(exact);
            found.sort_by_key(|pull| std::cmp::Reverse(pull.number));
            found.dedup_by_key(|pull| pull.number);
            found
        };
        found.retain(|pull| pull.counts_to(base) && pull.head.branch.starts_with(start));
        Ok(found)
    }

    async fn find_exactly(
        &self,
        head: &str,
        base: &str,
        filter: PullFilter,
    ) -> ServiceResult<Vec<WirePull>> {
        let mut owner = self.owner().await?;
        let pages = loop {
            let list = list_of(base, filter, Some((&owner, head)));
            let pages = self.pages::<Vec<WirePull>>(list).await?.pages;
            // Only the answer may have told that the repository has moved.
            let today = self.owner().await?;
            if today == owner {
                break pages;
            }
            owner = today;
        };
        let mut found = pages.concat();
        found.retain(|pull| pull.counts_to(base) && pull.head.branch == head);
        Ok(found)
    }
}

/// Returns whether an open pull request can be merged; `state` is GraphQL's `MergeStateStatus` in lower case.
pub(super) fn mergeability_of(
    is_draft: bool,
    mergeable: Option<bool>,
    state: &str,
) -> Mergeability {
    match (mergeable, state) {
        _ if is_draft => Mergeability::Draft,
        (Some(false), _) | (_, "dirty") => Mergeability::Conflicting,
        (Some(true), "clean" | "has_hooks" | "unstable") => Mergeability::Ready,
        (Some(true), "blocked") => Mergeability::Blocked,
        (Some(true), "behind") => Mergeability::Behind,
        _ => Mergeability::Unknown,
    }
}

/// The target of a list of pull requests to a base, the newest first; `head` is an owner and a branch.
fn list_of(base: &str, filter: PullFilter, head: Option<(&str, &str)>) -> String {
    let state = match filter {
        PullFilter::Open => "open",
        PullFilter::Ended => "closed",
        PullFilter::Any => "all",
    };
    let head = head.map_or(String::new(), |(owner, branch)| {
        format!("&head={}:{}", seg(owner), seg(branch))
    });
    format!(
        "/pulls?state={state}&base={}{head}&sort=created&direction=desc&per_page=100",
        seg(base)
    )
}

impl WirePull {
    pub(super) fn state(&self) -> PullState {
        match self.state.as_str() {
            _ if self.merged_at.is_some() => PullState::Merged,
            "open" => PullState::Open,
            _ => PullState::Closed,
        }
    }

    pub(super) fn mergeability(&self) -> Mergeability {
        if self.state() != PullState::Open {
            return Mergeability::Unknown;
        }
        let state = self.mergeable_state.as_deref().unwrap_or_default();
        mergeability_of(self.draft == Some(true), self.mergeable, state)
    }

    /// Returns the note of the host.
    pub(super) fn note(&self) -> ProposalNote {
        ProposalNote::of_body(self.body.as_deref().unwrap_or_default())
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// Returns the body without the note.
    pub(super) fn words(&self) -> &str {
        ProposalNote::strip(self.body.as_deref().unwrap_or_default())
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

    /// Returns whether it is one of ours to a base. One that the host has closed itself is as good as never opened.
    fn counts_to(&self, base: &str) -> bool {
        let is_withdrawn = self.state() == PullState::Closed && self.note().withdrawn;
        self.is_own() && self.base.branch == base && !is_withdrawn
    }

    pub(super) fn into_contract(self) -> PullRequest {
        let head = if self.is_own() {
            self.head.branch.clone()
        } else {
            // No branch has such a name, so no grant fits it.
            format!("fork:{}", self.head.branch)
        };
        let note = self.note();
        PullRequest {
            image: note.image,
            runs: note.runs,
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
