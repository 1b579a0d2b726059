//! Under which path each item can be reached from outside the crate.

use std::collections::BTreeMap;

use syn::Item;

use crate::modules::{
    ItemPlace, ModulePath, ModuleTree, NameImport, is_for_tests, is_public_to_all, name_of,
};

/// The items that can be reached from outside.
pub(crate) struct PublicExports {
    /// Items of this crate, with every path that leads to them, the shortest first.
    pub(crate) items: BTreeMap<ItemPlace, Vec<String>>,
    /// Names that lead out of the crate or into generated code, by their path, with what they stand for.
    pub(crate) others: BTreeMap<String, String>,
}

/// Finds all that public modules show.
pub(crate) fn find(modules: &ModuleTree) -> PublicExports {
    let mut exports = PublicExports {
        items: BTreeMap::new(),
        others: BTreeMap::new(),
    };
    for (path, module) in &modules.0 {
        if !is_reachable(modules, path) {
            continue;
        }
        for item in module.items.iter().filter(|item| is_public(item)) {
            if let Some(name) = name_of(item) {
                exports.add(path, &name, path, &name);
            }
        }
        for import in module.imports.iter().filter(|import| import.is_public) {
            exports.follow(modules, path, import);
        }
    }
    for paths in exports.items.values_mut() {
        paths.sort_by_key(|path| (path.matches("::").count(), path.clone()));
    }
    exports
}

impl PublicExports {
    fn add(&mut self, from: &[String], alias: &str, module: &[String], name: &str) {
        let place = ItemPlace {
            module: module.to_vec(),
            name: name.to_owned(),
        };
        let path = join(from, alias);
        self.items.entry(place).or_default().push(path);
    }

    /// Adds what a `pub use` exports from a module.
    fn follow(&mut self, modules: &ModuleTree, from: &ModulePath, import: &NameImport) {
        if import.name == "*" {
            panic!(
                "{}: a glob hides what it exports: name the items",
                join(from, &import.path.join("::"))
            );
        }
        match modules.resolve(from, &import.path) {
            Some(place) => self.add(from, &import.name, &place.module, &place.name),
            None => {
                let path = join(from, &import.name);
                self.others.insert(path, import.path.join("::"));
            }
        }
    }
}

/// Returns whether every module on the way is public.
fn is_reachable(modules: &ModuleTree, path: &[String]) -> bool {
    (1..=path.len()).all(|length| modules.0[&path[..length]].is_public)
}

fn is_public(item: &Item) -> bool {
    let (attributes, visibility) = match item {
        Item::Const(item) => (&item.attrs, &item.vis),
        Item::Enum(item) => (&item.attrs, &item.vis),
        Item::Fn(item) => (&item.attrs, &item.vis),
        Item::Static(item) => (&item.attrs, &item.vis),
        Item::Struct(item) => (&item.attrs, &item.vis),
        Item::Trait(item) => (&item.attrs, &item.vis),
        Item::Type(item) => (&item.attrs, &item.vis),
        Item::Union(item) => (&item.attrs, &item.vis),
        _ => return false,
    };
    is_public_to_all(visibility) && !is_for_tests(attributes)
}

/// Returns the path of a name in a module, as another crate would write it.
pub(crate) fn join(module: &[String], name: &str) -> String {
    [module, &[name.to_owned()]].concat().join("::")
}
