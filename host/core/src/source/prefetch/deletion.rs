//! The branch of what this run has merged: its deletion is sent beside the calls that follow, since nothing depends on it.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};

use crate::call::{Call, Reply};
use crate::contract::{Failure, Merged};
use crate::gate::{Admitted, describe};
use crate::source::live::Live;

/// The branches of merged proposals, and the deletion of one of them.
#[derive(Default)]
pub(super) struct MergedBranches {
    /// Repository and branch of each proposal that this run has merged.
    merged: Vec<(String, String)>,
    /// In a mutex only to be shared: a future is not.
    under_way: Mutex<Option<Deletion>>,
    /// Words for people on deletions that failed.
    failed: Vec<String>,
}

struct Deletion {
    branch: String,
    request: Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>,
}

impl MergedBranches {
    /// Takes note of a merge of this run.
    pub(super) fn heed(&mut self, call: Admitted<'_>, reply: &Result<Reply, Failure>) {
        if let (Ok(Reply::Merged(Merged::Now(_))), Ok(proposal)) = (reply, call.proposal()) {
            self.merged
                .push((proposal.repository.clone(), proposal.head.clone()));
        }
    }

    /// Takes on the deletion that a call asks for, if it is of a branch that this run has merged. Any other, and a second one,
    /// is made as every call is.
    pub(super) fn take_on(&mut self, call: &Call, live: &Arc<Live>) -> bool {
        let Call::DeleteBranch { repository, branch } = call else {
            return false;
        };
        let known = (repository.clone(), branch.clone());
        if !self.merged.contains(&known) || self.under_way().is_some() {
            return false;
        }
        let live = Arc::clone(live);
        let (repository, branch) = known;
        let name = branch.clone();
        *self.under_way() = Some(Deletion {
            branch,
            request: Box::pin(async move {
                let repository = live.github.repo(&repository)?;
                repository.delete_branch(&name).await
            }),
        });
        true
    }

    /// Awaits `work`; a deletion that is under way gets on meanwhile, and is not waited for.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        while let Some(Deletion { request, .. }) = self.under_way() {
            tokio::select! {
                // In this order, so that a run against the mock world is the same each time.
                biased;
                deleted = request.as_mut() => self.ended(deleted),
                done = &mut work => return done,
            }
        }
        work.await
    }

    /// Waits for a deletion that is under way, and returns words for people on those that failed.
    pub(super) async fn settle(&mut self) -> Vec<String> {
        if let Some(Deletion { request, .. }) = self.under_way() {
            let deleted = request.as_mut().await;
            self.ended(deleted);
        }
        std::mem::take(&mut self.failed)
    }

    fn ended(&mut self, result: Result<(), Failure>) {
        let deletion = self.under_way().take();
        if let (Some(Deletion { branch, .. }), Err(failure)) = (deletion, result) {
            self.failed.push(format!(
                "branch {branch} is merged but could not be deleted: {}",
                describe(&failure)
            ));
        }
    }

    fn under_way(&mut self) -> &mut Option<Deletion> {
        self.under_way
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
