//! A world file from a real catalog: its blueprints and a few entities of each, without what tells of people.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::{Map, Value};

use promote_core::contract::{Entity, EntityKey, Failure};
use promote_core::gate::describe;
use promote_core::service::http::{HttpAnswer, ServiceError};
use promote_core::service::port::Client;

/// The most entities of a world, with those that relations lead to.
const MAX_ENTITIES: usize = 300;

/// The parts of a blueprint that a world file takes over.
const BLUEPRINT_KEYS: [&str; 6] = [
    "identifier",
    "title",
    "icon",
    "schema",
    "relations",
    "mirrorProperties",
];

/// The formats of properties that name people.
const PERSONAL_FORMATS: [&str; 2] = ["user", "email"];

const HEADER: &str = "\
# Made by `promote mock --from-port`: blueprints of a catalog, and a few entities of each.
# Properties of the formats `user` and `email`, texts with an address in them, and Port's own blueprints are left out; look
# through the rest before you share it. GitHub, actions and runs are not in it: `promote mock --print-world` shows their form.
";

/// Credentials for whoever wants to log in.
const CREDENTIALS: &str = "
[[port.credentials]]
client-id = \"any-client-id\"
client-secret = \"any-client-secret\"
";

/// A catalog, as far as it was read.
struct CatalogSample<'a> {
    client: &'a Client,
    blueprints: BTreeMap<String, Map<String, Value>>,
    /// What was read, also what is not there.
    entities: BTreeMap<EntityId, Option<Entity>>,
}

/// Blueprint and identifier.
type EntityId = (String, String);

/// Returns the text of a world file with at most `each` entities of every blueprint, and those that they are related to.
///
/// # Errors
/// When Port does not answer.
pub(super) async fn world_file(client: &Client, each: usize) -> anyhow::Result<String> {
    let mut sample = CatalogSample {
        client,
        blueprints: blueprints(client).await?,
        entities: BTreeMap::new(),
    };
    let mut chosen = Vec::new();
    for blueprint in sample.blueprints.keys().cloned().collect::<Vec<_>>() {
        let page = client.list(&blueprint, None).await.map_err(failed)?;
        for entity in page.entities.into_iter().take(each) {
            let id = (blueprint.clone(), entity.key.identifier.clone());
            chosen.push(id.clone());
            sample.entities.insert(id, Some(entity));
        }
    }
    sample.follow_relations(chosen.clone()).await?;
    sample.print(chosen)
}

async fn blueprints(client: &Client) -> anyhow::Result<BTreeMap<String, Map<String, Value>>> {
    let answer = client.get("/v1/blueprints".to_owned()).await;
    let answer = answer.and_then(|answer: HttpAnswer| answer.json::<Value>());
    let answer = answer.map_err(|error: ServiceError| anyhow::anyhow!("{error}"));
    let answer = answer.context("reading the blueprints")?;
    let mut found = BTreeMap::new();
    for blueprint in answer["blueprints"].as_array().into_iter().flatten() {
        let Some(identifier) = blueprint["identifier"].as_str() else {
            continue;
        };
        // Port's own are about users and teams.
        if identifier.starts_with('_') {
            continue;
        }
        let mut kept = Map::new();
        for key in BLUEPRINT_KEYS {
            if let Some(value) = blueprint.get(key) {
                kept.insert(key.to_owned(), without_null(value));
            }
        }
        found.insert(identifier.to_owned(), kept);
    }
    let known: Vec<String> = found.keys().cloned().collect();
    for blueprint in found.values_mut() {
        if let Some(Value::Object(relations)) = blueprint.get_mut("relations") {
            relations.retain(|_, relation| {
                let target = relation["target"].as_str();
                target.is_some_and(|target| known.iter().any(|name| name == target))
            });
        }
        let relations = blueprint.get("relations").cloned().unwrap_or_default();
        if let Some(Value::Object(mirrors)) = blueprint.get_mut("mirrorProperties") {
            mirrors.retain(|_, mirror| {
                let path = mirror["path"].as_str().unwrap_or_default();
                relations
                    .get(path.split('.').next().unwrap_or_default())
                    .is_some()
            });
        }
    }
    Ok(found)
}

fn failed(failure: Failure) -> anyhow::Error {
    anyhow::anyhow!("{}", describe(&failure))
}

