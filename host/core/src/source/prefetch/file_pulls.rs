//! The pull requests that made files what they are, which came with the files themselves.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::call::Call;
use crate::contract::PullRequest;
use crate::source::prefetch::MAX_AGE;

/// The histories of the files that this run has read, until it writes.
#[derive(Default)]
pub(super) struct FilePulls(Mutex<Vec<KnownHistory>>);

/// The pull requests of one file.
pub(super) struct KnownHistory {
    pub(super) repository: String,
    pub(super) branch: String,
    pub(super) path: String,
    pub(super) at: Timestamp,
    /// The newest change first.
    pub(super) pulls: Vec<PullRequest>,
}

impl FilePulls {
    pub(super) fn note(&self, history: KnownHistory) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|other| {
            let names = (&other.repository, &other.branch, &other.path);
            names != (&history.repository, &history.branch, &history.path)
        });
        known.push(history);
    }

    /// Answers one question about a file, if it was fetched ahead: none otherwise.
    pub(super) fn take(&self, call: &Call, now: Timestamp) -> Option<Vec<PullRequest>> {
        let Call::GetFilePulls {
            repository,
            path,
            branch,
        } = call
        else {
            return None;
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = known
            .iter()
            .position(|it| (&it.repository, &it.branch, &it.path) == (repository, branch, path))?;
        let history = known.swap_remove(at);
        (now.duration_since(history.at) <= MAX_AGE).then_some(history.pulls)
    }

    /// Forgets all after a write, which may have changed any of them.
    pub(super) fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
