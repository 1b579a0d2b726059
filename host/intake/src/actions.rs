//! `[port.actions]`: the actions of Port that may start a run, each with its settings.
//!
//! ```toml
//! [port.actions]
//! promote = "promote_to_production"
//! rollback = { action = "rollback_production", settings = { rollback = { input = "to" } } }
//! ```

use serde::Deserialize;
use toml::{Table, Value};

use crate::config::PolicyConfig;

/// The actions that may start a run. A run of any other action starts nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PortActions {
    /// Actions that promote.
    #[serde(deserialize_with = "one_or_many")]
    pub promote: Vec<PortAction>,
    /// Actions that go back.
    #[serde(deserialize_with = "one_or_many")]
    pub rollback: Vec<PortAction>,
}

/// An action, and the settings that its runs have beyond the policy's.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortAction {
    /// Port's identifier of it.
    pub action: String,
    /// Settings that are laid over those of the policy.
    #[serde(default)]
    pub settings: Table,
}

impl PortActions {
    /// Returns the identifiers of all actions.
    pub fn identifiers(&self) -> Vec<String> {
        self.all().map(|action| action.action.clone()).collect()
    }

    /// Returns the settings of a policy for the runs of an action, JSON text.
    pub fn settings(&self, policy: &PolicyConfig, action: &str) -> String {
        let mut settings = policy.settings.clone();
        if let Some(known) = self.all().find(|known| known.action == action) {
            lay_over(&mut settings, &known.settings);
        }
        serde_json::to_string(&settings).unwrap_or_else(|_| "{}".to_owned())
    }

    /// Returns a policy with its settings, and once more with those of each action laid over them: all that it may be given.
    pub fn variants(&self, policy: &PolicyConfig) -> Vec<PolicyConfig> {
        let mut variants = vec![policy.clone()];
        for action in self.all().filter(|action| !action.settings.is_empty()) {
            let mut variant = policy.clone();
            lay_over(&mut variant.settings, &action.settings);
            variants.push(variant);
        }
        variants
    }

    fn all(&self) -> impl Iterator<Item = &PortAction> {
        self.promote.iter().chain(&self.rollback)
    }
}

/// Lays a table over another: tables within are merged, anything else is replaced.
fn lay_over(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => lay_over(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Reads a name, a table, or a list of both.
fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<PortAction>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "the name of an action, or a table with `action` and `settings`"
    )]
    enum ActionForm {
        Name(String),
        // Before the table, which serde would read from a list, too.
        Many(Vec<Self>),
        Table(PortAction),
    }
    fn flatten(form: ActionForm, into: &mut Vec<PortAction>) {
        match form {
            ActionForm::Name(action) => into.push(PortAction {
                action,
                settings: Table::new(),
            }),
            ActionForm::Table(action) => into.push(action),
            ActionForm::Many(forms) => {
                for form in forms {
                    flatten(form, into);
                }
            }
        }
    }
    let mut actions = Vec::new();
    flatten(ActionForm::deserialize(from)?, &mut actions);
    Ok(actions)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_a_name_or_has_settings_of_its_own() {
        let actions: PortActions = toml::from_str(
            "promote = [\"a\", { action = \"b\" }]\nrollback = { action = \"c\", settings = { soak = { hours = 0 }, x = 1 } }",
        )
        .unwrap();
        assert_eq!(actions.identifiers(), ["a", "b", "c"]);
        let policy = PolicyConfig {
            settings: toml::from_str("soak = { hours = 4, of = \"y\" }\nx = 2").unwrap(),
            ..PolicyConfig::default()
        };
        assert_eq!(
            actions.settings(&policy, "a"),
            r#"{"soak":{"hours":4,"of":"y"},"x":2}"#
        );
        assert_eq!(
            actions.settings(&policy, "c"),
            r#"{"soak":{"hours":0,"of":"y"},"x":1}"#
        );
        assert_eq!(actions.variants(&policy).len(), 2);
        assert!(toml::from_str::<PortActions>("promot = \"a\"").is_err());
        assert!(toml::from_str::<PortActions>("promote = { name = \"a\" }").is_err());
    }
}
