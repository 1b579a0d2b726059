//! Reads what a request carries: path segments, query and body. Everything in it is hostile.

use std::collections::BTreeSet;

use http::StatusCode;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::answer::PortRefusal;

/// The part of a request that routes work on, after authentication.
#[derive(Debug)]
pub(super) struct PortCall<'a> {
    pub(super) now: Timestamp,
    /// Identifier of the credentials that the token belongs to.
    pub(super) actor: String,
    pub(super) query: QueryPairs,
    pub(super) body: &'a [u8],
}

impl PortCall<'_> {
    /// The body as a JSON object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, PortRefusal> {
        object(self.body)
    }
}

/// The text as a JSON object: 400 if it is not JSON, 422 if it is something else.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, PortRefusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(PortRefusal::invalid("body must be object")),
        Err(error) => Err(PortRefusal::new(
            StatusCode::BAD_REQUEST,
            "bad_request",
            format!("body is not valid JSON: {error}"),
        )),
    }
}

/// The decoded segments of a path; none if one of them is not UTF-8.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    path.split('/')
        .skip(1)
        .map(|segment| Some(percent_decode_str(segment).decode_utf8().ok()?.into_owned()))
        .collect()
}

/// The pairs of a query string, in order; a key may repeat.
#[derive(Clone, Debug, Default)]
pub(super) struct QueryPairs(Vec<(String, String)>);

impl QueryPairs {
    pub(super) fn parse(text: Option<&str>) -> Self {
        let decode = |part: &str| {
            percent_decode_str(&part.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        let pairs = text.unwrap_or_default().split('&');
        Self(
            pairs
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(key, value)| (decode(key), decode(value)))
                .collect(),
        )
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a key. Port's clients repeat it or join with commas; both mean the same.
    pub(super) fn all(&self, key: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(name, _)| name == key)
            .flat_map(|(_, value)| value.split(','))
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// A boolean, false if it is missing; 422 if it is anything but `true` or `false`.
    pub(super) fn flag(&self, key: &str) -> Result<bool, PortRefusal> {
        self.flag_or(key, false)
    }

    /// A boolean with a default; 422 if it is anything but `true` or `false`.
    pub(super) fn flag_or(&self, key: &str, default: bool) -> Result<bool, PortRefusal> {
        match self.text(key) {
            None => Ok(default),
            Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(PortRefusal::invalid(format!("query/{key} must be boolean"))),
        }
    }

    /// A number within bounds, or the default.
    pub(super) fn number(
        &self,
        key: &str,
        bounds: std::ops::RangeInclusive<usize>,
        default: usize,
    ) -> Result<usize, PortRefusal> {
        let Some(text) = self.text(key) else {
            return Ok(default);
        };
        text.parse()
            .ok()
            .filter(|number| bounds.contains(number))
            .ok_or_else(|| {
                let (low, high) = bounds.into_inner();
                PortRefusal::invalid(format!("query/{key} must be between {low} and {high}"))
            })
    }
}

/// Refuses a body with keys that the route does not know (Port's schemas say `additionalProperties: false`).
pub(super) fn only(
    body: &Map<String, Value>,
    at: &str,
    allowed: &[&str],
) -> Result<(), PortRefusal> {
    let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
    match body.keys().find(|key| !allowed.contains(key.as_str())) {
        Some(key) => Err(PortRefusal::invalid(format!(
            "{at} must NOT have additional properties: \"{key}\""
        ))),
        None => Ok(()),
    }
}

/// A string that must be there.
pub(super) fn required<'a>(
    body: &'a Map<String, Value>,
    at: &str,
    key: &str,
) -> Result<&'a str, PortRefusal> {
    match body.get(key) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(PortRefusal::invalid(format!("{at}/{key} must be string"))),
        None => Err(PortRefusal::invalid(format!(
            "{at} must have required property '{key}'"
        ))),
    }
}

/// A string that may be missing or null.
pub(super) fn optional<'a>(
    body: &'a Map<String, Value>,
    at: &str,
    key: &str,
) -> Result<Option<&'a str>, PortRefusal> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(PortRefusal::invalid(format!("{at}/{key} must be string"))),
    }
}

/// One of some words, or nothing.
pub(super) fn word<'a>(
    body: &'a Map<String, Value>,
    key: &str,
    allowed: &[&str],
) -> Result<Option<&'a str>, PortRefusal> {
    match body.get(key) {
        None => Ok(None),
        Some(Value::String(text)) if allowed.contains(&text.as_str()) => Ok(Some(text)),
        Some(_) => Err(PortRefusal::invalid(format!(
            "body/{key} must be equal to one of the allowed values: {}",
            allowed.join(", ")
        ))),
    }
}

/// An object that may be missing.
pub(super) fn map(
    body: &Map<String, Value>,
    at: &str,
    key: &str,
) -> Result<Map<String, Value>, PortRefusal> {
    match body.get(key) {
        None => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map.clone()),
        Some(_) => Err(PortRefusal::invalid(format!("{at}/{key} must be object"))),
    }
}

/// The kinds of identifier, each with a pattern of its own (Port API reference, "Create an entity").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdentifierKind {
    Entity,
    Blueprint,
    Action,
}

impl IdentifierKind {
    /// Checks an identifier: 422 if Port's pattern does not allow it.
    pub(super) fn check(self, at: &str, identifier: &str) -> Result<(), PortRefusal> {
        let (longest, special) = match self {
            Self::Entity => (1000, "@_.+:\\/=-"),
            Self::Blueprint => (100, "@_.+:\\/-"),
            Self::Action => (100, "@_.+:=-"),
        };
        let fits = !identifier.is_empty()
            && !matches!(identifier, "." | "..")
            && identifier.chars().count() <= longest
            && identifier
                .chars()
                .all(|letter: char| letter.is_alphanumeric() || special.contains(letter));
        if fits {
            return Ok(());
        }
        Err(PortRefusal::invalid(format!(
            "{at} must match pattern of letters, digits and {special}, from 1 to {longest} characters"
        )))
    }
}
