//! Reads what Port sends: hostile JSON that names a run, and guesses its entity.
//!
//! Anybody who may start the workflow can write such a message, so nothing else of it is read: who started the run, with
//! which inputs, on what and whether it was approved is Port's to say. The guess is there so that run and entity can be read
//! side by side; a guess that Port does not confirm ends the run.
//!
//! Actions are free to shape their messages (Port's documentation, "Set up the backend"), so the identifiers are looked for in
//! every place that Port documents: beside one another, in `context`, in `port_context` or in `port_payload`, in camel or
//! snake case.

use serde_json::{Map, Value};

use promote_core::contract::EntityKey;
use promote_core::run::RunClaim;
use promote_core::service::port::RunKind;

mod strict;

pub use strict::{LARGEST, PayloadError, parse};

/// The places of the run's identifier, in the order in which they count.
const RUN_PLACES: [&str; 6] = [
    "/context/runId",
    "/context/run_id",
    "/runId",
    "/run_id",
    "/run/id",
    "/port_run_id",
];

/// The places of the entity, each an object with its identifier or the identifier itself.
const ENTITY_PLACES: [&str; 3] = ["/payload/entity", "/entity", "/context/entity"];

/// The places of the blueprint.
const BLUEPRINT_PLACES: [&str; 6] = [
    "/payload/entity/blueprint",
    "/entity/blueprint",
    "/context/blueprint",
    "/blueprint",
    "/action/blueprint",
    "/payload/action/blueprint",
];

/// A message, as far as it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// Port's action run.
    pub run: String,
    /// The entity that it may be about.
    pub subject: Option<EntityKey>,
}

impl Payload {
    /// Reads a payload: the whole message, or the inputs of a workflow that hold it as text.
    ///
    /// # Errors
    /// Names the JSON path that is wrong or missing.
    pub fn read(text: &str) -> Result<Self, PayloadError> {
        let whole = object(parse(text, "$")?, "$")?;
        let messages = messages(whole)?;
        let run = find(&messages, &RUN_PLACES).ok_or_else(|| {
            PayloadError::new(
                "runId",
                "is missing: Port's message must name its run, as `runId` or `run_id`, alone or in `context`, `port_context` or `port_payload`",
            )
        })?;
        identifier(&run, "runId")?;
        if RunKind::of(&run) == RunKind::WorkflowNode {
            return Err(PayloadError::new(
                "runId",
                "is that of a node of Port's Workflows: only a run of a self-service action can promote, `promote init` makes such an action",
            ));
        }
        Ok(Self {
            run,
            subject: subject(&messages)?,
        })
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
                "is missing: this event was not a dispatch with the run's identifier",
            )),
        }
    }

    /// Returns the claim that a run starts with.
    pub fn into_claim(self) -> RunClaim {
        RunClaim {
            run_id: self.run,
            subject: self.subject,
        }
    }
}

/// Returns the objects that may hold the identifiers: the inner messages first, then the inputs around them.
fn messages(whole: Map<String, Value>) -> Result<Vec<Value>, PayloadError> {
    let mut found = Vec::new();
    for name in ["port_payload", "port_context"] {
        match whole.get(name) {
            None => {}
            Some(Value::String(inner)) => {
                found.push(Value::Object(object(parse(inner, name)?, name)?))
            }
            Some(inner @ Value::Object(_)) => found.push(inner.clone()),
            Some(_) => {
                return Err(PayloadError::new(
                    name,
                    "is neither an object nor JSON text",
                ));
            }
        }
    }
    let mut inputs = whole;
    // An entity may stand beside the message as JSON text.
    if let Some(Value::String(text)) = inputs.get("entity")
        && text.trim_start().starts_with('{')
    {
        let entity = parse(text, "entity")?;
        inputs.insert("entity".to_owned(), entity);
    }
    found.push(Value::Object(inputs));
    Ok(found)
}

/// Returns the entity that the message names, if it names both parts of one.
fn subject(messages: &[Value]) -> Result<Option<EntityKey>, PayloadError> {
    let entity = ENTITY_PLACES.iter().find_map(|place| {
        messages.iter().find_map(|message| {
            let entity = message.pointer(place)?;
            text(entity, "").or_else(|| text(entity, "/identifier"))
        })
    });
    let blueprint = find(messages, &BLUEPRINT_PLACES);
    let (Some(identifier_text), Some(blueprint)) = (entity, blueprint) else {
        return Ok(None);
    };
    identifier(&identifier_text, "entity")?;
    identifier(&blueprint, "blueprint")?;
    Ok(Some(EntityKey {
        blueprint,
        identifier: identifier_text,
    }))
}

fn find(messages: &[Value], places: &[&str]) -> Option<String> {
    places
        .iter()
        .find_map(|place| messages.iter().find_map(|message| text(message, place)))
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
