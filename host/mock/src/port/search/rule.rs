//! Search queries: rules over one entity, and groups of them.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::super::answer::PortRefusal;
use super::super::input;
use super::super::{CatalogEntity, Port};

/// Deeper groups are refused, so that no body can exhaust the stack.
const MAX_DEPTH: usize = 16;

/// A rule or a group of rules, parsed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SearchRule {
    All(Vec<Self>),
    Any(Vec<Self>),
    Related {
        blueprint: String,
        identifiers: Vec<String>,
        upstream: bool,
        downstream: bool,
        /// Only relations that are required, or only those that are not.
        required: Option<bool>,
    },
    /// Follows relations from the entity, and compares where they lead.
    Path {
        path: Vec<PathStep>,
        identifiers: Vec<String>,
    },
    Test {
        property: String,
        test: PropertyTest,
        negated: bool,
        value: Value,
    },
}

/// A relation to follow, up to so many times.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PathStep {
    relation: String,
    max_hops: usize,
}

/// The comparison that a rule makes with a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PropertyTest {
    Equal,
    Greater,
    AtLeast,
    Less,
    AtMost,
    Contains,
    AnyOf,
    Begins,
    Ends,
    Between,
    Empty,
}

/// Port's operators (Port docs, "Search and query", comparison operators), the comparison behind each, and true for
/// those that negate it.
const OPERATORS: [(&str, PropertyTest, bool); 19] = [
    ("=", PropertyTest::Equal, false),
    ("!=", PropertyTest::Equal, true),
    (">", PropertyTest::Greater, false),
    (">=", PropertyTest::AtLeast, false),
    ("<", PropertyTest::Less, false),
    ("<=", PropertyTest::AtMost, false),
    ("contains", PropertyTest::Contains, false),
    ("doesNotContains", PropertyTest::Contains, true),
    ("containsAny", PropertyTest::AnyOf, false),
    ("matchAny", PropertyTest::AnyOf, false),
    ("in", PropertyTest::AnyOf, false),
    ("notIn", PropertyTest::AnyOf, true),
    ("beginsWith", PropertyTest::Begins, false),
    ("doesNotBeginsWith", PropertyTest::Begins, true),
    ("endsWith", PropertyTest::Ends, false),
    ("doesNotEndsWith", PropertyTest::Ends, true),
    ("between", PropertyTest::Between, false),
    ("notBetween", PropertyTest::Between, true),
    ("isEmpty", PropertyTest::Empty, false),
];

impl SearchRule {
    pub(super) fn everything() -> Self {
        Self::All(Vec::new())
    }

    pub(super) fn group(query: &Map<String, Value>, at: &str) -> Result<Self, PortRefusal> {
        Self::nested(query, at, MAX_DEPTH)
    }

    fn nested(query: &Map<String, Value>, at: &str, depth: usize) -> Result<Self, PortRefusal> {
        input::only(query, at, &["combinator", "rules"])?;
        let Some(depth) = depth.checked_sub(1) else {
            return Err(PortRefusal::invalid(format!("{at} is nested too deeply")));
        };
        let Some(Value::Array(rules)) = query.get("rules") else {
            return Err(PortRefusal::invalid(format!("{at}/rules must be array")));
        };
        let rules = rules
            .iter()
            .enumerate()
            .map(|(index, rule)| Self::parse(rule, &format!("{at}/rules/{index}"), depth))
            .collect::<Result<_, _>>()?;
        match input::required(query, at, "combinator")? {
            "and" => Ok(Self::All(rules)),
            "or" => Ok(Self::Any(rules)),
            _ => Err(PortRefusal::invalid(format!(
                "{at}/combinator must be equal to one of the allowed values: and, or"
            ))),
        }
    }

    fn parse(rule: &Value, at: &str, depth: usize) -> Result<Self, PortRefusal> {
        let Value::Object(rule) = rule else {
            return Err(PortRefusal::invalid(format!("{at} must be object")));
        };
        if rule.contains_key("combinator") {
            return Self::nested(rule, at, depth);
        }
        let operator = input::required(rule, at, "operator")?;
        if operator == "relatedTo" {
            return Self::related(rule, at);
        }
        if let Some(Value::Object(path)) = rule.get("property") {
            return Self::path(rule, path, operator, at);
        }
        let property = input::required(rule, at, "property")?.to_owned();
        let value = rule.get("value").cloned();
        let (test, negated) = match operator {
            "isNotEmpty" => (PropertyTest::Empty, true),
            _ => OPERATORS
                .iter()
                .find(|(name, ..)| *name == operator)
                .map(|(_, test, negated)| (*test, *negated))
                .ok_or_else(|| {
                    PortRefusal::invalid(format!("{at}/operator \"{operator}\" is not supported"))
                })?,
        };
        if value.is_none() && test != PropertyTest::Empty {
            return Err(PortRefusal::invalid(format!(
                "{at} must have required property 'value'"
            )));
        }
        Ok(Self::Test {
            property,
            test,
            negated,
            value: value.unwrap_or_default(),
        })
    }

