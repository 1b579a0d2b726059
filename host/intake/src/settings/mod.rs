//! Holds the operator's settings to the schema that the policy describes, before anything runs or is asked.
//!
//! Any policy gets this: `describe` says what its settings look like, as JSON Schema, and `schema` judges. A schema that uses
//! what `schema` does not know is an error, never a check that is skipped.

mod bounds;
mod schema;
mod subset;

use serde_json::Value;
use toml::Value as Toml;

use crate::config::PolicyConfig;
use promote_core::grants::{Grants, Operation};
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;

pub use schema::{SettingProblem, problems};
pub use subset::{SchemaError, SettingsSchema};

/// Most problems that are shown at once.
const SHOWN: usize = 10;

/// The reason why a policy cannot run with these settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// They do not fit the policy's schema.
    #[error("{}", list(.0))]
    Unfit(Vec<SettingProblem>),
    /// The policy cannot say what they should be.
    #[error("the policy does not describe itself: {0}")]
    Silent(String),
    /// Its answer is no schema, or more than is understood.
    #[error("the policy's own settings schema cannot be used: {0}")]
    Schema(#[from] SchemaError),
}

/// Asks the policy for its schema and holds the settings to it.
///
/// # Errors
/// Names each key that is unknown, missing or wrong, and what was probably meant.
pub async fn check(
    engine: &Engine,
    policy: &Policy,
    wanted: &PolicyConfig,
) -> Result<(), SettingsError> {
    fit(&schema(engine, policy).await?, wanted)
}

/// Asks the policy for its schema.
///
/// # Errors
/// When it does not describe itself, or its schema cannot be used.
pub async fn schema(engine: &Engine, policy: &Policy) -> Result<SettingsSchema, SettingsError> {
    let described = engine.describe(&policy.program).await;
    let description = described.map_err(|error| SettingsError::Silent(format!("{error:#}")))?;
    Ok(SettingsSchema::read(&description.settings_schema)?)
}

/// Holds the settings to a schema.
///
/// # Errors
/// As [`check`].
pub fn fit(schema: &SettingsSchema, wanted: &PolicyConfig) -> Result<(), SettingsError> {
    let mut found = Vec::new();
    for (key, value) in &wanted.settings {
        dates(
            value,
            &format!("{}.{}", schema::START, schema::key(key)),
            &mut found,
        );
    }
    if found.is_empty() {
        let settings = serde_json::from_str(&wanted.settings());
        found = problems(
            schema,
            &settings.map_err(|error| SettingsError::Silent(error.to_string()))?,
        )?;
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(SettingsError::Unfit(found))
    }
}

/// Returns settings with what the schema says that they are, unless given, under these grants: `"x-promote-granted":
/// {"registry.read": VALUE}` at a setting. So a grant can turn on what only it makes possible.
///
/// # Errors
/// As [`schema`].
pub async fn with_granted(
    engine: &Engine,
    policy: &Policy,
    grants: &Grants,
    settings: String,
) -> Result<String, SettingsError> {
    let schema = schema(engine, policy).await?;
    Ok(fill_granted(&schema.root, grants, settings))
}

fn fill_granted(schema: &Value, grants: &Grants, settings: String) -> String {
    let Ok(Value::Object(mut filled)) = serde_json::from_str(&settings) else {
        return settings;
    };
    for (key, described) in schema["properties"].as_object().into_iter().flatten() {
        let by_operation = described["x-promote-granted"].as_object();
        for (operation, value) in by_operation.into_iter().flatten() {
            let named = Operation::named(operation).unwrap_or_default();
            if !named.is_empty() && named.into_iter().all(|one| grants.mention(one)) {
                filled.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    Value::Object(filled).to_string()
}

/// TOML has dates, JSON has not: `2026-12-25` without quotes.
fn dates(value: &Toml, key: &str, found: &mut Vec<SettingProblem>) {
    match value {
        Toml::Datetime(date) => found.push(SettingProblem {
            key: key.to_owned(),
            what: format!("is a date, which a policy cannot be given: write \"{date}\""),
        }),
        Toml::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                dates(item, &format!("{key}[{at}]"), found);
            }
        }
        Toml::Table(table) => {
            for (name, item) in table {
                dates(item, &format!("{key}.{}", schema::key(name)), found);
            }
        }
        _ => {}
    }
}

fn list(problems: &[SettingProblem]) -> String {
    let mut shown: Vec<_> = problems
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect();
    if problems.len() > SHOWN {
        shown.push(format!("and {} more", problems.len() - SHOWN));
    }
    shown.join("; ")
}

#[cfg(test)]
mod tests;
