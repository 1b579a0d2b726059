//! Versions of the contract: what was there stays, what is new raises the version, and versions that only add link.
//!
//! `versions.txt` holds the contract as it was last agreed. `UPDATE=1 cargo test --workspace --exclude promote-guests --test
//! integration versions` writes it again: until the first release a change may break, after it only with a new version.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use promote_core::journal::chain;
use promote_core::policy::{NotAPolicy, Policy, native};
use promote_kit::replay::{ReplayComparison, read_recording, replay};
use promote_tests::bench::TestRun;
use promote_tests::guests;
use tokio::runtime::Builder;
use wit_parser::{Resolve, TypeDefKind, TypeId};

use crate::reference::named;

/// A contract: its version, and a line for each thing that it promises.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ContractPromises {
    version: [u64; 3],
    lines: BTreeSet<String>,
}

impl ContractPromises {
    fn of(resolve: &Resolve) -> Self {
        let (_, package) = resolve.packages.iter().next().unwrap();
        let version = package.name.version.as_ref().unwrap();
        let mut lines = BTreeSet::new();
        for (name, id) in &package.interfaces {
            let interface = &resolve.interfaces[*id];
            for function in interface.functions.values() {
                let given = function.params.iter();
                let given = given.map(|one| format!("{}: {}", one.name, named(resolve, &one.ty)));
                let given = given.collect::<Vec<_>>().join(", ");
                let result = function.result.as_ref().map(|kind| named(resolve, kind));
                let result = result.unwrap_or_default();
                lines.insert(format!("{name}.{}({given}) -> {result}", function.name));
            }
            for (kind, id) in &interface.types {
                lines.insert(format!("{name}.{kind} = {}", shape(resolve, *id)));
            }
        }
        for (name, id) in &package.worlds {
            let world = &resolve.worlds[*id];
            let names = |keys: Vec<String>| keys.join(", ");
            let exports = world.exports.keys().map(|key| resolve.name_world_key(key));
            let exports = names(exports.map(|name| unversioned(&name)).collect());
            lines.insert(format!("world {name} exports {exports}"));
            // An import more is one that a component need not have.
            for key in world.imports.keys() {
                let import = unversioned(&resolve.name_world_key(key));
                lines.insert(format!("world {name} imports {import}"));
            }
        }
        Self {
            version: [version.major, version.minor, version.patch],
            lines,
        }
    }

    fn read(text: &str) -> Self {
        let (version, lines) = text.split_once('\n').unwrap();
        let numbers: Vec<u64> = version.split('.').map(|it| it.parse().unwrap()).collect();
        Self {
            version: numbers.try_into().unwrap(),
            lines: lines.lines().map(str::to_owned).collect(),
        }
    }

    fn print(&self) -> String {
        let [major, minor, patch] = self.version;
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        format!("{major}.{minor}.{patch}\n{}\n", lines.join("\n"))
    }

    /// Says what a version may not do to the one before it.
    fn wrongs(&self, old: &Self) -> Vec<String> {
        let is_new_track = match self.version[0] {
            0 => self.version[..2] > old.version[..2],
            _ => self.version[0] > old.version[0],
        };
        if is_new_track {
            return Vec::new();
        }
        let gone = old.lines.difference(&self.lines);
        let mut wrongs: Vec<String> = gone
            .map(|line| format!("gone or changed, which breaks every component: {line}"))
            .collect();
        if self.version <= old.version {
            let new = self.lines.difference(&old.lines);
            wrongs.extend(new.map(|line| format!("new, which raises the version: {line}")));
        }
        wrongs
    }
}

fn unversioned(name: &str) -> String {
    name.split('@').next().unwrap_or(name).to_owned()
}

/// A type with everything in it: a record with a field more is another record to a component.
fn shape(resolve: &Resolve, id: TypeId) -> String {
    let members: Vec<String> = match &resolve.types[id].kind {
        TypeDefKind::Record(record) => record
            .fields
            .iter()
            .map(|field| format!("{}: {}", field.name, named(resolve, &field.ty)))
            .collect(),
        TypeDefKind::Variant(variant) => variant
            .cases
            .iter()
            .map(|case| {
                let held = case.ty.as_ref().map(|kind| named(resolve, kind));
                format!("{}({})", case.name, held.unwrap_or_default())
            })
            .collect(),
        TypeDefKind::Enum(one) => one.cases.iter().map(|case| case.name.clone()).collect(),
        TypeDefKind::Type(kind) => return named(resolve, kind),
        other => panic!("{other:?}"),
    };
    format!(
        "{} {{ {} }}",
        resolve.types[id].kind.as_str(),
        members.join(", ")
    )
}

