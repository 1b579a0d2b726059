//! Tells `make setup` whether this machine can build for WebAssembly, and which Debian packages are missing if not.
//!
//! `target/setup` says what it would do. `target/setup --missing` prints the packages that would open Debian's route, and
//! nothing if another route is open or packages would not help. Both exit with 0 only if a route is open.

use std::path::Path;
use std::process::ExitCode;

#[allow(
    dead_code,
    unused_imports,
    reason = "a module of the host, used in part"
)]
#[path = "../host/toolchain/src/lib.rs"]
mod toolchain;

use toolchain::{BuildError, BuildRoute, MachineProbe};

fn main() -> ExitCode {
    let only_missing = std::env::args()
        .nth(1)
        .is_some_and(|argument| argument == "--missing");
    match toolchain::plan(MachineProbe::detect(Path::new("."))) {
        Ok(_) if only_missing => ExitCode::SUCCESS,
        Ok(plan) => {
            println!("wasm32-wasip2: {}", describe(&plan));
            ExitCode::SUCCESS
        }
        Err(BuildError::NoRoute(probe)) if only_missing => {
            // Without rustup's linker the packages would be of no use.
            if probe.linker.is_some() {
                println!("{}", probe.debian.missing().join(" "));
            }
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!(
                "{problem}\n  or set PROMOTE_POLICY_WASM to a component that was built elsewhere"
            );
            ExitCode::FAILURE
        }
    }
}

fn describe(plan: &BuildRoute) -> &'static str {
    match plan {
        BuildRoute::Installed => "installed",
        BuildRoute::Fetch => "rustup fetches it at the first build",
        BuildRoute::BuildStd { .. } => "built from Debian's sources",
    }
}
