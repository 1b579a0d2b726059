//! The format of scenario files as a JSON Schema (draft 7, which editors of TOML know). It is written by hand and holds no
//! rule of its own: a test compares every key and word of it with what the parser takes.

/// The schema.
pub const SCHEMA: &str = include_str!("schema.json");

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;
    use crate::scenario::Scenario;
    use promote_core::call::Call;

    const UNHEARD: &str = "unheard-of-key";

    /// One step to a place of a file: a key, or the first item of a list.
    #[derive(Clone)]
    enum SchemaStep {
        Key(String),
        Item,
    }

    /// A file that holds one thing at one place.
    fn file(steps: &[SchemaStep], end: toml::Value) -> toml::Value {
        steps.iter().rev().fold(end, |inner, step| match step {
            SchemaStep::Key(key) => {
                toml::Value::Table([(key.clone(), inner)].into_iter().collect())
            }
            SchemaStep::Item => toml::Value::Array(vec![inner]),
        })
    }

    /// The words that the parser would have taken at that place.
    fn taken(steps: &[SchemaStep], end: toml::Value) -> BTreeSet<String> {
        let text = toml::to_string(&file(steps, end)).unwrap();
        let error = Scenario::parse(&text, Path::new("x.toml"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(UNHEARD), "{text}\n{error}");
        let error = error.split("; did you mean").next().unwrap();
        let list = ["; there are ", ", available keys: "]
            .iter()
            .find_map(|start| error.split_once(start));
        match list {
            Some((_, names)) => names.split(", ").map(str::to_owned).collect(),
            None => error
                .split('`')
                .skip(3)
                .step_by(2)
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Looks at every place of the schema that has keys or words, and counts them.
    fn compare(schema: &Value, root: &Value, steps: &[SchemaStep], places: &mut usize) {
        let below = |step: SchemaStep| [steps, &[step]].concat();
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.strip_prefix("#/definitions/").unwrap();
            return compare(&root["definitions"][name], root, steps, places);
        }
        if let Some(words) = schema["enum"].as_array() {
            *places += 1;
            let words: BTreeSet<String> = words
                .iter()
                .map(|word| word.as_str().unwrap().to_owned())
                .collect();
            let place = toml::to_string(&file(steps, UNHEARD.into())).unwrap();
            assert_eq!(words, taken(steps, UNHEARD.into()), "{place}");
        }
        if let Some(properties) = schema["properties"].as_object() {
            *places += 1;
            assert_eq!(schema["additionalProperties"], json!(false));
            let keys: BTreeSet<String> = properties.keys().cloned().collect();
            let end = toml::Value::Table([(UNHEARD.to_owned(), true.into())].into_iter().collect());
            let place = toml::to_string(&file(steps, end.clone())).unwrap();
            assert_eq!(keys, taken(steps, end), "{place}");
            for (key, schema) in properties {
                compare(schema, root, &below(SchemaStep::Key(key.clone())), places);
            }
        }
        if schema["items"].is_object() {
            compare(&schema["items"], root, &below(SchemaStep::Item), places);
        }
        if schema["additionalProperties"].is_object() {
            let name = SchemaStep::Key("a-name".to_owned());
            compare(&schema["additionalProperties"], root, &below(name), places);
        }
    }

    #[test]
    fn the_schema_has_the_keys_and_words_of_the_parser() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let mut places = 0;
        compare(&schema, &schema, &[], &mut places);
        assert!(places > 60, "only {places} places were compared");
    }

    #[test]
    fn the_schema_has_every_call() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let pattern = schema["definitions"]["call"]["pattern"].as_str().unwrap();
        let names = pattern.split(['(', ')']).nth(1).unwrap();
        let error = serde_json::from_value::<Call>(json!({ "call": UNHEARD }))
            .unwrap_err()
            .to_string();
        let known: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        assert_eq!(names.split('|').collect::<Vec<_>>(), known);
    }
}
