//! The names that expressions have: what every rule is told, and the answers to what this one needs.

use std::collections::HashMap;
use std::sync::Arc;

use cel::objects::{Key, Map};
use cel::{Context, Value};
use serde_json::Value as Json;

use super::check::Scope;
use super::kind::Kind;

/// The names that every rule has.
pub const NAMES: [&str; 6] = ["now", "service", "inputs", "run", "candidate", "step"];

/// Returns the names that every rule has, with their kinds.
pub fn scope() -> Scope {
    let change = Kind::Record(
        "a change",
        vec![
            ("path", Kind::Text),
            ("before", Kind::Text),
            ("after", Kind::Text),
        ],
    );
    let actor = Kind::Record(
        "`run.actor`",
        vec![("id", Kind::Any), ("email", Kind::Any), ("name", Kind::Any)],
    );
    let approval = Kind::Record(
        "`run.approval`",
        vec![("by", Kind::Any), ("comment", Kind::Any)],
    );
    let run = Kind::Record(
        "`run`",
        vec![
            ("id", Kind::Text),
            ("action", Kind::Text),
            ("actor", actor),
            ("approval", approval),
            ("environmentReviews", Kind::Any),
            ("requestedAt", Kind::Any),
        ],
    );
    let candidate = Kind::Record(
        "`candidate`",
        vec![
            ("repository", Kind::Text),
            ("base", Kind::Text),
            ("changes", Kind::list(change)),
            ("pullRequest", Kind::Any),
            ("headCommit", Kind::Any),
        ],
    );
    let kinds = [
        Kind::Timestamp,
        entity("`service`"),
        Kind::map(Kind::Any),
        run,
        candidate,
        Kind::Text,
    ];
    NAMES.into_iter().map(str::to_owned).zip(kinds).collect()
}

/// The kind of an entity of Port's catalog.
pub fn entity(what: &'static str) -> Kind {
    Kind::Record(
        what,
        vec![
            ("identifier", Kind::Text),
            ("blueprint", Kind::Text),
            ("title", Kind::Any),
            ("teams", Kind::list(Kind::Text)),
            ("updatedAt", Kind::Any),
            ("properties", Kind::map(Kind::Any)),
            ("relations", Kind::map(Kind::Any)),
        ],
    )
}

/// Puts the facts into a context: the common ones, and the answers by their names.
///
/// # Errors
/// When the time is none.
pub fn fill(context: &mut Context<'_, '_>, facts: &Json) -> Result<(), String> {
    for name in NAMES {
        let value = match (name, &facts[name]) {
            ("now", Json::String(text)) => chrono::DateTime::parse_from_rfc3339(text)
                .map(Value::Timestamp)
                .map_err(|why| format!("`now` is no time: {why}"))?,
            (_, value) => from_json(value),
        };
        context.add_variable_from_value(name, value);
    }
    for (name, value) in facts["needs"].as_object().into_iter().flatten() {
        context.add_variable_from_value(name.as_str(), from_json(value));
    }
    Ok(())
}

/// Returns JSON as a value; a number without a fraction is an integer.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(whole)) => Value::UInt(whole),
            (None, None) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(values) => {
            let values: Vec<Value> = values.iter().map(from_json).collect();
            Value::List(Arc::new(values))
        }
        Json::Object(fields) => {
            let fields: HashMap<Key, Value> = fields
                .iter()
                .map(|(name, value)| (Key::String(Arc::new(name.clone())), from_json(value)))
                .collect();
            Value::Map(Map {
                map: Arc::new(fields),
            })
        }
    }
}
