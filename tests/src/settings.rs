//! `promote.toml` of the sample, changed as a test needs it.

use toml::{Table, Value};

/// The operator's configuration for the sample.
#[derive(Clone, Debug)]
pub struct SampleConfig(Table);

impl Default for SampleConfig {
    fn default() -> Self {
        Self(promote_kit::demo::CONFIG.parse().unwrap())
    }
}

impl SampleConfig {
    /// Takes another component; its settings are empty then.
    #[must_use]
    pub fn component(mut self, path: &str) -> Self {
        let mut policy = Table::new();
        policy.insert("component".to_owned(), path.into());
        policy.insert("settings".to_owned(), Value::Table(Table::new()));
        self.0.insert("policy".to_owned(), policy.into());
        self
    }

    /// Has the guest do this misdeed.
    #[must_use]
    pub fn deed(mut self, deed: &str) -> Self {
        self.0["policy"]["settings"] = Table::from_iter([("deed".to_owned(), deed.into())]).into();
        self
    }

    /// Has the guest do this misdeed with a text.
    #[must_use]
    pub fn order(mut self, deed: &str, text: &str) -> Self {
        let pairs = [
            ("deed".to_owned(), deed.into()),
            ("text".to_owned(), text.into()),
        ];
        self.0["policy"]["settings"] = Table::from_iter(pairs).into();
        self
    }

    /// Allows components of this tier at most.
    #[must_use]
    pub fn tier(mut self, tier: &str) -> Self {
        let policy = self.0["policy"].as_table_mut().unwrap();
        policy.insert("tier".to_owned(), tier.into());
        self
    }

    /// Adds settings for the default policy, as TOML.
    #[must_use]
    pub fn more(mut self, settings: &str) -> Self {
        let more: Table = settings.parse().unwrap();
        self.0["policy"]["settings"]
            .as_table_mut()
            .unwrap()
            .extend(more);
        self
    }

    /// Takes other limits, as TOML.
    #[must_use]
    pub fn limits(mut self, limits: &str) -> Self {
        let limits: Table = limits.parse().unwrap();
        self.0.insert("limits".to_owned(), limits.into());
        self
    }

    /// Takes other grants, as TOML.
    #[must_use]
    pub fn grants(mut self, grants: &str) -> Self {
        self.0.remove("grants");
        self.0.extend(grants.parse::<Table>().unwrap());
        self
    }

    /// Adds rules for teams, as TOML.
    #[must_use]
    pub fn teams(mut self, rules: &str) -> Self {
        self.0.extend(rules.parse::<Table>().unwrap());
        self
    }

    /// Adds one setting of the policy.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        if let Some(settings) = self.0["policy"]["settings"].as_table_mut() {
            settings.insert(key.to_owned(), value.into());
        }
        self
    }

    /// Reads a `promote.toml`.
    pub fn read(text: &str) -> Self {
        Self(text.parse().unwrap())
    }

    /// Returns the text of the file.
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}
