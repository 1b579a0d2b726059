//! Looks at the machine: which compilers are there, and what they can build. Changes nothing.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::TARGET;

/// Debian's compiler. It stands beside rustup's, which usually comes first on `PATH`.
pub(super) const SYSTEM_RUSTC: &str = "/usr/bin/rustc";

/// The folder of Debian's `wasi-libc`.
pub(super) const SYSTEM_LIBC: &str = "/usr/lib/wasm32-wasi";

/// The machine as it was found.
#[derive(Clone, Debug)]
pub struct MachineProbe {
    /// The active compiler has the target's standard library.
    pub installed: bool,
    /// The manager of the active compiler.
    pub rustup: RustupState,
    /// The parts that Debian's packages give.
    pub debian: DebianPackages,
    /// `wasm-component-ld`, of the active compiler or on `PATH`.
    pub linker: Option<PathBuf>,
}

/// The ways in which rustup can relate to the active compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RustupState {
    /// It does not manage the active compiler.
    Absent,
    /// `RUSTUP_AUTO_INSTALL=0`: somebody wants nothing fetched here.
    Forbidden,
    /// It may.
    MayFetch,
}

/// The parts that Debian's packages give.
#[derive(Clone, Copy, Debug, Default)]
pub struct DebianPackages {
    /// The `n` of the system's Rust `1.n`.
    pub rustc: Option<u32>,
    /// The sources of its standard library are there.
    pub sources: bool,
    /// The C library for WASI is there.
    pub libc: bool,
}

impl MachineProbe {
    /// Looks at this machine as cargo would see it from a folder: a `rust-toolchain.toml` there counts.
    #[must_use]
    pub fn detect(folder: &Path) -> Self {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let described = says(
            folder,
            Command::new(rustc).args(["--print", "sysroot", "--print", "host-tuple"]),
        );
        let mut lines = described.as_deref().unwrap_or_default().lines();
        let sysroot = lines.next().map(PathBuf::from);
        let libraries = sysroot.as_ref().map(|sysroot| sysroot.join("lib/rustlib"));
        let tools = libraries
            .as_ref()
            .zip(lines.next())
            .map(|(libraries, host)| libraries.join(host).join("bin"));
        Self {
            installed: libraries.is_some_and(|libraries| libraries.join(TARGET).is_dir()),
            rustup: sysroot.map_or(RustupState::Absent, |sysroot| rustup(folder, &sysroot)),
            debian: debian(folder),
            linker: linker(tools),
        }
    }
}

fn rustup(folder: &Path, sysroot: &Path) -> RustupState {
    let managed = says(folder, Command::new("rustup").args(["which", "rustc"]))
        .and_then(|rustc| Path::new(rustc.trim()).canonicalize().ok())
        .zip(sysroot.canonicalize().ok())
        .is_some_and(|(rustc, sysroot)| rustc.starts_with(sysroot));
    match env::var_os("RUSTUP_AUTO_INSTALL") {
        _ if !managed => RustupState::Absent,
        Some(value) if value == "0" => RustupState::Forbidden,
        _ => RustupState::MayFetch,
    }
}

fn debian(folder: &Path) -> DebianPackages {
    let version = says(folder, Command::new(SYSTEM_RUSTC).arg("--version"));
    let sysroot = says(
        folder,
        Command::new(SYSTEM_RUSTC).args(["--print", "sysroot"]),
    );
    DebianPackages {
        rustc: version.as_deref().and_then(minor),
        // Cargo's `-Zbuild-std` looks for the sources here.
        sources: sysroot.is_some_and(|it| {
            Path::new(it.trim())
                .join("lib/rustlib/src/rust/library/Cargo.lock")
                .exists()
        }),
        libc: Path::new(SYSTEM_LIBC).join("libc.a").exists(),
    }
}

fn linker(tools: Option<PathBuf>) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = tools.into_iter().chain(env::split_paths(&path));
    folders
        .map(|folder| folder.join("wasm-component-ld"))
        .find(|file| file.is_file())
}

/// Reads the 96 of `rustc 1.96.0 (ac68faa20 2026-05-25)`.
fn minor(version: &str) -> Option<u32> {
    version
        .strip_prefix("rustc 1.")?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Runs a command and returns what it prints; none if it cannot be started or fails.
fn says(folder: &Path, command: &mut Command) -> Option<String> {
    let output = command
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn reads_the_compilers_version() {
        for (text, expected) in [
            (
                "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\n",
                Some(96),
            ),
            ("rustc 1.63.0\n", Some(63)),
            ("rustc 1.97.0-nightly (abc 2026-06-01)", Some(97)),
            ("rustc 2.0.0", None),
            ("", None),
        ] {
            assert_eq!(minor(text), expected, "{text}");
        }
    }
}
