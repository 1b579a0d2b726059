//! `promote test --update`: writes what there is into the expectations that are snapshots of it. Everything else in the
//! file stays as people wrote it, comments included.

use std::path::Path;

use anyhow::Context as _;
use toml::Value;
use toml_edit::{Array, DocumentMut, Item, TableLike};

use crate::scenario::ScenarioReport;

/// Updates the files of reports that failed, and returns for each what was changed.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn update(reports: &[ScenarioReport]) -> anyhow::Result<Vec<String>> {
    let mut said = Vec::new();
    for report in reports.iter().filter(|report| !report.passed()) {
        let path = &report.path;
        let text =
            std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let (edited, keys) = edited(&text, report)?;
        if keys.is_empty() {
            continue;
        }
        replace(path, &edited).with_context(|| format!("writing {}", path.display()))?;
        said.push(format!("updated {}: {}", path.display(), keys.join(", ")));
    }
    Ok(said)
}

/// The whole new text or the whole old one: a file that is half written is nobody's.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}

/// The text with every snapshot renewed, and the keys that changed.
fn edited(text: &str, report: &ScenarioReport) -> anyhow::Result<(String, Vec<String>)> {
    let mut document: DocumentMut = text.parse().context("the file is no TOML any more")?;
    let mut keys = Vec::new();
    for problem in &report.problems {
        let Some(snapshot) = &problem.snapshot else {
            continue;
        };
        let root = document.as_item_mut();
        let step = if root.get("step").is_some() {
            root.get_mut("step")
                .and_then(|steps| steps.get_mut(problem.step - 1))
        } else {
            Some(root)
        };
        let Some(expect) = step.and_then(|step| step.get_mut("expect")) else {
            continue;
        };
        if put(expect, &snapshot.path, snapshot.value.as_ref()).is_some() {
            keys.push(format!(
                "{} of step {}",
                snapshot.path.join("."),
                problem.step
            ));
        }
    }
    Ok((document.to_string(), keys))
}

/// Puts a value at a path that is there, or takes it away.
fn put(item: &mut Item, path: &[String], value: Option<&Value>) -> Option<()> {
    let (key, rest) = path.split_first()?;
    if !rest.is_empty() {
        return put(item.get_mut(key)?, rest, value);
    }
    match value {
        None => item.as_table_like_mut()?.remove(key).map(drop),
        Some(Value::Table(table)) => merge(item.get_mut(key)?.as_table_like_mut()?, table),
        Some(value) => set(item.as_table_like_mut()?, key, value),
    }
}

/// Makes a table of texts hold exactly these.
fn merge(table: &mut dyn TableLike, values: &toml::Table) -> Option<()> {
    let gone: Vec<String> = table
        .iter()
        .map(|(key, _)| key.to_owned())
        .filter(|key| !values.contains_key(key))
        .collect();
    gone.iter().for_each(|key| drop(table.remove(key)));
    let changed = values
        .iter()
        .filter(|(key, value)| set(table, key, value).is_some())
        .count();
    (changed + gone.len() > 0).then_some(())
}

/// Sets a key, with the comments of the old value around the new one.
fn set(table: &mut dyn TableLike, key: &str, value: &Value) -> Option<()> {
    let old = table.get(key).and_then(Item::as_value);
    let lines = old.is_some_and(|old| old.is_array() && old.to_string().trim().contains('\n'));
    let decor = old.map(|old| old.decor().clone());
    if old.is_some_and(|old| old.to_string().trim() == value.to_string()) {
        return None;
    }
    let mut new = converted(value, lines)?;
    if let Some(decor) = decor {
        *new.decor_mut() = decor;
    }
    match table.get_mut(key) {
        Some(item) => *item = Item::Value(new),
        None => drop(table.insert(key, Item::Value(new))),
    }
    Some(())
}

fn converted(value: &Value, lines: bool) -> Option<toml_edit::Value> {
    Some(match value {
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Array(items) => {
            let mut array = Array::new();
            for item in items {
                array.push(converted(item, false)?);
            }
            if lines {
                array
                    .iter_mut()
                    .for_each(|item| item.decor_mut().set_prefix("\n    "));
                array.set_trailing("\n");
                array.set_trailing_comma(true);
            }
            array.into()
        }
        Value::Table(_) | Value::Datetime(_) => return None,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::{ExpectMismatch, ExpectSnapshot, ScenarioProblem};

    fn problem(step: usize, path: &[&str], value: Option<Value>) -> ScenarioProblem {
        let mismatch = ExpectMismatch {
            key: path.join("."),
            expected: String::new(),
            actual: String::new(),
        };
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        ScenarioProblem {
            line: 1,
            step,
            at: "on the mock",
            mismatch,
            snapshot: Some(ExpectSnapshot { path, value }),
        }
    }

    fn update_of(text: &str, problems: Vec<ScenarioProblem>) -> String {
        let title = "x".to_owned();
        let path = "x.toml".into();
        let took = Duration::ZERO;
        edited(
            text,
            &ScenarioReport {
                title,
                path,
                took,
                problems,
                runs: Vec::new(),
            },
        )
        .unwrap()
        .0
    }

    #[test]
    fn only_the_snapshot_changes() {
        let strings =
            |texts: &[&str]| Value::Array(texts.iter().map(|text| (*text).into()).collect());
        let file = "\
# why
[[step]]
expect = { outcome = \"refused\", exit = 1 } # both
[[step]]
heal = true
[[step]]
[step.expect] # the last
calls = [
    \"now\", # first
    \"note\",
]
exit = 0 # fine
[step.expect.diff]
\"a.yaml\" = \"-a\"
\"b.yaml\" = \"-b\"
";
        let diff = [("b.yaml", "-b\n+c"), ("c.yaml", "+d")];
        let diff = diff.map(|(path, lines)| (path.to_owned(), Value::from(lines)));
        let edited = update_of(
            file,
            vec![
                problem(1, &["outcome"], Some("promoted".into())),
                problem(1, &["exit"], Some(Value::Integer(0))),
                problem(3, &["calls"], Some(strings(&["note", "merge"]))),
                problem(3, &["diff"], Some(Value::Table(diff.into_iter().collect()))),
            ],
        );
        let expected = "\
# why
[[step]]
expect = { outcome = \"promoted\", exit = 0 } # both
[[step]]
heal = true
[[step]]
[step.expect] # the last
calls = [
    \"note\",
    \"merge\",
]
exit = 0 # fine
[step.expect.diff]
\"b.yaml\" = \"\"\"
-b
+c\"\"\"
\"c.yaml\" = \"+d\"
";
        assert_eq!(edited, expected);
    }

    #[test]
    fn what_is_not_there_any_more_is_taken_away() {
        let file = "expect.exit = 0\nexpect.run = { label = \"Promoted\", status = \"SUCCESS\" }\n";
        let edited = update_of(file, vec![problem(1, &["run", "label"], None)]);
        assert_eq!(
            edited,
            "expect.exit = 0\nexpect.run = { status = \"SUCCESS\" }\n"
        );
    }
}
