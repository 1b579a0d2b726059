//! Entities of Port's catalog.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::contract::{Change, Entity, EntityKey, Failure, Relation};
use crate::service::http::{CallResult, Request, ServiceResult, or_none, seg};
use crate::service::port::Client;

/// The number of entities that are read side by side.
const SIDE_BY_SIDE: usize = 8;
/// The most entities that a search returns.
const MOST_FOUND: usize = 2_000;
/// How many entities a page holds; Port takes up to 1,000, and a service may carry its whole README.
const PAGE_LENGTH: usize = 200;

/// A page of the entities of a blueprint.
pub struct EntityPage {
    /// The entities, in Port's order.
    pub entities: Vec<Entity>,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
}

/// How many entities a relation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RelationShape {
    One,
    Many,
}

/// The relations whose shape entities or blueprints have told. Port does not document what it makes of one text for a
/// relation to many, so it is sent none.
#[derive(Default)]
pub(super) struct RelationShapes(BTreeMap<(String, String), RelationShape>);

impl RelationShapes {
    fn get(&self, blueprint: &str, relation: &str) -> Option<RelationShape> {
        let key = (blueprint.to_owned(), relation.to_owned());
        self.0.get(&key).copied()
    }

    fn put(&mut self, blueprint: &str, relation: &str, shape: RelationShape) {
        let key = (blueprint.to_owned(), relation.to_owned());
        self.0.insert(key, shape);
    }

    /// A relation that is not set tells nothing.
    fn learn(&mut self, blueprint: &str, relations: Option<&Map<String, Value>>) {
        for (name, value) in relations.into_iter().flatten() {
            match value {
                Value::Array(_) => self.put(blueprint, name, RelationShape::Many),
                Value::String(_) | Value::Object(_) => {
                    self.put(blueprint, name, RelationShape::One);
                }
                _ => {}
            }
        }
    }
}

/// An entity as Port sends it: whatever is not needed may be missing, null or of another shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEntity {
    identifier: String,
    blueprint: Option<Value>,
    title: Option<Value>,
    team: Option<Value>,
    properties: Option<Map<String, Value>>,
    relations: Option<Map<String, Value>>,
    updated_at: Option<Value>,
}

impl Client {
    /// The entity, or none.
    pub async fn entity(&self, key: &EntityKey) -> CallResult<Option<Entity>> {
        let one = self.one(key).await?;
        Ok(one.map(|wire| self.take(wire, &key.blueprint)))
    }

    /// Several entities, read side by side; none for each that does not exist.
    ///
    /// Fails as a whole, with the first failure.
    pub async fn entities(&self, keys: &[EntityKey]) -> CallResult<Vec<Option<Entity>>> {
        let reads: Vec<_> = keys.iter().map(|key| self.entity(key)).collect();
        stream::iter(reads)
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await
    }

    /// What one search over all blueprints finds, as far as it names its blueprint (Port docs, "Search and query"). It is
    /// tried once: whoever asks can read one by one.
    pub async fn find(&self, query: Value) -> CallResult<Vec<Entity>> {
        let request = Request::write(Method::POST, "/v1/entities/search", query).optional();
        let found: Vec<WireEntity> = self.send(request).await?.field("entities")?;
        Ok(found
            .into_iter()
            .filter(|wire| wire.blueprint.as_ref().is_some_and(Value::is_string))
            .map(|wire| self.take(wire, ""))
            .collect())
    }

