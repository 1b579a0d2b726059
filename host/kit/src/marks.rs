//! The settings of a policy as tools understand them: by marks in the schema that the policy describes.
//!
//! `matrix` and `doctor` work for any policy, so they know no setting by its name. A policy marks the settings that they can
//! use: `"x-promote-role": "base-branch"` in the schema of a setting says what it is, and `"x-promote-plan": VALUE` says which
//! value a trial plan takes instead, where the operator's would wait for something. A setting without a mark is only the
//! policy's business.

use serde_json::{Map, Value};

/// The keyword for the role of a setting.
const ROLE: &str = "x-promote-role";

/// The keyword for the value of a setting in a trial plan.
const PLAN: &str = "x-promote-plan";

/// The meaning of a setting to tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingRole {
    /// Identifier of the entity that the image comes from, a template over `service`.
    Source,
    /// Identifier of the entity that the image goes to, a template over `service`.
    Target,
    /// Blueprint of source and target.
    RuntimeBlueprint,
    /// Blueprint of images.
    ImageBlueprint,
    /// Relation of source and target to their image.
    ImageRelation,
    /// The repository that a promotion changes, `owner/name`.
    Repository,
    /// The branch that a promotion changes.
    BaseBranch,
    /// The end of a run: `merge`, `checks`, `auto-merge` or `pull-request`.
    MergeMode,
    /// The method of merging: `merge`, `squash` or `rebase`.
    MergeMethod,
    /// A property of the service that a rule reads.
    ServiceProperty,
    /// A property of source and target that a rule reads.
    RuntimeProperty,
    /// How long the policy waits for checks, `10m`, where the merge mode is `checks`.
    ChecksDeadline,
}

impl SettingRole {
    /// Every role.
    pub const ALL: [Self; 12] = [
        Self::Source,
        Self::Target,
        Self::RuntimeBlueprint,
        Self::ImageBlueprint,
        Self::ImageRelation,
        Self::Repository,
        Self::BaseBranch,
        Self::MergeMode,
        Self::MergeMethod,
        Self::ServiceProperty,
        Self::RuntimeProperty,
        Self::ChecksDeadline,
    ];

    /// Returns the word in the schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
            Self::RuntimeBlueprint => "runtime-blueprint",
            Self::ImageBlueprint => "image-blueprint",
            Self::ImageRelation => "image-relation",
            Self::Repository => "repository",
            Self::BaseBranch => "base-branch",
            Self::MergeMode => "merge-mode",
            Self::MergeMethod => "merge-method",
            Self::ServiceProperty => "service-property",
            Self::RuntimeProperty => "runtime-property",
            Self::ChecksDeadline => "checks-deadline",
        }
    }
}

/// A setting that has a role and a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedSetting {
    role: SettingRole,
    /// The setting as the operator writes it, `lock.property`.
    pub name: String,
    /// Its text, the operator's or the default.
    pub text: String,
}

/// The settings of one policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarkedSettings {
    marked: Vec<MarkedSetting>,
    /// The settings of a trial plan.
    trial: Value,
}

impl MarkedSettings {
    /// Reads the operator's settings, JSON text, by the schema that the policy describes. A schema without marks, or none at
    /// all, marks nothing.
    #[must_use]
    pub fn read(schema: &str, settings: &str) -> Self {
        let schema: Value = serde_json::from_str(schema).unwrap_or_default();
        let given: Value = serde_json::from_str(settings).unwrap_or_default();
        let mut found = Self {
            marked: Vec::new(),
            trial: given.clone(),
        };
        found.look(&schema, &given, &mut Vec::new());
        found
    }

    /// Returns the setting with this role; none if the policy marks none, or leaves it empty.
    pub fn get(&self, role: SettingRole) -> Option<&MarkedSetting> {
        self.all(role).next()
    }

    /// Returns every setting with this role. One in a table whose `enabled` is false is left out.
    pub fn all(&self, role: SettingRole) -> impl Iterator<Item = &MarkedSetting> {
        self.marked
            .iter()
            .filter(move |setting| setting.role == role)
    }

    /// Returns the text of the setting with this role.
    pub fn text(&self, role: SettingRole) -> Option<&str> {
        self.get(role).map(|setting| setting.text.as_str())
    }

