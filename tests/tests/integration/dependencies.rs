//! The crates of the workspace: on which of the others each depends, what is linked into the tiny host, and whether each
//! denies unsafe code.
//!
//! Cargo is asked, whose answer is the one that counts. `deny.toml` holds a part of it as well, with better words.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// For each crate that the host is made of the ones below it, as the map in ARCHITECTURE.md draws them.
const BELOW: [(&str, &[&str]); 9] = [
    ("promote-toolchain", &[]),
    ("promote-template", &[]),
    ("promote-core", &["promote-template"]),
    ("promote-attest", &["promote-core"]),
    (
        "promote-intake",
        &["promote-attest", "promote-core", "promote-toolchain"],
    ),
    ("promote-mock", &["promote-core"]),
    (
        "promote-kit",
        &[
            "promote-core",
            "promote-intake",
            "promote-mock",
            "promote-run",
            "promote-template",
            "promote-toolchain",
        ],
    ),
    ("promote-run", &["promote-core", "promote-intake"]),
    (
        "promote",
        &[
            "promote-core",
            "promote-intake",
            "promote-kit",
            "promote-mock",
            "promote-run",
        ],
    ),
];

fn cargo(arguments: &[&str]) -> String {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(arguments)
        .arg("--locked")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {problem}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns every crate that is linked into a package, each with its features, such as `hyper client,http1`.
fn linked(package: &str) -> Vec<String> {
    let tree = cargo(&[
        "tree",
        "--package",
        package,
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--no-dedupe",
        "--format={p}|{f}",
    ]);
    let crates = tree.lines().map(|line| {
        let (package, features) = line.split_once('|').unwrap();
        let name = package.split(' ').next().unwrap();
        format!("{name} {features}")
    });
    crates.collect()
}

fn expect_without(package: &str, absent: &[&str]) {
    let linked = linked(package);
    assert!(linked.iter().any(|entry| entry.starts_with("tokio ")));
    for entry in &linked {
        let name = entry.split(' ').next().unwrap();
        assert!(!absent.contains(&name), "{package} has {entry}");
    }
}

fn members() -> Vec<Value> {
    let text = cargo(&["metadata", "--no-deps", "--format-version=1"]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn each_crate_depends_on_those_below_it_only() {
    let members = members();
    for (name, below) in BELOW {
        let package = members.iter().find(|package| package["name"] == name);
        let package = package.unwrap_or_else(|| panic!("no crate {name}"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            let is_ours = other.starts_with("promote");
            assert!(!is_ours || below.contains(&other), "{name} needs {other}");
        }
    }
    for package in &members {
        let is_host = package["manifest_path"]
            .as_str()
            .unwrap()
            .contains("/host/");
        let is_listed = BELOW.iter().any(|(name, _)| package["name"] == *name);
        assert!(is_listed || !is_host, "{} is not listed", package["name"]);
    }
}

#[test]
fn the_core_reads_no_arguments_and_no_toml_and_serves_nothing() {
    let absent = [
        "clap",
        "oci-client",
        "serde_yaml",
        "sigstore-verify",
        "similar",
        "toml",
        "toml_edit",
    ];
    expect_without("promote-core", &absent);
}

#[test]
fn the_tiny_host_has_no_mock_and_no_kit() {
    let absent = [
        "clap_complete",
        "clap_mangen",
        "promote-kit",
        "promote-mock",
        "promote-toolchain",
        "toml_edit",
    ];
    expect_without("promote-run", &absent);
}

#[test]
fn only_the_mock_serves_http() {
    let serving = |package: &str| {
        let linked = linked(package);
        let mut hyper = linked.iter().filter(|entry| entry.starts_with("hyper "));
        hyper.any(|entry| entry.contains("server"))
    };
    assert!(serving("promote-mock") && serving("promote"));
    assert!(!serving("promote-core") && !serving("promote-run"));
}

/// The lint is the workspace's, but for the guest library, which is copied into projects and so stands by itself.
#[test]
fn every_crate_denies_unsafe_code() {
    let members = members();
    assert!(members.len() > BELOW.len());
    for package in members {
        let path = Path::new(package["manifest_path"].as_str().unwrap());
        let manifest: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        let shared = manifest["lints"].get("workspace") == Some(&true.into());
        let own = manifest["lints"].get("rust");
        let denies = own.and_then(|lints| lints.get("unsafe_code")) == Some(&"deny".into());
        assert!(shared || denies, "{}", package["name"]);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let manifest: toml::Table = std::fs::read_to_string(root).unwrap().parse().unwrap();
    let lints = &manifest["workspace"]["lints"];
    assert_eq!(lints["rust"]["unsafe_code"], "deny".into());
}
