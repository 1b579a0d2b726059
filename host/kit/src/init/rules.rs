//! The rules of the built-in policy that read properties of the catalog: asked only where the catalog has them.

use serde_json::Value;

use super::catalog::CatalogNames;
use super::sample::CatalogSample;

/// What a healthy runtime is called.
const HEALTHY: [&str; 6] = ["healthy", "ok", "up", "running", "green", "passing"];
/// What a runtime is called that is as git says.
const SYNCED: [&str; 3] = ["synced", "in sync", "insync"];

/// The settings of rules, where they differ from the policy's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RuleSettings {
    health: PropertyRule,
    sync: PropertyRule,
    lock: LockRule,
}

/// A property of runtimes, and the value that is well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum PropertyRule {
    /// As the policy has it.
    #[default]
    Usual,
    /// Another one.
    Named(String, String),
    /// None has it: the rule is not asked.
    Off,
}

/// The property of services that locks them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum LockRule {
    #[default]
    Usual,
    Named(String),
    Off,
}

impl RuleSettings {
    /// Chooses by the blueprints of the catalog, and by what its runtimes hold: an optional property that none has would
    /// refuse every promotion.
    pub(super) fn choose(
        names: &CatalogNames,
        blueprints: &[Value],
        sample: &CatalogSample,
    ) -> Self {
        let find = |name: &str| blueprints.iter().find(|it| it["identifier"] == name);
        let is_filled = |property: &str| sample.is_empty() || sample.has_text(property);
        let runtime = find(&names.runtime);
        let property = |usual: (&str, &str), word: &str, values: &[&str]| match runtime {
            // It is still to be made, with what the guide has.
            None => PropertyRule::Usual,
            Some(runtime) => property_rule(runtime, usual, word, values, &is_filled),
        };
        Self {
            health: property(("healthStatus", "Healthy"), "health", &HEALTHY),
            sync: property(("syncStatus", "Synced"), "sync", &SYNCED),
            lock: if names.has_guides_blueprints() {
                LockRule::Usual
            } else {
                find(&names.service).map_or(LockRule::Usual, lock_rule)
            },
        }
    }

    /// Returns the lines of settings.
    pub(super) fn settings(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut lines = String::new();
        if (&self.health, &self.sync) == (&PropertyRule::Off, &PropertyRule::Off) {
            lines.push_str("health = { enabled = false } # no runtime says how it is\n");
        } else {
            let parts: Vec<String> = [
                (&self.health, "property", "value"),
                (&self.sync, "sync_property", "sync_value"),
            ]
            .into_iter()
            .filter_map(|(rule, property, value)| match rule {
                PropertyRule::Usual => None,
                PropertyRule::Off => Some(format!("{property} = \"\"")),
                PropertyRule::Named(name, well) => Some(format!(
                    "{property} = {}, {value} = {}",
                    quoted(name),
                    quoted(well)
                )),
            })
            .collect();
            if !parts.is_empty() {
                lines.push_str(&format!("health = {{ {} }}\n", parts.join(", ")));
            }
        }
        match &self.lock {
            LockRule::Usual => {}
            LockRule::Named(name) => {
                lines.push_str(&format!("lock = {{ property = {} }}\n", quoted(name)));
            }
            LockRule::Off => {
                lines.push_str("lock = { enabled = false } # no property of services locks them\n");
            }
        }
        lines
    }
}

/// The usual property where it is filled, else one that is called like it and has a value that is well, else none.
fn property_rule(
    runtime: &Value,
    usual: (&str, &str),
    word: &str,
    values: &[&str],
    is_filled: &impl Fn(&str) -> bool,
) -> PropertyRule {
    let properties = || {
        runtime["schema"]["properties"]
            .as_object()
            .into_iter()
            .flatten()
    };
    if properties().any(|(name, _)| name == usual.0) && is_filled(usual.0) {
        return PropertyRule::Usual;
    }
    let named = properties().find_map(|(name, schema)| {
        let is_called = name != usual.0 && name.to_lowercase().contains(word) && is_filled(name);
        let known = schema["enum"].as_array().filter(|_| is_called)?;
        let well = known
            .iter()
            .filter_map(Value::as_str)
            .find(|value| values.contains(&value.to_lowercase().as_str()))?;
        Some(PropertyRule::Named(name.clone(), well.to_owned()))
    });
    named.unwrap_or(PropertyRule::Off)
}

fn lock_rule(service: &Value) -> LockRule {
    let properties = service["schema"]["properties"]
        .as_object()
        .into_iter()
        .flatten();
    let locks: Vec<&String> = properties
        .filter(|(name, schema)| {
            schema["type"] == "boolean" && name.to_lowercase().contains("lock")
        })
        .map(|(name, _)| name)
        .collect();
    if locks.iter().any(|name| *name == "locked_in_prod") {
        return LockRule::Usual;
    }
    locks
        .first()
        .map_or(LockRule::Off, |name| LockRule::Named((*name).clone()))
}

#[cfg(test)]
mod tests {
    use promote_mock::port::GUIDE_BLUEPRINTS;
    use serde_json::json;

    use super::*;
    use crate::init::catalog::GivenNames;

    #[test]
    fn a_rule_is_asked_only_where_the_catalog_can_answer() {
        let names = CatalogNames::guide(&GivenNames::default());
        let guide: Vec<Value> = GUIDE_BLUEPRINTS
            .iter()
            .filter_map(|text| serde_json::from_str(text).ok())
            .collect();
        let sample = CatalogSample::default();
        let usual = RuleSettings::choose(&names, &guide, &sample);
        assert_eq!(usual.settings(), "");
        let names = CatalogNames {
            service: "component".to_owned(),
            runtime: "workload".to_owned(),
            ..names
        };
        let own = |properties: Value, locks: Value| {
            [
                json!({ "identifier": "workload", "schema": { "properties": properties } }),
                json!({ "identifier": "component", "schema": { "properties": locks } }),
            ]
        };
        let bare = own(json!({}), json!({}));
        let settings = RuleSettings::choose(&names, &bare, &sample).settings();
        assert!(
            settings.contains("health = { enabled = false }"),
            "{settings}"
        );
        assert!(
            settings.contains("lock = { enabled = false }"),
            "{settings}"
        );
        let named = own(
            json!({ "podHealth": { "enum": ["DOWN", "UP"] } }),
            json!({ "frozen_lock": { "type": "boolean" } }),
        );
        assert_eq!(
            RuleSettings::choose(&names, &named, &sample).settings(),
            "health = { property = \"podHealth\", value = \"UP\", sync_property = \"\" }\nlock = { property = \"frozen_lock\" }\n"
        );
    }
}
