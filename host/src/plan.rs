//! A run whose writes are kept back: reads are real, and see what the run would have written.

mod bound;
mod file;
mod overlay;
mod words;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::ahead::Ahead;
use crate::core::call::{Call, Reply};
use crate::core::contract::{Change, Entity, EntityKey, Failure, Proposal, PullFilter, PullState};
use crate::core::live::Live;
use crate::core::run::Mode;
use crate::core::source::Source;

pub use bound::Bound;
pub use file::{Gives, PlanError, PlanFile, Planned, Target};
pub(crate) use overlay::Overlay;
pub use words::words;

/// The live source under an overlay of writes that were not made.
pub struct Plan {
    /// Answers reads.
    live: Ahead,
    overlay: Overlay,
    writes: Arc<Mutex<Vec<Planned>>>,
}

#[async_trait]
impl Source for Plan {
    /// Answers a call; a write is remembered and nothing is sent.
    async fn call(&mut self, call: &Call) -> Result<Reply, Failure> {
        let answer = self.answer(call).await;
        let planned = Planned::new(call, answer.as_ref().ok());
        self.writes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(planned);
        answer
    }

    fn mode(&self) -> Mode {
        Mode::Plan
    }

    fn live(&self) -> &Live {
        self.live.live()
    }

    async fn entity(&self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        self.live.entity(key).await
    }
}

impl Plan {
    /// A plan over the live services.
    pub fn new(live: Ahead) -> Self {
        Self {
            live,
            overlay: Overlay::default(),
            writes: Arc::default(),
        }
    }

    /// The writes that are planned, also when the plan is over.
    pub fn writes(&self) -> Arc<Mutex<Vec<Planned>>> {
        Arc::clone(&self.writes)
    }

    async fn answer(&mut self, call: &Call) -> Result<Reply, Failure> {
        match call {
            Call::UpdateEntity { key, change } => self.update(key, change).await,
            Call::Propose { proposal } => self.propose(proposal).await,
            Call::Merge {
                repository, number, ..
            }
            | Call::MergeWhenReady {
                repository, number, ..
            } => self.overlay.merge(repository, *number),
            call if call.is_write() => Ok(Reply::Done(())),
            call => {
                let reply = self.overlay.answer(call);
                let reply = match reply {
                    Some(reply) => return Ok(reply),
                    None => self.live.call(call).await?,
                };
                Ok(self.overlay.correct(call, reply))
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
