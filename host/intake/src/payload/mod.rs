//! Reads what Port sends: hostile JSON, in two generations of shapes.
//!
//! The old message carries everything in `context` and `payload`; templated ones carry what the action's author chose
//! (Port's documentation, "Advanced backend: workflow inputs"). The run's identifier may be in four places. Nothing here
//! is a fact: it names the run and the subject, which the host then reads from Port.

use serde_json::{Map, Value};

use promote_core::contract::{Actor, Entity, EntityKey, Relation, Request, Workflow};

mod strict;

pub use strict::{LARGEST, PayloadError, parse};

/// What a payload says.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// Port's action run.
    pub run: String,
    /// The action, or an empty text.
    pub action: String,
    /// Who started it.
    pub actor: Actor,
    /// When.
    pub requested_at: Option<String>,
    /// The entity that it was started on.
    pub subject: Entity,
    /// What the user filled in, a JSON object.
    pub inputs: Map<String, Value>,
}

impl Payload {
    /// Reads a payload: the whole `port_payload`, or the inputs of a workflow that holds it as text.
    ///
    /// # Errors
    /// Names the JSON path that is wrong or missing.
    pub fn read(text: &str) -> Result<Self, PayloadError> {
        let whole = object(parse(text, "$")?, "$")?;
        // A workflow's inputs: `port_payload` is JSON inside a string.
        let (message, beside) = match whole.get("port_payload") {
            Some(Value::String(inner)) => (
                object(parse(inner, "port_payload")?, "port_payload")?,
                whole,
            ),
            Some(Value::Object(inner)) => (inner.clone(), whole),
            Some(_) => {
                return Err(PayloadError::new(
                    "port_payload",
                    "is neither an object nor JSON text",
                ));
            }
            None => (whole, Map::new()),
        };
        Self::from_message(Value::Object(message), &beside)
    }

    /// Reads the event file of a workflow (`$GITHUB_EVENT_PATH`): the inputs of a dispatch.
    ///
    /// # Errors
    /// As [`Payload::read`] does, or if the event has no inputs.
    pub fn read_event(text: &str) -> Result<Self, PayloadError> {
        let event = parse(text, "$")?;
        match event.get("inputs").or_else(|| event.get("client_payload")) {
            Some(inputs @ Value::Object(_)) => {
                Self::read(&inputs.to_string()).map_err(|error| error.below("inputs"))
            }
            _ => Err(PayloadError::new(
                "inputs",
                "is missing: this event was not a dispatch with the input `port_payload`",
            )),
        }
    }

    /// The request that a policy is given: what Port sent, and the place where it runs. The operator's settings come with the
    /// policy that is chosen.
    pub fn into_request(self, workflow: Workflow) -> Request {
        Request {
            run_id: self.run,
            action: self.action,
            actor: self.actor,
            requested_at: self.requested_at,
            subject: self.subject,
            inputs: Value::Object(self.inputs).to_string(),
            settings: "{}".to_owned(),
            workflow,
        }
    }

    fn from_message(message: Value, beside: &Map<String, Value>) -> Result<Self, PayloadError> {
        let context = input_object(beside, "port_context")?;
        let run = [
            text(&message, "/context/runId"),
            text(&message, "/runId"),
            context.as_ref().and_then(|context| text(context, "/runId")),
            beside
                .get("port_run_id")
                .and_then(Value::as_str)
                .map(str::to_owned),
            text(&message, "/run/id"),
        ];
        let run = run.into_iter().flatten().next().ok_or_else(|| {
            PayloadError::new(
                "context.runId",
                "is missing, and so are `runId`, `port_context.runId` and `port_run_id`",
            )
        })?;
        identifier(&run, "context.runId")?;
        let subject = subject(&message, beside)?;
        let inputs = match message
            .pointer("/payload/properties")
            .or_else(|| message.get("inputs"))
        {
            Some(Value::Object(inputs)) => inputs.clone(),
            _ => other_inputs(beside),
        };
        let action = [
            text(&message, "/action"),
            text(&message, "/action/identifier"),
            text(&message, "/payload/action/identifier"),
        ];
        let user = message
            .pointer("/trigger/by/user")
            .cloned()
            .unwrap_or_default();
        let names = [text(&user, "/firstName"), text(&user, "/lastName")];
        let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Ok(Self {
            run,
            action: action.into_iter().flatten().next().unwrap_or_default(),
            actor: Actor {
                email: text(&user, "/email"),
                name: Some(name).filter(|name| !name.is_empty()),
            },
            requested_at: text(&message, "/trigger/at"),
            subject,
            inputs,
        })
    }
}

