//! The public items of the core, against the list that is checked in: a change of the list is what a reviewer looks at.

#![allow(clippy::unwrap_used, reason = "tests")]

mod details;
mod exports;
mod modules;
mod print;

use std::path::Path;

use modules::ModuleTree;

/// Set, it renews the list.
const UPDATE: &str = "UPDATE";

/// Returns every public item below a crate's root file, one line each, sorted.
fn list(files: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let modules = ModuleTree::read(files);
    let exports = exports::find(&modules);
    let mut lines = details::describe(&modules, &exports);
    lines.sort_unstable();
    lines.dedup();
    lines
}

#[test]
fn the_public_items_of_the_core_are_those_of_the_list() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/core");
    let source = core.join("src");
    let found = list(&|path| std::fs::read_to_string(source.join(path)).ok());
    let file = core.join("PUBLIC.txt");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, found.join("\n") + "\n").unwrap();
        return;
    }
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let listed: Vec<&str> = text.lines().collect();
    let mut difference = String::new();
    for line in &found {
        if !listed.contains(&line.as_str()) {
            difference += &format!("\n  new   {line}");
        }
    }
    for line in &listed {
        if !found.iter().any(|other| other == line) {
            difference += &format!("\n  gone  {line}");
        }
    }
    assert!(
        difference.is_empty(),
        "host/core/PUBLIC.txt is not the core's public items; renew it as CONTRIBUTING.md says, and let a reviewer look \
         at the difference:{difference}"
    );
}

/// Checks the lines that a crate of these files has.
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let found = list(&|path| {
        let file = files.iter().find(|(name, _)| *name == path);
        file.map(|(_, text)| (*text).to_owned())
    });
    assert_eq!(found, expected);
}

#[test]
fn lists_items_of_public_modules_only() {
    check(
        &[
            (
                "lib.rs",
                "pub mod open; mod closed; pub(crate) mod inner; #[cfg(test)] pub mod tests;",
            ),
            (
                "open.rs",
                "pub fn ask(of: &str) -> bool { true } fn hide() {} pub(crate) fn keep() {}",
            ),
            ("closed.rs", "pub fn close() {}"),
            ("inner/mod.rs", "pub fn use_within() {}"),
        ],
        &["open::ask: fn ask(of: &str) -> bool"],
    );
}

#[test]
fn lists_fields_variants_and_derives() {
    check(
        &[(
            "lib.rs",
            "#[derive(Clone, Debug)] pub struct Gate { pub limits: Limits, grants: Grants }
             pub struct Admitted<'a>(&'a Call); pub struct Grants(pub Vec<Grant>);
             pub enum Fault { Failure(Failure), Trap { why: String } }
             pub const MOST: usize = 3; pub type Told<T> = Result<T, Failure>;",
        )],
        &[
            "Admitted: struct Admitted<'a>(_)",
            "Fault: enum Fault",
            "Fault::Failure: Failure(Failure)",
            "Fault::Trap: Trap { why: String }",
            "Gate: #[derive(Clone, Debug)] struct Gate { _ }",
            "Gate::limits: Limits",
            "Grants: struct Grants(pub Vec<Grant>)",
            "MOST: const MOST: usize",
            "Told: type Told<T> = Result<T, Failure>",
        ],
    );
}

#[test]
fn lists_an_item_of_a_private_module_where_it_is_exported() {
    check(
        &[
            ("lib.rs", "pub mod gate; pub use gate::Admitted;"),
            (
                "gate/mod.rs",
                "mod admit; mod admitted; pub use admitted::Admitted as Admitted;
                 pub struct Gate; impl Gate { pub fn new() -> Self { Self } fn keep(&self) {} }",
            ),
            ("gate/admitted.rs", "pub struct Admitted(u8);"),
            (
                "gate/admit.rs",
                "use crate::gate::Gate; use super::Admitted;
                 impl Gate { pub async fn call(&mut self, call: Call) -> Result<Reply, Fault> { todo!() } }
                 impl std::ops::Deref for Admitted { type Target = u8; fn deref(&self) -> &u8 { &self.0 } }
                 struct Hidden; impl Hidden { pub fn stay(&self) {} } impl Clone for Hidden {}",
            ),
        ],
        &[
            "Admitted: impl std::ops::Deref for Admitted",
            "Admitted: struct Admitted(_)",
            "gate::Admitted: use crate::Admitted",
            "gate::Gate: struct Gate",
            "gate::Gate::call: async fn call(&mut self, call: Call) -> Result<Reply, Fault>",
            "gate::Gate::new: fn new() -> Self",
        ],
    );
}

#[test]
fn lists_traits_with_their_methods_and_what_comes_from_elsewhere() {
    check(
        &[
            (
                "lib.rs",
                "pub trait Source: Send { fn mode(&self) -> Mode; fn settle(&mut self) -> u8 { 0 } type Kept; }
                 mod bindings { generate!(); } pub use bindings::types::{Entity, Failure as Told};
                 impl Source for Vec<u8> {} trait Secret {} impl Secret for u8 {}",
            ),
        ],
        &[
            "Entity: use bindings::types::Entity",
            "Source: impl Source for Vec<u8>",
            "Source: trait Source: Send",
            "Source::Kept: type Kept",
            "Source::mode: fn mode(&self) -> Mode",
            "Source::settle: fn settle(&mut self) -> u8",
            "Told: use bindings::types::Failure",
        ],
    );
}
