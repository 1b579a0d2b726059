//! The catalog's data: blueprints and entities, free of HTTP.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::CopyOnWrite;
use crate::world::shift;

/// A blueprint, as it was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogBlueprint {
    /// Its identifier.
    pub identifier: String,
    /// Everything that it was created with: `title`, `schema`, `relations` and so on.
    pub definition: CopyOnWrite<Map<String, Value>>,
    /// When and by whom it was created and changed.
    pub stamps: ChangeStamps,
}

/// One relation that a blueprint declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelationRule<'a> {
    /// The blueprint of the related entities.
    pub target: &'a str,
    /// True if an entity must have it.
    pub required: bool,
    /// True if it takes several entities.
    pub many: bool,
}

impl CatalogBlueprint {
    /// A blueprint of a definition that names it; none if it does not.
    pub fn new(
        definition: impl Into<CopyOnWrite<Map<String, Value>>>,
        stamps: ChangeStamps,
    ) -> Option<Self> {
        let definition = definition.into();
        let identifier = definition.get("identifier")?.as_str()?.to_owned();
        Some(Self {
            identifier,
            definition,
            stamps,
        })
    }

    /// Its title, or its identifier.
    pub fn title(&self) -> &str {
        let title = self.definition.get("title").and_then(Value::as_str);
        title.unwrap_or(&self.identifier)
    }

    /// Returns true if its entities have teams as owners.
    pub fn has_owners(&self) -> bool {
        self.section("ownership").is_some() || self.section("teamInheritance").is_some()
    }

    /// The properties of its schema.
    pub fn properties(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.section("schema")
            .and_then(|schema| schema.get("properties"))
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    }

    /// The schema of one property.
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.section("schema")?.get("properties")?.get(name)
    }

    /// Names of the properties that an entity must have.
    pub fn required_properties(&self) -> impl Iterator<Item = &str> {
        self.section("schema")
            .and_then(|schema| schema.get("required"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// The relations that it declares, by name.
    pub fn relations(&self) -> impl Iterator<Item = (&String, RelationRule<'_>)> {
        let relations = self.section("relations").into_iter().flatten();
        relations.map(|(name, rule)| (name, rule_of(rule)))
    }

    /// One relation that it declares.
    pub fn relation(&self, name: &str) -> Option<RelationRule<'_>> {
        self.section("relations")?.get(name).map(rule_of)
    }

    pub(super) fn section(&self, name: &str) -> Option<&Map<String, Value>> {
        self.definition.get(name)?.as_object()
    }
}

fn rule_of(rule: &Value) -> RelationRule<'_> {
    let flag = |name| rule.get(name).and_then(Value::as_bool).unwrap_or_default();
    RelationRule {
        target: rule
            .get("target")
            .and_then(Value::as_str)
            .unwrap_or_default(),
        required: flag("required"),
        many: flag("many"),
    }
}

/// When and by whom something was created and last changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeStamps {
    /// When it was created.
    pub created_at: Timestamp,
    /// User or client id that created it.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// User or client id that changed it last.
    pub updated_by: String,
}

impl ChangeStamps {
    /// Created now, by this user or client id.
    pub fn new(now: Timestamp, actor: &str) -> Self {
        Self {
            created_at: now,
            created_by: actor.to_owned(),
            updated_at: now,
            updated_by: actor.to_owned(),
        }
    }

    /// Moves both times.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        shift(&mut self.created_at, by);
        shift(&mut self.updated_at, by);
    }

    pub(super) fn touch(&mut self, now: Timestamp, actor: &str) {
        self.updated_at = now;
        actor.clone_into(&mut self.updated_by);
    }

    pub(super) fn write(&self, into: &mut Map<String, Value>) {
        into.insert("createdAt".into(), time(self.created_at));
        into.insert("createdBy".into(), json!(self.created_by));
        into.insert("updatedAt".into(), time(self.updated_at));
        into.insert("updatedBy".into(), json!(self.updated_by));
    }
}

/// A time as Port writes it, with milliseconds.
pub(super) fn time(at: Timestamp) -> Value {
    Value::String(format!("{at:.3}"))
}

/// An entity of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogEntity {
    /// Its identifier, unique within the blueprint.
    pub identifier: String,
    /// Its blueprint.
    pub blueprint: String,
    /// The name that people see.
    pub title: Option<String>,
    /// Its icon.
    pub icon: Option<String>,
    /// The teams that own it.
    pub team: Vec<String>,
    /// The properties that are set.
    pub properties: Map<String, Value>,
    /// The relations that are set; one entity or several.
    pub relations: BTreeMap<String, RelationTargets>,
    /// When and by whom it was created and changed.
    pub stamps: ChangeStamps,
}

/// The entities that a relation points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelationTargets {
    /// Of a relation that takes one.
    One(String),
    /// Of a relation that takes several.
    Many(Vec<String>),
}

impl RelationTargets {
    /// Their identifiers.
    pub fn identifiers(&self) -> &[String] {
        match self {
            Self::One(identifier) => std::slice::from_ref(identifier),
            Self::Many(identifiers) => identifiers,
        }
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let identifiers = match self {
            Self::One(identifier) => std::slice::from_mut(identifier),
            Self::Many(identifiers) => identifiers.as_mut_slice(),
        };
        for identifier in identifiers
            .iter_mut()
            .filter(|identifier| *identifier == from)
        {
            to.clone_into(identifier);
        }
    }

    pub(super) fn json(&self) -> Value {
        match self {
            Self::One(identifier) => json!(identifier),
            Self::Many(identifiers) => json!(identifiers),
        }
    }
}
