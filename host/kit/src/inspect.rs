//! `promote inspect`: what a component is and could ever do, from the component alone; and how it differs from another.

pub(super) mod authority;
mod compare;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::format::Format;
use authority::{INTERFACES, Power};
use compare::Comparison;
use promote_core::contract::{CONTRACT, Description};
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::policy::native;
use promote_core::text;
use promote_intake::builtin;
use promote_intake::component::ComponentRef;
use promote_intake::registry::{self, Access};
use promote_intake::supply;

/// What `promote inspect` is told.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example: promote inspect policy.wasm --against builtin --deny-gain\n\n\
Exit codes: 0 inspected · 1 it could do more than the other, and `--deny-gain` was said · 2 it is no policy"
)]
pub struct InspectArgs {
    /// The component: a file, `registry/name@sha256:…`, or `builtin`, the default policy
    #[arg(value_name = "COMPONENT", default_value = "builtin")]
    component: PathBuf,

    /// Where compiled policies are kept
    #[arg(long, value_name = "FOLDER", env = "PROMOTE_CACHE_DIR", hide = true)]
    cache: Option<PathBuf>,

    /// Show what it could do that this other component could not, and the other way round
    #[arg(long, value_name = "COMPONENT")]
    against: Option<PathBuf>,

    /// Exit with 1 if it could do anything that the other could not
    #[arg(long, requires = "against")]
    deny_gain: bool,

    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A gain was denied.
const GAINED: u8 = 1;

/// A component, looked at from outside and asked what it is.
struct Subject {
    /// What people call it: the path that they gave.
    name: String,
    policy: Policy,
    description: Description,
    powers: Vec<Power>,
}

/// Inspects a component; what it is goes to `data`, a denied gain to `say`. Returns the exit code.
///
/// # Errors
/// When it cannot be read, or is no policy.
pub async fn run(
    args: &InspectArgs,
    access: &Access,
    say: &(dyn Fn(&str) + Sync),
    data: &dyn Fn(&str),
) -> anyhow::Result<u8> {
    let engine = native::engine()?;
    let read = async |path| Subject::read(&engine, path, args.cache.as_deref(), access, say).await;
    let subject = read(&args.component).await?;
    let other = match &args.against {
        Some(path) => Some(read(path).await?),
        None => None,
    };
    let comparison = other.as_ref().map(|other| Comparison::of(other, &subject));
    data(&match args.format {
        Format::Text => {
            subject.print()
                + &comparison
                    .as_ref()
                    .map(Comparison::print)
                    .unwrap_or_default()
        }
        Format::Json => {
            let mut whole = subject.json();
            if let Some(comparison) = &comparison {
                whole["against"] = comparison.json();
            }
            text::json(&format!("{whole:#}\n"))
        }
    });
    let Some(comparison) = comparison.filter(|it| args.deny_gain && !it.gained.is_empty()) else {
        return Ok(0);
    };
    let gained: Vec<&str> = comparison.gained.iter().map(|power| power.may).collect();
    say(&format!(
        "{} could do what {} could not: {}; review it, then compare with the new component",
        subject.name,
        comparison.other,
        gained.join(", ")
    ));
    Ok(GAINED)
}

impl Subject {
    async fn read(
        engine: &Engine,
        path: &Path,
        cache: Option<&Path>,
        access: &Access,
        say: &(dyn Fn(&str) + Sync),
    ) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        // A file is meant before a registry: its name may have any shape here.
        let component = match path.is_file() {
            true => ComponentRef::Path(path.to_owned()),
            false => ComponentRef::try_from(name.clone())?,
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

    fn print(&self) -> String {
        let (policy, description) = (&self.policy, &self.description);
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
            let mark = if policy
                .surface
                .imports
                .iter()
                .any(|import| import == interface)
            {
                "+"
            } else {
                "-"
            };
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

    fn json(&self) -> Value {
        let (policy, description) = (&self.policy, &self.description);
        let surface = &policy.surface;
        json!({
            "name": description.name, "version": description.version, "summary": description.summary,
            "contract": CONTRACT, "sha256": policy.digest, "size": policy.size, "tier": surface.tier.name(),
            "imports": surface.imports, "wasi": surface.wasi, "exports": surface.exports,
            "could": self.powers.iter().map(Power::json).collect::<Vec<_>>(), "settings-schema": self.schema(),
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
    fn settings(&self) -> Vec<String> {
        let schema = self.schema();
        schema["properties"]
            .as_object()
            .map(|names| names.keys().cloned().collect())
            .unwrap_or_default()
    }
}

/// What a function lets a policy do, and the grant that it needs.
fn sentence_of(power: &Power) -> String {
    let needs = power
        .operation
        .map(|operation| format!(" (needs `{operation}`)"))
        .unwrap_or_default();
    format!("{}: {}{needs}", power.function, power.may)
}
