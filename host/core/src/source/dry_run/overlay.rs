//! The writes that a dry run keeps back: its reads see them, nobody else does.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::call::{Call, Reply};
use crate::contract::{
    Change, Entity, EntityKey, Failure, File, Mergeability, Merged, Proposal, PullPeople,
    PullRequest, PullState,
};
use crate::id::BranchFile;
use crate::journal::digest;

/// The numbers of pull requests that are planned start here. No repository gets so far, so that one in a text stands for
/// the pull request that will be.
pub(crate) const FIRST: u32 = 4_000_000_001;

/// The writes that the run would have made so far.
#[derive(Debug, Default)]
pub struct PlannedWrites {
    /// Proposals with their pull requests.
    proposals: Vec<(Proposal, PullRequest)>,
    /// Content on base branches after planned merges, by repository, branch and path.
    merged: BTreeMap<(String, String, String), (String, String)>,
    /// Entities as planned updates leave them.
    entities: Vec<(EntityKey, Entity)>,
}

impl PlannedWrites {
    /// An entity as a planned update leaves it.
    pub fn entity(&self, key: &EntityKey) -> Option<&Entity> {
        self.entities
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, entity)| entity)
    }

    /// The answer to a read of something that was planned.
    pub fn answer(&self, call: &Call) -> Option<Reply> {
        match call {
            Call::GetEntity { key } => Some(Reply::Entity(Some(self.entity(key)?.clone()))),
            Call::ReadFile {
                repository,
                path,
                revision,
            } => {
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
            Call::GetPullRequest { repository, number } => Some(Reply::PullRequest(
                self.proposal(repository, *number)?.1.clone(),
            )),
            // Nobody can have reviewed what is only planned.
            Call::GetPullPeople { repository, number } if *number >= FIRST => {
                let (_, pull) = self.proposal(repository, *number)?;
                Some(Reply::PullPeople(PullPeople {
                    author: None,
                    committers: Vec::new(),
                    head_commit: pull.head_commit.clone(),
                    merged_by: None,
                    reviews: Vec::new(),
                }))
            }
            // Nor has anything checked it: what a run would wait for passes.
            Call::GetChecks {
                repository, commit, ..
            } if self.is_planned(repository, commit) => Some(Reply::Checks(Vec::new())),
            _ => None,
        }
    }

    /// Whether a commit is the head of a pull request that is only planned.
    fn is_planned(&self, repository: &str, commit: &str) -> bool {
        self.proposals.iter().any(|(proposal, pull)| {
            proposal.repository == repository && pull.number >= FIRST && pull.head_commit == commit
        })
    }

    /// Returns the text of a file on its base branch after a planned merge.
    pub(crate) fn merged_text(&self, file: &BranchFile) -> Option<&str> {
        let key = (
            file.repository.to_string(),
            file.branch.to_string(),
            file.path.to_string(),
        );
        self.merged.get(&key).map(|(text, _)| text.as_str())
    }

    /// A read of several things, some of which were planned.
    pub fn correct(&self, call: &Call, reply: Reply) -> Reply {
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

    /// Plans a new pull request.
    pub fn open(&mut self, proposal: &Proposal) -> PullRequest {
        let planned = self
            .proposals
            .iter()
            .filter(|(_, pull)| pull.number >= FIRST)
            .count();
        let number = FIRST.saturating_add(u32::try_from(planned).unwrap_or(u32::MAX));
        let pull = PullRequest {
            number,
            url: format!(
                "https://planned.invalid/{}/pull/{number}",
                proposal.repository
            ),
            title: proposal.title.clone(),
            state: PullState::Open,
            head: proposal.head.clone(),
            head_commit: commit(&format!("{number} {proposal:?}")),
            base: proposal.base.clone(),
            merge_commit: None,
            merged_at: None,
            mergeable: Mergeability::Unknown,
            image: proposal.image.clone(),
            runs: Vec::new(),
        };
        self.take_over(proposal, &pull);
        pull
    }

    /// Takes note of a pull request that stands for this proposal.
    pub fn take_over(&mut self, proposal: &Proposal, pull: &PullRequest) {
        self.proposals.push((proposal.clone(), pull.clone()));
    }

    /// Plans an update of an entity that was read.
    pub fn update(&mut self, entity: Entity, change: &Change) -> Result<Reply, Failure> {
        let entity = changed(entity, change)?;
        self.entities.retain(|(known, _)| *known != entity.key);
        self.entities.push((entity.key.clone(), entity.clone()));
        Ok(Reply::Updated(entity))
    }

    fn proposal(&self, repository: &str, number: u32) -> Option<&(Proposal, PullRequest)> {
        self.proposals
            .iter()
            .rev()
            .find(|(proposal, pull)| proposal.repository == repository && pull.number == number)
    }

    /// Plans the merge of a pull request that this run proposed.
    pub fn merge(&mut self, repository: &str, number: u32) -> Result<Reply, Failure> {
        let known = self.proposal(repository, number).cloned();
        let (proposal, pull) = known
            .ok_or_else(|| Failure::NotFound(format!("{repository}#{number} was not proposed")))?;
        let merged = commit(&format!("merge of {}", pull.head_commit));
        for change in &proposal.changes {
            let key = (
                repository.to_owned(),
                proposal.base.clone(),
                change.path.clone(),
            );
            self.merged
                .insert(key, (change.content.clone(), merged.clone()));
        }
        Ok(Reply::Merged(Merged::Now(merged)))
    }
}

/// The identifier of a commit that will be, before it is: no other text is like it.
fn commit(text: &str) -> String {
    digest(text.as_bytes())[..40].to_owned()
}

fn changed(mut entity: Entity, change: &Change) -> Result<Entity, Failure> {
    if let Some(title) = &change.title {
        entity.title = Some(title.clone());
    }
    if let Some(properties) = &change.properties {
        let read = |text: &str| {
            serde_json::from_str::<Map<String, Value>>(text).map_err(|error| {
                Failure::Rejected(format!("the properties are not a JSON object: {error}"))
            })
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
