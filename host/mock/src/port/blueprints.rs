//! Blueprint routes.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::{PortRefusal, PortReply, PortResult};
use super::input::{self, IdentifierKind, PortCall};
use super::{CatalogBlueprint, ChangeStamps, Port};

const KEYS: [&str; 11] = [
    "identifier",
    "title",
    "description",
    "icon",
    "schema",
    "calculationProperties",
    "mirrorProperties",
    "aggregationProperties",
    "relations",
    "ownership",
    "teamInheritance",
];

/// The fields of a relation, and no others.
const RELATION_KEYS: [&str; 6] = ["title", "target", "required", "many", "description", "type"];

impl Port {
    pub(super) fn route_blueprints(
        &mut self,
        method: &Method,
        call: &PortCall<'_>,
        rest: &[&str],
    ) -> Option<PortResult> {
        Some(match (method.as_str(), rest) {
            ("GET", []) => self.list_blueprints(),
            ("POST", []) => self.create_blueprint(call),
            ("GET", [blueprint]) => self
                .blueprint(blueprint)
                .map(|it| self.shown_blueprint(StatusCode::OK, &it)),
            ("PUT", [blueprint]) => self.change_blueprint(call, blueprint, true),
            ("PATCH", [blueprint]) => self.change_blueprint(call, blueprint, false),
            ("DELETE", [blueprint]) => self.delete_blueprint(call, blueprint),
            // Deprecated since November 2024: today's schema refuses what was posted here.
            ("POST", [blueprint, "actions"]) | ("PUT", [blueprint, "actions", _]) => self
                .blueprint(blueprint)
                .and_then(|_| self.create_action(call)),
            _ => return None,
        })
    }

    fn list_blueprints(&self) -> PortResult {
        let blueprints: Vec<Value> = self
            .blueprints
            .values()
            .map(|it| self.show_blueprint(it))
            .collect();
        Ok(PortReply::ok(json!({"ok": true, "blueprints": blueprints})))
    }

    /// Beside the blueprint Port makes a page in the catalog, unless `create_catalog_page` is false (API reference, "Create a
    /// blueprint").
    fn create_blueprint(&mut self, call: &PortCall<'_>) -> PortResult {
        let has_page = call.query.flag_or("create_catalog_page", true)?;
        let body = call.object()?;
        IdentifierKind::Blueprint.check(
            "body/identifier",
            input::required(&body, "body", "identifier")?,
        )?;
        input::required(&body, "body", "title")?;
        let blueprint = self.checked(body, ChangeStamps::new(call.now, &call.actor))?;
        if self.blueprints.contains_key(&blueprint.identifier) {
            return Err(PortRefusal::taken("blueprint", &blueprint.identifier));
        }
        if has_page {
            self.pages.insert(blueprint.identifier.clone());
        }
        Ok(self.keep(call, StatusCode::CREATED, blueprint))
    }

    /// PUT replaces everything, PATCH only the keys that are sent.
    fn change_blueprint(
        &mut self,
        call: &PortCall<'_>,
        identifier: &str,
        replace: bool,
    ) -> PortResult {
        let before = self.blueprint(identifier)?;
        let sent = call.object()?;
        if replace {
            input::required(&sent, "body", "title")?;
            if !sent.contains_key("schema") {
                return Err(PortRefusal::invalid(
                    "body must have required property 'schema'",
                ));
            }
        }
        let mut definition = if replace {
            Map::new()
        } else {
            (*before.definition).clone()
        };
        definition.extend(sent);
        let renamed = definition
            .entry("identifier")
            .or_insert_with(|| json!(identifier));
        if renamed.as_str() != Some(identifier) {
            return Err(PortRefusal::invalid(
                "body/identifier must be that of the path",
            ));
        }
        let mut stamps = before.stamps.clone();
        stamps.touch(call.now, &call.actor);
        let blueprint = self.checked(definition, stamps)?;
        Ok(self.keep(call, StatusCode::OK, blueprint))
    }

