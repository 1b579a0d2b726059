//! Entity routes: read, create, upsert, replace, change, delete, and the bulk route.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::{PortRefusal, PortReply, PortResult};
use super::audit::EntityChange;
use super::input::{self, PortCall};
use super::projection::EntityView;
use super::schema::EntityDraft;
use super::write::WriteMode;
use super::{CatalogEntity, Port};

/// The bulk route takes no more (Port API reference, "Create multiple entities").
const BULK_LIMIT: usize = 20;

impl Port {
    pub(super) fn route_entities(
        &mut self,
        method: &Method,
        call: &PortCall<'_>,
        blueprint: &str,
        rest: &[&str],
    ) -> Option<PortResult> {
        Some(match (method.as_str(), rest) {
            ("GET", []) => self.list_entities(call, blueprint),
            ("POST", []) => self.post_entity(call, blueprint),
            ("POST", ["bulk"]) => self.post_entities(call, blueprint),
            ("POST", ["search"]) => self.search_blueprint(call, blueprint),
            ("GET", [entity]) => self.get_entity(call, blueprint, entity),
            ("PUT", [entity]) => self.change_entity(call, blueprint, entity, WriteMode::Replace),
            ("PATCH", [entity]) => self.change_entity(call, blueprint, entity, WriteMode::Change),
            ("DELETE", [entity]) => self.delete_entity(call, blueprint, entity),
            _ => return None,
        })
    }

    fn get_entity(&self, call: &PortCall<'_>, blueprint: &str, identifier: &str) -> PortResult {
        self.blueprint(blueprint)?;
        let entity = self
            .entity(blueprint, identifier)
            .ok_or_else(|| PortRefusal::not_found("entity", identifier))?;
        let view = EntityView::of(call)?;
        Ok(PortReply::holding("entity", self.show(entity, &view)))
    }

    fn list_entities(&self, call: &PortCall<'_>, blueprint: &str) -> PortResult {
        self.blueprint(blueprint)?;
        let view = EntityView::of(call)?;
        let entities: Vec<Value> = self
            .entities
            .values()
            .filter(|entity| entity.blueprint == blueprint)
            .map(|entity| self.show(entity, &view))
            .collect();
        Ok(PortReply::holding("entities", entities))
    }

    fn post_entity(&mut self, call: &PortCall<'_>, blueprint: &str) -> PortResult {
        let body = call.object()?;
        let (entity, created) = self.post_one(call, blueprint, &body)?;
        let status = if created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        Ok(PortReply::with(status, self.shown(&entity)))
    }

    fn post_one(
        &mut self,
        call: &PortCall<'_>,
        blueprint: &str,
        body: &Map<String, Value>,
    ) -> Result<(CatalogEntity, bool), PortRefusal> {
        let mode = WriteMode::of_post(call)?;
        // Extra keys are allowed here: Port's own action sends `blueprint`.
        let mut draft = EntityDraft::parse(body)?;
        let identifier = match body.get("identifier") {
            None => self.generate("e_"),
            Some(Value::String(identifier)) => identifier.clone(),
            Some(query @ Value::Object(_)) => self.find_one(call, blueprint, query)?,
            Some(_) => {
                return Err(PortRefusal::invalid(
                    "body/identifier must be string or a search query",
                ));
            }
        };
        draft.identifier = None;
        self.write_entity(call, blueprint, &identifier, &draft, mode)
    }

    /// Every element stands for itself: 207 tells the good from the bad.
    fn post_entities(&mut self, call: &PortCall<'_>, blueprint: &str) -> PortResult {
        let body = call.object()?;
        input::only(&body, "body", &["entities"])?;
        let Some(Value::Array(elements)) = body.get("entities") else {
            return Err(PortRefusal::invalid("body/entities must be array"));
        };
        if elements.is_empty() || elements.len() > BULK_LIMIT {
            return Err(PortRefusal::invalid(format!(
                "body/entities must hold 1 to {BULK_LIMIT} items"
            )));
        }
        self.blueprint(blueprint)?;
        let mut good = Vec::new();
        let mut bad = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            let sent = element.get("identifier").cloned().unwrap_or_default();
            let written = element
                .as_object()
                .ok_or_else(|| {
                    PortRefusal::invalid(format!("body/entities/{index} must be object"))
                })
                .and_then(|element| self.post_one(call, blueprint, element));
            match written {
                Ok((entity, created)) => good.push(json!({
                    "identifier": entity.identifier, "index": index, "created": created,
                })),
                Err(problem) => bad.push(json!({
                    "identifier": sent, "index": index, "statusCode": problem.status.as_u16(),
                    "error": problem.code, "message": problem.message,
                })),
            }
        }
        let status = if bad.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::MULTI_STATUS
        };
        Ok(PortReply::with(
            status,
            json!({"ok": true, "entities": good, "errors": bad}),
        ))
    }

    fn change_entity(
        &mut self,
        call: &PortCall<'_>,
        blueprint: &str,
        identifier: &str,
        mode: WriteMode,
    ) -> PortResult {
        let body = call.object()?;
        let mut allowed = EntityDraft::KEYS.to_vec();
        if mode == WriteMode::Replace {
            allowed.push("blueprint");
        }
        input::only(&body, "body", &allowed)?;
        let draft = EntityDraft::parse(&body)?;
        let (entity, _) = self.write_entity(call, blueprint, identifier, &draft, mode)?;
        Ok(PortReply::ok(self.shown(&entity)))
    }

    fn shown(&self, entity: &CatalogEntity) -> Value {
        json!({"ok": true, "entity": self.show(entity, &EntityView::default())})
    }

    fn delete_entity(
        &mut self,
        call: &PortCall<'_>,
        blueprint: &str,
        identifier: &str,
    ) -> PortResult {
        self.blueprint(blueprint)?;
        let run = self.run_of_write(call)?;
        if self.entity(blueprint, identifier).is_none() {
            return Err(PortRefusal::not_found("entity", identifier));
        }
        let dependents = self.dependents(blueprint, identifier);
        if !dependents.is_empty() && !call.query.flag("delete_dependents")? {
            return Err(PortRefusal::new(
                StatusCode::FORBIDDEN,
                "has_dependents",
                format!(
                    "entity \"{identifier}\" has {} dependents",
                    dependents.len()
                ),
            ));
        }
        // Dependents of dependents go too; an entity that is gone already ends a circle.
        let mut doomed = vec![(blueprint.to_owned(), identifier.to_owned())];
        while let Some(key) = doomed.pop() {
            let Some(entity) = self.entities.remove(&key) else {
                continue;
            };
            doomed.extend(self.dependents(&key.0, &key.1));
            self.record_entity(
                call,
                run.clone(),
                EntityChange {
                    before: Some(&entity),
                    after: None,
                },
            );
        }
        Ok(PortReply::ok(json!({"ok": true})))
    }

    /// The entities with a relation to this one.
    fn dependents(&self, blueprint: &str, identifier: &str) -> Vec<(String, String)> {
        self.entities
            .iter()
            .filter(|(_, entity)| self.points_at(entity, blueprint, identifier))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Returns true if one of its relations holds this entity.
    pub(super) fn points_at(
        &self,
        entity: &CatalogEntity,
        blueprint: &str,
        identifier: &str,
    ) -> bool {
        let Some(definition) = self.blueprints.get(&entity.blueprint) else {
            return false;
        };
        entity.relations.iter().any(|(name, targets)| {
            definition
                .relation(name)
                .is_some_and(|rule| rule.target == blueprint)
                && targets
                    .identifiers()
                    .iter()
                    .any(|target| target == identifier)
        })
    }
}
