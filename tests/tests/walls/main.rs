//! The walls of the core, as the compiler holds them: programs outside it that must not compile, each with the errors that
//! it must give, and beside each a twin that compiles, so that a typo cannot pass for a wall.
//!
//! The compiler is called directly, with the libraries that cargo has built for this very test. trybuild would make a
//! project of its own with a target folder of its own, and compile wasmtime a second time.

#![allow(clippy::unwrap_used, reason = "tests")]

mod compiler;

use std::path::{Path, PathBuf};

use compiler::Compiler;

/// Set, it renews the expected errors.
const UPDATE: &str = "UPDATE";

/// The file name of a twin ends in this.
const TWIN: &str = ".twin.rs";

/// Returns every case: its program, its twin and the file of its errors.
fn cases() -> Vec<[PathBuf; 3]> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/walls/cases");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_case = name.ends_with(".rs") && !name.ends_with(TWIN);
        if is_case {
            let twin = path.with_extension("twin.rs");
            let errors = path.with_extension("stderr");
            cases.push([path, twin, errors]);
        }
    }
    cases.sort();
    cases
}

#[test]
fn what_must_not_compile_gives_the_expected_errors() {
    let compiler = Compiler::find();
    let cases = cases();
    assert!(!cases.is_empty());
    for [program, _, errors] in cases {
        let found = compiler.errors(&program);
        assert!(!found.is_empty(), "{} compiles", program.display());
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&errors, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&errors).unwrap_or_default();
        assert_eq!(found, expected, "{}", program.display());
    }
}

#[test]
fn the_twin_of_each_compiles() {
    let compiler = Compiler::find();
    for [_, twin, _] in cases() {
        let found = compiler.errors(&twin);
        assert!(found.is_empty(), "{}: {found}", twin.display());
    }
}

#[test]
fn every_file_belongs_to_a_case() {
    let known: Vec<PathBuf> = cases().into_iter().flatten().collect();
    let folder = known[0].parent().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(known.contains(&path), "{}", path.display());
    }
}
