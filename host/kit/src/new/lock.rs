//! The `Cargo.lock` of a new project: the versions that this program was built and tested with.
//!
//! Without one, each project would have whatever is newest on its first day.

use std::collections::BTreeSet;

use anyhow::Context as _;
use toml::{Table, Value};

/// The workspace's own.
const WORKSPACE: &str = include_str!("../../../../Cargo.lock");

/// The lock file of a package that depends on these: what they need of the workspace's, and the package itself. Cargo
/// writes it again in its own order when it first builds.
pub(super) fn cargo_lock(package: &str, dependencies: &[&str]) -> anyhow::Result<String> {
    let workspace: Table =
        toml::from_str(WORKSPACE).context("reading the lock file of this program")?;
    let known = workspace
        .get("package")
        .and_then(Value::as_array)
        .context("it locks no package")?;
    let mut wanted: Vec<String> = dependencies.iter().map(|name| (*name).to_owned()).collect();
    let mut seen = BTreeSet::new();
    let mut locked = vec![own(package, dependencies)];
    while let Some(next) = wanted.pop() {
        if !seen.insert(next.clone()) {
            continue;
        }
        for found in known.iter().filter(|candidate| is(candidate, &next)) {
            let needs = found
                .get("dependencies")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            wanted.extend(needs.filter_map(Value::as_str).map(str::to_owned));
            locked.push(found.clone());
        }
    }
    let mut lock = Table::new();
    lock.insert(
        "version".to_owned(),
        workspace
            .get("version")
            .cloned()
            .unwrap_or(Value::Integer(4)),
    );
    lock.insert("package".to_owned(), Value::Array(locked));
    Ok(toml::to_string(&lock)?)
}

/// Returns whether a package is meant by `name`, or by `name version` where several versions are locked.
fn is(package: &Value, meant: &str) -> bool {
    let text = |key| package.get(key).and_then(Value::as_str);
    let (name, version) = meant
        .split_once(' ')
        .map_or((meant, None), |(name, rest)| (name, Some(rest)));
    text("name") == Some(name)
        && version.is_none_or(|version| text("version") == version.split(' ').next())
}

fn own(package: &str, dependencies: &[&str]) -> Value {
    let list = dependencies.iter().map(|name| Value::from(*name)).collect();
    Value::Table(Table::from_iter([
        ("name".to_owned(), package.into()),
        ("version".to_owned(), "0.1.0".into()),
        ("dependencies".to_owned(), Value::Array(list)),
    ]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn it_holds_what_the_guest_library_needs_and_nothing_of_the_host() {
        let lock: Table = cargo_lock("mine", &["promote-guest", "serde"])
            .unwrap()
            .parse()
            .unwrap();
        let packages = lock["package"].as_array().unwrap();
        let names: BTreeSet<&str> = packages
            .iter()
            .filter_map(|it| it["name"].as_str())
            .collect();
        for needed in [
            "mine",
            "promote-guest",
            "promote-template",
            "serde",
            "serde_derive",
            "serde_json",
            "wit-bindgen",
        ] {
            assert!(names.contains(needed), "{needed}: {names:?}");
        }
        for foreign in ["wasmtime", "reqwest", "promote"] {
            assert!(!names.contains(foreign), "{foreign}");
        }
        let exact: BTreeSet<String> = packages
            .iter()
            .map(|it| format!("{} {}", it["name"], it["version"]))
            .collect();
        assert_eq!(exact.len(), packages.len(), "each once");
    }
}
