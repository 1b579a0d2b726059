//! Names that depend on the request: `{service.relations.prod_runtime}` in a grant.
//!
//! A template is text with paths in braces over a JSON value. A path that leads nowhere is an error, never an empty
//! string: an empty target would match too much.

use serde::Deserialize;
use serde_json::Value;

/// A text with `{path}` holes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    source: String,
    /// The text before each hole, and the keys and indexes from the root that the hole names.
    holes: Vec<(String, Vec<String>)>,
    /// The text after the last hole.
    end: String,
}

/// Why a template cannot be read or filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` {1}")]
pub struct TemplateError(String, String);

/// Reads a template; fails when a brace has no partner.
impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(source: String) -> Result<Self, TemplateError> {
        let syntax = || {
            let what = "has a brace without its partner, or nothing between braces";
            TemplateError(source.clone(), what.to_owned())
        };
        let mut holes = Vec::new();
        let mut rest = source.as_str();
        while let Some((text, after)) = rest.split_once('{') {
            let (path, after) = after.split_once('}').ok_or_else(syntax)?;
            let keys: Vec<String> = path
                .split(['.', '['])
                .map(|key| key.trim_end_matches(']').to_owned())
                .collect();
            if text.contains('}') || keys.iter().any(|key| key.is_empty() || key.contains('{')) {
                return Err(syntax());
            }
            holes.push((text.to_owned(), keys));
            rest = after;
        }
        if rest.contains('}') {
            return Err(syntax());
        }
        let end = rest.to_owned();
        Ok(Self { source, holes, end })
    }
}

impl Template {
    /// The text that it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Fills in the holes; what is put there goes through `quote` first.
    ///
    /// # Errors
    /// When a path names nothing, or something that is not text, a number or a boolean.
    pub fn render(
        &self,
        context: &Value,
        quote: fn(&str) -> String,
    ) -> Result<String, TemplateError> {
        let fill = |(before, keys): &(String, Vec<String>)| {
            Ok(before.clone() + &quote(&lookup(context, keys)?))
        };
        let filled: String = self.holes.iter().map(fill).collect::<Result<_, _>>()?;
        Ok(filled + &self.end)
    }
}

fn lookup(context: &Value, keys: &[String]) -> Result<String, TemplateError> {
    let error = |what: String| TemplateError(format!("{{{}}}", keys.join(".")), what);
    let mut value = context;
    for key in keys {
        value = match value {
            Value::Array(items) => key.parse().ok().and_then(|index: usize| items.get(index)),
            other => other.get(key),
        }
        .ok_or_else(|| error(format!("names nothing: there is no `{key}`")))?;
    }
    match value {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        other => Err(error(format!("is {}, not a text", kind(other)))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "not set",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
        _ => "empty",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(source: &str) -> Result<String, String> {
        let context = json!({ "service": { "relations": { "prod": "web-prod", "dev": null }, "tags": ["1.2"] } });
        let template = Template::try_from(source.to_owned()).map_err(|error| error.to_string())?;
        template
            .render(&context, str::to_owned)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn fills_in_paths_and_refuses_what_is_not_there() {
        let cases = [
            ("plain", Ok("plain")),
            ("{service.relations.prod}", Ok("web-prod")),
            ("a/{service.tags[0]}/b", Ok("a/1.2/b")),
            (
                "{service.relations.test}",
                Err("`{service.relations.test}` names nothing: there is no `test`"),
            ),
            (
                "{service.relations.dev}",
                Err("`{service.relations.dev}` is not set, not a text"),
            ),
            (
                "{service.tags}",
                Err("`{service.tags}` is a list, not a text"),
            ),
            (
                "{service",
                Err("`{service` has a brace without its partner, or nothing between braces"),
            ),
            (
                "a}b",
                Err("`a}b` has a brace without its partner, or nothing between braces"),
            ),
            (
                "{}",
                Err("`{}` has a brace without its partner, or nothing between braces"),
            ),
        ];
        for (source, expected) in cases {
            assert_eq!(
                render(source),
                expected.map(str::to_owned).map_err(str::to_owned),
                "{source}"
            );
        }
    }
}