impl CatalogSample<'_> {
    /// Reads what entities are related to, and what that is related to.
    async fn follow_relations(&mut self, mut open: Vec<EntityId>) -> anyhow::Result<()> {
        while let Some(id) = open.pop() {
            for target in self.targets(&id) {
                if self.entities.len() >= MAX_ENTITIES || self.entities.contains_key(&target) {
                    continue;
                }
                let key = EntityKey {
                    blueprint: target.0.clone(),
                    identifier: target.1.clone(),
                };
                let entity = self.client.entity(&key).await.map_err(failed)?;
                self.entities.insert(target.clone(), entity);
                open.push(target);
            }
        }
        Ok(())
    }

    /// Everything that an entity is related to, by the blueprint's own word for where a relation leads.
    fn targets(&self, id: &EntityId) -> Vec<EntityId> {
        let Some(Some(entity)) = self.entities.get(id) else {
            return Vec::new();
        };
        let blueprint = &self.blueprints[&id.0];
        let mut found = Vec::new();
        for relation in &entity.relations {
            let definition = blueprint.get("relations").map(|it| &it[&relation.name]);
            let target = definition.and_then(|it| it["target"].as_str());
            if let Some(target) = target {
                let targets = relation.targets.iter();
                found.extend(targets.map(|one| (target.to_owned(), one.clone())));
            }
        }
        found
    }

    fn print(&self, chosen: Vec<EntityId>) -> anyhow::Result<String> {
        let mut text = format!("{HEADER}\n[port]\nblueprints = \"none\"\n");
        let mut owned: Vec<&String> = Vec::new();
        for (id, entity) in &self.entities {
            if entity.as_ref().is_some_and(|it| !it.teams.is_empty()) && !owned.contains(&&id.0) {
                owned.push(&id.0);
            }
        }
        text.push_str(&format!(
            "owned = {}\n",
            toml_value(&Value::from(owned.into_iter().cloned().collect::<Vec<_>>(),))?
        ));
        text.push_str(CREDENTIALS);
        for blueprint in self.blueprints.values() {
            let inline = toml_value(&Value::Object(blueprint.clone()))?;
            text.push_str(&format!("\n[[port.blueprint]]\ninline = {inline}\n"));
        }
        // What is related to comes first, or Port would not know it.
        let mut printed = Vec::new();
        for id in chosen {
            self.print_entity(&id, &mut Vec::new(), &mut printed, &mut text)?;
        }
        Ok(text)
    }

    fn print_entity(
        &self,
        id: &EntityId,
        above: &mut Vec<EntityId>,
        printed: &mut Vec<EntityId>,
        text: &mut String,
    ) -> anyhow::Result<()> {
        let Some(Some(entity)) = self.entities.get(id) else {
            return Ok(());
        };
        if printed.contains(id) || above.contains(id) {
            return Ok(());
        }
        above.push(id.clone());
        for target in self.targets(id) {
            self.print_entity(&target, above, printed, text)?;
        }
        above.pop();
        printed.push(id.clone());
        let blueprint = &self.blueprints[&id.0];
        let mut table = Map::new();
        table.insert("blueprint".to_owned(), id.0.clone().into());
        table.insert("identifier".to_owned(), id.1.clone().into());
        if let Some(title) = entity.title.as_ref().filter(|title| !is_address(title)) {
            table.insert("title".to_owned(), title.clone().into());
        }
        if !entity.teams.is_empty() {
            table.insert("team".to_owned(), entity.teams.clone().into());
        }
        table.insert(
            "properties".to_owned(),
            properties(blueprint, entity).into(),
        );
        table.insert(
            "relations".to_owned(),
            self.relations(blueprint, entity, printed).into(),
        );
        text.push_str("\n[[port.entities]]\n");
        for (key, value) in table {
            text.push_str(&format!("{key} = {}\n", toml_value(&value)?));
        }
        Ok(())
    }

    /// The relations to entities that stand in the file already.
    fn relations(
        &self,
        blueprint: &Map<String, Value>,
        entity: &Entity,
        printed: &[EntityId],
    ) -> Map<String, Value> {
        let mut kept = Map::new();
        for relation in &entity.relations {
            let definition = blueprint.get("relations").map(|it| &it[&relation.name]);
            let Some(target) = definition.and_then(|it| it["target"].as_str()) else {
                continue;
            };
            let is_there = |one: &&String| {
                printed
                    .iter()
                    .any(|(blueprint, known)| blueprint == target && known == *one)
            };
            let there: Vec<String> = relation.targets.iter().filter(is_there).cloned().collect();
            let is_many = definition.is_some_and(|it| it["many"] == true);
            let value = match (is_many, there.first()) {
                (true, _) => Value::from(there),
                (false, Some(one)) => Value::from(one.clone()),
                (false, None) => continue,
            };
            kept.insert(relation.name.clone(), value);
        }
        kept
    }
}

/// The properties of an entity that the blueprint itself holds, without those that name people.
fn properties(blueprint: &Map<String, Value>, entity: &Entity) -> Map<String, Value> {
    let all: Map<String, Value> = serde_json::from_str(&entity.properties).unwrap_or_default();
    let schema = blueprint.get("schema").map(|it| &it["properties"]);
    let mut kept = Map::new();
    for (name, value) in all {
        let Some(definition) = schema.and_then(|it| it.get(&name)) else {
            continue;
        };
        let formats = [&definition["format"], &definition["items"]["format"]];
        let mut formats = formats.into_iter().filter_map(Value::as_str);
        let is_personal = formats.any(|format| PERSONAL_FORMATS.contains(&format));
        if !value.is_null() && !is_personal && !has_address(&value) {
            kept.insert(name, without_null(&value));
        }
    }
    kept
}

/// Returns whether an address of a person stands anywhere in a value.
fn has_address(value: &Value) -> bool {
    match value {
        Value::String(text) => is_address(text),
        Value::Array(values) => values.iter().any(has_address),
        Value::Object(values) => values.values().any(has_address),
        _ => false,
    }
}

fn is_address(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || "<>,;()\"".contains(c))
        .filter_map(|word| word.split_once('@'))
        .any(|(who, place)| !who.is_empty() && place.contains('.') && !place.contains('/'))
}

/// TOML has no null; what is not set is left out.
fn without_null(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let set = fields.iter().filter(|(_, value)| !value.is_null());
            let set = set.map(|(name, value)| (name.clone(), without_null(value)));
            Value::Object(set.collect())
        }
        Value::Array(values) => {
            let set = values.iter().filter(|value| !value.is_null());
            Value::Array(set.map(without_null).collect())
        }
        other => other.clone(),
    }
}

/// A value as TOML writes it within a line.
fn toml_value(value: &Value) -> anyhow::Result<String> {
    let value = toml::Value::try_from(value).context("writing the world file")?;
    Ok(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn an_address_is_found_in_a_text() {
        for text in ["kim@acme.io", "ask Kim <kim@acme.io>", "a, b@c.de"] {
            assert!(is_address(text), "{text}");
        }
        for text in [
            "web",
            "ghcr.io/acme/web@sha256:0123",
            "git@github.com/acme/web",
            "@release",
            "",
        ] {
            assert!(!is_address(text), "{text}");
        }
    }
}
