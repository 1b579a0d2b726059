//! The source of a real run: calls become requests to Port and GitHub.
//!
//! It asks nobody whether a call is allowed: the gate has done that.

use async_trait::async_trait;

use super::call::{Call, Reply};
use super::contract::{Failure, Severity};
use super::http::Told;
use super::{github, port};

/// Port and GitHub, for one run.
pub struct Live {
    /// Port.
    pub port: port::Client,
    /// GitHub.
    pub github: github::Client,
    /// What reads of GitHub become that no grant rests on.
    pub reads: Box<dyn Reads>,
}

/// Reads from a repository for the policy. Outside the core a [`github::Repo`] can do no more than read.
#[async_trait]
pub trait Reads: Send + Sync {
    /// Answers a call about checks, branch rules, commits or a comparison; fails as the contract says for it.
    async fn read(&self, call: &Call, repo: github::Repo<'_>) -> Told<Reply>;
}

impl Live {
    /// Carries out one call.
    ///
    /// Fails as the contract says for it. The gate answers `now` and `sleep` itself; here they fail with `other`.
    pub async fn call(&self, call: &Call) -> Told<Reply> {
        let port = &self.port;
        let on = |repository: &str| self.github.repo(repository);
        Ok(match call {
            Call::Now | Call::Sleep { .. } => {
                return Err(Failure::Other("time does not come from a service".to_owned()));
            }
            Call::Note { severity, message } => done(port.log(&line(*severity, message)).await?),
            Call::GetEntity { key } => Reply::Entity(port.entity(key).await?),
            Call::GetEntities { keys } => Reply::Entities(port.entities(keys).await?),
            Call::Search { blueprint, query } => Reply::Found(port.search(blueprint, query).await?),
            Call::UpdateEntity { key, change } => Reply::Updated(port.update(key, change).await?),
            Call::ReadFile { repository: at, path, revision } => {
                Reply::File(on(at)?.file(path, revision).await?)
            }
            Call::GetPullRequest { repository: at, number } => {
                Reply::PullRequest(on(at)?.pull_request(*number).await?)
            }
            Call::FindPullRequests { repository: at, head, base, filter } => {
                Reply::PullRequests(on(at)?.pull_requests(head, base, *filter).await?)
            }
            Call::GetChecks { repository: at, .. }
            | Call::GetBranchRules { repository: at, .. }
            | Call::GetCommit { repository: at, .. }
            | Call::Compare { repository: at, .. } => self.reads.read(call, on(at)?).await?,
            Call::Propose { proposal } => {
                Reply::PullRequest(on(&proposal.repository)?.propose(proposal).await?)
            }
            Call::DeleteBranch { repository: at, branch } => done(on(at)?.delete_branch(branch).await?),
            Call::ClosePullRequest { repository: at, number } => done(on(at)?.close(*number).await?),
            Call::Comment { repository: at, number, marker, body } => {
                done(on(at)?.comment(*number, marker, body).await?)
            }
            Call::AddLabels { repository: at, number, labels } => {
                done(on(at)?.add_labels(*number, labels).await?)
            }
            Call::RequestReviewers { repository: at, number, users, teams } => {
                done(on(at)?.request_reviewers(*number, users, teams).await?)
            }
            Call::Merge { repository: at, number, expected_head: head, method } => {
                Reply::Merged(on(at)?.merge(*number, head, *method).await?)
            }
            Call::MergeWhenReady { repository: at, number, expected_head: head, method } => {
                Reply::Merged(on(at)?.merge_when_ready(*number, head, *method).await?)
            }
        })
    }
}

fn done((): ()) -> Reply {
    Reply::Done(())
}

/// A note as a line of Port's log, which knows no severity.
pub fn line(severity: Severity, message: &str) -> String {
    match severity {
        Severity::Info => message.to_owned(),
        Severity::Warning => format!("Warning: {message}"),
        Severity::Problem => format!("Problem: {message}"),
    }
}
