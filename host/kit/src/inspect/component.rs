//! A component as it is seen from outside: its authority, its description, its settings.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::authority::{self, INTERFACES, PolicyPower};
use promote_core::contract::{CONTRACT, Description};
use promote_core::journal::digest;
use promote_core::policy::ComponentSurface;
use promote_core::policy::engine::Engine;
use promote_core::text;
use promote_intake::builtin;
use promote_intake::component::ComponentRef;
use promote_intake::registry::{self, RegistryAccess};
use promote_intake::supply;

/// A component, looked at from outside without compiling it, and then asked what it is.
pub(super) struct InspectedComponent {
    /// Its name for people: the path that they gave.
    pub(super) name: String,
    pub(super) digest: String,
    pub(super) size: usize,
    pub(super) surface: ComponentSurface,
    pub(super) powers: Vec<PolicyPower>,
    /// Its own words; why there are none, if it cannot be compiled or does not answer.
    described: anyhow::Result<Description>,
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
            ComponentRef::Cel => builtin::CEL.to_vec(),
            ComponentRef::Path(path) => supply::read(path, &name)?,
            ComponentRef::Oci(pinned) => {
                let folder = cache.map(|cache| cache.join("components"));
                registry::fetch(pinned, access, folder.as_deref(), say).await?
            }
        };
        let surface = ComponentSurface::read(&bytes).with_context(|| name.clone())?;
        let described = match builtin::load(engine, &bytes, cache, say) {
            Ok((policy, _)) => engine
                .describe(&policy.program)
                .await
                .with_context(|| format!("asking {name} to describe itself")),
            Err(why) => Err(why).with_context(|| name.clone()),
        };
        Ok(Self {
            name,
            digest: digest(&bytes),
            size: bytes.len(),
            powers: authority::of(&surface),
            surface,
            described,
        })
    }

    /// Returns why it can never run, if it cannot be compiled or does not describe itself.
    pub(super) fn into_problem(self) -> Option<anyhow::Error> {
        self.described.err()
    }

    pub(super) fn print(&self) -> String {
        let title = match &self.described {
            Ok(Description {
                name,
                version,
                summary,
                ..
            }) => format!("{name} {version}: {summary}"),
            Err(_) => format!("{}: it does not describe itself", self.name),
        };
        let mut text = format!(
            "{}\n\ncontract  {CONTRACT}\nsha256    {}\nsize      {} bytes\ntier      {}\n\n\
             It could, as far as grants allow:\n",
            text::line(&title),
            self.digest,
            self.size,
            self.surface.tier.name(),
        );
        for (interface, sentence) in INTERFACES {
            let is_imported = self.surface.imports.iter().any(|one| one == interface);
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
        let wasi = self.surface.wasi.len();
        let _ = writeln!(
            text,
            "\nIt imports {wasi} WASI interfaces, all inert: no files, sockets, environment or arguments."
        );
        if self.described.is_ok() {
            text.push_str(&self.settings_said());
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let surface = &self.surface;
        let description = self.described.as_ref().ok();
        json!({
            "name": description.map(|it| &it.name), "version": description.map(|it| &it.version),
            "summary": description.map(|it| &it.summary),
            "contract": CONTRACT, "sha256": self.digest, "size": self.size, "tier": surface.tier.name(),
            "imports": surface.imports, "wasi": surface.wasi, "exports": surface.exports,
            "could": self.powers.iter().map(PolicyPower::json).collect::<Vec<_>>(), "settings-schema": self.schema(),
        })
    }

    fn schema(&self) -> Value {
        let schema = self
            .described
            .as_ref()
            .map(|it| it.settings_schema.as_str());
        serde_json::from_str(schema.unwrap_or_default()).unwrap_or_default()
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
