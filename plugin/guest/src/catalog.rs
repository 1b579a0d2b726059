//! Entities of Port's catalog, as the policy reads them.
//!
//! The values are what people and integrations wrote into the catalog: hostile until checked.

use serde_json::{Map, Value, json};

use crate::port_read;
use crate::types::{Entity, EntityKey, Failure, Relation};

/// An entity whose properties are parsed.
///
/// ```
/// use promote_guest::catalog::Item;
/// use promote_guest::types::{Entity, EntityKey, Relation};
///
/// let service = Item::new(&Entity {
///     key: EntityKey { blueprint: "service".into(), identifier: "web".into() },
///     title: None,
///     teams: vec!["payments".into()],
///     properties: r#"{"locked_in_prod": false, "tier": 1}"#.into(),
///     relations: vec![Relation { name: "prod_runtime".into(), targets: vec!["web-prod".into()] }],
///     updated_at: None,
/// })?;
/// assert_eq!(service.property("tier"), 1);
/// assert_eq!(service.relation("prod_runtime"), Some("web-prod"));
/// assert_eq!(service.text("owner"), None); // not set
/// # Ok::<(), promote_guest::types::Failure>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Blueprint and identifier.
    pub key: EntityKey,
    /// When it was last changed, if Port says so.
    pub updated_at: Option<String>,
    /// The whole entity for templates: `identifier`, `title`, `blueprint`, `teams`, `properties`, `relations`, `updatedAt`.
    pub value: Value,
}

impl Item {
    /// Reads an entity from the catalog; none if there is none.
    ///
    /// # Errors
    /// As `get-entity` of `port-read`, and as [`Item::new`].
    pub fn find(blueprint: &str, identifier: &str) -> Result<Option<Self>, Failure> {
        let key = EntityKey {
            blueprint: blueprint.to_owned(),
            identifier: identifier.to_owned(),
        };
        port_read::get_entity(&key)?
            .as_ref()
            .map(Self::new)
            .transpose()
    }

    /// Takes an entity as the host returned it.
    ///
    /// # Errors
    /// Fails with `other` if its properties are not a JSON object; the contract promises that they are.
    pub fn new(entity: &Entity) -> Result<Self, Failure> {
        let properties: Map<String, Value> =
            serde_json::from_str(&entity.properties).map_err(|error| {
                Failure::Other(format!(
                    "the properties of {} are not a JSON object: {error}",
                    named(&entity.key)
                ))
            })?;
        let mut relations = Map::new();
        for relation in &entity.relations {
            relations.insert(relation.name.clone(), targets(relation));
        }
        let mut value = json!({
            "identifier": entity.key.identifier,
            "title": entity.title,
            "blueprint": entity.key.blueprint,
            "teams": entity.teams,
            "updatedAt": entity.updated_at,
        });
        // Not by `json!`, which copies whatever it is given: these are nearly all of an entity.
        value["properties"] = properties.into();
        value["relations"] = relations.into();
        Ok(Self {
            key: entity.key.clone(),
            updated_at: entity.updated_at.clone(),
            value,
        })
    }

    /// A property, null if it is not set.
    pub fn property(&self, name: &str) -> &Value {
        &self.value["properties"][name]
    }

    /// A property that holds text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.property(name).as_str().filter(|text| !text.is_empty())
    }

    /// The targets of a relation, to one entity or to several.
    pub fn targets(&self, name: &str) -> Vec<&str> {
        match &self.value["relations"][name] {
            Value::String(one) => vec![one],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The target of a relation to one entity.
    pub fn relation(&self, name: &str) -> Option<&str> {
        self.value["relations"][name].as_str()
    }
}

fn targets(relation: &Relation) -> Value {
    match relation.targets.as_slice() {
        [] => Value::Null,
        [one] => json!(one),
        many => json!(many),
    }
}

/// Returns the name of an entity in messages: `` running_service `web-prod` ``.
pub fn named(key: &EntityKey) -> String {
    format!("{} `{}`", key.blueprint, key.identifier)
}
