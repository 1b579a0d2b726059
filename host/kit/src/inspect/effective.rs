//! What a configuration comes to: its policies and its rules, each with its origin and its component.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use promote_core::policy::engine::Engine;
use promote_core::rule::RuleRecord;
use promote_core::text;
use promote_intake::baseline::BaselineRegistry;
use promote_intake::config::ConfigFile;
use promote_intake::lock::Lock;
use promote_intake::registry::RegistryAccess;
use promote_intake::supply::Supply;

/// The policies and rules of a configuration.
pub(super) struct EffectiveConfig {
    /// Each with what people call it, its component and its SHA-256.
    policies: Vec<(String, String, String)>,
    rules: Vec<RuleRecord>,
    /// The SHA-256 of the organisation's baseline, if there is one.
    baseline: Option<String>,
}

impl EffectiveConfig {
    /// Reads a configuration, held to its baseline and its lock, with every component that it names.
    ///
    /// # Errors
    /// Names what cannot be used.
    pub(super) async fn read(
        engine: &Engine,
        file: &Path,
        cache: Option<PathBuf>,
        access: &RegistryAccess,
        say: &(dyn Fn(&str) + Sync),
    ) -> anyhow::Result<Self> {
        let registry = BaselineRegistry {
            access: access.clone(),
            cache: cache.clone(),
        };
        let config = ConfigFile::read(file, &registry).await?.config;
        let lock = Lock::read(&Lock::path(file))?;
        let supply = Supply::new(engine, file, cache, access.clone(), say).locked(lock);
        supply
            .check(&config)
            .with_context(|| file.display().to_string())?;
        let mut policies = Vec::new();
        for (name, wanted) in config.policies() {
            let (_, sha256) = supply.survey(wanted).await.with_context(|| name.clone())?;
            policies.push((name, wanted.component.to_string(), sha256));
        }
        let mut rules = Vec::new();
        for rule in &config.rule {
            rules.push(rule.load(&supply).await?.record());
        }
        Ok(Self {
            policies,
            rules,
            baseline: config.baseline.map(|named| named.sha256),
        })
    }

    /// For people.
    pub(super) fn print(&self) -> String {
        let mut shown = String::new();
        for (name, component, sha256) in &self.policies {
            let line = format!("{name}  {component}, {}", &sha256[..12]);
            let _ = writeln!(shown, "{}", text::line(&line));
        }
        if let Some(baseline) = &self.baseline {
            let _ = writeln!(shown, "[baseline]  {}", text::line(baseline));
        }
        if self.rules.is_empty() {
            shown.push_str("there are no rules\n");
            return shown;
        }
        shown.push_str("\nRules, in the order in which they are asked:\n");
        for rule in &self.rules {
            let _ = writeln!(shown, "  {}: {rule}", text::line(&rule.name));
        }
        shown
    }

    /// For machines.
    pub(super) fn json(&self) -> Value {
        let policies = self.policies.iter().map(
            |(name, component, sha256)| json!({ "name": name, "component": component, "sha256": sha256 }),
        );
        json!({
            "policies": policies.collect::<Vec<_>>(), "baseline": self.baseline, "rules": self.rules,
        })
    }
}
