//! Errors of templates.
//!
//! Names in these messages come from the catalog: control characters are escaped, and lists are cut.

use std::fmt;

use serde_json::Value;

use crate::path::{PathStep, identifier};

/// The most names that a message lists.
const MAX_NAMES: usize = 20;

/// The most characters of a name that a message shows.
const MAX_NAME_CHARS: usize = 80;

/// The reason why a template cannot be read or filled in: one sentence, which names the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError(String);

impl TemplateError {
    pub(crate) fn unclosed(template: &str) -> Self {
        Self(format!("a `{{` is not closed in `{template}`"))
    }

    pub(crate) fn unopened(template: &str) -> Self {
        Self(format!("a `}}` stands alone in `{template}`"))
    }

    pub(crate) fn no_path(path: &str) -> Self {
        Self(format!(
            "`{{{path}}}` is not a path like `{{service.title}}` or `{{tags[0]}}`"
        ))
    }

    /// The value at the end of a path is no text, number or boolean.
    pub(crate) fn unusable(path: &str, value: &Value) -> Self {
        let why = match value {
            Value::Null => "is not set".to_owned(),
            Value::Array(_) => format!("is a list: name one item, `{{{path}[0]}}`"),
            Value::Object(_) => format!("is an object: name one of {}", list_names(value)),
            _ => "is empty".to_owned(),
        };
        Self(format!("`{{{path}}}` {why}"))
    }

    /// A step of a path leads nowhere. `done` are the steps before it, which lead to `value`; `entity` is the last entity
    /// among them.
    pub(crate) fn missing(
        path: &str,
        done: &[PathStep],
        step: &PathStep,
        entity: Option<&str>,
        value: &Value,
    ) -> Self {
        let place = name_place(done, entity, value);
        let what = match (step, value) {
            (PathStep::Index(index), Value::Array(items)) => {
                format!("has {} item(s), none at [{index}]", items.len())
            }
            (PathStep::Name(name), Value::Object(_)) => {
                format!("has no `{name}`, it has {}", list_names(value))
            }
            (_, Value::Null) => "is not set".to_owned(),
            (PathStep::Index(_), _) => "is not a list".to_owned(),
            (PathStep::Name(_), _) => "has no fields".to_owned(),
        };
        Self(format!("`{{{path}}}`: {place} {what}"))
    }
}

fn name_place(done: &[PathStep], entity: Option<&str>, value: &Value) -> String {
    let mut path = String::new();
    for step in done {
        match step {
            PathStep::Name(name) if path.is_empty() => path.push_str(name),
            PathStep::Name(name) => path.extend([".", name]),
            PathStep::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    match entity.map(show_name) {
        Some(entity) if identifier(value).is_some() => format!("entity {entity}"),
        Some(entity) => format!("`{path}` of entity {entity}"),
        None if path.is_empty() => "the run".to_owned(),
        None => format!("`{path}`"),
    }
}

/// The names that could have been meant.
fn list_names(value: &Value) -> String {
    let names = value
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys());
    let shown: Vec<String> = names.take(MAX_NAMES).map(|name| show_name(name)).collect();
    if shown.is_empty() {
        return "nothing".to_owned();
    }
    shown.join(", ")
}

fn show_name(name: &str) -> String {
    let shown: String = name.chars().take(MAX_NAME_CHARS).collect();
    format!("`{}`", shown.escape_debug())
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TemplateError {}

impl From<TemplateError> for String {
    fn from(error: TemplateError) -> Self {
        error.0
    }
}
