//! Runs cargo for the target, from inside another cargo if need be, with a clean environment and a folder of its own.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::probe::{SYSTEM_LIBC, SYSTEM_RUSTC};
use super::{BuildError, BuildRoute, TARGET};

/// A build of a package for the target.
#[derive(Clone, Copy, Debug)]
pub struct BuildRequest<'a> {
    /// The folder that holds the package's `Cargo.toml`.
    pub manifest_dir: &'a Path,
    /// Name of the package.
    pub package: &'a str,
    /// Its crates that are built.
    pub artifact: BuildArtifact,
    /// Cargo profile.
    pub profile: &'a str,
    /// Cargo's target folder. Never the one of a cargo that waits for this build: the two would wait for each other.
    pub target_dir: &'a Path,
}

/// The crates of a package that are built, and so the result of [`build`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildArtifact {
    /// The library, made a `cdylib` whatever the manifest says; the result is the component.
    Library,
    /// All examples, each a `cdylib`; the result is the folder that holds the components.
    Examples,
}

/// Builds a component, or a folder of them. Cargo's output is shown only if it fails.
///
/// # Errors
///
/// Fails with [`BuildError::Failed`] and the compiler's words if the package does not compile or the target cannot be
/// fetched, with [`BuildError::NoArtifact`] if nothing of the expected name came out.
pub fn build(plan: &BuildRoute, request: &BuildRequest<'_>) -> Result<PathBuf, BuildError> {
    if *plan == BuildRoute::Fetch {
        run(Command::new("rustup")
            .args(["target", "add", TARGET])
            .current_dir(request.manifest_dir))?;
    }
    run(&mut command(plan, request))?;
    let artifact = artifact(request);
    if artifact.exists() {
        Ok(artifact)
    } else {
        Err(BuildError::NoArtifact(artifact))
    }
}

/// Returns the target folder for guests that belongs to a build script's `OUT_DIR`: `guest` in the workspace's own target
/// folder, so that every profile and every package share one standard library.
#[must_use]
pub fn guest_target_dir(out_dir: &Path) -> PathBuf {
    // <target>[/<triple>]/<profile>/build/<package>-<hash>/out. Where cargo was given a triple, guests lie beneath it.
    let build = out_dir
        .ancestors()
        .find(|folder| folder.ends_with("build"))
        .unwrap_or(out_dir);
    build.ancestors().nth(2).unwrap_or(build).join("guest")
}

/// Returns the target folder of a package that somebody builds by hand, as cargo chooses it outside a workspace.
#[must_use]
pub fn target_dir(manifest_dir: &Path) -> PathBuf {
    let said = env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
    manifest_dir.join(said.unwrap_or_else(|| "target".into()))
}

/// Takes the credentials of a promotion out of the environment of a command. A project's tools and build scripts are the
/// project's code, and need none of them.
pub fn withhold_credentials(command: &mut Command) {
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_credential)) {
        command.env_remove(name);
    }
}

/// Returns whether a variable belongs to Port's or GitHub's credentials or to those of a registry of components.
fn is_credential(name: &str) -> bool {
    const NAMES: [&str; 2] = ["GITHUB_TOKEN", "GH_TOKEN"];
    const STARTS: [&str; 5] = [
        "PORT_",
        "GITHUB_APP_",
        "PROMOTE_APP_",
        "PROMOTE_REGISTRY_",
        "ACTIONS_ID_TOKEN_",
    ];
    // Windows does not tell upper from lower case.
    let name = name.to_ascii_uppercase();
    NAMES.contains(&name.as_str()) || STARTS.iter().any(|start| name.starts_with(start))
}

fn command(plan: &BuildRoute, request: &BuildRequest<'_>) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(leaks)) {
        cargo.env_remove(name);
    }
    withhold_credentials(&mut cargo);
    cargo.current_dir(request.manifest_dir);
    match request.artifact {
        // Said here, not read from the manifest: beside an rlib, link-time optimisation needs other objects of the
        // standard library, which would be built a second time.
        BuildArtifact::Library => cargo.args(["rustc", "--lib", "--crate-type", "cdylib"]),
        BuildArtifact::Examples => cargo.args(["build", "--examples"]),
    };
    cargo.args(["--quiet", "--target", TARGET, "--package", request.package]);
    cargo
        .args(["--profile", request.profile, "--target-dir"])
        .arg(request.target_dir);
    match plan {
        BuildRoute::Installed | BuildRoute::Fetch => {
            cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(Vec::new()))
        }
        BuildRoute::BuildStd { linker } => build_std(&mut cargo, linker),
    };
    cargo
}

/// The compiler's flags. Places of this machine become names that every machine has, for a panic says where it is: so the
/// same source gives the same component, wherever it lies and whoever builds it. Of the project itself cargo names relative
/// paths. The flags are the same for every project, or each would have the standard library built anew.
fn flags(mut flags: Vec<String>) -> String {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo_home = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let rustup_home =
        env::var_os("RUSTUP_HOME").map_or_else(|| home.join(".rustup"), PathBuf::from);
    let places = [
        (Path::new("/usr/lib/rustlib/src/rust").to_owned(), "/rust"),
        (rustup_home, "/rustup"),
        (cargo_home, "/cargo"),
    ];
    // The compiler takes the last that fits.
    for (place, name) in places.iter().filter(|(place, _)| place.is_absolute()) {
        flags.push(format!("--remap-path-prefix={}={name}", place.display()));
    }
    flags.join("\u{1f}")
}

