//! Whether a single value is of the kind and the size that a schema asks for, in words.

use serde_json::{Map, Value};

use crate::settings::schema::{SettingProblem, problem};
use promote_core::near::near;

/// The most allowed words that are listed.
const MAX_WORDS: usize = 8;

/// `type`, `enum`, `const`.
pub(super) fn kind(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let is = |name: &str| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => {
            name == "number"
                || name == "integer" && number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    };
    let wanted: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !wanted.is_empty() && !wanted.iter().any(|name| is(name)) {
        let kinds = [
            "null", "boolean", "integer", "number", "string", "array", "object",
        ];
        let found = kinds.into_iter().find(|name| is(name)).unwrap_or("nothing");
        return Some(format!(
            "is {}, it must be {}",
            noun(found),
            wanted
                .into_iter()
                .map(noun)
                .collect::<Vec<_>>()
                .join(" or ")
        ));
    }
    let words = match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(words)), _) => words.iter().collect(),
        (_, Some(only)) => vec![only],
        _ => return None,
    };
    if words.iter().any(|word| same(word, value)) {
        return None;
    }
    let texts = words.iter().filter_map(|word| word.as_str());
    let near = value.as_str().and_then(|text| near(text, texts));
    let hint = near
        .map(|near| format!("; did you mean \"{near}\"?"))
        .unwrap_or_default();
    let shown: Vec<_> = words
        .iter()
        .take(MAX_WORDS)
        .map(ToString::to_string)
        .collect();
    let more = match words.len().saturating_sub(MAX_WORDS) {
        0 => String::new(),
        more => format!(" or one of {more} others"),
    };
    // Of a long list, the one that was probably meant says more than the first few.
    if words.len() > MAX_WORDS && !hint.is_empty() {
        return Some(format!(
            "is {value}, which is none of the {} that there are{hint}",
            words.len()
        ));
    }
    Some(format!(
        "is {value}, it must be {}{more}{hint}",
        shown.join(" or ")
    ))
}

/// Returns TOML's name for a type of JSON Schema.
fn noun(name: &str) -> &str {
    match name {
        "array" => "a list",
        "object" => "a table",
        "string" => "text",
        "boolean" => "a boolean",
        "integer" => "an integer",
        "number" => "a number",
        "null" => "unset",
        other => other,
    }
}

pub(super) fn number_problems(
    schema: &Map<String, Value>,
    number: f64,
    at: &str,
) -> Vec<SettingProblem> {
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let divides =
        |step: f64| ((number / step).round() * step - number).abs() <= f64::EPSILON * number.abs();
    let rules = [
        (bound("minimum").filter(|least| number < *least), "at least"),
        (bound("maximum").filter(|most| number > *most), "at most"),
        (
            bound("exclusiveMinimum").filter(|least| number <= *least),
            "more than",
        ),
        (
            bound("exclusiveMaximum").filter(|most| number >= *most),
            "less than",
        ),
        (
            bound("multipleOf").filter(|step| !divides(*step)),
            "a multiple of",
        ),
    ];
    let broken = rules
        .into_iter()
        .filter_map(|(bound, words)| Some((bound?, words)));
    broken
        .map(|(bound, words)| problem(at, format!("is {number}, it must be {words} {bound}")))
        .collect()
}

pub(super) fn size(
    schema: &Map<String, Value>,
    size: usize,
    keywords: [&str; 2],
    noun: &str,
    at: &str,
) -> Vec<SettingProblem> {
    let [least, most] = keywords.map(|keyword| schema.get(keyword).and_then(Value::as_u64));
    let size = size as u64;
    let mut found = Vec::new();
    match least {
        Some(1) if size == 0 => found.push(problem(at, "is empty")),
        Some(least) if size < least => found.push(problem(
            at,
            format!("has {size} {noun}, at least {least} are needed"),
        )),
        _ => {}
    }
    if let Some(most) = most.filter(|most| size > *most) {
        found.push(problem(
            at,
            format!("has {size} {noun}, at most {most} are allowed"),
        ));
    }
    found
}

/// Equal as JSON Schema has it: numbers by their value.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (one, other) => one == other,
    }
}
