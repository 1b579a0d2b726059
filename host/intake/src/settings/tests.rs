//! The words for settings that do not fit, and the schemas that are not taken.

#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use crate::settings::{SettingsSchema, dates, problems};

fn check(schema: &Value, value: &Value, expected: &[&str]) {
    let schema = SettingsSchema::read(&schema.to_string()).unwrap();
    let found: Vec<_> = problems(&schema, value)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, expected, "{value}");
}

#[test]
fn objects() {
    let schema = json!({
        "type": "object", "required": ["path"], "additionalProperties": false, "maxProperties": 3,
        "properties": { "path": { "type": "string" }, "image": true, "part": false },
        "patternProperties": { "^x-": { "type": "integer" } },
    });
    check(&schema, &json!({ "path": "p", "x-1": 2 }), &[]);
    check(
        &schema,
        &json!({ "path": 1 }),
        &["`policy.settings.path` is an integer, it must be text"],
    );
    check(&schema, &json!({}), &["`policy.settings.path` is missing"]);
    check(
        &schema,
        &json!({ "path": "p", "imgae": 1, "wholly.other": 1, "x-1": "a" }),
        &[
            "`policy.settings.imgae` is unknown; did you mean `image`?",
            "`policy.settings.\"wholly.other\"` is unknown; there is `image`, `part`, `path`",
            "`policy.settings.x-1` is text, it must be an integer",
            "`policy.settings` has 4 keys, at most 3 are allowed",
        ],
    );
    check(
        &schema,
        &json!({ "path": "p", "part": 1 }),
        &["`policy.settings.part` is not allowed here"],
    );
    check(
        &json!({ "additionalProperties": false }),
        &json!({ "a": 1 }),
        &["`policy.settings.a` is unknown: there are no settings here"],
    );
    let named = json!({ "propertyNames": { "maxLength": 2 } });
    check(
        &named,
        &json!({ "abc": 1 }),
        &["`policy.settings.abc` as a name has 3 characters, at most 2 are allowed"],
    );
}

#[test]
fn scalars() {
    let of = |schema: Value| json!({ "properties": { "a": schema } });
    let a = |value: Value| json!({ "a": value });
    let words = of(json!({ "enum": ["merge", "checks", 3] }));
    check(&words, &a(json!(3.0)), &[]);
    check(
        &words,
        &a(json!("check")),
        &[
            "`policy.settings.a` is \"check\", it must be \"merge\" or \"checks\" or 3; did you mean \"checks\"?",
        ],
    );
    check(
        &of(json!({ "const": 1 })),
        &a(json!(2)),
        &["`policy.settings.a` is 2, it must be 1"],
    );
    let text = of(
        json!({ "type": ["string", "null"], "minLength": 1, "maxLength": 3, "pattern": "^[0-9]+[smhd]$" }),
    );
    check(&text, &a(Value::Null), &[]);
    check(&text, &a(json!("10m")), &[]);
    check(
        &text,
        &a(json!("soon")),
        &[
            "`policy.settings.a` has 4 characters, at most 3 are allowed",
            "`policy.settings.a` is \"soon\", which does not fit the pattern `^[0-9]+[smhd]$`",
        ],
    );
    check(
        &text,
        &a(json!(["1s"])),
        &["`policy.settings.a` is a list, it must be text or unset"],
    );
    check(
        &of(json!({ "minLength": 1 })),
        &a(json!("")),
        &["`policy.settings.a` is empty"],
    );
    let number =
        of(json!({ "type": "integer", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2 }));
    check(&number, &a(json!(8)), &[]);
    check(
        &number,
        &a(json!(1.5)),
        &["`policy.settings.a` is a number, it must be an integer"],
    );
    check(
        &number,
        &a(json!(0)),
        &["`policy.settings.a` is 0, it must be at least 1"],
    );
    check(
        &number,
        &a(json!(9)),
        &[
            "`policy.settings.a` is 9, it must be less than 9",
            "`policy.settings.a` is 9, it must be a multiple of 2",
        ],
    );
}

