//! The source of a real run: calls become requests to Port, GitHub and registries.
//!
//! It asks nobody whether a call is allowed: the gate has done that.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Source;
use crate::call::{Call, Reply};
use crate::contract::{Failure, Severity};
use crate::gate::Admitted;
use crate::grants::CallTarget;
use crate::run::RunMode;
use crate::service::attestation::BundleVerifier;
use crate::service::http::{CallResult, Mask, Progress, ServiceResult, Session, SessionSetup};
use crate::service::registry::RegistrySetup;
use crate::service::transport::{Clock, Transport};
use crate::service::{github, port, registry};
use crate::text;

/// Port, GitHub and registries, for one run.
pub struct Live {
    /// Port.
    pub port: port::Client,
    /// GitHub.
    pub github: github::Client,
    /// Registries of images.
    pub registry: registry::Client,
    /// Verifies attestations.
    pub verifier: Arc<dyn BundleVerifier>,
}

/// The parts of a live source.
pub struct LiveSetup {
    /// The way to the services.
    pub transport: Arc<dyn Transport>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// When the run's time is up: no pause lasts longer.
    pub deadline: Timestamp,
    /// Decides the jitter of pauses.
    pub seed: u64,
    /// Port's base URL, for example [`PORT_URL`](crate::service::PORT_URL).
    pub port_url: String,
    /// GitHub's base URL, for example [`GITHUB_URL`](crate::service::GITHUB_URL).
    pub github_url: String,
    /// The credentials at Port.
    pub port: port::Credentials,
    /// The credentials at GitHub.
    pub github: github::Credentials,
    /// The way to registries of images.
    pub registry: RegistrySetup,
    /// Verifies attestations.
    pub verifier: Arc<dyn BundleVerifier>,
    /// Port's action run.
    pub run: String,
    /// Told why the run is waiting.
    pub progress: Progress,
    /// Told each secret that the run makes, before its first use.
    pub mask: Mask,
}

impl Live {
    /// Makes the clients; nothing is sent yet.
    ///
    /// Fails if a base URL is not one that credentials may be sent to.
    pub fn new(setup: LiveSetup) -> ServiceResult<Self> {
        let LiveSetup {
            transport,
            clock,
            deadline,
            seed,
            progress,
            mask,
            ..
        } = setup;
        let outside = SessionSetup {
            transport,
            clock,
            progress,
            mask,
        };
        let session = Session::new(outside, deadline, seed);
        Ok(Self {
            port: port::Client::new(&setup.port_url, setup.port, &setup.run, session.clone())?,
            registry: registry::Client::new(setup.registry, session.clone()),
            verifier: setup.verifier,
            github: github::Client::new(&setup.github_url, setup.github, session)?
                .for_run(&setup.run),
        })
    }

    /// Carries out one call.
    ///
    /// Fails as the contract says for it. The gate answers `now` and `sleep` itself; here they fail with `other`.
    pub(crate) async fn answer(&self, call: Admitted<'_>) -> CallResult<Reply> {
        if let Some([CallTarget::Repository(at)]) =
            call.targets().as_ref().map(|(_, targets)| &targets[..])
        {
            return self
                .in_repository(call, self.github.repo(at.repository)?)
                .await;
        }
        let port = &self.port;
        Ok(match call.call() {
            Call::Note { severity, message } => done(port.log(&line(*severity, message)).await?),
            Call::GetEntity { key } => Reply::Entity(port.entity(key).await?),
            Call::GetEntities { keys } => Reply::Entities(port.entities(keys).await?),
            Call::Search { blueprint, query } => Reply::Found(port.search(blueprint, query).await?),
            Call::GetDigest { reference } => Reply::Digest(self.registry.digest(reference).await?),
            Call::GetImage { reference } => Reply::Image(self.registry.image(reference).await?),
            Call::GetImageAttestations { reference } => {
                let verifier = &*self.verifier;
                Reply::Attestations(self.registry.attestations(verifier, reference).await?)
            }
            Call::UpdateEntity { key, change } => Reply::Updated(port.update(key, change).await?),
            _ => {
                return Err(Failure::Other(
                    "time does not come from a service".to_owned(),
                ));
            }
        })
    }

    async fn in_repository(&self, call: Admitted<'_>, repo: github::Repo<'_>) -> CallResult<Reply> {
        Ok(match call.call() {
            Call::ReadFile { path, revision, .. } => Reply::File(repo.file(path, revision).await?),
            Call::GetPullRequest { number, .. } => {
                Reply::PullRequest(repo.pull_request(*number).await?)
            }
            Call::GetPullPeople { number, .. } => Reply::PullPeople(repo.people(*number).await?),
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
            } => Reply::Merged(repo.merge(call.proposal()?, *number, head, *method).await?),
            Call::MergeWhenReady {
                number,
                expected_head: head,
                method,
                ..
            } => Reply::Merged(
                repo.merge_when_ready(call.proposal()?, *number, head, *method)
                    .await?,
            ),
            Call::GetCommitPulls { commit, .. } => {
                Reply::PullRequests(repo.commit_pulls(commit).await?)
            }
            Call::GetFilePulls { path, branch, .. } => {
                Reply::PullRequests(repo.file_pulls(path, branch).await?)
            }
            Call::GetChecks { commit, base, .. } => Reply::Checks(repo.checks(commit, base).await?),
            Call::GetBranchRules { branch, .. } => {
                Reply::BranchRules(repo.protection(branch).await?.rules)
            }
            Call::GetCommit { revision, .. } => Reply::Commit(repo.commit(revision).await?),
            Call::Compare { base, head, .. } => Reply::Comparison(repo.compare(base, head).await?),
            Call::GetAttestations { digest, .. } => {
                Reply::Attestations(repo.attestations(&*self.verifier, digest).await?)
            }
            other => return Err(Failure::Other(format!("{other} is not about a repository"))),
        })
    }
}

/// A live source by itself, with nothing before the services.
#[async_trait]
impl Source for Arc<Live> {
    async fn call(&mut self, call: Admitted<'_>) -> Result<Reply, Failure> {
        self.answer(call).await
    }

    fn mode(&self) -> RunMode {
        RunMode::Run
    }

    fn live(&self) -> &Live {
        self
    }
}

fn done((): ()) -> Reply {
    Reply::Done(())
}

/// A note as a line of Port's log, which knows no severity.
pub fn line(severity: Severity, message: &str) -> String {
    match severity {
        Severity::Info => text::note(message),
        Severity::Warning => format!("Warning: {}", text::line(message)),
        Severity::Problem => format!("Problem: {}", text::line(message)),
    }
}
