//! Builds every guest of `tests/guests` and writes the constants that name them: `$OUT_DIR/guests.rs`.

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
    match guests() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the guests of the tests: {error}");
            ExitCode::FAILURE
        }
    }
}

fn guests() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let tests = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    for input in [
        "build.rs",
        "guests",
        "../wit",
        "../Cargo.toml",
        "../Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={input}");
    }
    let sources = tests.join("guests");
    let components = promote_toolchain::make(&BuildRequest {
        manifest_dir: &sources,
        package: "promote-guests",
        artifact: BuildArtifact::Examples,
        profile: "policy",
        target_dir: &promote_toolchain::guest_target_dir(&out),
    })?;
    let constants: Result<String, _> = names(&sources)?
        .iter()
        .map(|name| constant(name, &components))
        .collect();
    fs::write(out.join("guests.rs"), constants?)?;
    Ok(())
}

fn names(sources: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(sources)? {
        let file = entry?.file_name();
        names.extend(
            file.to_str()
                .and_then(|file| file.strip_suffix(".rs"))
                .map(str::to_owned),
        );
    }
    names.sort();
    Ok(names)
}

/// The source of one constant.
fn constant(name: &str, components: &Path) -> Result<String, String> {
    let component = components.join(name).with_extension("wasm");
    if !component.exists() {
        return Err(format!(
            "guests/{name}.rs has no [[example]] in guests/Cargo.toml"
        ));
    }
    let constant = name.to_uppercase();
    Ok(format!(
        "/// `tests/guests/{name}.rs`.\npub const {constant}: &str = {:?};\n",
        component.display().to_string()
    ))
}