#[test]
fn lists_and_choices() {
    let list = json!({ "items": { "type": "string" }, "minItems": 1, "uniqueItems": true, "contains": { "const": "a" } });
    check(&list, &json!(["a", "b"]), &[]);
    check(
        &list,
        &json!([]),
        &[
            "`policy.settings` is empty",
            "`policy.settings` lacks an item that it must have",
        ],
    );
    check(
        &list,
        &json!(["a", "a", 1]),
        &[
            "`policy.settings[2]` is an integer, it must be text",
            "`policy.settings[1]` is in the list already",
        ],
    );
    let first = json!({ "prefixItems": [{ "type": "string" }], "items": false });
    check(
        &first,
        &json!(["a", 1]),
        &["`policy.settings[1]` is not allowed here"],
    );
    let one = json!({ "type": "object", "required": ["path"], "additionalProperties": false, "properties": { "path": {} } });
    let schema = json!({
        "oneOf": [{ "$ref": "#/$defs/one" }, { "type": "array", "items": { "$ref": "#/$defs/one" } }],
        "$defs": { "one": one },
    });
    check(&schema, &json!({ "path": 1 }), &[]);
    check(
        &schema,
        &json!({ "pth": 1 }),
        &[
            "`policy.settings.pth` is unknown; did you mean `path`?",
            "`policy.settings.path` is missing",
        ],
    );
    check(
        &schema,
        &json!([{}]),
        &["`policy.settings[0].path` is missing"],
    );
    check(
        &schema,
        &json!("x"),
        &["`policy.settings` is \"x\", which fits none of the 2 ways that it may be written"],
    );
    // A table can only be the first of the ways, whatever is wrong with the table itself.
    let one = json!({ "type": "object", "required": ["path"], "maxProperties": 1 });
    let ways = json!({ "description": "A place.", "oneOf": [one, { "type": "string", "pattern": "^a$" }] });
    check(
        &ways,
        &json!({ "path": 1, "more": 2 }),
        &["`policy.settings` has 2 keys, at most 1 are allowed"],
    );
    check(
        &ways,
        &json!("b"),
        &["`policy.settings` is \"b\", which does not fit the pattern `^a$`"],
    );
    let words =
        json!({ "description": "A place.", "anyOf": [{ "const": "north" }, { "pattern": "^a$" }] });
    check(
        &words,
        &json!("b"),
        &[
            "`policy.settings` is \"b\", which fits none of the 2 ways that it may be written: A place.",
        ],
    );
    let long = json!({ "description": "A day.", "pattern": format!("^{}$", "a".repeat(80)) });
    check(
        &long,
        &json!("b"),
        &["`policy.settings` is \"b\", which is not what it must be: A day."],
    );
    let both = json!({ "oneOf": [{ "type": "number" }, { "minimum": 1 }], "not": { "const": 7 } });
    check(
        &both,
        &json!(3),
        &["`policy.settings` fits 2 of the ways that it may be written, not one"],
    );
    check(
        &json!({ "not": { "const": 7 } }),
        &json!(7),
        &["`policy.settings` is what it must not be"],
    );
}

#[test]
fn a_schema_that_is_not_understood_is_not_passed_over() {
    let deep = format!("{}1{}", "{\"not\":".repeat(200), "}".repeat(200));
    let table = [
        ("", "it is not JSON"),
        (deep.as_str(), "recursion limit"),
        ("[]", "# is neither an object nor a boolean"),
        (
            r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
            "its dialect is",
        ),
        (
            r#"{"properties":{"a":{"if":{}}}}"#,
            "#/properties/a/if: the keyword `if` is not understood by this host",
        ),
        (
            r#"{"$ref":"https://example.org/x"}"#,
            "#/$ref is `https://example.org/x`, which is no schema of this document",
        ),
        (
            r##"{"$ref":"#/properties","properties":{}}"##,
            "which is no schema of this document",
        ),
        (
            r#"{"pattern":"(?=a)"}"#,
            "the pattern `(?=a)` is not understood",
        ),
        (
            r#"{"pattern":"(((a{1000}){1000}){1000})"}"#,
            "is not understood",
        ),
        (
            r#"{"patternProperties":{"(":{}}}"#,
            "the pattern `(` is not understood",
        ),
        (r#"{"minLength":"1"}"#, "#/minLength is malformed"),
        (r#"{"required":[1]}"#, "#/required is malformed"),
        (r#"{"properties":[]}"#, "#/properties is malformed"),
    ];
    for (text, expected) in table {
        let error = SettingsSchema::read(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_schema_without_end_is_stopped() {
    let twice = |name: &str| json!({ "allOf": [{ "$ref": name }, { "$ref": name }] });
    let mut defs = serde_json::Map::new();
    for depth in 0..30 {
        defs.insert(
            format!("d{depth}"),
            twice(&format!("#/$defs/d{}", depth + 1)),
        );
    }
    defs.insert("d30".to_owned(), json!({}));
    for schema in [
        json!({ "$ref": "#" }),
        json!({ "$ref": "#/$defs/d0", "$defs": defs }),
    ] {
        let schema = SettingsSchema::read(&schema.to_string()).unwrap();
        let error = problems(&schema, &json!({})).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("does not come to an end at `policy.settings`"),
            "{error}"
        );
    }
}

#[test]
fn dates_of_toml_are_to_be_quoted() {
    let table: toml::Table = "holidays = [2026-12-25]\nfreeze = { until = 2026-12-25T10:00:00Z }\n"
        .parse()
        .unwrap();
    let mut found = Vec::new();
    dates(&toml::Value::Table(table), "policy.settings", &mut found);
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "`policy.settings.freeze.until` is a date, which a policy cannot be given: write \"2026-12-25T10:00:00Z\"",
            "`policy.settings.holidays[0]` is a date, which a policy cannot be given: write \"2026-12-25\"",
        ]
    );
}
