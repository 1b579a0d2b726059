//! The pull request that the ending of a run is about.

use super::approvers;
use super::ending::Ending;
use crate::contract::Outcome;
use crate::gate::evidence::Evidence;
use crate::grants::{CallTarget, Operation, RepositoryTarget, ResolvedGrants};
use crate::source::live::Live;

/// Returns the pull request that a run waits for or that brought the image, as GitHub named it.
pub(super) fn known_pull(
    ending: &Ending,
    evidence: &Evidence,
    grants: &ResolvedGrants,
) -> Option<PromotionPull> {
    let number = match ending {
        Ending::Decided(Outcome::Waiting(waiting)) => waiting.pull_request?,
        Ending::Decided(Outcome::Promoted(promotion)) => promotion.pull_request?,
        _ => return None,
    };
    let (id, pull) = evidence.pulls_numbered(number).next()?;
    let repository = id.repository.to_string();
    let target = CallTarget::Repository(RepositoryTarget {
        repository: &repository,
        number: Some(number),
        ..RepositoryTarget::default()
    });
    let allows = |operation| grants.allow(operation, &target).is_some();
    Some(PromotionPull {
        page: pull.url.clone(),
        number,
        has_comment: allows(Operation::KeepComment),
        is_readable: allows(Operation::ReadPullRequest),
        repository,
    })
}

/// The pull request that the ending of a run is about.
pub(super) struct PromotionPull {
    /// `owner/name`.
    pub(super) repository: String,
    pub(super) number: u32,
    /// Its page.
    pub(super) page: String,
    /// Whether the host keeps a comment under it.
    pub(super) has_comment: bool,
    /// Whether its people may be read.
    is_readable: bool,
}

impl PromotionPull {
    /// Returns who approved it, unless that is known. What cannot be read stays unknown: nothing is decided on it.
    pub(super) async fn approvers(&self, live: &Live, known: &[String]) -> Vec<String> {
        let own = format!("({}#{})", self.repository, self.number);
        if !self.is_readable || known.iter().any(|one| one.ends_with(&own)) {
            return Vec::new();
        }
        let people = match live.github.repo(&self.repository) {
            Ok(repo) => repo.people(self.number).await,
            Err(failure) => Err(failure),
        };
        people.map_or_else(
            |_| Vec::new(),
            |people| approvers::of_pull(&self.repository, self.number, &people),
        )
    }
}
