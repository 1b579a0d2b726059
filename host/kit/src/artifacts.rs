//! `promote pull` and `promote push`: a policy from a registry, and a policy or a baseline into one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use promote_core::contract::CONTRACT;
use promote_core::journal::digest;
use promote_core::policy::{Policy, native};
use promote_intake::component::{ComponentAddress, PinnedComponent};
use promote_intake::registry::{self, RegistryAccess, RegistryArtifact};
use promote_intake::{builtin, supply};

/// The arguments of `promote pull`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote push policy.wasm registry.example/acme/policy:1.2
  promote push baseline.toml registry.example/acme/baseline:3

Prints the reference with its digest, and for a baseline the lines for
promote.toml. The same component has the same digest, whenever and from
wherever it is pushed.

Exit codes:
  0  it is there
  2  it is neither policy nor baseline, or the registry does not take it")]
pub struct PullArgs {
    /// The policy, `registry/name`, by tag or by digest
    #[arg(value_name = "REFERENCE")]
    reference: String,

    /// Also write the component to this file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The arguments of `promote push`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  promote pull registry.example/acme/policy:1.2
  promote pull registry.example/acme/policy@sha256:… -o policy.wasm

Prints the reference with its digest, for promote.toml. It is kept where runs
look first. Credentials: PROMOTE_REGISTRY, PROMOTE_REGISTRY_USER and
PROMOTE_REGISTRY_PASSWORD, else docker's configuration.

Exit codes:
  0  it is there
  2  it could not be had, or is not what its digest says")]
pub struct PushArgs {
    /// The component, or a baseline (`.toml`); `builtin` is the default policy
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The place in the registry, `registry/name:tag`; without a tag, by its digest only
    #[arg(value_name = "REFERENCE")]
    reference: String,
}

/// Pulls a policy and keeps it; its reference, with the digest, goes to `data`. Returns the exit code.
///
/// # Errors
/// When it cannot be had, or is not what its digest says.
pub async fn pull(
    args: &PullArgs,
    access: &RegistryAccess,
    cache: Option<PathBuf>,
    say: &dyn Fn(&str),
    data: &dyn Fn(&str),
) -> anyhow::Result<u8> {
    let reference = ComponentAddress::parse(&args.reference)?;
    let artifact = registry::pull(&reference, access)
        .await
        .with_context(|| format!("fetching {reference}"))?;
    if let Some(folder) = cache.map(|cache| cache.join("components")) {
        let kept =
            native::CodeCache::open(&folder).and_then(|cache| registry::keep(&cache, &artifact));
        kept.unwrap_or_else(|why| say(&format!("components are not kept: {why}")));
    }
    if let Some(path) = &args.output {
        std::fs::write(path, &artifact.layer)
            .with_context(|| format!("writing {}", path.display()))?;
    }
    let size = artifact.layer.len();
    let sum = digest(&artifact.layer);
    say(&format!(
        "the component has {size} bytes and the SHA-256 {sum}"
    ));
    data(&format!("{}\n", pinned(reference, &artifact).reference));
    Ok(0)
}

/// Pushes a policy or a baseline; its reference, with the digest, goes to `data`. Returns the exit code.
///
/// # Errors
/// When it is neither, or the registry does not take it.
pub async fn push(
    args: &PushArgs,
    access: &RegistryAccess,
    say: &dyn Fn(&str),
    data: &dyn Fn(&str),
) -> anyhow::Result<u8> {
    let reference = ComponentAddress::parse(&args.reference)?;
    if reference.digest.is_some() {
        bail!(
            "`{reference}` has a digest, which a push finds out: name it with a tag, or without one"
        );
    }
    let is_baseline = args.file.extension().is_some_and(|it| it == "toml");
    let (artifact, told) = if is_baseline {
        baseline(&args.file, &reference)?
    } else {
        component(&args.file)?
    };
    let pushed = registry::push(&artifact, &reference, access).await;
    pushed.with_context(|| format!("pushing to {reference}"))?;
    say(&told);
    data(&format!("{}\n", pinned(reference, &artifact).reference));
    Ok(0)
}

/// Wraps a component, and says what it is.
fn component(file: &Path) -> anyhow::Result<(RegistryArtifact, String)> {
    let name = file.display();
    let bytes = match file.to_str() {
        Some("builtin") => builtin::POLICY.to_vec(),
        _ => supply::read(file, &name.to_string())?,
    };
    // What is no policy for this host is nothing to hand on.
    let policy = Policy::compile(&native::engine()?, &bytes).with_context(|| name.to_string())?;
    let surface = &policy.surface;
    let (package, version) = CONTRACT.split_once('@').unwrap_or((CONTRACT, ""));
    let ours = surface
        .imports
        .iter()
        .map(|interface| format!("{package}/{interface}@{version}"));
    let imports: Vec<String> = ours.chain(surface.wasi.iter().cloned()).collect();
    let told = format!(
        "the component has {} bytes and the SHA-256 {}",
        policy.size, policy.digest
    );
    let artifact = RegistryArtifact::of_component(bytes, &imports, &surface.exports);
    Ok((artifact, told))
}

/// Wraps a baseline, and says how `promote.toml` names it.
fn baseline(
    file: &Path,
    reference: &ComponentAddress,
) -> anyhow::Result<(RegistryArtifact, String)> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {name}"))?;
    promote_intake::baseline::check(&text).map_err(|why| anyhow::anyhow!("{name}: {why}"))?;
    let told = format!(
        "in promote.toml:\n[baseline]\nregistry = \"{reference}\"\nsha256 = \"{}\"",
        digest(text.as_bytes())
    );
    Ok((RegistryArtifact::of_baseline(text.into_bytes()), told))
}

/// The reference of what was pulled or pushed.
fn pinned(reference: ComponentAddress, artifact: &RegistryArtifact) -> PinnedComponent {
    let digest = digest(&artifact.manifest);
    PinnedComponent {
        reference: ComponentAddress {
            digest: Some(digest.clone()),
            ..reference
        },
        digest,
    }
}