    fn related(rule: &Map<String, Value>, at: &str) -> Result<Self, PortRefusal> {
        let direction = input::optional(rule, at, "direction")?;
        let required = match rule.get("required") {
            None => None,
            Some(Value::Bool(required)) => Some(*required),
            Some(_) => {
                return Err(PortRefusal::invalid(format!(
                    "{at}/required must be boolean"
                )));
            }
        };
        Ok(Self::Related {
            blueprint: input::required(rule, at, "blueprint")?.to_owned(),
            identifiers: identifiers(rule, at)?,
            upstream: direction != Some("downstream"),
            downstream: direction != Some("upstream"),
            required,
        })
    }

    /// `{"operator": "matchAny", "property": {"path": […]}, "value": …}`.
    fn path(
        rule: &Map<String, Value>,
        property: &Map<String, Value>,
        operator: &str,
        at: &str,
    ) -> Result<Self, PortRefusal> {
        if operator != "matchAny" {
            return Err(PortRefusal::invalid(format!(
                "{at}/operator \"{operator}\" is not supported for a path"
            )));
        }
        let at_property = format!("{at}/property");
        input::only(property, &at_property, &["path"])?;
        let Some(Value::Array(steps)) = property.get("path") else {
            return Err(PortRefusal::invalid(format!(
                "{at_property}/path must be array"
            )));
        };
        let path = steps
            .iter()
            .map(|step| path_step(step, &at_property))
            .collect::<Result<_, _>>()?;
        Ok(Self::Path {
            path,
            identifiers: identifiers(rule, at)?,
        })
    }

    /// Returns true if it holds for this entity.
    pub(super) fn holds(&self, port: &Port, entity: &CatalogEntity, now: Timestamp) -> bool {
        match self {
            Self::All(rules) => rules.iter().all(|rule| rule.holds(port, entity, now)),
            Self::Any(rules) => rules.iter().any(|rule| rule.holds(port, entity, now)),
            Self::Related {
                blueprint,
                identifiers,
                upstream,
                downstream,
                required,
            } => {
                let own = (entity.blueprint.as_str(), entity.identifier.as_str());
                let reaches = |identifier: &str, is_up| {
                    let start = (blueprint.as_str(), identifier);
                    port.reach(start, is_up, *required).contains(&own)
                };
                identifiers.iter().any(|identifier| {
                    (*upstream && reaches(identifier, true))
                        || (*downstream && reaches(identifier, false))
                })
            }
            Self::Path { path, identifiers } => follow_path(port, entity, path)
                .iter()
                .any(|identifier| identifiers.contains(identifier)),
            Self::Test {
                property,
                test,
                negated,
                value,
            } => test.passes(&read(entity, property), value, now) != *negated,
        }
    }
}

/// Returns the identifiers of a rule's value: one text, or a list of texts.
fn identifiers(rule: &Map<String, Value>, at: &str) -> Result<Vec<String>, PortRefusal> {
    match rule.get("value") {
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| {
                value
                    .as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| PortRefusal::invalid(format!("{at}/value must hold strings")))
            })
            .collect(),
        _ => Ok(vec![input::required(rule, at, "value")?.to_owned()]),
    }
}

fn path_step(step: &Value, at: &str) -> Result<PathStep, PortRefusal> {
    let wrong = || PortRefusal::invalid(format!("{at}/path must hold relations"));
    match step {
        Value::String(relation) => Ok(PathStep {
            relation: relation.clone(),
            max_hops: 1,
        }),
        Value::Object(step) => {
            let relation = input::required(step, at, "relation")?.to_owned();
            let max_hops = step.get("maxHops").and_then(Value::as_u64).unwrap_or(1);
            if !(1..=15).contains(&max_hops) {
                return Err(PortRefusal::invalid(format!(
                    "{at}/path maxHops must be between 1 and 15"
                )));
            }
            let max_hops = usize::try_from(max_hops).map_err(|_| wrong())?;
            Ok(PathStep { relation, max_hops })
        }
        _ => Err(wrong()),
    }
}

