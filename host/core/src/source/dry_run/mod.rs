//! A run whose writes are kept back: reads are real, and see what the run would have written.

mod overlay;
pub mod planned_number;

use async_trait::async_trait;

use crate::call::{Call, Reply};
use crate::contract::{Change, Entity, EntityKey, Failure, Proposal, PullFilter, PullState};
use crate::gate::Admitted;
use crate::id::{BranchFile, CommitId};
use crate::run::RunMode;
use crate::service::github::StatusWord;
use crate::source::Source;
use crate::source::approved::PlannedWrite;
use crate::source::live::Live;
use crate::source::prefetch::Prefetch;

pub(crate) use overlay::FIRST;
pub use overlay::PlannedWrites;

/// The live source under an overlay of writes that were not made.
pub struct DryRun {
    /// Answers reads.
    live: Prefetch,
    overlay: PlannedWrites,
    writes: Vec<PlannedWrite>,
}

#[async_trait]
impl Source for DryRun {
    /// Answers a call; a write is remembered and nothing is sent.
    async fn call(&mut self, call: Admitted<'_>) -> Result<Reply, Failure> {
        let answer = self.answer(call).await;
        let planned = PlannedWrite::new(call.call(), answer.as_ref().ok());
        self.writes.extend(planned);
        answer
    }

    async fn read_merged(
        &mut self,
        file: &BranchFile,
        commit: &CommitId,
    ) -> Result<String, Failure> {
        match self.overlay.merged_text(file) {
            Some(text) => Ok(text.to_owned()),
            None => self.live.read_merged(file, commit).await,
        }
    }

    /// A plan holds nobody.
    async fn set_status(&mut self, _: &str, _: &str, _: &StatusWord) -> Result<(), Failure> {
        Ok(())
    }

    fn take_planned(&mut self) -> Vec<PlannedWrite> {
        std::mem::take(&mut self.writes)
    }

    fn mode(&self) -> RunMode {
        RunMode::Plan
    }

    fn live(&self) -> &Live {
        self.live.live()
    }

    async fn entity(&self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        self.live.entity(key).await
    }
}

impl DryRun {
    /// A plan over the live services.
    pub fn new(live: Prefetch) -> Self {
        Self {
            live,
            overlay: PlannedWrites::default(),
            writes: Vec::new(),
        }
    }

    async fn answer(&mut self, call: Admitted<'_>) -> Result<Reply, Failure> {
        match call.call() {
            Call::UpdateEntity { key, change } => self.update(key, change).await,
            Call::Propose { proposal } => self.propose(proposal).await,
            Call::Merge {
                repository, number, ..
            }
            | Call::MergeWhenReady {
                repository, number, ..
            } => self.overlay.merge(repository, *number),
            other if other.is_write() => Ok(Reply::Done(())),
            other => {
                let reply = self.overlay.answer(other);
                let reply = match reply {
                    Some(reply) => return Ok(reply),
                    None => self.live.call(call).await?,
                };
                Ok(self.overlay.correct(other, reply))
            }
        }
    }

    async fn update(&mut self, key: &EntityKey, change: &Change) -> Result<Reply, Failure> {
        let read = self.call_read(key).await?;
        let entity = read.ok_or_else(|| {
            Failure::NotFound(format!(
                "there is no {}/{} in the catalog",
                key.blueprint, key.identifier
            ))
        })?;
        self.overlay.update(entity, change)
    }

    async fn call_read(&self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        match self.overlay.entity(key) {
            Some(entity) => Ok(Some(entity.clone())),
            None => self.live.entity(key).await,
        }
    }

    /// An open or merged pull request of an earlier attempt is taken over, as a real run would; a new one is planned.
    async fn propose(&mut self, proposal: &Proposal) -> Result<Reply, Failure> {
        let Proposal {
            repository,
            head,
            base,
            ..
        } = proposal;
        let earlier = self
            .live
            .live()
            .github
            .repo(repository)?
            .pull_requests(head, base, PullFilter::Any)
            .await?;
        if let Some(closed) = earlier
            .first()
            .filter(|pull| pull.state == PullState::Closed)
        {
            return Err(Failure::Conflict(format!(
                "{repository}#{} was closed by a person",
                closed.number
            )));
        }
        let pull = match earlier.into_iter().next() {
            Some(pull) => {
                self.overlay.take_over(proposal, &pull);
                pull
            }
            None => self.overlay.open(proposal),
        };
        Ok(Reply::PullRequest(pull))
    }
}