    /// Returns the operator's settings for a trial plan, JSON text: nothing in them waits for checks or for a rollout.
    #[must_use]
    pub fn for_trial(&self) -> String {
        self.trial.to_string()
    }

    /// Looks at the settings of one table, whose schema and value these are.
    fn look(&mut self, schema: &Value, given: &Value, at: &mut Vec<String>) {
        let none = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        let value_of = |name: &str| given.get(name).or_else(|| properties[name].get("default"));
        let is_off =
            properties.contains_key("enabled") && value_of("enabled") == Some(&Value::Bool(false));
        for (name, property) in properties {
            at.push(name.clone());
            if let Some(value) = property.get(PLAN) {
                put(&mut self.trial, at, value);
            }
            let role = property.get(ROLE).and_then(Value::as_str);
            let role = SettingRole::ALL
                .into_iter()
                .find(|known| Some(known.name()) == role);
            // Of several, the first stands for all.
            let text = value_of(name)
                .and_then(|value| value.as_str().or(value[0].as_str()))
                .unwrap_or_default();
            if let Some(role) = role
                && !text.is_empty()
                && !is_off
            {
                self.marked.push(MarkedSetting {
                    role,
                    name: at.join("."),
                    text: text.to_owned(),
                });
            }
            let within = given.get(name).unwrap_or(&Value::Null);
            self.look(property, within, at);
            at.pop();
        }
    }
}

/// Puts a value at a place within tables, which are made where they are missing.
fn put(table: &mut Value, at: &[String], value: &Value) {
    let Some((name, rest)) = at.split_first() else {
        *table = value.clone();
        return;
    };
    if !table.is_object() {
        *table = Value::Object(Map::new());
    }
    put(&mut table[name], rest, value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> String {
        json!({ "properties": {
            "base": { "type": "string", "default": "main", "x-promote-role": "base-branch" },
            "own": { "type": "string", "default": "mine", "x-promote-role": "no-such-role" },
            "mode": { "enum": ["merge", "checks"], "x-promote-role": "merge-mode", "x-promote-plan": "merge" },
            "repository": { "type": ["string", "null"], "default": null, "x-promote-role": "repository" },
            "lock": {
                "properties": {
                    "enabled": { "default": true },
                    "property": { "default": "locked", "x-promote-role": "service-property" },
                },
                "default": { "enabled": true, "property": "locked" },
            },
            "verify": { "properties": { "enabled": { "default": false, "x-promote-plan": false } } },
        }})
        .to_string()
    }

    fn marks(settings: &Value) -> MarkedSettings {
        MarkedSettings::read(&schema(), &settings.to_string())
    }

    #[test]
    fn a_marked_setting_is_the_operators_or_the_default() {
        let found = marks(&json!({ "mode": "checks", "lock": { "property": "held" } }));
        assert_eq!(found.text(SettingRole::BaseBranch), Some("main"));
        assert_eq!(found.text(SettingRole::MergeMode), Some("checks"));
        assert_eq!(found.text(SettingRole::Repository), None);
        assert_eq!(found.text(SettingRole::Target), None);
        let lock = found.get(SettingRole::ServiceProperty);
        let lock = lock.map(|setting| (setting.name.as_str(), setting.text.as_str()));
        assert_eq!(lock, Some(("lock.property", "held")));
    }

    #[test]
    fn a_rule_that_is_off_reads_no_property() {
        let found = marks(&json!({ "lock": { "enabled": false } }));
        assert_eq!(found.text(SettingRole::ServiceProperty), None);
    }

    #[test]
    fn a_trial_plan_waits_for_nothing_and_changes_nothing_else() {
        let found = marks(
            &json!({ "mode": "checks", "own": 1, "verify": { "enabled": true, "every": "1s" } }),
        );
        let trial: Value = serde_json::from_str(&found.for_trial()).unwrap_or_default();
        assert_eq!(
            trial,
            json!({ "mode": "merge", "own": 1, "verify": { "enabled": false, "every": "1s" } })
        );
    }

    #[test]
    fn a_policy_that_marks_nothing_has_its_settings_as_they_are() {
        let found = MarkedSettings::read("no schema", r#"{"own":1}"#);
        assert_eq!(found.for_trial(), r#"{"own":1}"#);
        assert!(
            SettingRole::ALL
                .iter()
                .all(|role| found.get(*role).is_none())
        );
    }
}