/// Returns the identifiers of the entities at the end of a path of relations.
fn follow_path(port: &Port, entity: &CatalogEntity, path: &[PathStep]) -> BTreeSet<String> {
    let mut here = vec![entity];
    for step in path {
        let mut reached: Vec<&CatalogEntity> = Vec::new();
        for _ in 0..step.max_hops {
            here = here
                .iter()
                .flat_map(|entity| port.related(entity, &step.relation))
                .filter(|entity| !reached.contains(entity))
                .collect();
            reached.extend(&here);
        }
        here = reached;
    }
    here.iter()
        .map(|entity| entity.identifier.clone())
        .collect()
}

/// A property, or a field of the entity itself by its `$` name.
fn read(entity: &CatalogEntity, property: &str) -> Value {
    match property {
        "$identifier" => json!(entity.identifier),
        "$title" => json!(entity.title),
        "$blueprint" => json!(entity.blueprint),
        "$icon" => json!(entity.icon),
        "$team" => json!(entity.team),
        "$createdAt" => json!(entity.stamps.created_at),
        "$updatedAt" => json!(entity.stamps.updated_at),
        "$createdBy" => json!(entity.stamps.created_by),
        "$updatedBy" => json!(entity.stamps.updated_by),
        name => match entity.relations.get(name) {
            Some(targets) => targets.json(),
            None => entity.properties.get(name).cloned().unwrap_or_default(),
        },
    }
}

impl PropertyTest {
    fn passes(self, found: &Value, wanted: &Value, now: Timestamp) -> bool {
        let order = || compare(found, wanted);
        match self {
            Self::Equal => found == wanted || among(found, wanted),
            Self::Greater => order() == Some(Ordering::Greater),
            Self::AtLeast => order().is_some_and(Ordering::is_ge),
            Self::Less => order() == Some(Ordering::Less),
            Self::AtMost => order().is_some_and(Ordering::is_le),
            Self::Contains => {
                among(found, wanted) || texts(found, wanted).is_some_and(|(a, b)| a.contains(b))
            }
            Self::AnyOf => {
                let wanted = wanted
                    .as_array()
                    .map_or(std::slice::from_ref(wanted), Vec::as_slice);
                wanted.iter().any(|one| found == one || among(found, one))
            }
            Self::Begins => texts(found, wanted).is_some_and(|(a, b)| a.starts_with(b)),
            Self::Ends => texts(found, wanted).is_some_and(|(a, b)| a.ends_with(b)),
            Self::Between => between(found, wanted, now),
            Self::Empty => match found {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Array(elements) => elements.is_empty(),
                _ => false,
            },
        }
    }
}

fn among(found: &Value, wanted: &Value) -> bool {
    found
        .as_array()
        .is_some_and(|elements| elements.contains(wanted))
}

fn texts<'a>(found: &'a Value, wanted: &'a Value) -> Option<(&'a str, &'a str)> {
    Some((found.as_str()?, wanted.as_str()?))
}

/// Numbers by value, times by time, other texts by letters; nothing else has an order.
fn compare(found: &Value, wanted: &Value) -> Option<Ordering> {
    if let (Some(found), Some(wanted)) = (found.as_f64(), wanted.as_f64()) {
        return found.partial_cmp(&wanted);
    }
    let (found, wanted) = texts(found, wanted)?;
    match (found.parse::<Timestamp>(), wanted.parse::<Timestamp>()) {
        (Ok(found), Ok(wanted)) => Some(found.cmp(&wanted)),
        _ => Some(found.cmp(wanted)),
    }
}

/// `{"from": …, "to": …}` or `{"preset": "lastWeek"}`.
fn between(found: &Value, bounds: &Value, now: Timestamp) -> bool {
    if let Some(preset) = bounds.get("preset").and_then(Value::as_str) {
        let days = match preset {
            "today" => 1,
            "lastWeek" => 7,
            "last2Weeks" => 14,
            "lastMonth" => 30,
            "last3Months" => 90,
            "last6Months" => 180,
            "last12Months" => 365,
            _ => return false,
        };
        let from = now - SignedDuration::from_hours(24 * days);
        let at = found.as_str().and_then(|text| text.parse().ok());
        return at.is_some_and(|at| from <= at && at <= now);
    }
    bounds
        .get("from")
        .is_some_and(|bound| compare(found, bound).is_some_and(Ordering::is_ge))
        && bounds
            .get("to")
            .is_some_and(|bound| compare(found, bound).is_some_and(Ordering::is_le))
}
