//! Judges a value by a schema, in words that name the key.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::settings::bounds::{kind, number_problems, same, size};
use crate::settings::subset::{SchemaError, SettingsSchema};
use promote_core::near::near;

/// The place of the settings in `promote.toml`.
pub(super) const START: &str = "policy.settings";
/// The depth to which schemas may refer to schemas.
const DEPTH: usize = 64;
/// The most comparisons of a schema with a value: a schema is foreign, and may branch without end.
const STEPS: usize = 100_000;
/// The longest pattern that is shown where the schema has words for it.
const MAX_PATTERN: usize = 60;

/// The fault of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingProblem {
    /// The key, with dots, as in `promote.toml`.
    pub key: String,
    /// The fault.
    pub what: String,
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` {}", self.key, self.what)
    }
}

/// Everything in settings that a schema does not allow.
///
/// # Errors
/// When the schema refers to itself without end.
pub fn problems(
    schema: &SettingsSchema,
    settings: &Value,
) -> Result<Vec<SettingProblem>, SchemaError> {
    let mut judge = SettingsCheck {
        schema,
        steps: STEPS,
        depth: 0,
    };
    judge.judge(&schema.root, settings, START)
}

type CheckResult = Result<Vec<SettingProblem>, SchemaError>;

struct SettingsCheck<'a> {
    schema: &'a SettingsSchema,
    steps: usize,
    depth: usize,
}

impl<'a> SettingsCheck<'a> {
    fn judge(&mut self, schema: &'a Value, value: &Value, key: &str) -> CheckResult {
        if self.steps == 0 || self.depth == DEPTH {
            return Err(SchemaError(format!(
                "it does not come to an end at `{key}`"
            )));
        }
        (self.steps, self.depth) = (self.steps - 1, self.depth + 1);
        let found = match schema {
            Value::Bool(true) => Ok(Vec::new()),
            Value::Object(schema) => self.all(schema, value, key),
            _ => Ok(vec![problem(key, "is not allowed here")]),
        };
        self.depth -= 1;
        found
    }

    fn all(&mut self, schema: &'a Map<String, Value>, value: &Value, key: &str) -> CheckResult {
        // Of a value of the wrong kind nothing else is worth saying.
        if let Some(what) = kind(schema, value) {
            return Ok(vec![problem(key, what)]);
        }
        let mut found = match value {
            Value::Object(map) => self.object(schema, map, key)?,
            Value::Array(items) => self.list(schema, items, key)?,
            Value::String(text) => self.text(schema, text, key),
            Value::Number(number) => {
                number_problems(schema, number.as_f64().unwrap_or(f64::NAN), key)
            }
            Value::Null | Value::Bool(_) => Vec::new(),
        };
        found.extend(self.combined(schema, value, key)?);
        Ok(found)
    }

    /// `$ref`, `allOf`, `anyOf`, `oneOf`, `not`.
    fn combined(
        &mut self,
        schema: &'a Map<String, Value>,
        value: &Value,
        key: &str,
    ) -> CheckResult {
        let mut found = Vec::new();
        let referred = schema
            .get("$ref")
            .and_then(|reference| self.schema.target(reference));
        for inner in referred.into_iter().chain(schemas(schema, "allOf")) {
            found.extend(self.judge(inner, value, key)?);
        }
        for (keyword, only_one) in [("anyOf", false), ("oneOf", true)] {
            let choices = schemas(schema, keyword);
            if choices.is_empty() {
                continue;
            }
            let verdicts: Vec<_> = choices
                .iter()
                .map(|choice| self.judge(choice, value, key))
                .collect::<Result<_, _>>()?;
            let fitting = verdicts.iter().filter(|verdict| verdict.is_empty()).count();
            if fitting == 0 {
                // A way that takes another kind of value altogether is not the one that is meant.
                let of_kind = choices
                    .iter()
                    .zip(&verdicts)
                    .filter(|(choice, _)| self.takes(choice, value));
                let of_kind: Vec<_> = of_kind.map(|(_, verdict)| verdict.clone()).collect();
                let verdicts = if of_kind.is_empty() {
                    verdicts
                } else {
                    of_kind
                };
                found.extend(nearest(verdicts, key, schema, value));
            } else if only_one && fitting > 1 {
                found.push(problem(
                    key,
                    format!("fits {fitting} of the ways that it may be written, not one"),
                ));
            }
        }
        if let Some(not) = schema.get("not")
            && self.judge(not, value, key)?.is_empty()
        {
            found.push(problem(key, "is what it must not be"));
        }
        Ok(found)
    }

    /// Whether a schema takes values of this kind.
    fn takes(&self, schema: &'a Value, value: &Value) -> bool {
        let referred = schema
            .get("$ref")
            .and_then(|reference| self.schema.target(reference));
        let kinds = |schema: &Value| schema.get("type").map(|kinds| json!({ "type": kinds }));
        let kinds = kinds(schema).or_else(|| referred.and_then(kinds));
        kinds.is_none_or(|only| {
            only.as_object()
                .is_some_and(|only| kind(only, value).is_none())
        })
    }

    fn object(
        &mut self,
        schema: &'a Map<String, Value>,
        map: &Map<String, Value>,
        at: &str,
    ) -> CheckResult {
        let mut found = Vec::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        let known = || {
            properties
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
        };
        for (name, value) in map {
            let inner = format!("{at}.{}", key(name));
            let mut is_known = false;
            if let Some(property) = properties.and_then(|properties| properties.get(name)) {
                is_known = true;
                found.extend(self.judge(property, value, &inner)?);
            }
            for (text, property) in schema
                .get("patternProperties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                if self.schema.fits(text, name) {
                    is_known = true;
                    found.extend(self.judge(property, value, &inner)?);
                }
            }
            match schema.get("additionalProperties") {
                Some(Value::Bool(false)) if !is_known => {
                    found.push(problem(&inner, unknown(name, known)))
                }
                Some(other) if !is_known => found.extend(self.judge(other, value, &inner)?),
                _ => {}
            }
            if let Some(names) = schema.get("propertyNames") {
                let wrong = self.judge(names, &Value::from(name.as_str()), &inner)?;
                found.extend(
                    wrong
                        .into_iter()
                        .map(|one| problem(&inner, format!("as a name {}", one.what))),
                );
            }
        }
        let required = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let missing = required
            .filter_map(Value::as_str)
            .filter(|name| !map.contains_key(*name));
        found.extend(missing.map(|name| problem(&format!("{at}.{}", key(name)), "is missing")));
        found.extend(size(
            schema,
            map.len(),
            ["minProperties", "maxProperties"],
            "keys",
            at,
        ));
        Ok(found)
    }

    fn list(&mut self, schema: &'a Map<String, Value>, items: &[Value], at: &str) -> CheckResult {
        let mut found = Vec::new();
        let first = schemas(schema, "prefixItems");
        for (index, item) in items.iter().enumerate() {
            if let Some(inner) = first.get(index).or_else(|| schema.get("items")) {
                found.extend(self.judge(inner, item, &format!("{at}[{index}]"))?);
            }
        }
        found.extend(size(
            schema,
            items.len(),
            ["minItems", "maxItems"],
            "items",
            at,
        ));
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            let twice = (1..items.len()).find(|later| {
                items[..*later]
                    .iter()
                    .any(|item| same(item, &items[*later]))
            });
            found.extend(
                twice.map(|index| problem(&format!("{at}[{index}]"), "is in the list already")),
            );
        }
        if let Some(inner) = schema.get("contains") {
            let mut any = false;
            for item in items {
                any |= self.judge(inner, item, at)?.is_empty();
            }
            if !any {
                found.push(problem(at, "lacks an item that it must have"));
            }
        }
        Ok(found)
    }

    fn text(&self, schema: &Map<String, Value>, text: &str, at: &str) -> Vec<SettingProblem> {
        let mut found = size(
            schema,
            text.chars().count(),
            ["minLength", "maxLength"],
            "characters",
            at,
        );
        let pattern = schema.get("pattern").and_then(Value::as_str);
        if let Some(pattern) = pattern.filter(|pattern| !self.schema.fits(pattern, text)) {
            let shown = cut(text);
            found.push(problem(
                at,
                match described(schema) {
                    words if pattern.len() > MAX_PATTERN && !words.is_empty() => {
                        format!("is {shown:?}, which is not what it must be{words}")
                    }
                    _ => format!("is {shown:?}, which does not fit the pattern `{pattern}`"),
                },
            ));
        }
        found
    }
}

/// A key as `promote.toml` writes it.
pub(super) fn key(name: &str) -> String {
    let bare = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

pub(super) fn problem(key: &str, what: impl Into<String>) -> SettingProblem {
    SettingProblem {
        key: key.to_owned(),
        what: what.into(),
    }
}

fn schemas<'a>(schema: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    schema
        .get(keyword)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn unknown<'a, I: Iterator<Item = &'a str>>(name: &str, known: impl Fn() -> I) -> String {
    match near(name, known()) {
        Some(near) => format!("is unknown; did you mean `{near}`?"),
        None => {
            let names: Vec<_> = known().take(40).map(|name| format!("`{name}`")).collect();
            if names.is_empty() {
                "is unknown: there are no settings here".to_owned()
            } else {
                format!("is unknown; there is {}", names.join(", "))
            }
        }
    }
}

/// The beginning of a foreign text.
fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The words of a schema, for people who do not read patterns.
fn described(schema: &Map<String, Value>) -> String {
    let words = schema.get("description").and_then(Value::as_str);
    words.map_or_else(String::new, |words| format!(": {words}"))
}

/// What is wrong with a value that fits none of several ways: the way that it comes closest to is probably the one meant.
/// A way that takes another kind of value altogether complains of the key itself, not of something within.
fn nearest(
    mut verdicts: Vec<Vec<SettingProblem>>,
    key: &str,
    schema: &Map<String, Value>,
    value: &Value,
) -> Vec<SettingProblem> {
    let ways = verdicts.len();
    if ways == 1 {
        return verdicts.pop().unwrap_or_default();
    }
    // A word that is almost one of those that are known is a misspelt one.
    let misspelt = |one: &SettingProblem| one.key == key && one.what.contains("; did you mean ");
    if let Some(one) = verdicts.iter().flatten().find(|one| misspelt(one)) {
        return vec![one.clone()];
    }
    let mut inner = verdicts
        .into_iter()
        .filter(|found| found.iter().all(|one| one.key != key));
    match (inner.next(), inner.next()) {
        (Some(only), None) => only,
        _ => vec![problem(
            key,
            format!(
                "{}fits none of the {ways} ways that it may be written{}",
                value
                    .as_str()
                    .map_or_else(String::new, |text| format!("is {:?}, which ", cut(text))),
                described(schema)
            ),
        )],
    }
}
