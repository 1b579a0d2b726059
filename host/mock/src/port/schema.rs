//! The check of an entity against its blueprint, and the changes that a body asks for.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value};

use super::answer::PortRefusal;
use super::input::{self, IdentifierKind, PortCall};
use super::{CatalogBlueprint, CatalogEntity, Port, RelationTargets};

/// The fields of an entity that a body sets. A field that is missing stays as it is.
#[derive(Clone, Debug, Default)]
pub(super) struct EntityDraft {
    pub(super) identifier: Option<String>,
    title: Option<Option<String>>,
    icon: Option<Option<String>>,
    team: Option<Vec<String>>,
    properties: Map<String, Value>,
    relations: Map<String, Value>,
}

impl EntityDraft {
    /// The keys of an entity that PATCH takes, and no others.
    pub(super) const KEYS: [&'static str; 6] = [
        "identifier",
        "title",
        "icon",
        "team",
        "properties",
        "relations",
    ];

    pub(super) fn parse(body: &Map<String, Value>) -> Result<Self, PortRefusal> {
        let text = |key: &str| -> Result<Option<Option<String>>, PortRefusal> {
            let text = input::optional(body, "body", key)?;
            Ok(body.contains_key(key).then(|| text.map(str::to_owned)))
        };
        Ok(Self {
            identifier: match body.get("identifier") {
                Some(Value::String(identifier)) => Some(identifier.clone()),
                None | Some(Value::Object(_)) => None,
                Some(_) => return Err(PortRefusal::invalid("body/identifier must be string")),
            },
            title: text("title")?,
            icon: text("icon")?,
            team: body.get("team").map(team).transpose()?,
            properties: input::map(body, "body", "properties")?,
            relations: input::map(body, "body", "relations")?,
        })
    }
}

fn team(sent: &Value) -> Result<Vec<String>, PortRefusal> {
    let wrong = || PortRefusal::invalid("body/team must be string or array of strings");
    match sent {
        Value::Null => Ok(Vec::new()),
        Value::String(team) => Ok(vec![team.clone()]),
        Value::Array(teams) => teams
            .iter()
            .map(|team| team.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        _ => Err(wrong()),
    }
}

/// Changes everything but the relations, after checking it against the blueprint.
pub(super) fn apply(
    blueprint: &CatalogBlueprint,
    draft: &EntityDraft,
    entity: &mut CatalogEntity,
) -> Result<(), PortRefusal> {
    if let Some(identifier) = &draft.identifier {
        IdentifierKind::Entity.check("body/identifier", identifier)?;
        entity.identifier.clone_from(identifier);
    }
    if let Some(title) = &draft.title {
        entity.title.clone_from(title);
    }
    if let Some(icon) = &draft.icon {
        entity.icon.clone_from(icon);
    }
    if let Some(team) = &draft.team {
        if blueprint.section("teamInheritance").is_some() {
            return Err(PortRefusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "team_inheritance_enabled",
                "the blueprint inherits its teams: they cannot be set",
            ));
        }
        // Port takes teams for any blueprint, and keeps them only where entities have owners.
        if blueprint.has_owners() {
            entity.team.clone_from(team);
        }
    }
    for (name, value) in &draft.properties {
        let schema = blueprint.property(name).ok_or_else(|| {
            PortRefusal::mismatch(format!(
                "property \"{name}\" does not exist in the blueprint \"{}\"",
                blueprint.identifier
            ))
        })?;
        if value.is_null() {
            entity.properties.remove(name);
            continue;
        }
        check_value(name, schema, value)?;
        entity.properties.insert(name.clone(), value.clone());
    }
    Ok(())
}

/// The type, the enumeration and, loosely, the format of one property.
fn check_value(name: &str, schema: &Value, value: &Value) -> Result<(), PortRefusal> {
    let refuse = |what: String| Err(PortRefusal::mismatch(format!("properties/{name} {what}")));
    let expected = schema.get("type").and_then(Value::as_str).unwrap_or("any");
    let fits = match expected {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        _ => true,
    };
    if !fits {
        return refuse(format!("must be {expected}"));
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        return refuse("must be equal to one of the allowed values".to_owned());
    }
    if let (Some(format), Some(text)) =
        (schema.get("format").and_then(Value::as_str), value.as_str())
        && !fits_format(format, text)
    {
        return refuse(format!("must match format \"{format}\""));
    }
    if let (Some(items), Some(elements)) = (schema.get("items"), value.as_array()) {
        for element in elements {
            check_value(name, items, element)?;
        }
    }
    Ok(())
}

