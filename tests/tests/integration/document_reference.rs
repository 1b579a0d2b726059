//! The reference says what the program takes: every key of `promote.toml` with its default, every variable, every output.
//!
//! The keys are those that the program itself names when it refuses another one, and a default is one that changes nothing.

use std::collections::BTreeSet;

use promote_intake::config::Config;
use promote_run::JSON_FORMAT;
use promote_run::variables::VARIABLES;
use promote_tests::settings::SampleConfig;
use serde_json::Value;

use crate::documents::root;
use crate::stage::ProgramStage;

fn reference() -> String {
    std::fs::read_to_string(root().join("host/docs/REFERENCE.md")).unwrap()
}

/// Returns the cells of each row of the tables whose first column has this heading.
fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut is_meant = false;
    for line in text.lines() {
        let Some(inner) = line.strip_prefix('|') else {
            is_meant = false;
            continue;
        };
        let cells: Vec<String> = inner
            .trim_end_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect();
        if cells[0] == heading {
            is_meant = true;
        } else if is_meant && !cells[0].starts_with("---") {
            found.push(cells);
        }
    }
    found
}

/// Returns the pieces of code in a cell.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Returns the keys that a table of `promote.toml` may have, as the program names them when it refuses another.
fn known(before: &str) -> BTreeSet<String> {
    let error = Config::parse(&format!("{before}no_such_key = 1\n")).unwrap_err();
    let expected = error.split_once("expected ").map(|(_, rest)| rest);
    let expected = expected.unwrap_or_else(|| panic!("{error}"));
    code(expected).into_iter().map(str::to_owned).collect()
}

#[test]
fn every_key_is_in_the_reference_and_no_other() {
    let text = reference();
    let rows = rows(&text, "key");
    let documented: BTreeSet<String> = rows
        .iter()
        .flat_map(|row| code(&row[0]))
        .map(str::to_owned)
        .collect();
    let mut expected = BTreeSet::new();
    for (section, before) in [
        ("policy", "[policy]\n"),
        ("port", "[port]\n"),
        ("limits", "[limits]\n"),
        ("limits.compile", "[limits.compile]\n"),
        ("workflow", "[workflow]\n"),
        ("attestations", "[attestations]\n"),
        ("baseline", "[baseline]\n"),
        ("rule", "[[rule]]\n"),
        ("team", "[[team]]\n"),
    ] {
        expected.extend(
            known(before)
                .into_iter()
                .map(|key| format!("{section}.{key}")),
        );
    }
    // A table of its own.
    expected.remove("limits.compile");
    assert_eq!(documented, expected);
    let sections = known("");
    for section in &sections {
        let has_place =
            text.contains(&format!("](#{section}")) || text.contains(&format!("](#{section}s)"));
        assert!(has_place, "{section} is in the list at the top");
    }
}

#[test]
fn every_default_of_the_reference_changes_nothing() {
    let text = reference();
    let mut count = 0;
    for row in rows(&text, "key") {
        let (keys, cell) = (code(&row[0]), &row[2]);
        let Some(value) = code(cell)
            .first()
            .copied()
            .filter(|_| cell.starts_with('`'))
        else {
            continue;
        };
        let key = keys[0];
        count += 1;
        let (bare, given) = match key.split_once('.').unwrap() {
            ("rule", own) => {
                let rule = "[[rule]]\nname = \"a\"\ndeny = \"true\"\nmessage = \"no\"\n";
                (rule.to_owned(), format!("{rule}{own} = {value}\n"))
            }
            _ => (String::new(), format!("{key} = {value}\n")),
        };
        let parse = |text: &str| match Config::parse(text) {
            Ok(config) => format!("{config:?}"),
            Err(error) => panic!("{text}: {error}"),
        };
        assert_eq!(parse(&given), parse(&bare), "{key} is {value} unless given");
    }
    assert!(count >= 15, "only {count} defaults");
}

#[test]
fn a_wrong_default_is_found() {
    let shown = |text: &str| format!("{:?}", Config::parse(text).unwrap());
    for other in [
        "limits.wall = \"6m\"",
        "limits.compile.memory = \"1GiB\"",
        "workflow.resume = \"other.yml\"",
        "policy.component = \"own.wasm\"",
    ] {
        assert_ne!(shown(other), shown(""), "{other}");
    }
}

#[test]
fn every_variable_is_in_the_reference_with_its_meaning() {
    let text = reference();
    let documented: Vec<(String, String)> = rows(&text, "variable")
        .into_iter()
        .map(|row| (code(&row[0])[0].to_owned(), row[1].clone()))
        .collect();
    let expected: Vec<(String, String)> = VARIABLES
        .iter()
        .map(|variable| {
            let secret = if variable.is_secret { "; a secret" } else { "" };
            (
                variable.name.to_owned(),
                format!("{}{secret}", variable.meaning),
            )
        })
        .collect();
    assert_eq!(documented, expected);
}

/// Puts every key of an object, however deep, into a set.
fn keys(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                into.insert(key.clone());
                keys(value, into);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, into)),
        _ => {}
    }
}

#[tokio::test]
async fn what_is_printed_for_programs_has_the_keys_of_the_reference() {
    let text = reference();
    let mut count = 0;
    for row in rows(&text, "command") {
        for command in code(&row[0]) {
            let arguments: &[&str] = match command {
                "run" | "plan" => &["--payload", "payload.json"],
                "start" => &["web"],
                "init" => &[
                    "--repository",
                    "acme/gitops",
                    "--uses",
                    "acme/promote@0123456789abcdef0123456789abcdef01234567",
                    "--paths",
                    "apps/*/prod/*.yaml",
                    "--reference",
                    "{title}",
                    "--yes",
                ],
                "log" | "verify" | "replay" => &["run.jsonl"],
                "test" => &["first.toml"],
                "simulate" => &["--scripts", "1"],
                "inspect" => &["builtin", "--against", "builtin"],
                // It needs a toolchain; `author` builds.
                "build" => continue,
                _ => &[],
            };
            let mut stage = ProgramStage::sample().await;
            if command == "resume" {
                let waits = SampleConfig::default().setting("mode", "pull-request");
                stage = stage.settings(&waits);
                stage.run(&[]).await.expect(0);
            }
            if arguments == ["run.jsonl"] {
                stage.run(&["--journal", "run.jsonl"]).await.expect(0);
            }
            stage.write("first.toml", "title = \"promoted\"\n[expect]\nexit = 0\n");
            let whole = [&[command, "--format", "json"], arguments].concat();
            let printed = stage.promote(&whole).await.json();
            assert_eq!(printed["format"], JSON_FORMAT, "{command}");
            let mut found = BTreeSet::new();
            keys(&printed, &mut found);
            for key in code(&row[1])
                .into_iter()
                .filter(|key| !key.starts_with("--"))
            {
                assert!(
                    found.contains(key),
                    "{command}: {key} is not in {printed:#}"
                );
            }
            count += 1;
        }
    }
    assert!(count > 8, "only {count} commands");
}