    fn keep(
        &mut self,
        call: &PortCall<'_>,
        status: StatusCode,
        blueprint: CatalogBlueprint,
    ) -> PortReply {
        let reply = self.shown_blueprint(status, &blueprint);
        let action = if status == StatusCode::CREATED {
            "CREATE"
        } else {
            "UPDATE"
        };
        self.record(call, action, "blueprint", &blueprint.identifier);
        self.blueprints
            .insert(blueprint.identifier.clone(), Arc::new(blueprint));
        reply
    }

    fn delete_blueprint(&mut self, call: &PortCall<'_>, identifier: &str) -> PortResult {
        self.blueprint(identifier)?;
        let used = self
            .entities
            .keys()
            .any(|(blueprint, _)| blueprint == identifier);
        if used {
            return Err(PortRefusal::new(
                StatusCode::FORBIDDEN,
                "has_dependents",
                format!("blueprint \"{identifier}\" has entities"),
            ));
        }
        self.blueprints.remove(identifier);
        self.pages.remove(identifier);
        self.record(call, "DELETE", "blueprint", identifier);
        Ok(PortReply::ok(json!({"ok": true})))
    }

    /// Checks a definition against the schema of "Create a blueprint", and that relation targets exist.
    fn checked(
        &self,
        definition: Map<String, Value>,
        stamps: ChangeStamps,
    ) -> Result<CatalogBlueprint, PortRefusal> {
        input::only(&definition, "body", &KEYS)?;
        for (key, longest) in [("title", 100), ("description", 200)] {
            let text = input::optional(&definition, "body", key)?;
            if text.is_some_and(|text| {
                text.chars().count() > longest || (key == "title" && text.is_empty())
            }) {
                return Err(PortRefusal::invalid(format!(
                    "body/{key} must have at most {longest} characters"
                )));
            }
        }
        let schema = input::map(&definition, "body", "schema")?;
        input::only(&schema, "body/schema", &["properties", "required"])?;
        for (name, property) in input::map(&schema, "body/schema", "properties")? {
            if !property.is_object() {
                return Err(PortRefusal::invalid(format!(
                    "body/schema/properties/{name} must be object"
                )));
            }
        }
        for (name, relation) in input::map(&definition, "body", "relations")? {
            self.check_relation(&definition, &name, &relation)?;
        }
        CatalogBlueprint::new(definition, stamps)
            .ok_or_else(|| PortRefusal::invalid("body must have required property 'identifier'"))
    }

    fn check_relation(
        &self,
        definition: &Map<String, Value>,
        name: &str,
        relation: &Value,
    ) -> Result<(), PortRefusal> {
        let at = format!("body/relations/{name}");
        let Value::Object(relation) = relation else {
            return Err(PortRefusal::invalid(format!("{at} must be object")));
        };
        input::only(relation, &at, &RELATION_KEYS)?;
        for key in ["title", "description"] {
            if relation.contains_key(key) {
                input::required(relation, &at, key)?;
            }
        }
        let target = input::required(relation, &at, "target")?;
        for flag in ["required", "many"] {
            if !relation.get(flag).is_some_and(Value::is_boolean) {
                return Err(PortRefusal::invalid(format!("{at}/{flag} must be boolean")));
            }
        }
        let own = definition.get("identifier").and_then(Value::as_str) == Some(target);
        if own || self.blueprints.contains_key(target) {
            return Ok(());
        }
        Err(PortRefusal::not_found("blueprint", target))
    }
}

impl Port {
    fn show_blueprint(&self, blueprint: &CatalogBlueprint) -> Value {
        let mut shown = (*blueprint.definition).clone();
        let relations = shown.get_mut("relations").and_then(Value::as_object_mut);
        for relation in relations.into_iter().flat_map(Map::values_mut) {
            if let Some(relation) = relation.as_object_mut().filter(|_| self.unset_as_null) {
                for key in RELATION_KEYS {
                    relation.entry(key).or_insert(Value::Null);
                }
            }
        }
        blueprint.stamps.write(&mut shown);
        Value::Object(shown)
    }

    fn shown_blueprint(&self, status: StatusCode, blueprint: &CatalogBlueprint) -> PortReply {
        PortReply::with(
            status,
            json!({"ok": true, "blueprint": self.show_blueprint(blueprint)}),
        )
    }
}
