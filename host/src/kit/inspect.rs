//! `promote inspect`: what a component is and could ever do, from the component alone.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::builtin;
use crate::compiled;
use crate::core::contract::{CONTRACT, Description};
use crate::core::engine::Engine;
use crate::policy::Policy;
use crate::words::text;

/// What `promote inspect` is told.
#[derive(Args, Clone, Debug)]
pub struct InspectArgs {
    /// The component; `builtin` is the default policy
    #[arg(value_name = "COMPONENT", default_value = "builtin")]
    component: PathBuf,

    /// Where compiled policies are kept
    #[arg(long, value_name = "FOLDER", env = "PROMOTE_CACHE_DIR", hide = true)]
    cache: Option<PathBuf>,

    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How to print it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object
    Json,
}

/// What each interface lets a policy do, at most: the operator's grants narrow it down.
const AUTHORITY: [(&str, &str); 7] = [
    ("env", "ask for the time, and wait"),
    ("run-log", "add lines to the log of the Port run"),
    ("port-read", "read and search the catalog"),
    ("github-read", "read files, commits, pull requests, checks and branch rules"),
    ("github-propose", "commit to branches of its own, open, close, comment and label pull requests"),
    ("github-merge", "merge the pull requests that it opened"),
    ("port-write", "change entities of the catalog that exist"),
];

/// Inspects a component and returns what to print.
///
/// # Errors
/// When it cannot be read, or is no policy.
pub async fn run(args: &InspectArgs, say: &(dyn Fn(&str) + Sync)) -> anyhow::Result<String> {
    let name = args.component.display();
    let bytes = match args.component.to_str() {
        Some("builtin") => builtin::POLICY.to_vec(),
        _ => std::fs::read(&args.component).with_context(|| format!("reading {name}"))?,
    };
    let engine = Engine::new()?;
    let (policy, _) =
        compiled::load(&engine, &bytes, args.cache.as_deref(), say).with_context(|| format!("{name}"))?;
    let described = engine.describe(&policy.program).await;
    let description = described.with_context(|| format!("asking {name} to describe itself"))?;
    Ok(match args.format {
        Format::Text => print(&policy, &description),
        Format::Json => format!("{:#}\n", json(&policy, &description)),
    })
}

fn print(policy: &Policy, description: &Description) -> String {
    let surface = &policy.surface;
    let mut text = format!(
        "{} {}: {}\n\ncontract  {CONTRACT}\nsha256    {}\nsize      {} bytes\ntier      {}\n\nIt could, as far as grants allow:\n",
        text::line(&description.name),
        text::line(&description.version),
        text::line(&description.summary),
        policy.digest,
        policy.size,
        surface.tier.name(),
    );
    for (interface, sentence) in AUTHORITY {
        let mark = if surface.imports.iter().any(|import| import == interface) { "+" } else { "-" };
        let _ = writeln!(text, "  {mark} {interface:<15} {sentence}");
    }
    let _ = writeln!(
        text,
        "\nIt imports {} WASI interfaces, all inert: no files, sockets, environment or arguments.",
        surface.wasi.len()
    );
    let settings: Vec<String> =
        properties(&description.settings_schema).iter().map(|name| text::line(name)).collect();
    let _ = writeln!(text, "Settings: {}", settings.join(", "));
    text
}

fn json(policy: &Policy, description: &Description) -> Value {
    let surface = &policy.surface;
    let schema: Value = serde_json::from_str(&description.settings_schema).unwrap_or_default();
    json!({
        "name": description.name, "version": description.version, "summary": description.summary,
        "contract": CONTRACT, "sha256": policy.digest, "size": policy.size, "tier": surface.tier.name(),
        "imports": surface.imports, "wasi": surface.wasi, "exports": surface.exports, "settings-schema": schema,
    })
}

fn properties(schema: &str) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    schema["properties"].as_object().map(|names| names.keys().cloned().collect()).unwrap_or_default()
}
