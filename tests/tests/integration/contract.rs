//! The contract is complete: documented, versioned, and simple enough for every guest language.

use std::path::Path;

use wit_parser::{Docs, Handle, Resolve, Stability, Type, TypeDefKind, WorldItem};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

fn contract() -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_dir(folder()).unwrap();
    resolve
}

/// Fails unless a thing is documented and says since when it is there.
fn expect_public(what: &str, docs: &Docs, stability: &Stability) {
    assert!(
        matches!(stability, Stability::Stable { .. }),
        "{what} has no @since"
    );
    expect_documented(what, docs);
}

fn expect_documented(what: &str, docs: &Docs) {
    let text = docs.contents.as_deref().unwrap_or_default();
    assert!(!text.trim().is_empty(), "{what} has no documentation");
}

#[test]
fn it_is_the_package_that_the_host_serves() {
    let resolve = contract();
    let (_, package) = resolve.packages.iter().next().unwrap();
    assert_eq!(package.name.to_string(), promote_core::contract::CONTRACT);
    assert_eq!(resolve.packages.len(), 1, "it depends on nothing");
    expect_documented("the package", &package.docs);
    let worlds: Vec<&str> = package.worlds.keys().map(String::as_str).collect();
    assert_eq!(
        worlds,
        ["observe", "propose", "promote", "rule", "checked-rule"]
    );
}

#[test]
fn everything_is_documented_and_says_since_when() {
    let resolve = contract();
    for (_, world) in resolve.worlds.iter() {
        expect_public(&world.name, &world.docs, &world.stability);
    }
    for (_, interface) in resolve.interfaces.iter() {
        let name = interface.name.as_deref().unwrap();
        expect_public(name, &interface.docs, &interface.stability);
        for (function, item) in &interface.functions {
            expect_public(&format!("{name}.{function}"), &item.docs, &item.stability);
        }
        for (kind, id) in &interface.types {
            let item = &resolve.types[*id];
            let what = format!("{name}.{kind}");
            // A type taken from another interface has its documentation there.
            if !matches!(item.kind, TypeDefKind::Type(Type::Id(_))) {
                expect_public(&what, &item.docs, &item.stability);
            }
            for (member, docs) in members(&item.kind) {
                expect_documented(&format!("{what}.{member}"), docs);
            }
        }
    }
}

fn members(kind: &TypeDefKind) -> Vec<(&str, &Docs)> {
    match kind {
        TypeDefKind::Record(record) => record
            .fields
            .iter()
            .map(|it| (it.name.as_str(), &it.docs))
            .collect(),
        TypeDefKind::Variant(variant) => variant
            .cases
            .iter()
            .map(|it| (it.name.as_str(), &it.docs))
            .collect(),
        TypeDefKind::Enum(choice) => choice
            .cases
            .iter()
            .map(|it| (it.name.as_str(), &it.docs))
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_type_is_one_that_all_guest_languages_have() {
    let resolve = contract();
    for (_, item) in resolve.types.iter() {
        let what = item.name.as_deref().unwrap_or("an unnamed type");
        let inner: Vec<&Type> = match &item.kind {
            TypeDefKind::Record(record) => record.fields.iter().map(|field| &field.ty).collect(),
            TypeDefKind::Variant(variant) => variant
                .cases
                .iter()
                .filter_map(|case| case.ty.as_ref())
                .collect(),
            TypeDefKind::Tuple(tuple) => tuple.types.iter().collect(),
            TypeDefKind::Option(ty) | TypeDefKind::List(ty) | TypeDefKind::Type(ty) => vec![ty],
            TypeDefKind::Result(result) => result.ok.iter().chain(&result.err).collect(),
            TypeDefKind::Enum(_) => Vec::new(),
            other => panic!("{what} is a {}", other.as_str()),
        };
        for ty in inner {
            expect_simple(&resolve, what, ty);
            let nested = matches!((&item.kind, ty), (TypeDefKind::Option(_), Type::Id(id)) if is_option(&resolve, *id));
            assert!(!nested, "{what} is an option of an option");
        }
    }
    for (_, interface) in resolve.interfaces.iter() {
        for (name, function) in &interface.functions {
            function
                .params
                .iter()
                .for_each(|param| expect_simple(&resolve, name, &param.ty));
            function
                .result
                .iter()
                .for_each(|ty| expect_simple(&resolve, name, ty));
        }
    }
}

fn is_option(resolve: &Resolve, id: wit_parser::TypeId) -> bool {
    match &resolve.types[id].kind {
        TypeDefKind::Option(_) => true,
        TypeDefKind::Type(Type::Id(id)) => is_option(resolve, *id),
        _ => false,
    }
}

/// JavaScript has no exact 64-bit integers among its numbers; handles and streams are more than data.
fn expect_simple(resolve: &Resolve, what: &str, ty: &Type) {
    let handle = matches!(ty, Type::Id(id) if matches!(resolve.types[*id].kind, TypeDefKind::Handle(Handle::Own(_) | Handle::Borrow(_))));
    let simple = matches!(
        ty,
        Type::Bool | Type::U8 | Type::U16 | Type::U32 | Type::S32 | Type::String | Type::Id(_)
    );
    assert!(simple && !handle, "{what} holds a {ty:?}");
}

#[test]
fn each_interface_has_a_file_of_its_name() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        // The reference beside them is made of them; `author` compares it.
        if path.extension().is_none_or(|extension| extension != "wit") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let named = text
            .lines()
            .filter_map(|line| line.strip_prefix("interface ")?.strip_suffix(" {"));
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let expected: &[&str] = if stem == "policy" { &[] } else { &[stem] };
        assert_eq!(named.collect::<Vec<_>>(), expected, "{}", path.display());
    }
}

#[test]
fn a_tier_only_adds_to_the_one_below() {
    let resolve = contract();
    let imports = |name: &str| -> Vec<String> {
        let (_, world) = resolve
            .worlds
            .iter()
            .find(|(_, world)| world.name == name)
            .unwrap();
        let items = world.imports.values().filter_map(|item| match item {
            WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.clone(),
            _ => None,
        });
        let mut names: Vec<String> = items.collect();
        names.sort();
        names
    };
    assert_eq!(
        imports("observe"),
        [
            "env",
            "github-read",
            "port-read",
            "registry-read",
            "rules",
            "run-log",
            "types"
        ]
    );
    let propose = imports("propose");
    let promote = imports("promote");
    assert!(imports("observe").iter().all(|name| propose.contains(name)));
    assert_eq!(propose.len(), 8);
    assert!(propose.iter().all(|name| promote.contains(name)));
    assert_eq!(promote.len(), 10);
    assert_eq!(imports("rule"), ["types"], "and that has no function");
    assert_eq!(imports("checked-rule"), ["types"]);
}
