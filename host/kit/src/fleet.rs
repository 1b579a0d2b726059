//! The services of a catalog, and which runtimes a promotion of each would go from and to.

use serde_json::{Map, Value, json};

use promote_core::contract::{Entity, EntityKey};
use promote_core::gate::evidence::entity_context;
use promote_core::grants::Template;
use promote_core::service::http::Told;
use promote_core::service::port;
use promote_intake::config::PolicyConfig;
use promote_intake::team::{self, Team};

/// A service with the runtimes that the policy's settings name.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its entity.
    pub entity: Entity,
    /// Where its image comes from, or why that is not known.
    pub staging: Result<String, String>,
    /// Where its image goes to, or why that is not known.
    pub production: Result<String, String>,
    /// The place of its policy among those of the configuration: 0, or one more than that of its team's rule.
    pub policy: usize,
}

/// What the policies of a configuration were set to do, with every default filled in.
#[derive(Clone, Debug)]
pub struct Terms<'a> {
    rules: &'a [Team],
    all: Vec<Value>,
}

impl<'a> Terms<'a> {
    /// The settings of `[policy]`, then those of each rule.
    pub fn new(rules: &'a [Team], all: Vec<Value>) -> Self {
        Self { rules, all }
    }

    /// Each policy's, in order.
    pub fn all(&self) -> &[Value] {
        &self.all
    }

    /// Those that hold for a service.
    pub fn of(&self, service: &Service) -> &Value {
        self.all.get(service.policy).unwrap_or(&Value::Null)
    }
}

/// Every service of a blueprint, by identifier.
///
/// # Errors
/// As a search fails: the blueprint does not exist, or has more entities than one look takes.
pub async fn services(
    port: &port::Client,
    blueprint: &str,
    terms: &Terms<'_>,
) -> Told<Vec<Service>> {
    let all = json!({ "combinator": "and", "rules": [{ "property": "$blueprint", "operator": "=", "value": blueprint }] });
    let mut entities = port.search(blueprint, &all.to_string()).await?;
    entities.sort_by(|one, other| one.key.identifier.cmp(&other.key.identifier));
    Ok(entities
        .into_iter()
        .map(|entity| Service::new(entity, terms))
        .collect())
}

impl Service {
    /// Fills in the settings `staging` and `production` for an entity.
    pub fn new(entity: Entity, terms: &Terms<'_>) -> Self {
        let policy = team::choose(terms.rules, &entity).map_or(0, |rule| rule + 1);
        let settings = terms.all.get(policy).unwrap_or(&Value::Null);
        let context = json!({ "service": entity_context(&entity) });
        let fill = |name: &str| render(settings[name].as_str().unwrap_or_default(), &context);
        let (staging, production) = (fill("staging"), fill("production"));
        Self {
            entity,
            staging,
            production,
            policy,
        }
    }

    /// Whether it has anything that could be promoted to: one without production is no subject of a promotion.
    pub fn has_production(&self) -> bool {
        self.production.is_ok()
    }
}

/// Fills in a template.
///
/// # Errors
/// What it names and is not there.
pub fn render(template: &str, context: &Value) -> Result<String, String> {
    Ok(Template::parse(template)?.render(context, str::to_owned)?)
}

/// The key of a runtime.
pub fn runtime(settings: &Value, identifier: &str) -> EntityKey {
    let blueprint = settings["runtime_blueprint"]
        .as_str()
        .unwrap_or("running_service");
    EntityKey {
        blueprint: blueprint.to_owned(),
        identifier: identifier.to_owned(),
    }
}

/// The one target of a relation.
pub fn related<'a>(entity: &'a Entity, relation: &str) -> Option<&'a str> {
    let relation = entity.relations.iter().find(|one| one.name == relation)?;
    relation.targets.first().map(String::as_str)
}

/// The operator's settings with the defaults of the policy's schema filled in.
pub fn settings(policy: &PolicyConfig, schema: &str) -> Value {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let given: Value = serde_json::from_str(&policy.settings()).unwrap_or_default();
    filled(&schema, given)
}

fn filled(schema: &Value, given: Value) -> Value {
    let Value::Object(mut given) = given else {
        return given;
    };
    let none = Map::new();
    for (name, property) in schema["properties"].as_object().unwrap_or(&none) {
        let default = property.get("default").filter(|default| !default.is_null());
        match given.get_mut(name) {
            Some(value @ Value::Object(_)) => {
                let merged = match default {
                    Some(Value::Object(default)) => {
                        let mut merged = default.clone();
                        merged.extend(value.as_object().cloned().unwrap_or_default());
                        Value::Object(merged)
                    }
                    _ => value.clone(),
                };
                *value = filled(property, merged);
            }
            Some(_) => {}
            None => drop(default.map(|default| given.insert(name.clone(), default.clone()))),
        }
    }
    Value::Object(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_fill_what_is_not_given_and_nothing_else() {
        let schema = json!({ "properties": {
            "base": { "default": "main" },
            "none": { "default": null },
            "lock": { "default": { "enabled": true, "property": "locked" } },
        }});
        assert_eq!(
            filled(&schema, json!({ "lock": { "property": "held" }, "own": 1 })),
            json!({ "base": "main", "lock": { "enabled": true, "property": "held" }, "own": 1 })
        );
    }
}
