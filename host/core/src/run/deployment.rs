//! What of a run's ending is a deployment: what the base branch holds by it.

use super::ending::Ending;
use crate::contract::types::Awaited;
use crate::contract::{Outcome, PullState, Request};
use crate::gate::describe;
use crate::gate::evidence::Evidence;
use crate::grants::{CallTarget, Operation, RepositoryTarget, ResolvedGrants};
use crate::journal::ClosingWrite;
use crate::run::observer::Observer;
use crate::service::github::{DeploymentRecord, DeploymentState};
use crate::service::http::CallResult;
use crate::source::live::Live;

/// A deployment to be recorded.
pub(super) struct KeptDeployment {
    /// `owner/name`.
    repository: String,
    record: DeploymentRecord,
}

/// Returns the deployment that a run has come to, where a grant lets it be recorded. Without a commit on the base branch there is
/// none.
pub(super) fn deployment(
    ending: &Ending,
    message: &str,
    request: &Request,
    evidence: &Evidence,
    grants: &ResolvedGrants,
    environment: Option<&str>,
) -> Option<KeptDeployment> {
    let (number, commit, state) = match ending {
        Ending::Decided(Outcome::Promoted(promotion)) => (
            promotion.pull_request?,
            promotion.commit.clone(),
            DeploymentState::Success,
        ),
        Ending::Decided(Outcome::Waiting(waiting)) if waiting.awaited == Awaited::Sync => {
            (waiting.pull_request?, None, DeploymentState::InProgress)
        }
        // After its merge, as Port is told: production does not do well with it, or nobody can tell.
        Ending::Decided(Outcome::Refused(_)) | Ending::Failed(_) => {
            let resumed = request.resumed.as_ref().filter(|it| it.is_merged)?;
            (resumed.pull_request, None, DeploymentState::Failure)
        }
        _ => return None,
    };
    let (id, pull) = evidence.pulls_numbered(number).next()?;
    let merged = || evidence.merge_commit(id).map(str::to_owned);
    let read = || {
        pull.merge_commit
            .clone()
            .filter(|_| pull.state == PullState::Merged)
    };
    let commit = commit.or_else(merged).or_else(read)?;
    let repository = id.repository.to_string();
    let target = CallTarget::Repository(RepositoryTarget {
        repository: &repository,
        ..RepositoryTarget::default()
    });
    grants.allow(Operation::KeepDeployment, &target)?;
    Some(KeptDeployment {
        record: DeploymentRecord {
            environment: environment?.to_owned(),
            commit,
            subject: request.subject.key.identifier.clone(),
            run: request.run_id.clone(),
            state,
            description: message.to_owned(),
            page: request.workflow.url.clone(),
        },
        repository,
    })
}

impl KeptDeployment {
    /// Returns its line in the journal.
    pub(super) fn closing(&self) -> ClosingWrite {
        ClosingWrite::Deployment {
            repository: self.repository.clone(),
            environment: self.record.environment.clone(),
        }
    }

    /// Records it. The promotion is what it is: that its record lacks is said, and stops nothing.
    pub(super) async fn keep(&self, live: &Live, observer: &dyn Observer) -> CallResult<()> {
        let kept = match live.github.repo(&self.repository) {
            Ok(repo) => repo.keep_deployment(&self.record).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = &kept {
            observer.say(&format!(
                "the deployment to {} could not be recorded in {}: {}",
                self.record.environment,
                self.repository,
                describe(failure)
            ));
        }
        kept
    }
}
