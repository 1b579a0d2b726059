//! Builds the default policy and the rule for expressions, and lays them where the host embeds them from:
//! `$OUT_DIR/policy.wasm` and `$OUT_DIR/cel.wasm`.
//!
//! Packagers who build the components elsewhere name them in `PROMOTE_POLICY_WASM` and `PROMOTE_CEL_WASM`; nothing is built
//! then. A release is built twice: what the first build compiles the policy to (`promote compile`) is named to the second in
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

/// A component that is part of the binary.
struct EmbeddedComponent {
    /// What people call it.
    title: &'static str,
    /// Its files in `$OUT_DIR`.
    file: &'static str,
    /// Its folder and package.
    folder: &'static str,
    package: &'static str,
    /// The variables that name it ready-made.
    wasm: &'static str,
    compiled: Option<&'static str>,
}

const COMPONENTS: [EmbeddedComponent; 2] = [
    EmbeddedComponent {
        title: "the default policy",
        file: "policy",
        folder: "plugin",
        package: "promote-policy",
        wasm: "PROMOTE_POLICY_WASM",
        compiled: Some("PROMOTE_POLICY_COMPILED"),
    },
    EmbeddedComponent {
        title: "the rule for expressions",
        file: "cel",
        folder: "plugin/cel",
        package: "promote-cel",
        wasm: "PROMOTE_CEL_WASM",
        // Few configurations have expressions: a tiny host without its native code is smaller, and a runner keeps what it compiled.
        compiled: None,
    },
];

/// Not `Result`, which would show an error as `Debug` does, its line ends escaped.
fn main() -> ExitCode {
    for component in COMPONENTS {
        if let Err(error) = embed(&component) {
            eprintln!("{}: {error}", component.title);
            eprintln!(
                "or set {} to a component that was built elsewhere",
                component.wasm
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn embed(component: &EmbeddedComponent) -> Result<(), Box<dyn std::error::Error>> {
    let EmbeddedComponent {
        file,
        wasm,
        compiled,
        ..
    } = *component;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let host = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let workspace = host
        .ancestors()
        .nth(2)
        .ok_or("the crate lies in no workspace")?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={wasm}");
    let bytes = match env::var_os(wasm).filter(|path| !path.is_empty()) {
        Some(path) => prebuilt(wasm, &workspace.join(path))?,
        None => from_source(component, workspace, &out)?,
    };
    fs::write(out.join(format!("{file}.wasm")), bytes)?;
    let Some(compiled) = compiled else {
        return Ok(());
    };
    println!("cargo::rerun-if-env-changed={compiled}");
    let native = match env::var_os(compiled).filter(|path| !path.is_empty()) {
        // Not checked here: the program does, against its own engine, and compiles if it does not fit.
        Some(path) => named(compiled, &workspace.join(path))?,
        None => Vec::new(),
    };
    fs::write(out.join(format!("{file}.compiled")), native)?;
    Ok(())
}

fn from_source(
    component: &EmbeddedComponent,
    workspace: &Path,
    out: &Path,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    // Folders are watched whole, so that a new file counts too.
    for input in ["plugin", "wit", "Cargo.toml", "Cargo.lock"] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(input).display()
        );
    }
    let component = promote_toolchain::make(&BuildRequest {
        manifest_dir: &workspace.join(component.folder),
        package: component.package,
        artifact: BuildArtifact::Library,
        profile: "policy",
        target_dir: &promote_toolchain::guest_target_dir(out),
    })?;
    Ok(fs::read(component)?)
}

fn prebuilt(variable: &str, path: &Path) -> Result<Vec<u8>, String> {
    let bytes = named(variable, path)?;
    // Magic and version of a component; see "Binary format" in the component model. A core module ends in 1, 0.
    if bytes.starts_with(b"\0asm\x0d\0\x01\0") {
        Ok(bytes)
    } else {
        Err(format!(
            "{variable}={}: not a WebAssembly component",
            path.display()
        ))
    }
}

/// Reads the file that a variable names.
fn named(variable: &str, path: &Path) -> Result<Vec<u8>, String> {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read(path).map_err(|error| format!("{variable}={}: {error}", path.display()))
}
