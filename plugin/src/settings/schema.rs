//! As much of JSON Schema as the settings' own schema uses: `type`, `enum`, `minLength`, `properties`, `required`, `items`,
//! `minItems`, `$ref` to `$defs`, `oneOf` of one thing and a list of such, and `default`, which is filled in.
//!
//! The host checks settings against the whole of the schema before it runs a policy; this makes the policy safe without it.

use serde_json::{Map, Value};

/// Checks a value against a schema and fills in what is missing.
///
/// # Errors
/// Names the key, from `path` on, and says what it should be.
pub(super) fn fit(
    root: &Value,
    schema: &Value,
    value: &mut Value,
    path: &str,
) -> Result<(), String> {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|text| text.strip_prefix("#/$defs/"))
    {
        return fit(root, &root["$defs"][name], value, path);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let wanted = |choice: &&Value| (choice["type"] == "array") == value.is_array();
        let choice = choices.iter().find(wanted).unwrap_or(&Value::Null);
        return fit(root, choice, value, path);
    }
    check_type(&schema["type"], value, path)?;
    if let Some(words) = schema["enum"]
        .as_array()
        .filter(|words| !words.contains(value))
    {
        let words: Vec<_> = words.iter().map(Value::to_string).collect();
        return Err(format!(
            "{path} is {value}, it must be one of {}",
            words.join(", ")
        ));
    }
    match value {
        Value::Object(map) => fit_object(root, schema, map, path),
        Value::Array(items) if schema["minItems"] == 1 && items.is_empty() => {
            Err(format!("{path} is an empty list"))
        }
        Value::Array(items) => {
            let mut items = items.iter_mut().enumerate();
            items.try_for_each(|(at, item)| {
                fit(root, &schema["items"], item, &format!("{path}[{at}]"))
            })
        }
        Value::String(text) if schema["minLength"] == 1 && text.is_empty() => {
            Err(format!("{path} is empty"))
        }
        _ => Ok(()),
    }
}

fn check_type(wanted: &Value, value: &Value, path: &str) -> Result<(), String> {
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = |name: &Value| name == is || (name == "integer" && value.is_u64());
    match wanted {
        Value::String(_) if !fits(wanted) => Err(format!(
            "{path} is of type {is}, it must be {}",
            wanted.as_str().unwrap_or_default()
        )),
        Value::Array(names) if !names.iter().any(fits) => Err(format!(
            "{path} is of type {is}, it must be one of {}",
            Value::from(names.clone())
        )),
        _ => Ok(()),
    }
}

fn fit_object(
    root: &Value,
    schema: &Value,
    map: &mut Map<String, Value>,
    path: &str,
) -> Result<(), String> {
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    if let Some(unknown) = map.keys().find(|key| !properties.contains_key(*key)) {
        let known: Vec<_> = properties.keys().map(|key| format!("`{key}`")).collect();
        return Err(format!(
            "{path} has no `{}`, it has {}",
            unknown.escape_debug(),
            known.join(", ")
        ));
    }
    for (key, property) in properties {
        let inner = format!("{path}.{key}");
        match (map.get_mut(key), property.get("default")) {
            (Some(value), _) => fit(root, property, value, &inner)?,
            (None, Some(default)) => drop(map.insert(key.clone(), default.clone())),
            (None, None) => return Err(format!("{inner} is missing")),
        }
    }
    Ok(())
}
