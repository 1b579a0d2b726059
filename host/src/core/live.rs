//! The source of a real run: calls become requests to Port and GitHub.
//!
//! It asks nobody whether a call is allowed: the gate has done that.

use async_trait::async_trait;

use super::call::{Call, Reply};
use super::contract::{Failure, Severity};
use super::grants::Target;
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
        if let Some([Target::Repository(at)]) =
            call.targets().as_ref().map(|(_, targets)| &targets[..])
        {
            return self
                .in_repository(call, self.github.repo(at.repository)?)
                .await;
        }
        let port = &self.port;
        Ok(match call {
            Call::Note { severity, message } => done(port.log(&line(*severity, message)).await?),
            Call::GetEntity { key } => Reply::Entity(port.entity(key).await?),
            Call::GetEntities { keys } => Reply::Entities(port.entities(keys).await?),
            Call::Search { blueprint, query } => Reply::Found(port.search(blueprint, query).await?),
            Call::UpdateEntity { key, change } => Reply::Updated(port.update(key, change).await?),
            _ => {
                return Err(Failure::Other(
                    "time does not come from a service".to_owned(),
                ));
            }
        })
    }

    async fn in_repository(&self, call: &Call, repo: github::Repo<'_>) -> Told<Reply> {
        Ok(match call {
            Call::ReadFile { path, revision, .. } => Reply::File(repo.file(path, revision).await?),
            Call::GetPullRequest { number, .. } => {
                Reply::PullRequest(repo.pull_request(*number).await?)
            }
            Call::FindPullRequests {
                head, base, filter, ..
            } => Reply::PullRequests(repo.pull_requests(head, base, *filter).await?),
            Call::Propose { proposal } => Reply::PullRequest(repo.propose(proposal).await?),
            Call::DeleteBranch { branch, .. } => done(repo.delete_branch(branch).await?),
            Call::ClosePullRequest { number, .. } => done(repo.close(*number).await?),
            Call::Comment {
                number,
                marker,
                body,
                ..
            } => done(repo.comment(*number, marker, body).await?),
            Call::AddLabels { number, labels, .. } => done(repo.add_labels(*number, labels).await?),
            Call::RequestReviewers {
                number,
                users,
                teams,
                ..
            } => done(repo.request_reviewers(*number, users, teams).await?),
            Call::Merge {
                number,
                expected_head: head,
                method,
                ..
            } => Reply::Merged(repo.merge(*number, head, *method).await?),
            Call::MergeWhenReady {
                number,
                expected_head: head,
                method,
                ..
            } => Reply::Merged(repo.merge_when_ready(*number, head, *method).await?),
            other => self.reads.read(other, repo).await?,
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
