//! Builds the default policy and lays it where the host embeds it from: `$OUT_DIR/policy.wasm`.
//!
//! Packagers who build the component elsewhere name it in `PROMOTE_POLICY_WASM`; nothing is built then. A release is built
//! twice: what the first build compiles the policy to (`promote compile`) is named to the second in
//! `PROMOTE_POLICY_COMPILED`, and is part of the binary from then on.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the way to talk to cargo"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use promote_toolchain::{BuildArtifact, BuildRequest};

/// Not `Result`, which would show an error as `Debug` does, its line ends escaped.
fn main() -> ExitCode {
    match embed() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the default policy: {error}");
            eprintln!("or set PROMOTE_POLICY_WASM to a component that was built elsewhere");
            ExitCode::FAILURE
        }
    }
}

fn embed() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let host = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let workspace = host
        .ancestors()
        .nth(2)
        .ok_or("the crate lies in no workspace")?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PROMOTE_POLICY_WASM");
    let component = match env::var_os("PROMOTE_POLICY_WASM").filter(|path| !path.is_empty()) {
        Some(path) => prebuilt(&workspace.join(path))?,
        None => from_source(workspace, &out)?,
    };
    fs::write(out.join("policy.wasm"), component)?;
    println!("cargo::rerun-if-env-changed=PROMOTE_POLICY_COMPILED");
    let compiled = match env::var_os("PROMOTE_POLICY_COMPILED").filter(|path| !path.is_empty()) {
        // Not checked here: the program does, against its own engine, and compiles if it does not fit.
        Some(path) => named("PROMOTE_POLICY_COMPILED", &workspace.join(path))?,
        None => Vec::new(),
    };
    fs::write(out.join("policy.compiled"), compiled)?;
    Ok(())
}

fn from_source(workspace: &Path, out: &Path) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    // Folders are watched whole, so that a new file counts too.
    for input in ["plugin", "wit", "Cargo.toml", "Cargo.lock"] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(input).display()
        );
    }
    let component = promote_toolchain::make(&BuildRequest {
        manifest_dir: &workspace.join("plugin"),
        package: "promote-policy",
        artifact: BuildArtifact::Library,
        profile: "policy",
        target_dir: &promote_toolchain::guest_target_dir(out),
    })?;
    Ok(fs::read(component)?)
}

fn prebuilt(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = named("PROMOTE_POLICY_WASM", path)?;
    // Magic and version of a component; see "Binary format" in the component model. A core module ends in 1, 0.
    if bytes.starts_with(b"\0asm\x0d\0\x01\0") {
        Ok(bytes)
    } else {
        Err(format!(
            "PROMOTE_POLICY_WASM={}: not a WebAssembly component",
            path.display()
        ))
    }
}

/// Reads the file that a variable names.
fn named(variable: &str, path: &Path) -> Result<Vec<u8>, String> {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read(path).map_err(|error| format!("{variable}={}: {error}", path.display()))
}
