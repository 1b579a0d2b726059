//! A component as it is seen from outside: its authority, its description, its settings.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::authority::{self, INTERFACES, PolicyPower};
use promote_core::contract::{CONTRACT, Description};
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::text;
use promote_intake::builtin;
use promote_intake::component::ComponentRef;
use promote_intake::registry::{self, RegistryAccess};
use promote_intake::supply;

/// A component, looked at from outside and asked what it is.
pub(super) struct InspectedComponent {
    /// Its name for people: the path that they gave.
    pub(super) name: String,
    pub(super) policy: Policy,
    description: Description,
    pub(super) powers: Vec<PolicyPower>,
}

impl InspectedComponent {
    pub(super) async fn read(
        engine: &Engine,
        path: &Path,
        cache: Option<&Path>,
        access: &RegistryAccess,
        say: &(dyn Fn(&str) + Sync),
    ) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        // A file is meant before a registry: its name may have any shape here.
        let component = if path.is_file() {
            ComponentRef::Path(path.to_owned())
        } else {
            ComponentRef::try_from(name.clone())?
        };
        let bytes = match &component {
            ComponentRef::Builtin => builtin::POLICY.to_vec(),
            ComponentRef::Path(path) => supply::read(path, &name)?,
            ComponentRef::Oci(pinned) => {
                let folder = cache.map(|cache| cache.join("components"));
                registry::fetch(pinned, access, folder.as_deref(), say).await?
            }
        };
        let (policy, _) =
            builtin::load(engine, &bytes, cache, say).with_context(|| name.clone())?;
        let described = engine.describe(&policy.program).await;
        let description = described.with_context(|| format!("asking {name} to describe itself"))?;
        let powers = authority::of(&policy);
        Ok(Self {
            name,
            policy,
            description,
            powers,
        })
    }

    pub(super) fn print(&self) -> String {
        let policy = &self.policy;
        let description = &self.description;
        let mut text = format!(
            "{} {}: {}\n\ncontract  {CONTRACT}\nsha256    {}\nsize      {} bytes\ntier      {}\n\n\
             It could, as far as grants allow:\n",
            text::line(&description.name),
            text::line(&description.version),
            text::line(&description.summary),
            policy.digest,
            policy.size,
            policy.surface.tier.name(),
        );
        for (interface, sentence) in INTERFACES {
            let is_imported = policy.surface.imports.iter().any(|one| one == interface);
            let mark = if is_imported { '+' } else { '-' };
            let _ = writeln!(text, "  {mark} {interface:<15} {sentence}");
            for power in self
                .powers
                .iter()
                .filter(|power| power.interface == interface)
            {
                let _ = writeln!(text, "      {}", sentence_of(power));
            }
        }
        let wasi = policy.surface.wasi.len();
        let _ = writeln!(
            text,
            "\nIt imports {wasi} WASI interfaces, all inert: no files, sockets, environment or arguments."
        );
        text.push_str(&self.settings_said());
        text
    }

    pub(super) fn json(&self) -> Value {
        let policy = &self.policy;
        let description = &self.description;
        let surface = &policy.surface;
        json!({
            "name": description.name, "version": description.version, "summary": description.summary,
            "contract": CONTRACT, "sha256": policy.digest, "size": policy.size, "tier": surface.tier.name(),
            "imports": surface.imports, "wasi": surface.wasi, "exports": surface.exports,
            "could": self.powers.iter().map(PolicyPower::json).collect::<Vec<_>>(), "settings-schema": self.schema(),
        })
    }

    fn schema(&self) -> Value {
        serde_json::from_str(&self.description.settings_schema).unwrap_or_default()
    }

    /// Its settings, a line each: name, kind, what there is without it, and what it is for.
    fn settings_said(&self) -> String {
        let schema = self.schema();
        let required = |name: &str| {
            schema["required"]
                .as_array()
                .is_some_and(|all| all.iter().any(|it| it == name))
        };
        let mut text = "\nSettings:\n".to_owned();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let kind = property["type"].as_str().unwrap_or("value");
            let unless = match property.get("default") {
                Some(default) => format!(", {default} unless given"),
                None if required(name) => ", required".to_owned(),
                None => String::new(),
            };
            let about = property["description"].as_str().unwrap_or_default();
            let said = format!(
                "{name} ({kind}{unless}) {}",
                about.lines().next().unwrap_or_default()
            );
            let _ = writeln!(text, "  {}", text::line(said.trim_end()));
        }
        text
    }

    /// The names of its settings.
    pub(super) fn settings(&self) -> Vec<String> {
        let schema = self.schema();
        schema["properties"]
            .as_object()
            .map(|names| names.keys().cloned().collect())
            .unwrap_or_default()
    }
}

/// Says what a function lets a policy do, and the grant that it needs.
pub(super) fn sentence_of(power: &PolicyPower) -> String {
    let needs = power
        .operation
        .map(|operation| format!(" (needs `{operation}`)"))
        .unwrap_or_default();
    format!("{}: {}{needs}", power.function, power.may)
}
