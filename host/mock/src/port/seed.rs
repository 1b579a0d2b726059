//! Sets a catalog up from outside the API: world files and tests. The rules are those of the API.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::input::{IdentifierKind, PortCall, QueryPairs};
use super::schema::{self, EntityDraft};
use super::{
    CatalogBlueprint, CatalogEntity, ChangeStamps, GUIDE_ACTION, GUIDE_BLUEPRINTS, Port, PortAction,
};
use crate::CopyOnWrite;

/// The user that stands for everything that was there before.
const SYSTEM: &str = "system";

/// The guide's definitions, read once for all worlds.
static GUIDE: LazyLock<GuideDefinitions> = LazyLock::new(|| GuideDefinitions {
    blueprints: GUIDE_BLUEPRINTS.map(|text| object(text).into()),
    action: object(GUIDE_ACTION).into(),
});

struct GuideDefinitions {
    blueprints: [CopyOnWrite<Map<String, Value>>; 3],
    action: CopyOnWrite<Map<String, Value>>,
}

impl Port {
    /// Adds the guide's blueprints and its action.
    pub fn install_guide(&mut self, now: Timestamp) {
        for definition in &GUIDE.blueprints {
            if let Some(blueprint) =
                CatalogBlueprint::new(definition.clone(), ChangeStamps::new(now, SYSTEM))
            {
                self.put_blueprint(blueprint);
            }
        }
        self.put_action(now, GUIDE.action.clone());
    }

    /// Adds a blueprint, or replaces it.
    pub fn put_blueprint(&mut self, blueprint: CatalogBlueprint) {
        self.blueprints
            .insert(blueprint.identifier.clone(), Arc::new(blueprint));
    }

    /// Gives the entities of a blueprint teams as owners; false if there is no such blueprint.
    pub fn own(&mut self, blueprint: &str) -> bool {
        let Some(known) = self.blueprints.get_mut(blueprint) else {
            return false;
        };
        let ownership = serde_json::json!({"type": "Direct"});
        let known = Arc::make_mut(known);
        known.definition.insert("ownership".to_owned(), ownership);
        true
    }

    /// Adds an action, or replaces it. One without identifier is left out.
    pub fn put_action(
        &mut self,
        now: Timestamp,
        definition: impl Into<CopyOnWrite<Map<String, Value>>>,
    ) {
        let definition = definition.into();
        if let Some(identifier) = definition.get("identifier").and_then(Value::as_str) {
            let identifier = identifier.to_owned();
            let stamps = ChangeStamps::new(now, SYSTEM);
            let action = PortAction { definition, stamps };
            self.actions.insert(identifier, Arc::new(action));
        }
    }

    /// Adds an entity, or replaces it, from a body as the API takes it. Its related entities may come later.
    ///
    /// Fails, in the words of the API, if it does not fit its blueprint.
    pub fn put_entity(
        &mut self,
        now: Timestamp,
        blueprint: &str,
        body: &Map<String, Value>,
    ) -> Result<(), String> {
        self.seed(now, blueprint, body)
            .map_err(|problem| problem.message.unwrap_or_default())
    }

    fn seed(
        &mut self,
        now: Timestamp,
        blueprint: &str,
        body: &Map<String, Value>,
    ) -> Result<(), super::answer::PortRefusal> {
        let definition = self.blueprint(blueprint)?;
        let identifier = super::input::required(body, "entity", "identifier")?;
        IdentifierKind::Entity.check("identifier", identifier)?;
        super::input::only(body, "entity", &EntityDraft::KEYS)?;
        let draft = EntityDraft::parse(body)?;
        let mut entity = CatalogEntity {
            identifier: identifier.to_owned(),
            blueprint: blueprint.to_owned(),
            title: None,
            icon: None,
            team: Vec::new(),
            properties: Map::new(),
            relations: BTreeMap::new(),
            stamps: ChangeStamps::new(now, SYSTEM),
        };
        let call = PortCall {
            now,
            actor: SYSTEM.to_owned(),
            query: QueryPairs::default(),
            body: &[],
        };
        schema::apply(&definition, &draft, &mut entity)?;
        self.resolve(&call, &definition, &draft, &mut entity)?;
        schema::check_required(&definition, &entity, None)?;
        let key = (blueprint.to_owned(), entity.identifier.clone());
        self.entities.insert(key, entity);
        Ok(())
    }

    /// Returns the state as lines of text, equal before and after if nothing changed. Tokens, requests and rate limits
    /// are left out.
    pub fn fingerprint(&self) -> String {
        let blueprints = self.blueprints.values().map(|it| format!("{it:?}"));
        let actions = self.actions.values().map(|it| format!("{it:?}"));
        let entities = self.entities.values().map(|it| format!("{it:?}"));
        let runs = self.runs.values().map(|it| format!("{it:?}"));
        let lines: Vec<String> = blueprints
            .chain(actions)
            .chain(entities)
            .chain(runs)
            .collect();
        lines.join("\n")
    }

    /// Returns true if two states have the same fingerprint, found by comparing the parts that they share, without
    /// writing them as text.
    pub fn holds_the_same(&self, other: &Self) -> bool {
        (&self.blueprints, &self.actions, &self.entities, &self.runs)
            == (
                &other.blueprints,
                &other.actions,
                &other.entities,
                &other.runs,
            )
    }

    /// Returns an entity with a relation to one that does not exist, and that one's identifier.
    pub fn dangling(&self) -> Option<(&CatalogEntity, String)> {
        self.entities.values().find_map(|entity| {
            let blueprint = self.blueprints.get(&entity.blueprint)?;
            let (_, missing) = self.missing_targets(blueprint, entity).into_iter().next()?;
            Some((entity, missing))
        })
    }
}

/// Returns the JSON object of an embedded file; a test checks that each file is one.
fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}
