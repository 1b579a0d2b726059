//! The services of a catalog, and from where to where a promotion of each would bring an image.
//!
//! All that it knows of a policy stands in the marks of its settings schema. It reads the catalog and decides nothing.

use std::collections::HashMap;

use serde_json::json;

use promote_core::contract::{Entity, EntityKey, Failure};
use promote_core::gate::context::entity_context;
use promote_core::service::http::CallResult;
use promote_core::service::port;
use promote_intake::team::{self, TeamRule};

use crate::marks::{MarkedSettings, SettingRole};

/// The most entities of one blueprint that are held.
const MAX_ENTITIES: usize = 200_000;
/// The most entities that are read one by one: more come faster by pages.
const MAX_SINGLE_READS: usize = 400;

/// A service, and the entities that its policy's settings name.
#[derive(Clone, Debug)]
pub struct FleetService {
    /// Its entity.
    pub entity: Entity,
    /// The entity that its image comes from.
    pub source: RuntimeName,
    /// The entity that its image goes to.
    pub target: RuntimeName,
    /// The place of its policy among those of the configuration: 0, or one more than that of its team's rule.
    pub policy: usize,
}

/// The entity that a setting names for one service.
#[derive(Clone, Debug, PartialEq)]
pub enum RuntimeName {
    /// The policy marks no such setting.
    Unmarked,
    /// The template of the setting cannot be filled in for this service.
    Missing,
    /// This one.
    Known(EntityKey),
}

impl RuntimeName {
    /// Returns the key of the entity, if it is known.
    pub fn key(&self) -> Option<&EntityKey> {
        match self {
            Self::Known(key) => Some(key),
            Self::Unmarked | Self::Missing => None,
        }
    }
}

/// The settings of every policy of a configuration, and the rules that choose between them.
#[derive(Clone, Debug)]
pub struct FleetSettings<'a> {
    rules: &'a [TeamRule],
    policies: Vec<MarkedSettings>,
}

impl<'a> FleetSettings<'a> {
    /// Takes the settings of `[policy]`, then those of each rule.
    pub fn new(rules: &'a [TeamRule], policies: Vec<MarkedSettings>) -> Self {
        Self { rules, policies }
    }

    /// Returns the settings of each policy, in order.
    pub fn all(&self) -> &[MarkedSettings] {
        &self.policies
    }

    /// Returns the settings that hold for a service.
    pub fn of(&self, service: &FleetService) -> &MarkedSettings {
        &self.policies[service.policy]
    }

    /// Finds the policy of a service, and what its settings name for it.
    fn service(&self, entity: Entity) -> FleetService {
        let policy = team::choose(self.rules, &entity).map_or(0, |rule| rule + 1);
        let settings = &self.policies[policy];
        FleetService {
            source: runtime(settings, SettingRole::Source, &entity),
            target: runtime(settings, SettingRole::Target, &entity),
            entity,
            policy,
        }
    }
}

/// Reads every service of a blueprint, sorted by identifier.
///
/// # Errors
/// As a search fails, or if there are more than a tool should hold.
pub async fn services(
    port: &port::Client,
    blueprint: &str,
    settings: &FleetSettings<'_>,
) -> CallResult<Vec<FleetService>> {
    let entities = entities(port, blueprint).await?;
    Ok(entities
        .into_iter()
        .map(|entity| settings.service(entity))
        .collect())
}

/// Reads services until one can be promoted, and returns it.
///
/// # Errors
/// As [`services`].
pub async fn first_promotable(
    port: &port::Client,
    blueprint: &str,
    settings: &FleetSettings<'_>,
) -> CallResult<Option<FleetService>> {
    let mut next = None;
    loop {
        let page = port.list(blueprint, next).await?;
        let mut services: Vec<FleetService> = page
            .entities
            .into_iter()
            .map(|entity| settings.service(entity))
            .filter(FleetService::is_promotable)
            .collect();
        services.sort_by(|one, other| one.entity.key.identifier.cmp(&other.entity.key.identifier));
        next = page.next;
        match services.into_iter().next() {
            None if next.is_some() => {}
            first => return Ok(first),
        }
    }
}

/// Reads the services with these identifiers; none for each that does not exist.
///
/// # Errors
/// As [`services`].
pub async fn named(
    port: &port::Client,
    blueprint: &str,
    settings: &FleetSettings<'_>,
    names: &[String],
) -> CallResult<Vec<Option<FleetService>>> {
    let key = |name: &String| EntityKey {
        blueprint: blueprint.to_owned(),
        identifier: name.clone(),
    };
    let keys: Vec<EntityKey> = names.iter().map(key).collect();
    let found = port.entities(&keys).await?;
    Ok(found
        .into_iter()
        .map(|entity| Some(settings.service(entity?)))
        .collect())
}

