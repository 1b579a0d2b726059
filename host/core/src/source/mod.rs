//! Sources: whatever answers an admitted call.
//!
//! [`live`] asks the services. The others stand before it: [`prefetch`] reads ahead what is needed in any case, [`dry_run`]
//! keeps every write back and shows what it would have done, and [`approved`] makes the writes of a plan and no others. Only
//! the gate makes what they take, an [`Admitted`] call. Next: [`service`](crate::service).

pub mod approved;
pub mod dry_run;
pub mod live;
pub mod prefetch;

use async_trait::async_trait;

use crate::call::{Call, Reply};
use crate::contract::{Entity, EntityKey, Failure};
use crate::gate::Admitted;
use crate::id::{BranchFile, CommitId};
use crate::run::RunMode;
use crate::service::github::StatusWord;
use crate::source::live::Live;

/// The way of a call behind the gate: to Port and GitHub themselves, or to something before them, such as a plan.
///
/// The mock is no source of its own: it is [`Live`] over a transport that ends in the mock world, so that a test runs the
/// clients that production runs.
#[async_trait]
pub trait Source: Send + Sync {
    /// Answers a call that the gate has allowed; fails as the contract says for the call.
    async fn call(&mut self, call: Admitted<'_>) -> Result<Reply, Failure>;

    /// Adds the host's own line to the log of the Port run.
    async fn announce(&mut self, line: String) -> Result<(), Failure> {
        self.live().port.log(&line).await
    }

    /// Sets the host's own status of a commit.
    async fn set_status(
        &mut self,
        repository: &str,
        commit: &str,
        word: &StatusWord,
    ) -> Result<(), Failure> {
        let repository = self.live().github.repo(repository)?;
        repository.set_status(commit, word).await
    }

    /// Whether the source takes a call that the grants allow, asked before it is made.
    ///
    /// # Errors
    /// Says what it takes instead; the run is a violation then.
    fn admit(&self, _: &Call) -> Result<(), String> {
        Ok(())
    }

    /// Whether writes are made.
    fn mode(&self) -> RunMode;

    /// The clients, for what the host itself reads and reports.
    fn live(&self) -> &Live;

    /// An entity that the host itself needs; fails as `port-read.get-entity` does.
    async fn entity(&self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        self.live().port.entity(key).await
    }

    /// Ends what is under way beside the calls, and begins and ends what was put off; fails as the first of it did. The
    /// host asks for it before it waits.
    async fn settle(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Reads a file that this run has merged, at the commit of the merge: the host's own read, for its evidence.
    async fn read_merged(
        &mut self,
        file: &BranchFile,
        commit: &CommitId,
    ) -> Result<String, Failure> {
        let repository = self.live().github.repo(file.repository.as_str())?;
        let path = file.path.as_str();
        let read = repository.merged_file(path, commit.as_str()).await?;
        read.ok_or_else(|| Failure::Unavailable(format!("{path} is not at {commit}")))
    }

    /// Takes the writes that were kept back, in order; a source that makes them has none.
    fn take_planned(&mut self) -> Vec<approved::PlannedWrite> {
        Vec::new()
    }

    /// The lines of the run's log that were put off and are not under way: they go with the last word.
    fn unsent(&mut self) -> Vec<String> {
        Vec::new()
    }
}
