//! Code, schema and guide list the same settings, with the same defaults, and every example is accepted.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use promote_policy::settings::{
    Checks, Digest, DocumentChoice, Freeze, Freshness, Health, Link, Lock, Manifest, Method, Mode,
    Newer, Part, People, ProvenanceSettings, Rollback, SCHEMA, Settings, Soak, Verify,
};
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
    let mut out = BTreeMap::new();
    flatten(
        "",
        Settings::filled(&minimal().to_string())
            .unwrap()
            .as_object()
            .unwrap(),
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
    // As in `minimal`: one of several ways to say where the image stands.
    listed.insert("manifest.path".to_owned(), json!("p"));
    listed.insert("manifest.image".to_owned(), json!("i"));
    assert_eq!(listed, from_code());
    assert_eq!(schema["additionalProperties"], json!(false));
    let top = &schema["properties"];
    let manifest = &schema["$defs"]["manifest"]["properties"];
    let keys = |object: &Value| {
        object
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let objects = [
        (top, Settings::KEYS),
        (manifest, Manifest::KEYS),
        (&manifest["document"]["properties"], DocumentChoice::KEYS),
        (&top["chain"]["items"]["properties"], Link::KEYS),
        (&top["rollback"]["properties"], Rollback::KEYS),
        (&top["checks"]["properties"], Checks::KEYS),
        (&top["verify"]["properties"], Verify::KEYS),
        (&top["lock"]["properties"], Lock::KEYS),
        (&top["freeze"]["properties"], Freeze::KEYS),
        (&top["health"]["properties"], Health::KEYS),
        (&top["soak"]["properties"], Soak::KEYS),
        (&top["people"]["properties"], People::KEYS),
        (&top["provenance"]["properties"], ProvenanceSettings::KEYS),
    ];
    for (object, known) in objects {
        let mut known = known.to_vec();
        known.sort_unstable();
        let mut keys = keys(object);
        keys.sort_unstable();
        assert_eq!(keys, known);
    }
    let words = [
        (&manifest["part"], Part::WORDS),
        (&top["mode"], Mode::WORDS),
        (&top["method"], Method::WORDS),
        (&top["newer"], Newer::WORDS),
        (&top["digest"], Digest::WORDS),
        (&top["freshness"], Freshness::WORDS),
    ];
    for (property, known) in words {
        let mut listed: Vec<_> = property["enum"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|word| !word.is_null())
            .map(|word| word.as_str().unwrap())
            .collect();
        let mut known = known.to_vec();
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known);
    }
}

#[test]
fn wrong_values_are_refused_by_name() {
    let table = [
        (
            r#"{"manifest":{"path":"p","image":"i"},"base":1}"#,
            "policy.settings.base is of type number, it must be string",
        ),
        (
            r#"{"manifest":{"path":"p","image":"i"},"base":""}"#,
            "policy.settings.base is empty",
        ),
        (
            r#"{"manifest":{"path":"p","image":"i"},"mode":"yolo"}"#,
            r#"policy.settings.mode is "yolo", it must be one of "merge""#,
        ),
        (
            r#"{"manifest":{"path":"p","image":"i"},"lock":true}"#,
            "policy.settings.lock is of type boolean, it must be object",
        ),
        (
            r#"{"manifest":[{"path":"p","image":"i"},{"path":"p"}]}"#,
            "policy.settings.manifest[1] has no `image`",
        ),
        (
            r#"{"manifest":{}}"#,
            "policy.settings.manifest[0] names no file: `kustomize`, `helm_values`",
        ),
        (
            r#"{"manifest":{"path":"p","image":"i","kustomize":"k"}}"#,
            "policy.settings.manifest[0] has `path`, `kustomize`, only one of which can be meant",
        ),
        (
            r#"{"manifest":{"kustomize":"k","container":"web"}}"#,
            "policy.settings.manifest[0] has `container`, which does not go with `kustomize`",
        ),
        (
            r#"{"manifest":{"kubernetes":"k","part":"tag"}}"#,
            "policy.settings.manifest[0] has `part`, which does not go with `kubernetes`",
        ),
        (
            r#"{"manifest":{"helm_values":"k","at":"a..b"}}"#,
            "policy.settings.manifest[0] has `at` `a..b`: a name is empty",
        ),
        (
            r#"{"manifest":{"path":"p","image":"a[*].b"}}"#,
            "policy.settings.manifest[0] has `image` `a[*].b`: wildcards",
        ),
        (
            r#"{"manifest":{"path":"p","image":"i","document":{"index":-1}}}"#,
            "policy.settings.manifest.document.index is of type number, it must be one of",
        ),
        (
            r#"{"manifest":{"path":"p","image":"i"},"production":[]}"#,
            "policy.settings.production is an empty list",
        ),
        (
            r#"{"manifest":{"path":"p","image":"i"},"labels":[1]}"#,
            "policy.settings.labels[0] is of type number",
        ),
        (
            r#"{"manifest":[]}"#,
            "policy.settings.manifest is an empty list",
        ),
        ("{}", "policy.settings.manifest is missing"),
        ("[]", "policy.settings is of type array, it must be object"),
        ("{", "policy.settings: EOF"),
    ];
    for (settings, words) in table {
        let error = Settings::parse(settings).unwrap_err();
        assert!(error.starts_with(words), "{settings}: {error}");
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
        assert!(error.contains("has no `oops`, it has"), "{path}: {error}");
    }
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
        // The keys of a list that is empty by default are held to the code by `schema_and_code_agree`.
        let has_parts = from_code()
            .keys()
            .any(|name| name.starts_with(&format!("{setting}.")));
        if !has_parts {
            shown.insert(setting.clone(), one.clone());
        }
        let one = if has_parts { one } else { &Value::Null };
        let list = one.as_array().filter(|list| list[0].is_object());
        for item in list
            .into_iter()
            .flatten()
            .chain((list.is_none() && has_parts).then_some(one))
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
