//! The particulars that a service adds to its no: which field is wrong, and why. They are foreign text, and cleaned as any.

use serde_json::{Map, Value};

/// The keys under which a service names the place of a fault, in the order in which they count.
const PLACES: [&str; 5] = ["instancePath", "dataPath", "path", "field", "property"];
/// What a validator of JSON schemas adds for programs.
const FOR_PROGRAMS: [&str; 3] = ["keyword", "params", "schemaPath"];

/// GitHub's `errors`: objects with a message, or a field and a code, or both, or plain strings.
pub(super) fn of_errors(errors: &Value) -> String {
    let texts: Vec<_> = errors
        .as_array()
        .into_iter()
        .flatten()
        .map(of_error)
        .collect();
    texts.join("; ")
}

fn of_error(error: &Value) -> String {
    let text = |name: &str| error[name].as_str().unwrap_or_default();
    let place = [text("field"), text("code")];
    match (error.as_str(), text("message")) {
        (Some(text), _) => text.to_owned(),
        (None, "") => format!("{} {} {}", text("resource"), place[0], place[1]),
        (None, message) if place[0].is_empty() => message.to_owned(),
        (None, message) => format!("{message} ({})", place.join(" ").trim_end()),
    }
}

/// Port's `details`, whose shape depends on the refusal and is not documented: all of it in words, as far as it is for people.
pub(super) fn of_port(details: &Value) -> String {
    match details {
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => details.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(all) => joined(all.iter().map(of_port), "; "),
        Value::Object(fields) => of_fields(fields),
    }
}

/// A place and what is wrong there first, then everything else under its name.
fn of_fields(fields: &Map<String, Value>) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let place = PLACES.iter().find(|name| text(name).is_some());
    let fault = [place.copied().and_then(text), text("message")];
    let fault = joined(fault.into_iter().flatten().map(str::to_owned), " ");
    let rest = fields
        .iter()
        .filter(|(name, value)| {
            let is_said = place.is_some_and(|place| place == name)
                || (*name == "message" && value.is_string());
            !is_said && !FOR_PROGRAMS.contains(&name.as_str())
        })
        .map(|(name, value)| match of_port(value) {
            value if value.is_empty() => value,
            value => format!("{name}: {value}"),
        });
    joined(std::iter::once(fault).chain(rest), ", ")
}

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_shape_of_details_becomes_words() {
        for (details, expected) in [
            (json!(null), ""),
            (json!({}), ""),
            (json!("no"), "no"),
            (
                json!({ "errors": [{ "instancePath": "/properties/gitPath", "message": "must be string",
                    "keyword": "type", "params": { "type": "string" }, "schemaPath": "#/x" }] }),
                "errors: /properties/gitPath must be string",
            ),
            (
                json!([{ "field": "a", "message": "is wrong" }, { "field": "b", "message": "is missing" }]),
                "a is wrong; b is missing",
            ),
            (
                json!({ "blueprint": "_rule", "properties": ["x", "y"], "count": 2, "locked": true, "by": null }),
                "blueprint: _rule, count: 2, locked: true, properties: x; y",
            ),
            (
                json!({ "message": { "a": 1 }, "path": 7 }),
                "message: a: 1, path: 7",
            ),
        ] {
            assert_eq!(of_port(&details), expected, "{details}");
        }
    }
}
