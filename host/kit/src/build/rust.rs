//! Rust: cargo, as [`promote_toolchain`] finds a way to WebAssembly on this machine.

use std::path::Path;

use anyhow::Context as _;
use toml::{Table, Value};

use super::steps::BuildSteps;
use promote_toolchain::{BuildArtifact, BuildRequest, BuildRoute, MachineProbe};

pub(super) fn build(folder: &Path, out: &Path, steps: &BuildSteps) -> anyhow::Result<()> {
    let path = folder.join("Cargo.toml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest: Table =
        toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let named = manifest
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(Value::as_str);
    let plan = promote_toolchain::plan(MachineProbe::detect(folder))?;
    steps.say(match plan {
        BuildRoute::Installed => "compiling for wasm32-wasip2",
        BuildRoute::Fetch => "fetching the target wasm32-wasip2, compiling",
        BuildRoute::BuildStd { .. } => {
            "compiling for wasm32-wasip2, the first time with the standard library"
        }
    });
    let component = promote_toolchain::build(
        &plan,
        &BuildRequest {
            manifest_dir: folder,
            package: named.with_context(|| format!("{} names no package", path.display()))?,
            artifact: BuildArtifact::Library,
            profile: profile(&manifest),
            target_dir: &promote_toolchain::target_dir(folder),
        },
    )?;
    std::fs::copy(&component, out).with_context(|| format!("writing {}", out.display()))?;
    Ok(())
}

/// `policy`, if the project has such a profile, as `promote new` gives it one.
fn profile(manifest: &Table) -> &'static str {
    let own = manifest
        .get("profile")
        .and_then(|profiles| profiles.get("policy"));
    if own.is_some() { "policy" } else { "release" }
}
