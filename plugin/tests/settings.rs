//! Code, schema and guide list the same settings, with the same defaults, and every example is accepted.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use promote_policy::settings::{SCHEMA, Settings};
use serde_json::{Map, Value, json};

/// Every setting by its dotted name, with its default.
fn flatten(prefix: &str, object: &Map<String, Value>, out: &mut BTreeMap<String, Value>) {
    for (key, value) in object {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            Value::Object(inner) => flatten(&name, inner, out),
            Value::Array(items) if items.first().is_some_and(Value::is_object) => {
                flatten(&name, items[0].as_object().unwrap(), out);
            }
            _ => drop(out.insert(name, value.clone())),
        }
    }
}

fn minimal() -> Value {
    json!({ "manifest": { "path": "p", "image": "i" } })
}

fn from_code() -> BTreeMap<String, Value> {
    let settings = Settings::parse(&minimal().to_string()).unwrap();
    let mut out = BTreeMap::new();
    flatten(
        "",
        serde_json::to_value(settings).unwrap().as_object().unwrap(),
        &mut out,
    );
    out
}

/// The schema's properties, with defaults; the required ones as in [`minimal`].
fn from_schema(prefix: &str, schema: &Value, out: &mut BTreeMap<String, Value>) {
    for (key, property) in schema["properties"].as_object().unwrap() {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        assert!(
            property["description"]
                .as_str()
                .is_some_and(|text| text.ends_with('.')),
            "{name} is not described"
        );
        if property["type"] == "object" {
            assert_eq!(
                property["additionalProperties"],
                json!(false),
                "{name} takes unknown keys"
            );
            let inner = property["properties"].as_object().unwrap();
            let defaults: Map<_, _> = inner
                .iter()
                .map(|(key, value)| (key.clone(), value["default"].clone()))
                .collect();
            assert_eq!(
                property["default"],
                Value::Object(defaults),
                "{name}: its default is not that of its keys"
            );
            from_schema(&name, property, out);
        } else if key == "manifest" && prefix.is_empty() {
            let parsed: Value = serde_json::from_str(SCHEMA).unwrap();
            from_schema("manifest", &parsed["$defs"]["manifest"], out);
        } else {
            let required = |key: &str| json!(key.chars().next().unwrap().to_string());
            out.insert(
                name,
                property
                    .get("default")
                    .cloned()
                    .unwrap_or_else(|| required(key)),
            );
        }
    }
}

#[test]
fn schema_and_code_agree() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut listed = BTreeMap::new();
    from_schema("", &schema, &mut listed);
    assert_eq!(listed, from_code());
    assert_eq!(schema["additionalProperties"], json!(false));
}

#[test]
fn every_word_of_an_enumeration_is_accepted() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    for (key, property) in schema["properties"].as_object().unwrap() {
        for word in property["enum"].as_array().into_iter().flatten() {
            let mut settings = minimal();
            settings[key] = word.clone();
            Settings::parse(&settings.to_string()).unwrap();
        }
    }
    for part in schema["$defs"]["manifest"]["properties"]["part"]["enum"]
        .as_array()
        .unwrap()
    {
        let mut settings = minimal();
        settings["manifest"]["part"] = part.clone();
        Settings::parse(&settings.to_string()).unwrap();
    }
}

#[test]
fn unknown_keys_are_refused_at_every_level() {
    for path in from_code().keys() {
        let mut settings = minimal();
        let mut at = &mut settings;
        let mut parts: Vec<_> = path.split('.').collect();
        *parts.last_mut().unwrap() = "oops";
        for part in &parts {
            at = &mut at[*part];
        }
        *at = json!(1);
        let error = Settings::parse(&settings.to_string()).unwrap_err();
        assert!(error.contains("unknown field `oops`"), "{path}: {error}");
    }
    assert!(
        Settings::parse("{}")
            .unwrap_err()
            .contains("missing field `manifest`")
    );
    assert!(
        Settings::parse(r#"{"manifest":[]}"#)
            .unwrap_err()
            .contains("empty list")
    );
}

#[test]
fn the_guide_lists_every_setting_with_an_example_that_is_accepted() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let mut documented = Vec::new();
    for section in guide.split("\n### `").skip(1) {
        let setting = section.split('`').next().unwrap().to_owned();
        let example = section
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next());
        let example = example.unwrap_or_else(|| panic!("{setting} has no example"));
        let parsed: Value =
            toml::from_str(example).unwrap_or_else(|error| panic!("{setting}: {error}"));
        let mut settings = parsed["policy"]["settings"].clone();
        let mut shown = BTreeMap::new();
        let one = &settings[&setting];
        let list = one.as_array().filter(|list| list[0].is_object());
        for item in list
            .into_iter()
            .flatten()
            .chain(list.is_none().then_some(one))
        {
            flatten(
                "",
                json!({ &setting: item }).as_object().unwrap(),
                &mut shown,
            );
        }
        let own = |name: &&String| *name == &setting || name.starts_with(&format!("{setting}."));
        let expected: Vec<_> = from_code().into_keys().filter(|name| own(&name)).collect();
        assert_eq!(
            shown.into_keys().collect::<Vec<_>>(),
            expected,
            "the example of {setting} shows other keys"
        );
        if settings.get("manifest").is_none() {
            settings["manifest"] = minimal()["manifest"].clone();
        }
        Settings::parse(&settings.to_string()).unwrap_or_else(|error| panic!("{setting}: {error}"));
        documented.push(setting);
    }
    documented.sort();
    let mut top: Vec<_> = from_code()
        .into_keys()
        .map(|name| name.split('.').next().unwrap().to_owned())
        .collect();
    top.dedup();
    assert_eq!(documented, top);
}
