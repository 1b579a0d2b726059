//! Expectations that are snapshots: what they would say if they said what there is.
//!
//! Only what is compared whole has a snapshot. Parts (`message`, `includes`), limits (`requests`) and prohibitions
//! (`never`, `no-writes`) are somebody's intention, and stay.

use toml::{Table, Value};

use super::ask::{FileExpect, PullWord, StepExpect};
use super::diff::changed_files;
use super::made::MadeCall;
use super::result::{ExpectSnapshot, StepResult};
use promote_mock::port::CatalogEntity;

/// The snapshot for the key of a mismatch, if it has one.
pub(super) fn of(expect: &StepExpect, ran: &StepResult, key: &str) -> Option<ExpectSnapshot> {
    let texts = |texts: Vec<String>| Value::Array(texts.into_iter().map(Value::String).collect());
    let names = |only_writes: bool| {
        let calls = ran
            .calls
            .iter()
            .filter(|made| !only_writes || made.changes_something());
        texts(calls.map(MadeCall::name).collect())
    };
    let repository = || ran.after.github.repositories.first();
    let value = match key {
        "outcome" => ran.ending?.into(),
        "exit" => Value::Integer(ran.exit?.into()),
        "rules" => texts(ran.rules.clone()),
        "calls" => names(false),
        "writes" => names(true),
        "diff" => {
            let files = changed_files(ran)
                .into_iter()
                .map(|(path, lines)| (path, Value::String(lines)));
            Value::Table(files.collect())
        }
        "pulls" => texts(
            repository()?
                .pulls
                .values()
                .map(|pull| PullWord::of(&pull.state).name().to_owned())
                .collect(),
        ),
        "branches" => texts(ran.after.github.branches(&repository()?.full_name())),
        _ => return of_part(expect, ran, key),
    };
    Some(ExpectSnapshot {
        path: vec![key.to_owned()],
        value: Some(value),
    })
}

/// A field of an entity, a file or the Port run.
fn of_part(expect: &StepExpect, ran: &StepResult, key: &str) -> Option<ExpectSnapshot> {
    let at = |path: &[&str], value| {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        Some(ExpectSnapshot { path, value })
    };
    for (name, fields) in &expect.entities {
        let named = |field: &&String| key == format!("entities.\"{name}\".{field}");
        if let Some(field) = fields.keys().find(named) {
            let (blueprint, identifier) = name.split_once('/')?;
            let entity = ran.after.port.entity(blueprint, identifier)?;
            return at(&["entities", name, field], field_of(entity, field));
        }
    }
    for (name, file) in expect.files.iter().filter(|(name, _)| !name.contains(':')) {
        let github = &ran.after.github;
        let repository = github.repositories.first()?;
        let full = repository.full_name();
        let base = &repository.settings.default_branch;
        if key == format!("files.\"{name}\"") && matches!(file, FileExpect::Whole(_)) {
            return at(
                &["files", name],
                github.file_at(&full, base, name).map(Value::String),
            );
        }
        if key == format!("files.\"{name}\".mode") {
            let mode = github
                .entry_at(&full, base, name)
                .map(|entry| entry.mode.digits().into());
            return at(&["files", name, "mode"], mode);
        }
    }
    let run = ran
        .after
        .port
        .runs
        .get(expect.run.as_ref()?.id.as_ref().or(ran.run.as_ref())?)?;
    match key {
        "run.status" => at(&["run", "status"], Some(run.status.as_str().into())),
        "run.label" => at(&["run", "label"], run.label.clone().map(Value::String)),
        "run.lines" => at(
            &["run", "lines"],
            i64::try_from(run.logs.len()).ok().map(Value::Integer),
        ),
        _ => None,
    }
}

/// A field as the file would hold it; none if it is not set.
fn field_of(entity: &CatalogEntity, field: &str) -> Option<Value> {
    if field == "title" {
        return entity.title.clone().map(Value::String);
    }
    match entity
        .relations
        .get(field)
        .map(|targets| targets.identifiers())
    {
        Some([one]) => Some(one.as_str().into()),
        Some(many) => Some(Value::Array(
            many.iter().map(|target| target.as_str().into()).collect(),
        )),
        None => {
            let property = entity
                .properties
                .get(field)
                .filter(|property| !property.is_null())?;
            // TOML has no null, also not inside.
            let table = toml::to_string(&serde_json::json!({ "it": property })).ok()?;
            toml::from_str::<Table>(&table).ok()?.remove("it")
        }
    }
}
