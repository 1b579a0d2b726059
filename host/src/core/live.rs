//! The source of a real run: calls become requests to Port and GitHub.
//!
//! It asks nobody whether a call is allowed: the gate has done that.

use std::sync::Arc;

use super::call::{Call, Reply};
use super::contract::{Failure, Severity};
use super::http::{Mask, Progress, Sent, Session, Told};
use super::transport::{Clock, Transport};
use super::{github, port};
use jiff::Timestamp;

/// What a live source is made of.
pub struct Setup {
    /// Where requests go.
    pub transport: Arc<dyn Transport>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// When the run's time is up: no pause lasts longer.
    pub deadline: Timestamp,
    /// Decides the jitter of pauses.
    pub seed: u64,
    /// Port's base URL, for example [`port::EU`].
    pub port_url: String,
    /// GitHub's base URL, for example [`github::URL`].
    pub github_url: String,
    /// Who we are to Port.
    pub port: port::Credentials,
    /// Who we are to GitHub.
    pub github: github::Credentials,
    /// Port's action run.
    pub run: String,
    /// Told why the run is waiting.
    pub progress: Progress,
    /// Told each secret that the run makes, before its first use.
    pub mask: Mask,
}

/// Port and GitHub, for one run.
pub struct Live {
    /// Port.
    pub port: port::Client,
    /// GitHub.
    pub github: github::Client,
}

impl Live {
    /// Makes both clients; nothing is sent yet.
    ///
    /// Fails if a base URL is not one that credentials may be sent to.
    pub fn new(setup: Setup) -> Sent<Self> {
        let (transport, clock, deadline) = (setup.transport, setup.clock, setup.deadline);
        let (progress, mask) = (setup.progress, setup.mask);
        let session = Session::new(transport, clock, deadline, setup.seed, progress, mask);
        Ok(Self {
            port: port::Client::new(&setup.port_url, setup.port, &setup.run, session.clone())?,
            github: github::Client::new(&setup.github_url, setup.github, session)?,
        })
    }

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
            Call::GetChecks { repository: at, commit, base } => {
                Reply::Checks(on(at)?.checks(commit, base).await?)
            }
            Call::GetBranchRules { repository: at, branch } => {
                Reply::BranchRules(on(at)?.branch_rules(branch).await?)
            }
            Call::GetCommit { repository: at, revision } => Reply::Commit(on(at)?.commit(revision).await?),
            Call::Compare { repository: at, base, head } => {
                Reply::Comparison(on(at)?.compare(base, head).await?)
            }
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