/// Reads every entity of a blueprint, sorted by identifier.
///
/// # Errors
/// As [`services`].
pub async fn entities(port: &port::Client, blueprint: &str) -> CallResult<Vec<Entity>> {
    let mut entities = Vec::new();
    let mut next = None;
    loop {
        let page = port.list(blueprint, next).await?;
        entities.extend(page.entities);
        if entities.len() > MAX_ENTITIES {
            return Err(Failure::Rejected(format!(
                "the blueprint {blueprint} has more than {MAX_ENTITIES} entities"
            )));
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    entities.sort_by(|one, other| one.key.identifier.cmp(&other.key.identifier));
    Ok(entities)
}

/// Entities by blueprint and identifier.
#[derive(Default)]
pub struct EntityTable(HashMap<(String, String), Entity>);

impl EntityTable {
    /// Returns the entity, if it exists.
    pub fn get(&self, key: &EntityKey) -> Option<&Entity> {
        let key = (key.blueprint.clone(), key.identifier.clone());
        self.0.get(&key)
    }

    fn add(&mut self, blueprint: &str, entity: Entity) {
        let key = (blueprint.to_owned(), entity.key.identifier.clone());
        self.0.insert(key, entity);
    }
}

/// Reads the entities with these keys, as far as they exist. Many come faster by pages of their blueprint.
///
/// # Errors
/// As [`services`].
pub async fn entities_of(port: &port::Client, keys: &[EntityKey]) -> CallResult<EntityTable> {
    let mut table = EntityTable::default();
    if keys.len() <= MAX_SINGLE_READS {
        for (key, entity) in keys.iter().zip(port.entities(keys).await?) {
            if let Some(entity) = entity {
                table.add(&key.blueprint, entity);
            }
        }
        return Ok(table);
    }
    let mut blueprints: Vec<&str> = keys.iter().map(|key| key.blueprint.as_str()).collect();
    blueprints.sort_unstable();
    blueprints.dedup();
    for blueprint in blueprints {
        for entity in entities(port, blueprint).await? {
            table.add(blueprint, entity);
        }
    }
    Ok(table)
}

/// Returns the one target of a relation.
pub fn related<'a>(entity: &'a Entity, relation: &str) -> Option<&'a str> {
    let relation = entity.relations.iter().find(|one| one.name == relation)?;
    relation.targets.first().map(String::as_str)
}

impl FleetService {
    /// Returns whether a promotion of it is possible: its policy names an entity to promote to, or keeps that to itself.
    pub fn is_promotable(&self) -> bool {
        self.target != RuntimeName::Missing
    }
}

fn runtime(settings: &MarkedSettings, role: SettingRole, service: &Entity) -> RuntimeName {
    let (Some(template), Some(blueprint)) = (
        settings.text(role),
        settings.text(SettingRole::RuntimeBlueprint),
    ) else {
        return RuntimeName::Unmarked;
    };
    let context = json!({ "service": entity_context(service) });
    let names = promote_template::Template::parse(template)
        .and_then(|template| template.render_all(&context))
        .unwrap_or_default();
    // Of several, the first stands for all.
    match names.into_iter().next() {
        None => RuntimeName::Missing,
        Some(identifier) => RuntimeName::Known(EntityKey {
            blueprint: blueprint.to_owned(),
            identifier,
        }),
    }
}

#[cfg(test)]
mod tests {
    use promote_core::contract::Relation;

    use super::*;

    fn service(relations: &[(&str, &str)]) -> Entity {
        let key = EntityKey {
            blueprint: "service".to_owned(),
            identifier: "web".to_owned(),
        };
        Entity {
            relations: relations
                .iter()
                .map(|(name, target)| Relation {
                    name: (*name).to_owned(),
                    targets: vec![(*target).to_owned()],
                })
                .collect(),
            ..Entity::named(key)
        }
    }

    #[test]
    fn a_setting_may_name_a_relation_in_short() {
        let schema = json!({ "properties": {
            "to": { "x-promote-role": "target" },
            "runtimes": { "x-promote-role": "runtime-blueprint", "default": "running_service" },
        }})
        .to_string();
        for template in ["{service.prod_runtime}", "{service.relations.prod_runtime}"] {
            let settings = MarkedSettings::read(&schema, &json!({ "to": template }).to_string());
            let fleet = FleetSettings::new(&[], vec![settings]);
            let known = fleet.service(service(&[("prod_runtime", "web-prod")]));
            let key = known.target.key().map(|key| key.identifier.as_str());
            assert_eq!(key, Some("web-prod"), "{template}");
            assert_eq!(known.source, RuntimeName::Unmarked);
            assert!(!fleet.service(service(&[])).is_promotable(), "{template}");
        }
    }

    #[test]
    fn a_policy_that_marks_nothing_promotes_any_service() {
        let fleet = FleetSettings::new(&[], vec![MarkedSettings::default()]);
        assert!(fleet.service(service(&[])).is_promotable());
    }
}