/// Loose on purpose: Port's own checks are not published, only the obviously wrong is refused.
fn fits_format(format: &str, text: &str) -> bool {
    match format {
        "url" => text.contains("://"),
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "email" | "user" => text.contains('@'),
        _ => true,
    }
}

/// 422 if a required property or relation is not set; 403 if a relation was and no longer is.
pub(super) fn check_required(
    blueprint: &CatalogBlueprint,
    after: &CatalogEntity,
    before: Option<&CatalogEntity>,
) -> Result<(), PortRefusal> {
    if let Some(name) = blueprint
        .required_properties()
        .find(|name| !after.properties.contains_key(*name))
    {
        return Err(PortRefusal::mismatch(format!(
            "properties must have required property '{name}'"
        )));
    }
    let missing = blueprint
        .relations()
        .find(|(name, rule)| rule.required && !after.relations.contains_key(*name));
    let Some((name, _)) = missing else {
        return Ok(());
    };
    let removed = before.is_some_and(|before| before.relations.contains_key(name));
    let status = if removed {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Err(PortRefusal::new(
        status,
        "required_relation",
        format!("relation \"{name}\" is required"),
    ))
}

impl Port {
    /// The blueprint, or 404.
    pub(super) fn blueprint(&self, identifier: &str) -> Result<Arc<CatalogBlueprint>, PortRefusal> {
        self.blueprints
            .get(identifier)
            .cloned()
            .ok_or_else(|| PortRefusal::not_found("blueprint", identifier))
    }

    /// Sets the relations that the draft names. A search query in place of an identifier is answered first.
    pub(super) fn resolve(
        &self,
        call: &PortCall<'_>,
        blueprint: &CatalogBlueprint,
        draft: &EntityDraft,
        entity: &mut CatalogEntity,
    ) -> Result<(), PortRefusal> {
        for (name, value) in &draft.relations {
            let rule = blueprint.relation(name).ok_or_else(|| {
                PortRefusal::mismatch(format!(
                    "relation \"{name}\" does not exist in the blueprint \"{}\"",
                    blueprint.identifier
                ))
            })?;
            let targets = match value {
                Value::Null => None,
                Value::String(identifier) if !rule.many => {
                    IdentifierKind::Entity.check(&format!("body/relations/{name}"), identifier)?;
                    Some(RelationTargets::One(identifier.clone()))
                }
                Value::Array(identifiers) if rule.many => {
                    Some(RelationTargets::Many(texts(name, identifiers)?))
                }
                query @ Value::Object(_) if rule.many => Some(RelationTargets::Many(
                    self.find_all(call, rule.target, query)?,
                )),
                query @ Value::Object(_) => Some(RelationTargets::One(self.find_one(
                    call,
                    rule.target,
                    query,
                )?)),
                Value::String(_) | Value::Array(_) => return Err(wrong_number(name, rule.many)),
                _ => {
                    return Err(PortRefusal::invalid(format!(
                        "body/relations/{name} must be string, array, object or null"
                    )));
                }
            };
            match targets.filter(|targets| !targets.identifiers().is_empty()) {
                Some(targets) => entity.relations.insert(name.clone(), targets),
                None => entity.relations.remove(name),
            };
        }
        Ok(())
    }

    /// The related entities that do not exist, as blueprint and identifier.
    pub(super) fn missing_targets(
        &self,
        blueprint: &CatalogBlueprint,
        entity: &CatalogEntity,
    ) -> Vec<(String, String)> {
        let mut missing = Vec::new();
        for (name, targets) in &entity.relations {
            let Some(rule) = blueprint.relation(name) else {
                continue;
            };
            for identifier in targets.identifiers() {
                // An entity may point at itself before it exists.
                let own = rule.target == entity.blueprint && *identifier == entity.identifier;
                if !own && self.entity(rule.target, identifier).is_none() {
                    missing.push((rule.target.to_owned(), identifier.clone()));
                }
            }
        }
        missing
    }
}

fn texts(name: &str, values: &[Value]) -> Result<Vec<String>, PortRefusal> {
    values
        .iter()
        .map(|value| {
            let at = format!("body/relations/{name}");
            let identifier = value
                .as_str()
                .ok_or_else(|| PortRefusal::invalid(format!("{at} must hold strings")))?;
            IdentifierKind::Entity.check(&at, identifier)?;
            Ok(identifier.to_owned())
        })
        .collect()
}

fn wrong_number(name: &str, many: bool) -> PortRefusal {
    let expected = if many {
        "several entities"
    } else {
        "one entity"
    };
    PortRefusal::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "relation_many_violation",
        format!("relation \"{name}\" takes {expected}"),
    )
}
