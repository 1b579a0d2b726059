//! `promote build`: the component of a policy project, from its source.
//!
//! Rust goes through [`promote_toolchain`]; JavaScript and Python through the componentizers of their own registries, in the
//! versions that the project pins, installed into the project alone.

mod declarations;
mod javascript;
mod python;
mod rust;
mod steps;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use tokio::sync::mpsc;

use crate::language::PolicyLanguage;
use promote_core::policy::{ComponentSurface, PolicyTier, native};
use promote_core::text;
use promote_intake::builtin;
use promote_intake::settings::{self, SettingsSchema};
use promote_run::{OutputFormat, json_text};
use steps::BuildSteps;

pub(crate) use declarations::ContractTypes;
pub(crate) use javascript::TYPES;

/// The pause between two signs of life for somebody who waits.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

/// The arguments of `promote build`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  promote build my-policy --out policies/my-policy.wasm")]
pub struct BuildArgs {
    /// The project's folder
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,

    /// Its language; without it, the one of its Cargo.toml, package.json or pyproject.toml
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub lang: Option<PolicyLanguage>,

    /// The component's file; without it, `policy.wasm` or `rule.wasm` in the project's folder
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// Builds the project, and keeps its compiled code in `cache` for the next command, if there is one; progress goes to `say`, what was made to `data`.
///
/// # Errors
/// When it is no project, a tool is missing or fails, or what comes out is no policy. The old component stays then.
pub async fn run(
    args: &BuildArgs,
    cache: Option<&Path>,
    say: &(dyn Fn(&str) + Sync),
    data: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<u8> {
    let started = Instant::now();
    let language = args
        .lang
        .map_or_else(|| PolicyLanguage::of(&args.folder), Ok)?;
    // Beside its place, so that it gets there in one step, and only if it can be used.
    let place = args.out.clone();
    let place = place.unwrap_or_else(|| args.folder.join("component.wasm"));
    let draft = place.with_extension(format!("{}.tmp", std::process::id()));
    let made = made(language, &args.folder, &draft, cache, say).await;
    let made = made.and_then(|made| {
        let out = match &args.out {
            Some(out) => out.clone(),
            None => args.folder.join(made.file()),
        };
        std::fs::rename(&draft, &out).with_context(|| format!("writing {}", out.display()))?;
        Ok((made, out))
    });
    if made.is_err() {
        // It may not be there, which is as well.
        let _ = std::fs::remove_file(&draft);
    }
    let (made, out) = made?;
    say(&format!(
        "built in {:.1} s",
        started.elapsed().as_secs_f64()
    ));
    data(&show(args.format, &out, language, &made));
    Ok(0)
}

/// A component that was built.
struct BuiltComponent {
    digest: String,
    size: usize,
    /// The tier of a policy; none of a rule, which can call nothing.
    tier: Option<PolicyTier>,
}

impl BuiltComponent {
    /// The name of its file, unless another is given.
    fn file(&self) -> &'static str {
        match self.tier {
            Some(_) => "policy.wasm",
            None => "rule.wasm",
        }
    }
}

async fn made(
    language: PolicyLanguage,
    folder: &Path,
    draft: &Path,
    cache: Option<&Path>,
    say: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<BuiltComponent> {
    built(language, folder, draft, say).await?;
    let bytes = std::fs::read(draft).with_context(|| format!("reading {}", draft.display()))?;
    let engine = native::engine()?;
    if ComponentSurface::is_of_rule(&bytes).context(NO_POLICY)? {
        say("checking that it is a rule");
        let rule = builtin::load_rule(&engine, &bytes, cache, say).context(NO_RULE)?;
        let schema = rule.settings_schema().await;
        let schema = schema.map_err(|what| anyhow::anyhow!("describing itself, it {what}"));
        SettingsSchema::read(&schema.context(NO_RULE)?).context(NO_RULE)?;
        return Ok(BuiltComponent {
            digest: rule.digest().to_owned(),
            size: bytes.len(),
            tier: None,
        });
    }
    say("checking that it is a policy");
    let (policy, _) = builtin::load(&engine, &bytes, cache, say).context(NO_POLICY)?;
    // Only an instance shows that the exports have the contract's types, and what the policy says of its settings.
    settings::schema(&engine, &policy)
        .await
        .context(NO_POLICY)?;
    Ok(BuiltComponent {
        digest: policy.digest,
        size: policy.size,
        tier: Some(policy.surface.tier),
    })
}

const NO_RULE: &str = "what was built is no rule";
const NO_POLICY: &str = "what was built is no policy";

/// Builds on a thread of its own, and shows each step and that it goes on.
async fn built(
    language: PolicyLanguage,
    folder: &Path,
    draft: &Path,
    say: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<()> {
    let folder = std::path::absolute(folder)?;
    let draft = std::path::absolute(draft)?;
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut building = tokio::task::spawn_blocking(move || {
        let steps = BuildSteps::new(tell);
        match language {
            PolicyLanguage::Rust => rust::build(&folder, &draft, &steps),
            PolicyLanguage::Js | PolicyLanguage::Ts => javascript::build(&folder, &draft, &steps),
            PolicyLanguage::Python => python::build(&folder, &draft, &steps),
        }
    });
    let mut step = (String::new(), Instant::now());
    loop {
        tokio::select! {
            biased;
            Some(next) = told.recv() => {
                say(&next);
                step = (next, Instant::now());
            }
            ended = &mut building => return ended.context("the build panicked")?,
            () = tokio::time::sleep(PROGRESS_INTERVAL) => {
                say(&format!("{}: {} s so far", step.0, step.1.elapsed().as_secs()));
            }
        }
    }
}

fn show(
    format: OutputFormat,
    out: &Path,
    language: PolicyLanguage,
    made: &BuiltComponent,
) -> String {
    let BuiltComponent { digest, size, tier } = made;
    let tier = tier.map_or("rule", PolicyTier::name);
    match format {
        OutputFormat::Text => format!(
            "{}\n  language  {}\n  size      {size} bytes\n  sha256    {digest}\n  tier      {tier}\n",
            text::line(&out.display().to_string()),
            language.name(),
        ),
        OutputFormat::Json => json_text(
            json!({ "path": out, "language": language.name(), "size": size, "sha256": digest, "tier": tier }),
        ),
    }
}
