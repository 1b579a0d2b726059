//! `promote inspect`: shows what a component could ever do, from the component alone, and how it differs from another.

pub(super) mod authority;
mod compare;
mod component;
mod effective;

use std::path::PathBuf;

use clap::Args;

use compare::ComponentComparison;
use component::InspectedComponent;
use effective::EffectiveConfig;
use promote_core::policy::native;
use promote_core::text;
use promote_intake::registry::RegistryAccess;
use promote_run::{OutputFormat, json_text};

/// The arguments of `promote inspect`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  promote inspect                          the built-in policy
  promote inspect policy.wasm --against builtin --deny-gain
  promote inspect --config promote.toml    policies and rules that apply

Exit codes:
  0  inspected
  1  it could do more than the other, and `--deny-gain` was said
  2  it is no policy")]
pub struct InspectArgs {
    /// The component: a file, `registry/name@sha256:…`, or `builtin`, the default policy
    #[arg(value_name = "COMPONENT", default_value = "builtin")]
    component: PathBuf,

    /// Show the policies and the rules of this `promote.toml` instead, each with its origin and its component
    #[arg(long, value_name = "FILE", conflicts_with_all = ["component", "against"])]
    config: Option<PathBuf>,

    /// The folder that keeps compiled policies
    #[arg(long, value_name = "FOLDER", env = "PROMOTE_CACHE_DIR", hide = true)]
    cache: Option<PathBuf>,

    /// Show what it could do that this other component could not, and the other way round
    #[arg(long, value_name = "COMPONENT")]
    against: Option<PathBuf>,

    /// Exit with 1 if it could do anything that the other could not
    #[arg(long, requires = "against")]
    deny_gain: bool,

    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// The exit code for a gain that was denied.
const GAIN_DENIED: u8 = 1;

/// Inspects a component; what it is goes to `data`, a denied gain to `say`. Returns the exit code.
///
/// # Errors
/// When it cannot be read, or is no policy. One that cannot be compiled, or does not describe itself, is shown all the same.
pub async fn run(
    args: &InspectArgs,
    access: &RegistryAccess,
    say: &(dyn Fn(&str) + Sync),
    data: &dyn Fn(&str),
) -> anyhow::Result<u8> {
    let engine = native::engine()?;
    if let Some(file) = &args.config {
        let found = EffectiveConfig::read(&engine, file, args.cache.clone(), access, say).await?;
        data(&match args.format {
            OutputFormat::Text => text::log(&found.print()) + "\n",
            OutputFormat::Json => json_text(found.json()),
        });
        return Ok(0);
    }
    let read = async |path| {
        InspectedComponent::read(&engine, path, args.cache.as_deref(), access, say).await
    };
    let subject = read(&args.component).await?;
    let other = match &args.against {
        Some(path) => Some(read(path).await?),
        None => None,
    };
    let comparison = other
        .as_ref()
        .map(|other| ComponentComparison::of(other, &subject));
    data(&match args.format {
        OutputFormat::Text => {
            let compared = comparison.as_ref().map(ComponentComparison::print);
            let shown = subject.print() + &compared.unwrap_or_default();
            text::log(&shown) + "\n"
        }
        OutputFormat::Json => {
            let mut whole = subject.json();
            if let Some(comparison) = &comparison {
                whole["against"] = comparison.json();
            }
            json_text(whole)
        }
    });
    let problems = [Some(subject), other].into_iter().flatten();
    if let Some(problem) = problems.filter_map(InspectedComponent::into_problem).next() {
        return Err(problem);
    }
    let Some(comparison) = comparison else {
        return Ok(0);
    };
    if !args.deny_gain || comparison.gained.is_empty() {
        return Ok(0);
    }
    let gained: Vec<&str> = comparison.gained.iter().map(|power| power.may).collect();
    say(&format!(
        "{} could do what {} could not: {}; review it, then compare with the new component",
        args.component.display(),
        comparison.other,
        gained.join(", ")
    ));
    Ok(GAIN_DENIED)
}
