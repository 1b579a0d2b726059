//! The guests are what the engine's tests take them for: components that import no more than their world allows.

use std::collections::BTreeSet;

use promote_tests::guests;
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{Resolve, WorldItem};

/// Returns the interfaces of the contract that a component imports and exports; those of WASI do not count.
fn of_the_contract<'a>(
    resolve: &'a Resolve,
    items: impl Iterator<Item = &'a WorldItem>,
) -> BTreeSet<String> {
    items
        .filter_map(|item| match item {
            WorldItem::Interface { id, .. } => resolve.id_of(*id),
            _ => None,
        })
        .filter_map(|id| {
            Some(
                id.strip_prefix("promote:policy/")?
                    .strip_suffix("@0.1.0")?
                    .to_owned(),
            )
        })
        .collect()
}

#[test]
fn guests_are_components_with_just_the_imports_that_they_use() {
    for (path, imports) in [
        (guests::LIAR, &["types"][..]),
        (guests::OBSERVER, &["run-log", "types"]),
        (guests::UNGRANTED, &["port-write", "types"]),
        (
            guests::SMUGGLER,
            &["github-propose", "github-read", "types"],
        ),
    ] {
        let DecodedWasm::Component(resolve, world) = decode(&std::fs::read(path).unwrap()).unwrap()
        else {
            panic!("{path} is not a component");
        };
        let world = &resolve.worlds[world];
        let imported = of_the_contract(&resolve, world.imports.values());
        let exported = of_the_contract(&resolve, world.exports.values());
        let imports: Vec<String> = imports.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(imported, BTreeSet::from_iter(imports), "{path}");
        assert_eq!(
            exported,
            ["about", "promotion"].map(str::to_owned).into(),
            "{path}"
        );
    }
}