/// The subject: a whole entity in the message or beside it, or at least its blueprint and identifier.
fn subject(message: &Value, beside: &Map<String, Value>) -> Result<Entity, PayloadError> {
    let blueprint = || {
        let places = ["/context/blueprint", "/blueprint", "/action/blueprint"];
        places.into_iter().find_map(|place| text(message, place))
    };
    let beside_entity = input_object(beside, "entity")?;
    let whole = [
        ("payload.entity", message.pointer("/payload/entity")),
        ("entity", message.get("entity")),
        ("entity", beside_entity.as_ref()),
    ];
    for (path, entity) in whole {
        if let Some(entity) = entity.filter(|entity| entity.get("identifier").is_some()) {
            return read_entity(entity, path, blueprint());
        }
    }
    let missing = "is missing: this action must be started on an entity (operation DAY-2)";
    let id = text(message, "/context/entity")
        .ok_or_else(|| PayloadError::new("payload.entity", missing))?;
    identifier(&id, "context.entity")?;
    let blueprint =
        blueprint().ok_or_else(|| PayloadError::new("context.blueprint", "is missing"))?;
    identifier(&blueprint, "context.blueprint")?;
    Ok(Entity {
        key: EntityKey {
            blueprint,
            identifier: id,
        },
        title: None,
        teams: Vec::new(),
        properties: "{}".to_owned(),
        relations: Vec::new(),
        updated_at: None,
    })
}

fn read_entity(
    entity: &Value,
    path: &str,
    blueprint: Option<String>,
) -> Result<Entity, PayloadError> {
    let at = |key: &str| format!("{path}.{key}");
    let id = text(entity, "/identifier")
        .ok_or_else(|| PayloadError::new(&at("identifier"), "is not a text"))?;
    identifier(&id, &at("identifier"))?;
    let blueprint = text(entity, "/blueprint")
        .or(blueprint)
        .ok_or_else(|| PayloadError::new(&at("blueprint"), "is missing"))?;
    identifier(&blueprint, &at("blueprint"))?;
    let empty = Map::new();
    let map = |key: &str| match entity.get(key) {
        None | Some(Value::Null) => Ok(&empty),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(PayloadError::new(&at(key), "is not an object")),
    };
    let mut relations = Vec::new();
    for (name, value) in map("relations")? {
        let targets = match value {
            Value::Null => Vec::new(),
            Value::String(target) => vec![target.clone()],
            Value::Array(many) => many
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => {
                return Err(PayloadError::new(
                    &format!("{}.{name}", at("relations")),
                    "is not a text or a list of texts",
                ));
            }
        };
        relations.push(Relation {
            name: name.clone(),
            targets,
        });
    }
    relations.sort_by(|a, b| a.name.cmp(&b.name));
    let teams = match entity.get("team") {
        Some(Value::String(team)) => vec![team.clone()],
        Some(Value::Array(teams)) => teams
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    Ok(Entity {
        key: EntityKey {
            blueprint,
            identifier: id,
        },
        title: text(entity, "/title"),
        teams,
        properties: Value::Object(map("properties")?.clone()).to_string(),
        relations,
        updated_at: text(entity, "/updatedAt"),
    })
}

/// The workflow inputs beside `port_payload`, which an action may use for what the user filled in. Those that hold JSON
/// are taken as what they hold.
fn other_inputs(beside: &Map<String, Value>) -> Map<String, Value> {
    let own = ["port_payload", "port_context", "port_run_id", "entity"];
    let parsed = |value: &Value| match value {
        Value::String(text) => parse(text, "").unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    };
    beside
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(n, v)| (n.clone(), parsed(v)))
        .collect()
}

fn input_object(beside: &Map<String, Value>, name: &str) -> Result<Option<Value>, PayloadError> {
    match beside.get(name) {
        Some(Value::String(text)) if text.trim_start().starts_with('{') => {
            parse(text, name).map(Some)
        }
        Some(value @ Value::Object(_)) => Ok(Some(value.clone())),
        _ => Ok(None),
    }
}

fn object(value: Value, path: &str) -> Result<Map<String, Value>, PayloadError> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(PayloadError::new(path, "is not a JSON object")),
    }
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// Port's rule for identifiers (API reference, "Create an entity"): letters of any script, digits and `@_.+:\/=-`.
fn identifier(text: &str, path: &str) -> Result<(), PayloadError> {
    let fits = |c: char| c.is_alphanumeric() || "@_.+:\\/=-".contains(c);
    if text.chars().count() > 1000 || matches!(text, "." | "..") || !text.chars().all(fits) {
        return Err(PayloadError::new(
            path,
            "is not an identifier as Port allows it",
        ));
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
