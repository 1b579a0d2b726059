//! Entities of Port's catalog.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::contract::{Change, Entity, EntityKey, Failure, Relation};
use crate::service::http::{CallResult, Request, ServiceResult, or_none, seg};
use crate::service::port::Client;

/// How many entities are read side by side.
const SIDE_BY_SIDE: usize = 8;
/// How many entities a search returns at most.
const MOST_FOUND: usize = 2_000;

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
        Ok(one.map(|wire| wire.into_entity(&key.blueprint)))
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

    /// What one search over all blueprints finds, as far as it names its blueprint (Port docs, "Search and query").
    pub async fn find(&self, query: Value) -> CallResult<Vec<Entity>> {
        let found = self.post("/v1/entities/search".into(), query).await?;
        let found: Vec<WireEntity> = found.field("entities")?;
        let is_named = |wire: &WireEntity| wire.blueprint.as_ref().is_some_and(Value::is_string);
        Ok(found
            .into_iter()
            .filter(is_named)
            .map(|wire| wire.into_entity(""))
            .collect())
    }

    /// All entities of a blueprint that match a search query, a JSON object.
    ///
    /// Fails with `rejected` if the query is not accepted, or if it matches more than a policy could look through.
    pub async fn search(&self, blueprint: &str, query: &str) -> CallResult<Vec<Entity>> {
        let query = object("query", query)?;
        let mut body = json!({ "query": query, "limit": 200 });
        let mut found = Vec::new();
        loop {
            let target = format!("/v1/blueprints/{}/entities/search", seg(blueprint));
            let page = self.post(target, body.clone()).await?;
            let entities: Vec<WireEntity> = page.field("entities")?;
            found.extend(entities.into_iter().map(|wire| wire.into_entity(blueprint)));
            if found.len() > MOST_FOUND {
                return Err(Failure::Rejected(format!(
                    "the search of {blueprint} matches more than {MOST_FOUND} entities: make its query narrower"
                )));
            }
            match page
                .field::<Option<String>>("next")?
                .filter(|next| !next.is_empty())
            {
                Some(next) => body["from"] = next.into(),
                None => return Ok(found),
            }
        }
    }

    /// Changes an entity that exists, tied to the run. PATCH, because Port's upsert would create what is missing.
    ///
    /// Fails with `not-found` if the entity or a related one is missing, with `conflict` if the run is over.
    pub(crate) async fn update(&self, key: &EntityKey, change: &Change) -> CallResult<Entity> {
        let target = match self.is_tied() {
            true => format!("{}?run_id={}", path(key), seg(&self.run)),
            false => path(key),
        };
        let properties = change
            .properties
            .as_ref()
            .map(|text| object("properties", text))
            .transpose()?;
        let patch = |now: &Map<String, Value>| {
            let relations = (!change.relations.is_empty()).then(|| relations(change, now));
            let fields = [json!(change.title), json!(properties), json!(relations)];
            let named = ["title", "properties", "relations"].into_iter().zip(fields);
            let body: Value = named.filter(|(_, value)| !value.is_null()).collect();
            self.send(Request::write(Method::PATCH, target.clone(), body))
        };
        let done = match patch(&Map::new()).await {
            // Only the entity itself tells a relation to many that is to have one target from a relation to one.
            Err(error) if error.says(422, "relation_many_violation") => {
                let now = self.one(key).await?.and_then(|wire| wire.relations);
                patch(&now.unwrap_or_default()).await?
            }
            other => other?,
        };
        Ok(done
            .field::<WireEntity>("entity")?
            .into_entity(&key.blueprint))
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

/// Relations as Port takes them: text for one target, null for none, a list for several or where `now` holds a list.
fn relations(change: &Change, now: &Map<String, Value>) -> Value {
    let value = |Relation { name, targets }: &Relation| match targets.as_slice() {
        targets if now.get(name).is_some_and(Value::is_array) => json!(targets),
        [] => Value::Null,
        [target] => json!(target),
        targets => json!(targets),
    };
    let pairs = change.relations.iter();
    pairs
        .map(|relation| (relation.name.clone(), value(relation)))
        .collect()
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
