//! What a run changed, or would change: manifests and catalog, for people.

use std::time::Duration;

use serde_json::{Map, Value};
use similar::TextDiff;

use super::contract::{Change, Entity};

/// How long a diff may be looked for: beyond that it is right, but longer than need be. Two long texts without a line in
/// common would take hours.
const PATIENCE: Duration = Duration::from_millis(100);

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
    /// What it was, as far as the run had read it.
    pub before: String,
    /// What it is.
    pub after: String,
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
        Self { repository: repository.to_owned(), path: path.to_owned(), diff }
    }
}

impl CatalogChange {
    /// What an update changes in an entity, field by field; only what differs.
    pub fn of(before: Option<&Entity>, entity: &Entity, change: &Change) -> Vec<Self> {
        let name = format!("{}/{}", entity.key.blueprint, entity.key.identifier);
        let relation = |entity: &Entity, name: &str| {
            let found = entity.relations.iter().find(|relation| relation.name == name);
            found.map(|relation| relation.targets.join(", ")).unwrap_or_default()
        };
        let property = |entity: &Entity, name: &str| {
            let all: Map<String, Value> = serde_json::from_str(&entity.properties).unwrap_or_default();
            all.get(name).map(Value::to_string).unwrap_or_default()
        };
        let asked: Map<String, Value> =
            change.properties.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let relations = change.relations.iter().map(|asked| {
            let name = &asked.name;
            (name.clone(), before.map(|before| relation(before, name)), relation(entity, name))
        });
        let properties = asked
            .keys()
            .map(|name| (name.clone(), before.map(|before| property(before, name)), property(entity, name)));
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
