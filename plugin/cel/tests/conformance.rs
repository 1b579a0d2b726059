//! Holds expressions against the conformance cases of the language's specification (google/cel-spec, commit 508bd98,
//! `tests/simple/testdata`, Apache-2.0): `cases.jsonl` has the expression, its names and the value of each case that is not
//! about protobuf messages. `results.txt` has the count of each section and names every case that comes out otherwise.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use cel::Value;
use cel::objects::{Key, Map};
use serde::Deserialize;
use serde_json::Value as Json;

use promote_cel::check::Scope;
use promote_cel::expression::{self, Expression};
use promote_cel::kind::Kind;

#[derive(Deserialize)]
struct Case {
    section: String,
    name: String,
    expr: String,
    #[serde(default)]
    bindings: BTreeMap<String, Json>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    unchecked: bool,
    expected: Json,
}

/// Makes the value that a case is about.
fn value(json: &Json) -> Value {
    let (kind, of) = json.as_object().unwrap().iter().next().unwrap();
    let text = || of.as_str().unwrap().to_owned();
    match kind.as_str() {
        "null" => Value::Null,
        "bool" => Value::Bool(of.as_bool().unwrap()),
        "int" => Value::Int(text().parse().unwrap()),
        "uint" => Value::UInt(text().parse().unwrap()),
        "double" => Value::Float(text().parse().unwrap()),
        "string" => Value::String(Arc::new(text())),
        "bytes" => {
            let digits = text();
            let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
            Value::Bytes(Arc::new((0..digits.len()).step_by(2).map(byte).collect()))
        }
        "list" => Value::List(Arc::new(of.as_array().unwrap().iter().map(value).collect())),
        "map" => {
            let entries = of.as_array().unwrap().iter();
            let entries = entries.map(|entry| (key(value(&entry[0])), value(&entry[1])));
            Value::Map(Map {
                map: Arc::new(entries.collect()),
            })
        }
        "timestamp" => {
            let part = |at: usize| of[at].as_str().unwrap().parse::<i64>().unwrap();
            let time = chrono::DateTime::from_timestamp(part(0), u32::try_from(part(1)).unwrap());
            Value::Timestamp(time.unwrap().fixed_offset())
        }
        "duration" => {
            let part = |at: usize| of[at].as_str().unwrap().parse::<i64>().unwrap();
            Value::Duration(
                chrono::Duration::seconds(part(0)) + chrono::Duration::nanoseconds(part(1)),
            )
        }
        other => panic!("{other}"),
    }
}

fn key(value: Value) -> Key {
    match value {
        Value::Int(number) => Key::Int(number),
        Value::UInt(number) => Key::Uint(number),
        Value::Bool(flag) => Key::Bool(flag),
        Value::String(text) => Key::String(text),
        other => panic!("{other:?}"),
    }
}

/// Returns whether two values are the same, of one type too; a number that is none is like itself.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => {
            (one.is_nan() && other.is_nan()) || one == other
        }
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other.iter()).all(|(a, b)| same(a, b))
        }
        (one, other) => one.type_of().to_string() == other.type_of().to_string() && one == other,
    }
}

/// Returns what a case comes to: its value, or why there is none.
fn compute(case: &Case) -> Result<Value, String> {
    let expression = Expression::compile(&case.expr)?;
    if !case.unchecked {
        let names = case.names.iter().chain(case.bindings.keys());
        let scope: Scope = names.map(|name| (name.clone(), Kind::Any)).collect();
        expression.check(&scope)?;
    }
    let mut context = expression::context();
    for (name, bound) in &case.bindings {
        context.add_variable_from_value(name.as_str(), value(bound));
    }
    expression.compute(&context)
}

#[test]
fn the_cases_of_the_specification_come_out_as_they_are_listed() {
    let mut sections: BTreeMap<String, (u32, Vec<String>)> = BTreeMap::new();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for line in include_str!("cases.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let (file, section) = case.section.split_once('/').unwrap();
        let counted = sections.entry(file.to_owned()).or_default();
        counted.0 += 1;
        let found = compute(&case);
        let right = match (&case.expected, &found) {
            (Json::String(_), Err(_)) => true,
            (Json::String(_), Ok(_)) | (_, Err(_)) => false,
            (expected, Ok(found)) => same(&value(expected), found),
        };
        if right {
            *counts.entry(file.to_owned()).or_default() += 1;
        } else {
            let found = found.map_or_else(|why| format!("error: {why}"), |it| format!("{it:?}"));
            let found = found.lines().next().unwrap_or_default().to_owned();
            counted.1.push(format!(
                "{section}/{}: {} → {found}",
                case.name,
                case.expr.escape_debug()
            ));
        }
    }
    let mut told = String::new();
    for (file, (all, others)) in &sections {
        let right = counts.get(file).copied().unwrap_or_default();
        writeln!(told, "{file}: {right} of {all}").unwrap();
        for other in others {
            writeln!(told, "  {other}").unwrap();
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/results.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &told).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap();
    assert_eq!(told, known, "look at the difference, then `UPDATE=1`");
}
