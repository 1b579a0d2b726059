//! Stands before the live source and saves waiting: log lines are sent beside the calls, and what the request
//! makes certain to be read is read at once.
//!
//! It is behind the gate, as every source: a call that is not granted never gets here. What it reads by itself is only what
//! the grants allow to read whatever its name. An answer that was fetched ahead answers one call, soon, and before the
//! first write; anything else is asked for as if it had not been.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

mod deletion;
mod file_pulls;
mod lines;
mod snapshot;

use crate::call::{Call, Reply};
use crate::contract::{Entity, EntityKey, Failure, Severity};
use crate::gate::Admitted;
use crate::grants::{Grants, Operation};
use crate::run::RunMode;
use crate::service::transport::Clock;
use crate::source::Source;
use crate::source::live::{Live, line};
use deletion::MergedBranches;
use lines::LogLines;
use snapshot::OpenPulls;

/// The age at which an answer that was fetched ahead is no longer used.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(10);
/// How long the search may take that spares reads: it is Port's slowest route, and can be done without.
const SEARCH_TIME: Duration = Duration::from_secs(5);
/// The most bytes of a message in the log of the Port run.
const MAX_MESSAGE: usize = 10_000;

/// The live source, with the waiting taken out.
pub struct Prefetch {
    reads: AheadReader,
    lines: LogLines,
    branches: MergedBranches,
}

/// Answers calls, by what was fetched ahead or by the live source.
struct AheadReader {
    live: Arc<Live>,
    clock: Arc<dyn Clock>,
    /// The entity that the run is about, once it is known.
    subject: OnceLock<EntityKey>,
    /// The blueprints of which every entity may be read.
    blueprints: Vec<String>,
    entities: Mutex<AheadEntities>,
    pulls: OpenPulls,
}

impl Prefetch {
    /// Stands before `live`, for a run about `subject`, as far as that is known, under these grants.
    pub fn new(
        live: impl Into<Arc<Live>>,
        clock: Arc<dyn Clock>,
        grants: &Grants,
        subject: Option<EntityKey>,
    ) -> Self {
        let readable = grants
            .0
            .iter()
            .filter(|grant| grant.covers(Operation::GetEntity) && grant.entity.is_empty());
        let mut blueprints: Vec<String> =
            readable.flat_map(|grant| grant.blueprint.clone()).collect();
        blueprints.sort();
        blueprints.dedup();
        let subject = subject.map(OnceLock::from).unwrap_or_default();
        let reads = AheadReader {
            live: live.into(),
            clock,
            subject,
            blueprints,
            entities: Mutex::default(),
            pulls: OpenPulls::new(grants),
        };
        Self {
            reads,
            lines: LogLines::default(),
            branches: MergedBranches::default(),
        }
    }

    /// The same, with the lines for Port's log kept until the end of the run.
    pub fn keeping_lines(mut self) -> Self {
        self.lines.hold();
        self
    }
}

impl AheadReader {
    fn entities(&self) -> MutexGuard<'_, AheadEntities> {
        self.entities.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the subject and what it is related to, if that may be read and was not yet. A search that fails, or takes
    /// long, costs nothing but time: what it would have found is read one by one, and it is not asked again.
    async fn look_around(&self) {
        let Some(subject) = self.subject.get() else {
            return;
        };
        let may = self.blueprints.contains(&subject.blueprint);
        if !may || std::mem::replace(&mut self.entities().asked, true) {
            return;
        }
        let search = self.live.port.find(around(subject, &self.blueprints));
        let Ok(Ok(found)) = tokio::time::timeout(SEARCH_TIME, search).await else {
            return;
        };
        let found = found.into_iter().map(|entity| (name(&entity.key), entity));
        *self.entities() = AheadEntities {
            asked: true,
            at: self.clock.now(),
            found: found.collect(),
        };
    }

    async fn answer(&self, call: Admitted<'_>) -> Result<Reply, Failure> {
        if call.is_write() {
            self.entities().found.clear();
        }
        match call.call() {
            Call::GetEntity { key } => Ok(Reply::Entity(
                self.several(std::slice::from_ref(key)).await?.remove(0),
            )),
            Call::GetEntities { keys } => Ok(Reply::Entities(self.several(keys).await?)),
            Call::ReadFile {
                repository,
                path,
                revision,
            } => {
                match self
                    .pulls
                    .snapshot(
                        &self.live,
                        repository,
                        path,
                        revision,
                        self.subject.get(),
                        self.clock.now(),
                    )
                    .await
                {
                    Some(file) => Ok(Reply::File(Some(file))),
                    None => self.live.answer(call).await,
                }
            }
            Call::FindPullRequests { .. } => match self.pulls.take(call.call(), self.clock.now()) {
                Some(found) => Ok(Reply::PullRequests(found)),
                None => self.live.answer(call).await,
            },
            Call::GetFilePulls { .. } => {
                match self.pulls.merged.take(call.call(), self.clock.now()) {
                    Some(found) => Ok(Reply::PullRequests(found)),
                    None => self.live.answer(call).await,
                }
            }
            other => {
                let reply = self.live.answer(call).await;
                self.pulls.heed(other, reply.as_ref().ok());
                reply
            }
        }
    }

