//! The search routes, and the search queries that stand in place of an identifier.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{PortRefusal, PortReply, PortResult};
use super::input::{self, PortCall};
use super::projection::EntityView;
use super::{CatalogEntity, Port, RelationTargets};

mod rule;

use rule::SearchRule;

impl Port {
    /// `POST /v1/entities/search`: over all blueprints.
    pub(super) fn search_all(&self, call: &PortCall<'_>) -> PortResult {
        let body = call.object()?;
        input::only(&body, "body", &["combinator", "rules"])?;
        let rule = SearchRule::group(&body, "body")?;
        let view = EntityView::of(call)?;
        let mut blueprints = BTreeSet::new();
        let mut entities = Vec::new();
        for entity in self.entities.values() {
            if rule.holds(self, entity, call.now) {
                blueprints.insert(entity.blueprint.as_str());
                entities.push(self.show(entity, &view));
            }
        }
        let mut reply = PortReply::holding("entities", entities);
        reply.body["matchingBlueprints"] = json!(blueprints);
        reply.body["failedBlueprints"] = json!([]);
        Ok(reply)
    }

    /// `POST /v1/blueprints/{blueprint}/entities/search`: one blueprint, in pages.
    pub(super) fn search_blueprint(&self, call: &PortCall<'_>, blueprint: &str) -> PortResult {
        let body = call.object()?;
        input::only(
            &body,
            "body",
            &["query", "include", "exclude", "limit", "from"],
        )?;
        self.blueprint(blueprint)?;
        let rule = match body.get("query") {
            None => SearchRule::everything(),
            Some(Value::Object(query)) => SearchRule::group(query, "body/query")?,
            Some(_) => return Err(PortRefusal::invalid("body/query must be object")),
        };
        let view = EntityView {
            include: paths(&body, "include")?,
            exclude: paths(&body, "exclude")?,
            ..EntityView::of(call)?
        };
        let limit = limit(&body)?;
        let from = input::optional(&body, "body", "from")?;
        let mut found = self
            .entities
            .values()
            .filter(|entity| entity.blueprint == blueprint)
            .filter(|entity| from.is_none_or(|from| entity.identifier.as_str() > from))
            .filter(|entity| rule.holds(self, entity, call.now));
        let page: Vec<&CatalogEntity> = found.by_ref().take(limit).collect();
        let shown: Vec<Value> = page.iter().map(|entity| self.show(entity, &view)).collect();
        let mut reply = PortReply::holding("entities", shown);
        if let (Some(last), true) = (page.last(), found.next().is_some()) {
            reply.body["next"] = json!(last.identifier);
        }
        Ok(reply)
    }

    /// The entities of a blueprint that a query finds.
    pub(super) fn find_all(
        &self,
        call: &PortCall<'_>,
        blueprint: &str,
        query: &Value,
    ) -> Result<Vec<String>, PortRefusal> {
        let query = query.as_object().cloned().unwrap_or_default();
        let rule = SearchRule::group(&query, "query")?;
        Ok(self
            .entities
            .values()
            .filter(|entity| entity.blueprint == blueprint && rule.holds(self, entity, call.now))
            .map(|entity| entity.identifier.clone())
            .collect())
    }

    /// The one entity that a query finds: 404 if there is none, 422 if there are several.
    pub(super) fn find_one(
        &self,
        call: &PortCall<'_>,
        blueprint: &str,
        query: &Value,
    ) -> Result<String, PortRefusal> {
        let mut found = self.find_all(call, blueprint, query)?;
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(PortRefusal::new(
                StatusCode::NOT_FOUND,
                "not_found",
                format!("no entity of the blueprint \"{blueprint}\" matches the search query"),
            )),
            number => Err(PortRefusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "relation_many_violation",
                format!(
                    "{number} entities of the blueprint \"{blueprint}\" match the search query"
                ),
            )),
        }
    }

    /// Returns true if an entity meets the condition of an action, which is a search query with a type.
    pub(super) fn meets(
        &self,
        call: &PortCall<'_>,
        entity: &CatalogEntity,
        condition: &Value,
    ) -> Result<bool, PortRefusal> {
        let mut query = condition.as_object().cloned().unwrap_or_default();
        query.remove("type");
        Ok(SearchRule::group(&query, "condition")?.holds(self, entity, call.now))
    }

    /// Everything that the relations of an entity lead to, or that leads to it, in any number of steps.
    fn reach<'a>(
        &'a self,
        start: (&'a str, &'a str),
        upstream: bool,
        required: Option<bool>,
    ) -> BTreeSet<(&'a str, &'a str)> {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some((blueprint, identifier)) = open.pop() {
            let next: Vec<(&str, &str)> = if upstream {
                self.targets(blueprint, identifier, required)
            } else {
                let entities = self.entities.values();
                entities
                    .filter(|entity| {
                        let key = (entity.blueprint.as_str(), entity.identifier.as_str());
                        self.points_at(entity, blueprint, identifier)
                            && self
                                .targets(key.0, key.1, required)
                                .contains(&(blueprint, identifier))
                    })
                    .map(|entity| (entity.blueprint.as_str(), entity.identifier.as_str()))
                    .collect()
            };
            open.extend(next.into_iter().filter(|key| reached.insert(*key)));
        }
        reached
    }

    /// Returns the entities that one relation of an entity holds.
    fn related<'a>(&'a self, entity: &'a CatalogEntity, relation: &str) -> Vec<&'a CatalogEntity> {
        let definition = self.blueprints.get(&entity.blueprint);
        let rule = definition.and_then(|definition| definition.relation(relation));
        let targets = entity.relations.get(relation);
        let identifiers = targets
            .map(RelationTargets::identifiers)
            .unwrap_or_default();
        identifiers
            .iter()
            .filter_map(|identifier| self.entity(rule.as_ref()?.target, identifier))
            .collect()
    }

    fn targets(
        &self,
        blueprint: &str,
        identifier: &str,
        required: Option<bool>,
    ) -> Vec<(&str, &str)> {
        let Some(entity) = self.entity(blueprint, identifier) else {
            return Vec::new();
        };
        let Some(definition) = self.blueprints.get(blueprint) else {
            return Vec::new();
        };
        let relations = entity.relations.iter();
        relations
            .filter_map(|(name, targets)| Some((definition.relation(name)?, targets)))
            .filter(|(rule, _)| required.is_none_or(|required| rule.required == required))
            .map(|(rule, targets)| (rule.target, targets))
            .flat_map(|(target, targets)| {
                let identifiers = targets.identifiers().iter();
                identifiers.map(move |identifier| (target, identifier.as_str()))
            })
            .collect()
    }
}

fn paths(body: &Map<String, Value>, key: &str) -> Result<Vec<String>, PortRefusal> {
    let wrong = || PortRefusal::invalid(format!("body/{key} must be an array of strings"));
    match body.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(paths)) => paths
            .iter()
            .map(|path| path.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

fn limit(body: &Map<String, Value>) -> Result<usize, PortRefusal> {
    let Some(limit) = body.get("limit") else {
        return Ok(200);
    };
    let limit = limit.as_u64().filter(|limit| (1..=1000).contains(limit));
    limit
        .and_then(|limit| usize::try_from(limit).ok())
        .ok_or_else(|| PortRefusal::invalid("body/limit must be between 1 and 1000"))
}