fn snapshot() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/versions.txt")
}

#[test]
fn what_was_agreed_stays_and_what_is_new_raises_the_version() {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit"))
        .unwrap();
    let now = ContractPromises::of(&resolve);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(snapshot(), now.print()).unwrap();
    }
    let agreed = ContractPromises::read(&std::fs::read_to_string(snapshot()).unwrap());
    let wrongs = now.wrongs(&agreed);
    assert!(
        wrongs.is_empty(),
        "the contract differs from the agreed one (UPDATE=1 agrees to it, before the first release):\n{}",
        wrongs.join("\n")
    );
    assert_eq!(now, agreed, "UPDATE=1 writes the new version down");
}

#[test]
fn a_change_is_judged_by_its_version() {
    let contract = |version: [u64; 3], lines: &[&str]| ContractPromises {
        version,
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    let old = contract([0, 1, 0], &["a", "b"]);
    for (new, wrongs) in [
        (contract([0, 1, 0], &["a", "b"]), 0),
        (contract([0, 1, 0], &["a", "b", "c"]), 1),
        (contract([0, 1, 1], &["a", "b", "c"]), 0),
        (contract([0, 1, 1], &["a", "c"]), 1),
        (contract([0, 2, 0], &["a", "c"]), 0),
        (contract([1, 0, 0], &["c"]), 0),
    ] {
        assert_eq!(new.wrongs(&old).len(), wrongs, "{new:?}");
    }
    let later = contract([1, 2, 0], &["a"]);
    assert_eq!(contract([1, 3, 0], &["b"]).wrongs(&later).len(), 1);
}

/// A component that was made for another version: only the names of its imports and exports tell.
fn made_for(version: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(guests::OBSERVER).unwrap();
    let old = b"@0.1.0";
    let package = b"promote:policy/";
    let mut at = 0;
    while let Some(found) = find(&bytes[at..], package) {
        at += found + package.len();
        let Some(end) = find(&bytes[at..], old).filter(|end| *end < 30) else {
            continue;
        };
        bytes[at + end..at + end + old.len()].copy_from_slice(version.as_bytes());
    }
    bytes
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|it| it == wanted)
}

#[tokio::test]
async fn a_component_of_a_version_that_only_adds_runs() {
    let engine = native::engine().unwrap();
    for version in ["@0.1.0", "@0.1.9"] {
        let policy = Policy::compile(&engine, &made_for(version)).unwrap();
        engine.describe(&policy.program).await.unwrap();
        let promised = policy.surface.exports.iter();
        let promised = promised.filter(|export| export.ends_with(version));
        assert_eq!(promised.count(), 2, "{:?}", policy.surface);
    }
    let refused = Policy::compile(&engine, &made_for("@0.2.0")).map(drop);
    assert!(matches!(refused, Err(NotAPolicy::Import(_))), "{refused:?}");
}

/// A journal that a host of another version of the contract wrote.
fn recorded_with(contract: &str, journal: &str) -> String {
    let (mut sum, mut text) = (String::new(), String::new());
    for (index, line) in journal.lines().enumerate() {
        let (_, entry) = line.split_once("\"is\":").unwrap();
        let entry = entry.strip_suffix('}').unwrap();
        let entry = entry.replace(promote_core::contract::CONTRACT, contract);
        sum = chain(&sum, index + 1, &entry);
        text.push_str(&format!(
            "{{\"line\":{},\"sum\":\"{sum}\",\"is\":{entry}}}\n",
            index + 1
        ));
    }
    text
}

#[test]
fn journals_outlive_versions_that_only_add() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let journal = runtime.block_on(TestRun::builtin().run()).journal;
    let engine = native::engine().unwrap();
    let policy = Policy::compile(&engine, promote_intake::builtin::POLICY).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.jsonl");
    for (contract, is_served) in [
        ("promote:policy@0.1.0", true),
        ("promote:policy@0.1.9", true),
        ("promote:policy@0.2.0", false),
    ] {
        std::fs::write(&file, recorded_with(contract, &journal)).unwrap();
        match read_recording(&file) {
            Ok(recording) => {
                assert!(is_served, "{contract}");
                assert_eq!(recording.header.contract, contract);
                let replayed = replay(&engine, &policy, &recording, Vec::new(), &runtime);
                let is_same = matches!(replayed.verdict, ReplayComparison::Same { .. });
                assert!(is_same, "{contract}: {replayed:?}");
            }
            Err(error) => {
                assert!(!is_served, "{contract}: {error}");
                assert!(error.to_string().contains(contract), "{error}");
            }
        }
    }
}
