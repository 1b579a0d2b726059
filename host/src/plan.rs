//! A run whose writes are kept back: reads are real, and see what the run would have written.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::ahead::Ahead;
use crate::core::call::{Call, Reply};
use crate::core::contract::{
    Change, Entity, EntityKey, Failure, File, Mergeability, Merged, Proposal, PullFilter, PullRequest,
    PullState,
};
use crate::core::journal::digest;
use crate::core::live::Live;
use crate::core::run::Mode;
use crate::core::source::Source;

/// The live source under an overlay of writes that were not made.
pub struct Plan {
    /// Answers reads.
    live: Ahead,
    overlay: Overlay,
}

/// What the run would have written so far.
#[derive(Debug, Default)]
pub struct Overlay {
    /// Proposals with their pull requests; a planned one has number 0, its index is added.
    proposals: Vec<(Proposal, PullRequest)>,
    /// Content on base branches after planned merges, by repository, branch and path.
    merged: BTreeMap<(String, String, String), (String, String)>,
    /// Entities as planned updates leave them.
    entities: Vec<(EntityKey, Entity)>,
}

#[async_trait]
impl Source for Plan {
    /// Answers a call; a write is remembered and nothing is sent.
    async fn call(&mut self, call: &Call) -> Result<Reply, Failure> {
        match call {
            Call::UpdateEntity { key, change } => self.update(key, change).await,
            Call::Propose { proposal } => self.propose(proposal).await,
            Call::Merge { repository, number, .. } | Call::MergeWhenReady { repository, number, .. } => {
                self.overlay.merge(repository, *number)
            }
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
        Self { live, overlay: Overlay::default() }
    }

    async fn update(&mut self, key: &EntityKey, change: &Change) -> Result<Reply, Failure> {
        let read = self.call_read(key).await?;
        let entity = read.ok_or_else(|| {
            Failure::NotFound(format!("there is no {}/{} in the catalog", key.blueprint, key.identifier))
        })?;
        let entity = changed(entity, change)?;
        self.overlay.entities.retain(|(known, _)| known != key);
        self.overlay.entities.push((key.clone(), entity.clone()));
        Ok(Reply::Updated(entity))
    }

    async fn call_read(&self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        match self.overlay.entity(key) {
            Some(entity) => Ok(Some(entity.clone())),
            None => self.live.entity(key).await,
        }
    }

    /// An open or merged pull request of an earlier attempt is taken over, as a real run would; a new one is planned.
    async fn propose(&mut self, proposal: &Proposal) -> Result<Reply, Failure> {
        let Proposal { repository, head, base, .. } = proposal;
        let earlier =
            self.live.live().github.repo(repository)?.pull_requests(head, base, PullFilter::Any).await?;
        if let Some(closed) = earlier.first().filter(|pull| pull.state == PullState::Closed) {
            return Err(Failure::Conflict(format!("{repository}#{} was closed by a person", closed.number)));
        }
        let planned = || PullRequest {
            number: 0,
            url: String::new(),
            title: proposal.title.clone(),
            state: PullState::Open,
            head: head.clone(),
            head_commit: digest(format!("{proposal:?}").as_bytes())[..40].to_owned(),
            base: base.clone(),
            merge_commit: None,
            merged_at: None,
            mergeable: Mergeability::Unknown,
        };
        let pull = earlier.into_iter().next().unwrap_or_else(planned);
        self.overlay.proposals.push((proposal.clone(), pull.clone()));
        Ok(Reply::PullRequest(pull))
    }
}

impl Overlay {
    fn entity(&self, key: &EntityKey) -> Option<&Entity> {
        self.entities.iter().find(|(known, _)| known == key).map(|(_, entity)| entity)
    }

    /// The answer to a read of something that was planned.
    fn answer(&self, call: &Call) -> Option<Reply> {
        match call {
            Call::GetEntity { key } => Some(Reply::Entity(Some(self.entity(key)?.clone()))),
            Call::ReadFile { repository, path, revision } => {
                let key = (repository.clone(), revision.clone(), path.clone());
                let (content, commit) = self.merged.get(&key)?;
                let blob = digest(content.as_bytes())[..40].to_owned();
                Some(Reply::File(Some(File {
                    path: path.clone(),
                    content: content.clone(),
                    commit: commit.clone(),
                    blob,
                })))
            }
            Call::GetPullRequest { repository, number } => {
                Some(Reply::PullRequest(self.proposal(repository, *number)?.1.clone()))
            }
            _ => None,
        }
    }

    /// A read of several things, some of which were planned.
    fn correct(&self, call: &Call, reply: Reply) -> Reply {
        match (call, reply) {
            (Call::GetEntities { keys }, Reply::Entities(mut entities)) => {
                for (key, entity) in keys.iter().zip(&mut entities) {
                    if let Some(planned) = self.entity(key) {
                        *entity = Some(planned.clone());
                    }
                }
                Reply::Entities(entities)
            }
            (_, reply) => reply,
        }
    }

    fn proposal(&self, repository: &str, number: u32) -> Option<&(Proposal, PullRequest)> {
        self.proposals
            .iter()
            .rev()
            .find(|(proposal, pull)| proposal.repository == repository && pull.number == number)
    }

    fn merge(&mut self, repository: &str, number: u32) -> Result<Reply, Failure> {
        let known = self.proposal(repository, number).cloned();
        let (proposal, pull) =
            known.ok_or_else(|| Failure::NotFound(format!("{repository}#{number} was not proposed")))?;
        for change in &proposal.changes {
            let key = (repository.to_owned(), proposal.base.clone(), change.path.clone());
            self.merged.insert(key, (change.content.clone(), pull.head_commit.clone()));
        }
        Ok(Reply::Merged(Merged::Now(pull.head_commit)))
    }
}

fn changed(mut entity: Entity, change: &Change) -> Result<Entity, Failure> {
    if let Some(title) = &change.title {
        entity.title = Some(title.clone());
    }
    if let Some(properties) = &change.properties {
        let read = |text: &str| {
            serde_json::from_str::<Map<String, Value>>(text)
                .map_err(|error| Failure::Rejected(format!("the properties are not a JSON object: {error}")))
        };
        let mut all = read(&entity.properties)?;
        all.extend(read(properties)?);
        entity.properties = Value::Object(all).to_string();
    }
    for relation in &change.relations {
        entity.relations.retain(|known| known.name != relation.name);
        entity.relations.push(relation.clone());
    }
    entity.relations.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entity)
}
