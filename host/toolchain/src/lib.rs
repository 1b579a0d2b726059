//! Builds a `wasm32-wasip2` component from a Rust crate: the one place that knows the way.
//!
//! `host/intake/build.rs`, `tests/build.rs`, `make setup` and `promote build` all come here. It looks at the machine
//! ([`MachineProbe`]), decides ([`plan`]) and runs cargo ([`build`]). Only `std`, so that a build script and a bare `rustc` can
//! compile it. It never installs system packages, and never lets rustup fetch where `RUSTUP_AUTO_INSTALL=0` forbids it.

mod cargo;
mod probe;

use std::fmt;
use std::path::PathBuf;

pub use cargo::{
    BuildArtifact, BuildRequest, build, guest_target_dir, target_dir, withhold_credentials,
};
pub use probe::{DebianPackages, MachineProbe, RustupState};

/// The target of every policy.
pub const TARGET: &str = "wasm32-wasip2";

/// The oldest 1.x compiler whose standard library is known to build for the target from Debian's packages.
const OLDEST_SYSTEM_RUSTC: u32 = 91;

/// A way to build for the target on this machine.
#[derive(Debug, PartialEq, Eq)]
pub enum BuildRoute {
    /// The active compiler has the target.
    Installed,
    /// rustup can fetch the target for the active compiler.
    Fetch,
    /// The standard library is built from Debian's sources, by Debian's compiler, and linked by this linker.
    BuildStd {
        /// rustup's `wasm-component-ld`; the `rust-lld` that it calls lies beside it.
        linker: PathBuf,
    },
}

/// The reason for which there is no component.
#[derive(Debug)]
pub enum BuildError {
    /// Nothing here can build for the target; holds what was found.
    NoRoute(MachineProbe),
    /// A command could not be started.
    NotStarted {
        /// The program.
        program: String,
        /// The reason.
        source: std::io::Error,
    },
    /// A command failed.
    Failed {
        /// The command.
        command: String,
        /// All that it said.
        output: String,
    },
    /// Cargo succeeded, but made no such file.
    NoArtifact(PathBuf),
}

/// Chooses the cheapest way: the installed target, else rustup, else Debian's packages.
///
/// # Errors
///
/// [`BuildError::NoRoute`], whose text holds the commands that would open one.
pub fn plan(probe: MachineProbe) -> Result<BuildRoute, BuildError> {
    if probe.installed {
        return Ok(BuildRoute::Installed);
    }
    if probe.rustup == RustupState::MayFetch {
        return Ok(BuildRoute::Fetch);
    }
    match &probe.linker {
        Some(linker) if probe.debian.missing().is_empty() => Ok(BuildRoute::BuildStd {
            linker: linker.clone(),
        }),
        _ => Err(BuildError::NoRoute(probe)),
    }
}

/// Probes, plans and builds, for a build script.
///
/// # Errors
///
/// As [`plan`] and [`build`].
pub fn make(request: &BuildRequest<'_>) -> Result<PathBuf, BuildError> {
    build(&plan(MachineProbe::detect(request.manifest_dir))?, request)
}

impl DebianPackages {
    /// Names the Debian packages that building the standard library still needs.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let recent = self.rustc.is_some_and(|minor| minor >= OLDEST_SYSTEM_RUSTC);
        let parts = [
            (recent, "rustc-web"),
            (self.sources, "rust-web-src"),
            (self.libc, "wasi-libc"),
        ];
        parts
            .iter()
            .filter(|(present, _)| !present)
            .map(|(_, package)| *package)
            .collect()
    }
}

impl std::error::Error for BuildError {}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoute(probe) => no_route(probe, f),
            Self::NotStarted { program, source } => write!(f, "starting {program}: {source}"),
            Self::Failed { command, output } => write!(f, "{command} failed:\n{output}"),
            Self::NoArtifact(path) => write!(
                f,
                "cargo made no {}; is the crate a cdylib?",
                path.display()
            ),
        }
    }
}

/// Says which commands would open a route, for what was found.
fn no_route(probe: &MachineProbe, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "this machine cannot build for {TARGET} yet; one of these makes it able to:"
    )?;
    match probe.rustup {
        RustupState::Forbidden => write!(
            f,
            "\n  rustup may not fetch here (RUSTUP_AUTO_INSTALL=0); elsewhere:"
        )?,
        RustupState::Absent => {
            write!(f, "\n  install Rust with rustup (https://rustup.rs), then:")?
        }
        RustupState::MayFetch => {}
    }
    write!(f, "\n    rustup target add {TARGET}")?;
    let missing = probe.debian.missing();
    if !missing.is_empty() {
        let missing = missing.join(" ");
        write!(f, "\n  on Debian, as root:")?;
        write!(
            f,
            "\n    apt-get update && apt-get install --no-install-recommends {missing}"
        )?;
    }
    if probe.linker.is_none() {
        write!(
            f,
            "\n  Debian's packages also need wasm-component-ld, which comes with every rustup toolchain"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn debian() -> DebianPackages {
        DebianPackages {
            rustc: Some(96),
            sources: true,
            libc: true,
        }
    }

    fn probe(
        installed: bool,
        rustup: RustupState,
        debian: DebianPackages,
        linker: bool,
    ) -> MachineProbe {
        MachineProbe {
            installed,
            rustup,
            debian,
            linker: linker.then(|| PathBuf::from("/t/wasm-component-ld")),
        }
    }

    #[test]
    fn takes_the_cheapest_route_there_is() {
        let build_std = || BuildRoute::BuildStd {
            linker: PathBuf::from("/t/wasm-component-ld"),
        };
        let none = DebianPackages::default;
        for (found, expected) in [
            (
                probe(true, RustupState::Absent, none(), false),
                BuildRoute::Installed,
            ),
            (
                probe(true, RustupState::MayFetch, debian(), true),
                BuildRoute::Installed,
            ),
            (
                probe(false, RustupState::MayFetch, none(), true),
                BuildRoute::Fetch,
            ),
            (
                probe(false, RustupState::MayFetch, debian(), true),
                BuildRoute::Fetch,
            ),
            (
                probe(false, RustupState::Forbidden, debian(), true),
                build_std(),
            ),
            (
                probe(false, RustupState::Absent, debian(), true),
                build_std(),
            ),
        ] {
            assert_eq!(plan(found.clone()).unwrap(), expected, "{found:?}");
        }
    }

    #[test]
    fn says_which_commands_would_open_a_route() {
        let old = DebianPackages {
            rustc: Some(63),
            ..debian()
        };
        for (found, expected, absent) in [
            (
                probe(false, RustupState::Absent, DebianPackages::default(), false),
                "https://rustup.rs",
                "RUSTUP_AUTO_INSTALL",
            ),
            (
                probe(
                    false,
                    RustupState::Forbidden,
                    DebianPackages::default(),
                    true,
                ),
                "rustc-web rust-web-src wasi-libc",
                "ld,",
            ),
            (
                probe(false, RustupState::Forbidden, old, true),
                "--no-install-recommends rustc-web",
                "wasi-libc",
            ),
            (
                probe(false, RustupState::Forbidden, debian(), false),
                "wasm-component-ld",
                "apt-get",
            ),
        ] {
            let text = plan(found.clone()).unwrap_err().to_string();
            assert!(
                text.contains("    rustup target add wasm32-wasip2"),
                "{text}"
            );
            assert!(
                text.contains(expected) && !text.contains(absent),
                "{found:?}: {text}"
            );
        }
    }
}