    /// All entities of a blueprint that match a search query, a JSON object.
    ///
    /// Fails with `rejected` if the query is not accepted, or if it matches more than a policy could look through.
    pub async fn search(&self, blueprint: &str, query: &str) -> CallResult<Vec<Entity>> {
        let query = object("query", query)?;
        let mut found = Vec::new();
        let mut next = None;
        loop {
            let page = self.page(blueprint, query.clone(), next).await?;
            found.extend(page.entities);
            if found.len() > MOST_FOUND {
                return Err(Failure::Rejected(format!(
                    "the search of {blueprint} matches more than {MOST_FOUND} entities: make its query narrower"
                )));
            }
            next = page.next;
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// One page of the entities of a blueprint, and where the next one begins: for tools that look through a catalog of any
    /// size.
    pub async fn list(&self, blueprint: &str, from: Option<String>) -> CallResult<EntityPage> {
        let query = json!({ "combinator": "and", "rules": [
            { "property": "$blueprint", "operator": "=", "value": blueprint },
        ]});
        let query = query.as_object().cloned().unwrap_or_default();
        self.page(blueprint, query, from).await
    }

    async fn page(
        &self,
        blueprint: &str,
        query: Map<String, Value>,
        from: Option<String>,
    ) -> CallResult<EntityPage> {
        let target = format!("/v1/blueprints/{}/entities/search", seg(blueprint));
        let mut body = json!({ "query": query, "limit": PAGE_LENGTH });
        if let Some(from) = from {
            body["from"] = from.into();
        }
        let page = self.post(target, body).await?;
        let entities: Vec<WireEntity> = page.field("entities")?;
        let entities = entities.into_iter();
        Ok(EntityPage {
            entities: entities.map(|wire| self.take(wire, blueprint)).collect(),
            next: page
                .field::<Option<String>>("next")?
                .filter(|next| !next.is_empty()),
        })
    }

    /// Changes an entity that exists, tied to the run. PATCH, because Port's upsert would create what is missing.
    ///
    /// Fails with `not-found` if the entity or a related one is missing, with `conflict` if the run is over.
    pub(crate) async fn update(&self, key: &EntityKey, change: &Change) -> CallResult<Entity> {
        let target = if self.is_tied() {
            format!("{}?run_id={}", path(key), seg(&self.run))
        } else {
            path(key)
        };
        let properties = change
            .properties
            .as_ref()
            .map(|text| object("properties", text))
            .transpose()?;
        let relations = self.relations(key, change).await?;
        let fields = [json!(change.title), json!(properties), json!(relations)];
        let named = ["title", "properties", "relations"].into_iter().zip(fields);
        let body: Value = named.filter(|(_, value)| !value.is_null()).collect();
        let done = self
            .send(Request::write(Method::PATCH, target, body))
            .await?;
        Ok(self.take(done.field::<WireEntity>("entity")?, &key.blueprint))
    }

    /// Relations as Port takes them: null for none, text for one target, a list where the relation leads to many. Which it is
    /// tells an entity that was read, else the blueprint.
    async fn relations(
        &self,
        key: &EntityKey,
        change: &Change,
    ) -> CallResult<Option<Map<String, Value>>> {
        if change.relations.is_empty() {
            return Ok(None);
        }
        let mut values = Map::new();
        for Relation { name, targets } in &change.relations {
            let known = self.shapes().get(&key.blueprint, name);
            let shape = match (known, targets.as_slice()) {
                (Some(shape), _) => shape,
                (None, [_]) => self.declared_shape(&key.blueprint, name).await?,
                (None, []) => RelationShape::One,
                (None, _) => RelationShape::Many,
            };
            let value = match (shape, targets.as_slice()) {
                (RelationShape::Many, targets) => json!(targets),
                (RelationShape::One, []) => Value::Null,
                (RelationShape::One, [target]) => json!(target),
                (RelationShape::One, targets) => json!(targets),
            };
            values.insert(name.clone(), value);
        }
        Ok(Some(values))
    }

    /// What a blueprint says of a relation that no entity had set so far. Credentials that may not read blueprints write
    /// what most relations take.
    async fn declared_shape(&self, blueprint: &str, relation: &str) -> CallResult<RelationShape> {
        let target = format!("/v1/blueprints/{}", seg(blueprint));
        let answer = match self.get(target).await {
            Err(error) if error.says(403, "") || error.says(404, "") => {
                return Ok(RelationShape::One);
            }
            other => other?,
        };
        let found: Value = answer.field("blueprint")?;
        let shape = match found["relations"][relation]["many"] {
            Value::Bool(true) => RelationShape::Many,
            _ => RelationShape::One,
        };
        self.shapes().put(blueprint, relation, shape);
        Ok(shape)
    }

    /// Takes an entity over, and remembers which of its relations lead to many.
    fn take(&self, wire: WireEntity, blueprint: &str) -> Entity {
        let named = wire.blueprint.as_ref().and_then(Value::as_str);
        self.shapes()
            .learn(named.unwrap_or(blueprint), wire.relations.as_ref());
        wire.into_entity(blueprint)
    }

    fn shapes(&self) -> MutexGuard<'_, RelationShapes> {
        self.shapes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn one(&self, key: &EntityKey) -> ServiceResult<Option<WireEntity>> {
        let answer = or_none(self.get(path(key)).await)?;
        answer.map(|answer| answer.field("entity")).transpose()
    }
}

fn path(
    EntityKey {
        blueprint,
        identifier,
    }: &EntityKey,
) -> String {
    format!(
        "/v1/blueprints/{}/entities/{}",
        seg(blueprint),
        seg(identifier)
    )
}

/// JSON text of the policy, which must be an object.
fn object(what: &str, text: &str) -> CallResult<Map<String, Value>> {
    serde_json::from_str(text)
        .map_err(|error| Failure::Rejected(format!("{what} is not a JSON object: {error}")))
}

/// The texts of a value that is a text, a list of texts, or objects that name an entity.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(object) => object.get("identifier").map(texts).unwrap_or_default(),
        _ => Vec::new(),
    }
}

impl WireEntity {
    fn into_entity(self, blueprint: &str) -> Entity {
        let text = |value: Option<Value>| value?.as_str().map(str::to_owned);
        // A map of serde_json is sorted by key.
        let relation = |(name, value): (String, Value)| Relation {
            name,
            targets: texts(&value),
        };
        Entity {
            key: EntityKey {
                blueprint: text(self.blueprint).unwrap_or_else(|| blueprint.to_owned()),
                identifier: self.identifier,
            },
            title: text(self.title),
            teams: self.team.as_ref().map(texts).unwrap_or_default(),
            properties: Value::Object(self.properties.unwrap_or_default()).to_string(),
            relations: self
                .relations
                .unwrap_or_default()
                .into_iter()
                .map(relation)
                .collect(),
            updated_at: text(self.updated_at),
        }
    }
}
