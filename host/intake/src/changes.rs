//! The changes of a run or a plan, in manifests and catalog, for people.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use similar::TextDiff;

use promote_core::call::{Call, Reply};
use promote_core::contract::{Change, Entity, Proposal};
use promote_core::gate::{CallAnswer, CallRecord};

/// How long a diff may be looked for: beyond that it is right, but longer than need be. Two long texts without a line in
/// common would take hours.
const PATIENCE: Duration = Duration::from_millis(100);

/// Everything that a run changed, or a plan would.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunChanges {
    /// Files that were proposed, with what changes in them.
    pub files: Vec<FileDiff>,
    /// The changes in the catalog.
    pub catalog: Vec<CatalogChange>,
}

/// One file of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// `owner/name`.
    pub repository: String,
    /// Path in the repository.
    pub path: String,
    /// Unified diff with three lines around each change.
    pub diff: String,
}

/// One property or relation of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogChange {
    /// Blueprint and identifier, with a slash.
    pub entity: String,
    /// The property or relation.
    pub field: String,
    /// The value before, as far as the run had read it.
    pub before: String,
    /// What it is.
    pub after: String,
}

impl RunChanges {
    /// The changes of the calls that were answered. What was there before is what the run itself had read.
    pub fn of(timeline: &[CallRecord]) -> Self {
        let (mut changes, mut known) = (Self::default(), KnownPlaces::default());
        for step in timeline {
            let CallAnswer::Reply(reply) = &step.answer else {
                continue;
            };
            match (&step.call, reply) {
                (Call::Propose { proposal }, _) => changes.propose(proposal, &known),
                (Call::UpdateEntity { change, .. }, Reply::Updated(entity)) => {
                    let before = known.entity(entity);
                    changes
                        .catalog
                        .extend(CatalogChange::of(before, entity, change));
                }
                _ => {}
            }
            known.learn(&step.call, reply);
        }
        changes
    }

    fn propose(&mut self, proposal: &Proposal, known: &KnownPlaces<'_>) {
        let repository = proposal.repository.as_str();
        for change in &proposal.changes {
            let old = known.files.get(&(
                repository,
                change.path.as_str(),
                change.expected_blob.as_str(),
            ));
            let diff = FileDiff::new(
                repository,
                &change.path,
                old.copied().unwrap_or_default(),
                &change.content,
            );
            self.files
                .retain(|file| file.repository != diff.repository || file.path != diff.path);
            self.files.push(diff);
        }
    }
}

/// The files and entities that a run had read so far.
#[derive(Default)]
struct KnownPlaces<'a> {
    /// Content by repository, path and blob.
    files: BTreeMap<(&'a str, &'a str, &'a str), &'a str>,
    /// By blueprint and identifier.
    entities: BTreeMap<(&'a str, &'a str), &'a Entity>,
}

impl<'a> KnownPlaces<'a> {
    fn learn(&mut self, call: &'a Call, reply: &'a Reply) {
        match (call, reply) {
            (
                Call::ReadFile {
                    repository, path, ..
                },
                Reply::File(Some(file)),
            ) => {
                self.files
                    .insert((repository, path, &file.blob), &file.content);
            }
            (_, Reply::Entity(Some(entity)) | Reply::Updated(entity)) => self.meet(entity),
            (_, Reply::Entities(entities)) => entities
                .iter()
                .flatten()
                .for_each(|entity| self.meet(entity)),
            (_, Reply::Found(entities)) => entities.iter().for_each(|entity| self.meet(entity)),
            _ => {}
        }
    }

    fn meet(&mut self, entity: &'a Entity) {
        self.entities
            .insert((&entity.key.blueprint, &entity.key.identifier), entity);
    }

    fn entity(&self, like: &Entity) -> Option<&Entity> {
        self.entities
            .get(&(like.key.blueprint.as_str(), like.key.identifier.as_str()))
            .copied()
    }
}

impl FileDiff {
    /// The difference between two texts of a file.
    pub fn new(repository: &str, path: &str, old: &str, new: &str) -> Self {
        let diff = TextDiff::configure()
            .timeout(PATIENCE)
            .diff_lines(old, new)
            .unified_diff()
            .context_radius(3)
            .header(&format!("a/{path}"), &format!("b/{path}"))
            .to_string();
        Self {
            repository: repository.to_owned(),
            path: path.to_owned(),
            diff,
        }
    }
}

impl CatalogChange {
    /// Returns the changes of an update to an entity, field by field; only what differs.
    pub fn of(before: Option<&Entity>, entity: &Entity, change: &Change) -> Vec<Self> {
        let name = format!("{}/{}", entity.key.blueprint, entity.key.identifier);
        let relation = |entity: &Entity, name: &str| {
            let found = entity
                .relations
                .iter()
                .find(|relation| relation.name == name);
            found
                .map(|relation| relation.targets.join(", "))
                .unwrap_or_default()
        };
        let property = |entity: &Entity, name: &str| {
            let all: Map<String, Value> =
                serde_json::from_str(&entity.properties).unwrap_or_default();
            all.get(name).map(Value::to_string).unwrap_or_default()
        };
        let asked: Map<String, Value> = change
            .properties
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let relations = change.relations.iter().map(|asked| {
            let name = &asked.name;
            (
                name.clone(),
                before.map(|before| relation(before, name)),
                relation(entity, name),
            )
        });
        let properties = asked.keys().map(|name| {
            (
                name.clone(),
                before.map(|before| property(before, name)),
                property(entity, name),
            )
        });
        relations
            .chain(properties)
            .map(|(field, before, after)| Self {
                entity: name.clone(),
                field,
                before: before.unwrap_or_default(),
                after,
            })
            .filter(|change| change.before != change.after)
            .collect()
    }
}
