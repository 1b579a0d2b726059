//! The host holds settings to the policy's own schema before anything is asked, and judges as others do.

use promote_intake::settings::{SettingsSchema, problems};
use promote_tests::settings::SampleConfig;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::stage::ProgramStage;

#[tokio::test]
async fn a_setting_that_does_not_fit_ends_before_any_service_is_asked() {
    let stage = ProgramStage::sample().await;
    let config = SampleConfig::default()
        .text()
        .replace("reference =", "referense =");
    stage.write("typo.toml", &config);
    stage.write(
        "date.toml",
        "[policy.settings.freeze]\nholidays = [2026-12-25]\n",
    );
    stage.write("none.toml", "");
    for command in ["run", "plan"] {
        for (file, said) in [
            (
                "typo.toml",
                "typo.toml: `policy.settings.referense` is unknown; did you mean `reference`?",
            ),
            (
                "date.toml",
                "`policy.settings.freeze.holidays[0]` is a date, which a policy cannot be given: write \"2026-12-25\"",
            ),
            ("none.toml", "`policy.settings.manifest` is missing"),
        ] {
            let ended = stage
                .promote(&[command, "--payload", "payload.json", "--config", file])
                .await;
            ended.expect(2).expect_said(said);
        }
    }
    assert_eq!(stage.witness.requests(), 0, "no service is asked");
}

/// Schemas of what is understood, and small enough to say yes about as often as no.
fn schemas() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(json!(true)),
        Just(json!(false)),
        prop::sample::subsequence(
            vec!["null", "boolean", "integer", "number", "string", "array", "object"],
            1..4
        )
        .prop_map(|types| json!({ "type": types })),
        (0..3u8, 0..3u8).prop_map(
            |(least, most)| json!({ "minLength": least, "maxLength": most, "pattern": "^[a-b]*$" })
        ),
        (0..3u8, 0..3u8).prop_map(
            |(least, most)| json!({ "minItems": least, "maxItems": most, "uniqueItems": least == 1 })
        ),
        (0..3u8, 0..3u8).prop_map(|(least, most)| json!({ "minProperties": least, "maxProperties": most })),
        (-2..3i8, -2..3i8).prop_map(
            |(least, most)| json!({ "minimum": least, "exclusiveMaximum": most, "multipleOf": 0.5 })
        ),
        (-2..3i8, -2..3i8).prop_map(|(least, most)| json!({ "exclusiveMinimum": least, "maximum": most })),
        prop::collection::vec(values(), 1..3).prop_map(|values| json!({ "enum": values })),
        values().prop_map(|value| json!({ "const": value })),
        prop::sample::subsequence(vec!["a", "b", "c"], 1..3).prop_map(|names| json!({ "required": names })),
        Just(json!({ "$ref": "#/$defs/text" })),
        Just(json!({ "title": "a note", "format": "email", "default": 1 })),
    ];
    plain.prop_recursive(3, 24, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            several.clone().prop_map(|list| json!({ "anyOf": list })),
            several.clone().prop_map(|list| json!({ "oneOf": list })),
            several.clone().prop_map(|list| json!({ "allOf": list })),
            inner.clone().prop_map(|one| json!({ "not": one })),
            inner.clone().prop_map(|one| json!({ "contains": one })),
            (several, inner.clone()).prop_map(|(list, one)| json!({ "prefixItems": list, "items": one })),
            (inner.clone(), inner.clone()).prop_map(|(a, rest)| json!({ "properties": { "a": a }, "additionalProperties": rest })),
            (inner.clone(), inner).prop_map(|(named, names)| json!({
                "patternProperties": { "^[ab]$": named }, "additionalProperties": false, "propertyNames": names,
            })),
        ]
    })
}

fn values() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..4i8).prop_map(Value::from),
        (-3..4i8).prop_map(|number| json!(f64::from(number) / 2.0)),
        "[abc]{0,3}".prop_map(Value::from),
    ];
    plain.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..3)
                .prop_map(|map| Map::from_iter(map).into()),
        ]
    })
}

#[test]
#[expect(clippy::print_stderr, reason = "the number of cases")]
fn it_judges_as_another_validator_does() {
    let cases = 512;
    let mut yes = 0;
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    });
    let counted = std::cell::RefCell::new(&mut yes);
    let result = runner.run(&(schemas(), values()), |(schema, value)| {
        let schema = json!({ "allOf": [schema], "$defs": { "text": { "type": "string" } } });
        let theirs = jsonschema::draft202012::is_valid(&schema, &value);
        let ours = problems(&SettingsSchema::read(&schema.to_string()).unwrap(), &value).unwrap();
        prop_assert_eq!(
            ours.is_empty(),
            theirs,
            "{} on {}: {:?}",
            schema,
            value,
            ours
        );
        **counted.borrow_mut() += usize::from(theirs);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(yes > 100, "only {yes} values fit");
    eprintln!("{cases} schemas and values judged alike, {yes} of them fit");
}