    /// Entities in order, each fetched ahead or now.
    async fn several(&self, keys: &[EntityKey]) -> Result<Vec<Option<Entity>>, Failure> {
        if self
            .subject
            .get()
            .is_some_and(|subject| keys.contains(subject))
        {
            self.look_around().await;
        }
        let now = self.clock.now();
        let mut entities: Vec<_> = keys
            .iter()
            .map(|key| self.entities().take(key, now))
            .collect();
        let gaps: Vec<usize> = (0..keys.len())
            .filter(|at| entities[*at].is_none())
            .collect();
        if !gaps.is_empty() {
            let missing: Vec<EntityKey> = gaps.iter().map(|at| keys[*at].clone()).collect();
            for (at, entity) in gaps
                .into_iter()
                .zip(self.live.port.entities(&missing).await?)
            {
                entities[at] = entity;
            }
        }
        Ok(entities)
    }
}

#[async_trait]
impl Source for Prefetch {
    async fn call(&mut self, call: Admitted<'_>) -> Result<Reply, Failure> {
        let Self {
            reads,
            lines,
            branches,
        } = self;
        let now = reads.clock.now();
        if let Call::Note { severity, message } = call.call() {
            lines.add(line(*severity, &cut(message)), now);
            return Ok(Reply::Done(()));
        }
        lines.send_if_due(&reads.live, now);
        if call.is_write() {
            lines.accepted().await?;
        }
        if branches.take_on(call.call(), &reads.live) {
            return Ok(Reply::Done(()));
        }
        let reply = lines.beside(branches.beside(reads.answer(call))).await;
        branches.heed(call, &reply);
        if let (Call::Propose { .. }, Ok(Reply::PullRequest(pull))) = (call.call(), &reply) {
            reads.live.port.add_pull_request(&pull.url);
        }
        reply
    }

    async fn announce(&mut self, line: String) -> Result<(), Failure> {
        let now = self.reads.clock.now();
        self.lines.add(line, now);
        Ok(())
    }

    fn mode(&self) -> RunMode {
        RunMode::Run
    }

    fn live(&self) -> &Live {
        &self.reads.live
    }

    async fn entity(&self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        // The host asks for nothing but the entity that the run is about.
        if self.reads.subject.get_or_init(|| key.clone()) == key {
            // An App's token is minted meanwhile. What goes wrong with it shows at the first call that needs it.
            let _ = tokio::join!(self.reads.look_around(), self.reads.live.github.login());
        }
        let ahead = self.reads.entities().found.get(&name(key)).cloned();
        match ahead {
            Some(entity) => Ok(Some(entity)),
            None => self.reads.live.port.entity(key).await,
        }
    }

    async fn settle(&mut self) -> Result<(), Failure> {
        let now = self.reads.clock.now();
        for failed in self.branches.settle().await {
            self.reads.live.github.say(&failed);
            self.lines.add(line(Severity::Warning, &failed), now);
        }
        self.lines.settle(&self.reads.live).await
    }

    fn unsent(&mut self) -> Vec<String> {
        self.lines.take_unsent()
    }
}

/// The search for an entity and all that its relations lead to in any number of steps, as far as it is of these blueprints
/// (Port docs, "Search and query", `relatedTo`).
fn around(
    EntityKey {
        blueprint,
        identifier,
    }: &EntityKey,
    blueprints: &[String],
) -> Value {
    let is = |property: &str, value: &str| json!({ "property": property, "operator": "=", "value": value });
    let own = [is("$blueprint", blueprint), is("$identifier", identifier)];
    let related = json!({ "operator": "relatedTo", "blueprint": blueprint, "value": identifier, "direction": "upstream" });
    json!({ "combinator": "and", "rules": [
        { "property": "$blueprint", "operator": "in", "value": blueprints },
        { "combinator": "or", "rules": [{ "combinator": "and", "rules": own }, related] },
    ] })
}

/// Entities that were fetched ahead.
#[derive(Default)]
struct AheadEntities {
    asked: bool,
    at: Timestamp,
    found: BTreeMap<(String, String), Entity>,
}

impl AheadEntities {
    fn take(&mut self, key: &EntityKey, now: Timestamp) -> Option<Entity> {
        let entity = self.found.remove(&name(key))?;
        (now.duration_since(self.at) <= MAX_AGE).then_some(entity)
    }
}

fn name(key: &EntityKey) -> (String, String) {
    (key.blueprint.clone(), key.identifier.clone())
}

/// A message as far as it is shown in Port, where people read it. The journal has all of it.
fn cut(message: &str) -> Cow<'_, str> {
    match message.floor_char_boundary(MAX_MESSAGE) {
        end if end == message.len() => message.into(),
        end => format!(
            "{}… (cut: the journal has {} bytes)",
            &message[..end],
            message.len()
        )
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(MAX_MESSAGE);
        let shown = cut(&long);
        assert!(
            shown.starts_with("éé") && shown.ends_with("é… (cut: the journal has 20000 bytes)"),
            "{shown}"
        );
        assert!(shown.len() < MAX_MESSAGE + 50);
    }
}
