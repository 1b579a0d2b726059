//! The view of an entity: its calculated properties, and the parts that the reader asked for.

use serde_json::{Map, Value, json};

use super::answer::PortRefusal;
use super::input::PortCall;
use super::{CatalogBlueprint, CatalogEntity, Port, RelationTargets};

/// Which parts of an entity to show (Port API reference, "Get an entity").
#[derive(Clone, Debug, Default)]
pub(super) struct EntityView {
    pub(super) include: Vec<String>,
    pub(super) exclude: Vec<String>,
    pub(super) without_calculated: bool,
    pub(super) relation_titles: bool,
}

impl EntityView {
    pub(super) fn of(call: &PortCall<'_>) -> Result<Self, PortRefusal> {
        let paths = |key| call.query.all(key).into_iter().map(str::to_owned).collect();
        Ok(Self {
            include: paths("include"),
            exclude: paths("exclude"),
            without_calculated: call.query.flag("exclude_calculated_properties")?,
            relation_titles: call.query.flag("attach_title_to_relation")?,
        })
    }

    fn filter(&self, whole: Value) -> Value {
        let mut shown = if self.include.is_empty() {
            whole
        } else {
            let mut kept = json!({});
            for path in &self.include {
                copy(&whole, &mut kept, path);
            }
            kept
        };
        for path in &self.exclude {
            remove(&mut shown, path);
        }
        shown
    }
}

/// Copies the value at a path of at most two steps: names of properties may themselves hold dots.
fn copy(from: &Value, to: &mut Value, path: &str) {
    let path = path.strip_prefix('$').unwrap_or(path);
    match path.split_once('.') {
        None => {
            if let Some(value) = from.get(path) {
                to[path] = value.clone();
            }
        }
        Some((outer, inner)) => {
            if let Some(value) = from.get(outer).and_then(|outer| outer.get(inner)) {
                if !to[outer].is_object() {
                    to[outer] = json!({});
                }
                to[outer][inner] = value.clone();
            }
        }
    }
}

fn remove(from: &mut Value, path: &str) {
    let path = path.strip_prefix('$').unwrap_or(path);
    let (object, key) = match path.split_once('.') {
        None => (Some(from), path),
        Some((outer, inner)) => (from.get_mut(outer), inner),
    };
    if let Some(object) = object.and_then(Value::as_object_mut) {
        object.remove(key);
    }
}

impl Port {
    /// The entity as the API shows it.
    pub(super) fn show(&self, entity: &CatalogEntity, view: &EntityView) -> Value {
        view.filter(Value::Object(self.whole(entity, view)))
    }

    fn whole(&self, entity: &CatalogEntity, view: &EntityView) -> Map<String, Value> {
        let blueprint = self.blueprints.get(&entity.blueprint);
        let mut shown = Map::new();
        shown.insert("identifier".into(), json!(entity.identifier));
        shown.insert("title".into(), json!(entity.title));
        shown.insert("icon".into(), json!(entity.icon));
        shown.insert("blueprint".into(), json!(entity.blueprint));
        shown.insert("team".into(), json!(entity.team));
        let mut properties = entity.properties.clone();
        let mut relations = Map::new();
        if let Some(blueprint) = blueprint {
            if self.unset_as_null {
                for (name, _) in blueprint.properties() {
                    properties.entry(name).or_insert(Value::Null);
                }
            }
            relations = self.show_relations(blueprint, entity, view);
        }
        shown.insert("properties".into(), Value::Object(properties));
        shown.insert("relations".into(), Value::Object(relations));
        shown.insert("scorecards".into(), json!({}));
        entity.stamps.write(&mut shown);
        if let Some(blueprint) = blueprint
            && !view.without_calculated
        {
            let calculated = self.calculated(blueprint, entity, &shown);
            if let Some(properties) = shown.get_mut("properties").and_then(Value::as_object_mut) {
                properties.extend(calculated);
            }
        }
        shown
    }

    /// Every relation of the blueprint, also those that are not set.
    fn show_relations(
        &self,
        blueprint: &CatalogBlueprint,
        entity: &CatalogEntity,
        view: &EntityView,
    ) -> Map<String, Value> {
        let relations = blueprint.relations().map(|(name, rule)| {
            let with_title = |identifier: &String| {
                let related = self.entity(rule.target, identifier);
                let title = related.and_then(|related| related.title.as_deref());
                json!({"identifier": identifier, "title": title.unwrap_or(identifier)})
            };
            let shown = match entity.relations.get(name) {
                None if rule.many => json!([]),
                None => Value::Null,
                Some(targets) if !view.relation_titles => targets.json(),
                Some(RelationTargets::One(identifier)) => with_title(identifier),
                Some(RelationTargets::Many(identifiers)) => {
                    identifiers.iter().map(with_title).collect()
                }
            };
            (name.clone(), shown)
        });
        relations.collect()
    }

    /// Mirror and calculation properties. Of the calculations, which are jq programs, only plain paths are run; any
    /// other is null, as it is in Port when the program fails.
    fn calculated(
        &self,
        blueprint: &CatalogBlueprint,
        entity: &CatalogEntity,
        shown: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut calculated = Map::new();
        for (name, mirror) in blueprint.section("mirrorProperties").into_iter().flatten() {
            let path = mirror
                .get("path")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let value = self.mirrored(blueprint, entity, path);
            calculated.insert(name.clone(), value.unwrap_or_default());
        }
        let calculations = blueprint.section("calculationProperties");
        for (name, calculation) in calculations.into_iter().flatten() {
            let program = calculation.get("calculation").and_then(Value::as_str);
            let path = program.and_then(|program| program.strip_prefix('.'));
            let value = path.and_then(|path| {
                let (first, rest) = path.split_once('.').unwrap_or((path, ""));
                let rest = rest.split('.').filter(|step| !step.is_empty());
                rest.fold(shown.get(first), |value, step| value?.get(step))
            });
            calculated.insert(name.clone(), value.cloned().unwrap_or_default());
        }
        calculated
    }

    /// Follows `relation.property`, over as many relations as there are; `$identifier` and the like name its own fields.
    fn mirrored(
        &self,
        blueprint: &CatalogBlueprint,
        entity: &CatalogEntity,
        path: &str,
    ) -> Option<Value> {
        let Some((relation, rest)) = path.split_once('.') else {
            return match path {
                "$identifier" => Some(json!(entity.identifier)),
                "$title" => Some(json!(entity.title)),
                "$team" => Some(json!(entity.team)),
                name => entity.properties.get(name).cloned(),
            };
        };
        let rule = blueprint.relation(relation)?;
        let target = self.blueprints.get(rule.target)?;
        let follow = |identifier: &String| {
            self.mirrored(target, self.entity(rule.target, identifier)?, rest)
        };
        match entity.relations.get(relation)? {
            RelationTargets::One(identifier) => follow(identifier),
            RelationTargets::Many(identifiers) => {
                Some(identifiers.iter().filter_map(follow).collect())
            }
        }
    }
}
