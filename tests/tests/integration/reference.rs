//! `wit/README.md` is made of the comments in `wit/`, item by item.
//!
//! `UPDATE=1 cargo test --workspace --test integration reference` writes it again.

use std::path::{Path, PathBuf};

use wit_parser::{
    Docs, Function, Handle, Interface, Resolve, Type, TypeDefKind, TypeId, World, WorldItem,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

fn text(docs: &Docs) -> String {
    docs.contents
        .as_deref()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The documentation on one line, for a list or a table.
fn line(docs: &Docs) -> String {
    text(docs).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A type as the contract writes it.
pub(crate) fn named(resolve: &Resolve, kind: &Type) -> String {
    match kind {
        Type::Bool => "bool".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::String => "string".to_owned(),
        Type::Id(id) => reference(resolve, *id),
        other => panic!("the contract keeps to simple types, {other:?} is none"),
    }
}

fn reference(resolve: &Resolve, id: TypeId) -> String {
    let item = &resolve.types[id];
    if let Some(name) = &item.name {
        return name.clone();
    }
    let optional = |kind: &Option<Type>| {
        kind.as_ref()
            .map_or("_".to_owned(), |kind| named(resolve, kind))
    };
    match &item.kind {
        TypeDefKind::Option(inner) => format!("option<{}>", named(resolve, inner)),
        TypeDefKind::List(inner) => format!("list<{}>", named(resolve, inner)),
        TypeDefKind::Result(result) => format!(
            "result<{}, {}>",
            optional(&result.ok),
            optional(&result.err)
        ),
        TypeDefKind::Handle(Handle::Own(_) | Handle::Borrow(_)) => {
            panic!("the contract has no resources")
        }
        other => panic!("{other:?}"),
    }
}

fn function(resolve: &Resolve, function: &Function) -> String {
    let parameters = function
        .params
        .iter()
        .map(|it| format!("{}: {}", it.name, named(resolve, &it.ty)));
    let result = function
        .result
        .as_ref()
        .map(|kind| format!(" -> {}", named(resolve, kind)));
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    format!(
        "### `{}`\n\n```wit\n{}: func({parameters}){};\n```\n\n{}\n\n",
        function.name,
        function.name,
        result.unwrap_or_default(),
        text(&function.docs)
    )
}

/// A type with its fields or cases; none for one that another interface declares.
fn declared(resolve: &Resolve, name: &str, id: TypeId) -> Option<String> {
    let item = &resolve.types[id];
    let row = |name: &str, kind: Option<String>, docs: &Docs| {
        let kind = kind.map(|kind| format!(": `{kind}`")).unwrap_or_default();
        format!("- `{name}`{kind}. {}\n", line(docs))
    };
    let (what, rows): (String, String) = match &item.kind {
        TypeDefKind::Type(Type::Id(_)) => return None,
        TypeDefKind::Type(alias) => (
            format!("type, a `{}`", named(resolve, alias)),
            String::new(),
        ),
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter();
            (
                "record".to_owned(),
                fields
                    .map(|it| row(&it.name, Some(named(resolve, &it.ty)), &it.docs))
                    .collect(),
            )
        }
        TypeDefKind::Variant(variant) => {
            let kind = |ty: &Option<Type>| ty.as_ref().map(|kind| named(resolve, kind));
            let cases = variant.cases.iter();
            (
                "variant".to_owned(),
                cases
                    .map(|it| row(&it.name, kind(&it.ty), &it.docs))
                    .collect(),
            )
        }
        TypeDefKind::Enum(choice) => {
            let cases = choice.cases.iter();
            (
                "enum".to_owned(),
                cases.map(|it| row(&it.name, None, &it.docs)).collect(),
            )
        }
        other => panic!("{name}: {other:?}"),
    };
    let end = if rows.is_empty() {
        String::new()
    } else {
        format!("{rows}\n")
    };
    Some(format!(
        "### `{name}` ({what})\n\n{}\n\n{end}",
        text(&item.docs)
    ))
}

fn interface(resolve: &Resolve, interface: &Interface) -> String {
    let name = interface.name.as_deref().unwrap();
    let mut out = format!("## `{name}`\n\n{}\n\n", text(&interface.docs));
    for item in interface.functions.values() {
        out.push_str(&function(resolve, item));
    }
    for (name, id) in &interface.types {
        out.extend(declared(resolve, name, *id));
    }
    out
}

fn world(resolve: &Resolve, world: &World) -> String {
    let names = |items: &[&WorldItem]| {
        let names = items.iter().filter_map(|item| match item {
            WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.as_deref(),
            _ => None,
        });
        let mut names: Vec<String> = names.map(|name| format!("[`{name}`](#{name})")).collect();
        names.sort_unstable();
        names.join(", ")
    };
    let imports = names(&world.imports.values().collect::<Vec<_>>());
    let exports = names(&world.exports.values().collect::<Vec<_>>());
    format!(
        "| `{}` | {} | {imports} | {exports} |\n",
        world.name,
        line(&world.docs)
    )
}

fn generated() -> String {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder()).unwrap();
    let package = &resolve.packages[package];
    let mut out = format!(
        "<!-- Made of the comments in this folder by tests/tests/integration/reference.rs; change those. -->\n\n\
         # `{}`\n\n{}\n\n| world | | imports | exports |\n|---|---|---|---|\n",
        package.name,
        text(&package.docs)
    );
    for id in package.worlds.values() {
        out.push_str(&world(&resolve, &resolve.worlds[*id]));
    }
    out.push('\n');
    // By name: the files of a folder come in any order.
    let mut interfaces: Vec<_> = package.interfaces.iter().collect();
    interfaces.sort_unstable();
    for (_, id) in interfaces {
        out.push_str(&interface(&resolve, &resolve.interfaces[*id]));
    }
    format!("{}\n", out.trim_end())
}

#[test]
fn the_reference_says_what_the_contract_says() {
    let path = folder().join("README.md");
    let expected = generated();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        found, expected,
        "UPDATE=1 cargo test --workspace --test integration reference"
    );
    // Every item of the contract is there: what `contract.rs` finds documented, people find here.
    for item in [
        "get-entities",
        "merge-when-ready",
        "expected-blob",
        "rate-limited",
        "settings-schema",
    ] {
        assert!(found.contains(&format!("`{item}`")), "{item}");
    }
}