/// Has cargo build the standard library too, with Debian's compiler and C library and rustup's linker.
fn build_std<'a>(cargo: &'a mut Command, linker: &Path) -> &'a mut Command {
    let libraries = format!("-Lnative={SYSTEM_LIBC}");
    let path = env::var_os("PATH").unwrap_or_default();
    // `wasm-component-ld` looks for `rust-lld` on PATH; last, so that it hides nothing.
    let folders = env::split_paths(&path).chain(linker.parent().map(Path::to_path_buf));
    cargo
        .arg("-Zbuild-std=std,panic_abort")
        .env("RUSTC", SYSTEM_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags(vec![libraries]))
        .env("CARGO_TARGET_WASM32_WASIP2_LINKER", linker)
        .env("PATH", env::join_paths(folders).unwrap_or(path))
}

/// Returns whether a variable would carry an outer cargo's business (its flags, its profile, clippy as the compiler) into this
/// build, which is for another target and must come out the same wherever it was started.
fn leaks(name: &str) -> bool {
    /// The user's network and terminal, and the outer cargo's job slots, which the two must share.
    const KEPT: [&str; 6] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_TERM_",
        "CARGO_MAKEFLAGS",
    ];
    const DROPPED: [&str; 7] = [
        "CARGO_",
        "RUSTFLAGS",
        "RUSTDOC",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_BOOTSTRAP",
        "CLIPPY_",
    ];
    let starts = |prefix: &&str| name.starts_with(*prefix);
    DROPPED.iter().any(starts) && !KEPT.iter().any(starts)
}

fn artifact(request: &BuildRequest<'_>) -> PathBuf {
    // The one profile whose folder has another name; see "Build cache" in the Cargo book.
    let profile = if request.profile == "dev" {
        "debug"
    } else {
        request.profile
    };
    let folder = request.target_dir.join(TARGET).join(profile);
    match request.artifact {
        BuildArtifact::Library => folder
            .join(request.package.replace('-', "_"))
            .with_extension("wasm"),
        BuildArtifact::Examples => folder.join("examples"),
    }
}

fn run(command: &mut Command) -> Result<(), BuildError> {
    let output =
        command
            .stdin(Stdio::null())
            .output()
            .map_err(|source| BuildError::NotStarted {
                program: command.get_program().to_string_lossy().into_owned(),
                source,
            })?;
    if output.status.success() {
        return Ok(());
    }
    let words: Vec<OsString> = command.get_args().map(Into::into).collect();
    let program = Path::new(command.get_program())
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    Err(BuildError::Failed {
        command: format!("{program} {}", words.join(" ".as_ref()).to_string_lossy()),
        output: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outer_cargo_does_not_leak_in() {
        for name in [
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_TARGET_DIR",
            "CARGO_PROFILE_DEV_DEBUG",
        ] {
            assert!(leaks(name), "{name}");
        }
        for name in [
            "RUSTFLAGS",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTC_WRAPPER",
            "CLIPPY_ARGS",
            "CARGO_PKG_NAME",
        ] {
            assert!(leaks(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_MAKEFLAGS",
            "RUSTC",
            "RUSTUP_TOOLCHAIN",
            "PATH",
            "CARGO",
        ] {
            assert!(!leaks(name), "{name}");
        }
    }

    #[test]
    fn no_place_of_this_machine_is_compiled_in() {
        let flags = flags(vec!["-Lnative=/lib".to_owned()]);
        let flags: Vec<&str> = flags.split('\u{1f}').collect();
        assert_eq!(flags[0], "-Lnative=/lib");
        for name in ["=/rust", "=/rustup", "=/cargo"] {
            let is_there =
                |flag: &&str| flag.starts_with("--remap-path-prefix=/") && flag.ends_with(name);
            assert!(flags.iter().any(is_there), "{name}: {flags:?}");
        }
    }

    #[test]
    fn guests_share_a_folder_beside_the_profiles() {
        for (out_dir, expected) in [
            ("/w/target/debug/build/promote-0a1b/out", "/w/target/guest"),
            (
                "/w/target/release/build/promote/0a1b/out",
                "/w/target/guest",
            ),
            (
                "/build/w/target/debug/build/promote-0a1b/out",
                "/build/w/target/guest",
            ),
        ] {
            assert_eq!(guest_target_dir(Path::new(out_dir)), Path::new(expected));
        }
    }

    #[test]
    fn artifacts_lie_where_cargo_puts_them() {
        let request = |artifact, profile| BuildRequest {
            manifest_dir: Path::new("/p"),
            package: "my-policy",
            artifact,
            profile,
            target_dir: Path::new("/t"),
        };
        for (artifact, profile, expected) in [
            (
                BuildArtifact::Library,
                "policy",
                "/t/wasm32-wasip2/policy/my_policy.wasm",
            ),
            (
                BuildArtifact::Library,
                "dev",
                "/t/wasm32-wasip2/debug/my_policy.wasm",
            ),
            (
                BuildArtifact::Examples,
                "release",
                "/t/wasm32-wasip2/release/examples",
            ),
        ] {
            assert_eq!(
                super::artifact(&request(artifact, profile)),
                Path::new(expected)
            );
        }
    }
}
