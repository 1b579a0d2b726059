//! Paths from a JSON value to a text in it.

use serde_json::Value;

use crate::TemplateError;

/// Names and indexes that lead to a value, at least one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValuePath {
    source: String,
    steps: Vec<PathStep>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathStep {
    /// A field of an object.
    Name(String),
    /// An item of a list, from 0.
    Index(usize),
}

impl ValuePath {
    /// Reads what stands between two braces.
    pub(crate) fn parse(source: &str) -> Result<Self, TemplateError> {
        match parse_steps(source) {
            Some(steps) => Ok(Self {
                source: source.to_owned(),
                steps,
            }),
            None => Err(TemplateError::no_path(source)),
        }
    }

    /// Follows the path and returns the text, number or boolean at its end.
    pub(crate) fn find_text(&self, context: &Value) -> Result<String, TemplateError> {
        match self.find(context)? {
            Value::String(text) if !text.is_empty() => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(flag) => Ok(flag.to_string()),
            other => Err(TemplateError::unusable(&self.source, other)),
        }
    }

    /// Follows the path and returns the texts at its end, if that is a list of texts and not empty.
    pub(crate) fn find_texts(&self, context: &Value) -> Option<Vec<String>> {
        let texts: Option<Vec<String>> = self
            .find(context)
            .ok()?
            .as_array()?
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect();
        texts.filter(|texts| !texts.is_empty())
    }

    fn find<'v>(&self, context: &'v Value) -> Result<&'v Value, TemplateError> {
        let mut value = context;
        let mut entity = None;
        for (at, step) in self.steps.iter().enumerate() {
            entity = identifier(value).or(entity);
            value = child(value, step).ok_or_else(|| {
                TemplateError::missing(&self.source, &self.steps[..at], step, entity, value)
            })?;
        }
        Ok(value)
    }
}

fn parse_steps(path: &str) -> Option<Vec<PathStep>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, mut indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
        if !is_name(name) {
            return None;
        }
        steps.push(PathStep::Name(name.to_owned()));
        while !indexes.is_empty() {
            let (index, after) = indexes.strip_prefix('[')?.split_once(']')?;
            steps.push(PathStep::Index(index.parse().ok()?));
            indexes = after;
        }
    }
    Some(steps)
}

/// Port's names of properties, relations and inputs (Port API reference, "Create a blueprint"), and `$` for its own fields.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || r"@_=\-$".contains(c))
}

/// The identifier of an entity; none if the value is something else.
pub(crate) fn identifier(value: &Value) -> Option<&str> {
    value.get("identifier").and_then(Value::as_str)
}

fn child<'a>(value: &'a Value, step: &PathStep) -> Option<&'a Value> {
    match step {
        PathStep::Index(index) => value.get(index),
        PathStep::Name(name) => value.get(name).or_else(|| {
            identifier(value)?;
            let fields = ["properties", "relations"].into_iter();
            fields
                .filter_map(|field| value.get(field)?.get(name))
                .next()
        }),
    }
}
