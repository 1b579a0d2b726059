//! The modules of a crate, read from its files.

use std::collections::BTreeMap;

use syn::{Attribute, Item, ItemUse, UseTree, Visibility};

/// The names of a module and of those around it, from the outermost.
pub(crate) type ModulePath = Vec<String>;

/// One module.
#[derive(Default)]
pub(crate) struct Module {
    /// True if its parent shows it to everybody.
    pub(crate) is_public: bool,
    pub(crate) items: Vec<Item>,
    pub(crate) imports: Vec<NameImport>,
}

/// One name that a `use` brings into a module; `*` stands for all of them.
pub(crate) struct NameImport {
    pub(crate) is_public: bool,
    pub(crate) path: Vec<String>,
    pub(crate) name: String,
}

/// Every module of a crate, without those that only tests have.
pub(crate) struct ModuleTree(pub(crate) BTreeMap<ModulePath, Module>);

/// The place of an item: its module and its name there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ItemPlace {
    pub(crate) module: ModulePath,
    pub(crate) name: String,
}

/// More imports of imports than any crate has.
const MAX_IMPORTS: usize = 16;

impl ModuleTree {
    /// Reads the crate below `lib.rs`; `files` returns a file by its path.
    pub(crate) fn read(files: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut modules = Self(BTreeMap::new());
        let root = files("lib.rs").expect("a crate has lib.rs");
        modules.add(files, Vec::new(), "", true, parse("lib.rs", &root));
        modules
    }

    /// Adds a module and all below it. `folder` holds the files of its children.
    fn add(
        &mut self,
        files: &dyn Fn(&str) -> Option<String>,
        path: ModulePath,
        folder: &str,
        is_public: bool,
        items: Vec<Item>,
    ) {
        let mut module = Module {
            is_public,
            ..Module::default()
        };
        for item in items {
            match item {
                Item::Mod(child) if is_for_tests(&child.attrs) => {}
                Item::Mod(child) => {
                    let name = child.ident.to_string();
                    let below = format!("{folder}{name}/");
                    let items = match child.content {
                        Some((_, items)) => items,
                        None => find(files, folder, &name),
                    };
                    let path = [&path[..], &[name]].concat();
                    self.add(files, path, &below, is_public_to_all(&child.vis), items);
                }
                Item::Use(import) => module.imports.extend(imports(&import)),
                item => module.items.push(item),
            }
        }
        self.0.insert(path, module);
    }

    /// Returns the place of the item that a path names within a module; none if the path leaves the crate or leads into
    /// generated code.
    pub(crate) fn resolve(&self, module: &[String], path: &[String]) -> Option<ItemPlace> {
        self.follow(module.to_vec(), path, 0)
    }

    fn follow(&self, mut module: ModulePath, path: &[String], depth: usize) -> Option<ItemPlace> {
        let (name, rest) = path.split_first()?;
        match name.as_str() {
            "crate" => return self.follow(Vec::new(), rest, depth),
            "self" => return self.follow(module, rest, depth),
            "super" => {
                module.pop()?;
                return self.follow(module, rest, depth);
            }
            _ => {}
        }
        let child = [&module[..], std::slice::from_ref(name)].concat();
        if self.0.contains_key(&child) && !rest.is_empty() {
            return self.follow(child, rest, depth);
        }
        let content = self.0.get(&module)?;
        if rest.is_empty()
            && content
                .items
                .iter()
                .any(|item| name_of(item).as_ref() == Some(name))
        {
            let name = name.clone();
            return Some(ItemPlace { module, name });
        }
        let import = content.imports.iter().find(|import| import.name == *name)?;
        if depth == MAX_IMPORTS {
            return None;
        }
        let full = [&import.path[..], rest].concat();
        self.follow(module, &full, depth + 1)
    }
}

/// Returns the items of the file of a child module.
fn find(files: &dyn Fn(&str) -> Option<String>, folder: &str, name: &str) -> Vec<Item> {
    let paths = [
        format!("{folder}{name}.rs"),
        format!("{folder}{name}/mod.rs"),
    ];
    for path in &paths {
        if let Some(text) = files(path) {
            return parse(path, &text);
        }
    }
    panic!("none of {paths:?} exists");
}

fn parse(path: &str, text: &str) -> Vec<Item> {
    match syn::parse_file(text) {
        Ok(file) => file.items,
        Err(error) => panic!("{path}: {error}"),
    }
}

/// Returns whether everybody sees an item, not only its crate.
pub(crate) fn is_public_to_all(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Returns whether an item stands under `#[cfg(test)]`.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|condition| condition == "test")
    })
}

/// Returns the name that an item gives to its module.
pub(crate) fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Returns every name that a `use` brings in.
fn imports(item: &ItemUse) -> Vec<NameImport> {
    let mut found = Vec::new();
    collect(&item.tree, &[], is_public_to_all(&item.vis), &mut found);
    found
}

fn collect(tree: &UseTree, above: &[String], is_public: bool, found: &mut Vec<NameImport>) {
    let below = |name: &syn::Ident| [above, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => collect(&path.tree, &below(&path.ident), is_public, found),
        UseTree::Group(group) => {
            for tree in &group.items {
                collect(tree, above, is_public, found);
            }
        }
        UseTree::Name(name) if name.ident == "self" => found.push(NameImport {
            is_public,
            path: above.to_vec(),
            name: above.last().cloned().unwrap_or_default(),
        }),
        UseTree::Name(name) => found.push(NameImport {
            is_public,
            path: below(&name.ident),
            name: name.ident.to_string(),
        }),
        UseTree::Rename(rename) => found.push(NameImport {
            is_public,
            path: below(&rename.ident),
            name: rename.rename.to_string(),
        }),
        UseTree::Glob(_) => found.push(NameImport {
            is_public,
            path: above.to_vec(),
            name: "*".to_owned(),
        }),
    }
}
