//! An entity as templates see it.

use serde_json::{Map, Value, json};

use crate::contract::{Entity, Relation};

/// Returns the entity as templates see it.
pub fn entity_context(entity: &Entity) -> Value {
    let properties: Map<String, Value> =
        serde_json::from_str(&entity.properties).unwrap_or_default();
    let relation = |relation: &Relation| match &relation.targets[..] {
        [] => (relation.name.clone(), Value::Null),
        [one] => (relation.name.clone(), json!(one)),
        targets => (relation.name.clone(), json!(targets)),
    };
    let relations: Value = entity.relations.iter().map(relation).collect();
    json!({
        "identifier": entity.key.identifier,
        "blueprint": entity.key.blueprint,
        "title": entity.title,
        "teams": entity.teams,
        "updatedAt": entity.updated_at,
        "properties": properties,
        "relations": relations,
    })
}
