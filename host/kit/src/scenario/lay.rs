//! One TOML file laid over another: tables go into each other, everything else takes the other's place.

use std::mem;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::error::near;
use promote_mock::World;

/// The rule for lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListRule {
    /// The new list takes the old one's place.
    Replace,
    /// Of tables that have names, the one of the same name is changed; others are added. Any other list is replaced.
    Join,
}

/// The keys that name an item of a world file's lists.
fn names(list: &str) -> Option<&'static [&'static str]> {
    Some(match list {
        "entities" => &["blueprint", "identifier"],
        "runs" | "users" => &["id"],
        "repositories" | "branches" | "ci" => &["name"],
        "checks" => &["branch", "name"],
        "tokens" => &["token"],
        "logins" => &["user"],
        "images" => &["name"],
        "credentials" => &["client-id"],
        // These have no names: there may be two that are equal.
        "faults" | "events" | "pulls" | "commits" | "attestations" | "referrers" | "blueprint"
        | "action" => &[],
        _ => return None,
    })
}

/// Reads a table as a type.
pub(super) fn read<'t, T: Deserialize<'t>>(table: DeTable<'t>) -> Result<T, toml::de::Error> {
    T::deserialize(toml::Deserializer::from(Spanned::new(0..0, table)))
}

/// Lays one table over another.
pub(super) fn lay<'t>(over: DeTable<'t>, base: &mut DeTable<'t>, lists: ListRule) {
    for (key, mut value) in over {
        let names = names(key.get_ref()).filter(|_| lists == ListRule::Join);
        match (
            value.get_mut(),
            base.get_mut(&key).map(Spanned::get_mut),
            names,
        ) {
            (DeValue::Table(over), Some(DeValue::Table(base)), _) => {
                lay(mem::take(over), base, lists)
            }
            (DeValue::Array(over), Some(DeValue::Array(base)), Some(names)) => {
                join(mem::replace(over, DeArray::new()), base, names);
            }
            _ => {
                base.insert(key, value);
            }
        }
    }
}

fn join<'t>(over: DeArray<'t>, base: &mut DeArray<'t>, names: &[&str]) {
    for mut item in over {
        let is_same =
            |other: &&mut Spanned<DeValue<'t>>| named_alike(other.get_ref(), item.get_ref(), names);
        match (
            base.iter_mut().find(is_same).map(Spanned::get_mut),
            item.get_mut(),
        ) {
            (Some(DeValue::Table(base)), DeValue::Table(over)) => {
                lay(mem::take(over), base, ListRule::Join)
            }
            _ => base.push(item),
        }
    }
}

/// Returns whether two items have the same names. One that is no text names nothing.
fn named_alike(one: &DeValue<'_>, other: &DeValue<'_>, names: &[&str]) -> bool {
    let same = |name: &&str| match (one.get(name), other.get(name)) {
        (None, None) => true,
        (Some(_), Some(_)) => text(one, name).is_some_and(|one| text(other, name) == Some(one)),
        _ => false,
    };
    !names.is_empty() && names.iter().all(same)
}

/// Takes something away from a world file: a property or relation of an entity, `blueprint/entity#name`, or a file,
/// `owner/repository:path`.
///
/// # Errors
/// When there is no such thing.
pub(super) fn take(world: &mut DeTable<'_>, what: &str) -> Result<(), String> {
    let gone = match (what.split_once(':'), what.split_once('#')) {
        (Some((repository, path)), _) => repository_files(world, repository)
            .and_then(|files| files.remove(path))
            .is_some(),
        (None, Some((entity, field))) => take_field(world, entity, field),
        (None, None) => false,
    };
    gone.then_some(())
        .ok_or_else(|| missing(what, &parts(world)))
}

/// Takes an entity, `blueprint/entity`, away from a world, even if others still name it.
///
/// # Errors
/// When there is no such thing.
pub(super) fn take_entity(world: &mut World, what: &str) -> Result<(), String> {
    let key = what
        .split_once('/')
        .map(|(blueprint, identifier)| (blueprint.to_owned(), identifier.to_owned()));
    let gone = key.and_then(|key| world.port.entities.remove(&key));
    if gone.is_some() {
        return Ok(());
    }
    let keys = world.port.entities.keys();
    let known: Vec<String> = keys
        .map(|(blueprint, identifier)| format!("{blueprint}/{identifier}"))
        .collect();
    Err(missing(what, &known))
}

/// Returns whether it is an entity that is to be taken away, and not a part of something.
pub(super) fn is_entity(what: &str) -> bool {
    !what.contains([':', '#'])
}

fn missing(what: &str, known: &[String]) -> String {
    let hint = match near(what, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "it takes `blueprint/entity`, `blueprint/entity#property` and `owner/repository:path`"
                .to_owned()
        }
    };
    format!("without: there is no `{what}` in the world; {hint}")
}

/// Everything that [`take`] could take.
fn parts(world: &DeTable<'_>) -> Vec<String> {
    let mut parts = Vec::new();
    let lists = |service: &str, name: &str| {
        let list = world
            .get(service)
            .and_then(|service| service.get_ref().get(name));
        list.and_then(|list| list.get_ref().as_array())
            .into_iter()
            .flat_map(|list| list.iter())
    };
    let named = |item: &DeValue<'_>, key: &str| text(item, key).unwrap_or_default().to_owned();
    let keys = |item: &DeValue<'_>, key: &str| {
        let table = item.get(key).and_then(|table| table.get_ref().as_table());
        table
            .map(|table| table.keys().map(|key| key.to_string()).collect::<Vec<_>>())
            .unwrap_or_default()
    };
    for entity in lists("port", "entities").map(Spanned::get_ref) {
        let name = format!(
            "{}/{}",
            named(entity, "blueprint"),
            named(entity, "identifier")
        );
        let fields = ["relations", "properties"]
            .into_iter()
            .flat_map(|section| keys(entity, section));
        parts.extend(fields.map(|field| format!("{name}#{field}")));
    }
    for repository in lists("github", "repositories").map(Spanned::get_ref) {
        let name = named(repository, "name");
        parts.extend(
            keys(repository, "files")
                .into_iter()
                .map(|path| format!("{name}:{path}")),
        );
    }
    parts
}

fn text<'v>(item: &'v DeValue<'_>, key: &str) -> Option<&'v str> {
    item.get(key).and_then(|value| value.get_ref().as_str())
}

fn table<'w, 't>(within: &'w mut DeTable<'t>, key: &str) -> Option<&'w mut DeTable<'t>> {
    as_table(within.get_mut(key)?)
}

fn as_table<'w, 't>(value: &'w mut Spanned<DeValue<'t>>) -> Option<&'w mut DeTable<'t>> {
    match value.get_mut() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// The item of a list that has these texts.
fn item<'w, 't>(
    world: &'w mut DeTable<'t>,
    [service, list]: [&str; 2],
    texts: &[(&str, &str)],
) -> Option<&'w mut DeTable<'t>> {
    let DeValue::Array(list) = table(world, service)?.get_mut(list)?.get_mut() else {
        return None;
    };
    let is_it = |item: &DeValue<'_>| texts.iter().all(|(key, is)| text(item, key) == Some(is));
    as_table(list.iter_mut().find(|item| is_it(item.get_ref()))?)
}

fn repository_files<'w, 't>(
    world: &'w mut DeTable<'t>,
    repository: &str,
) -> Option<&'w mut DeTable<'t>> {
    table(
        item(world, ["github", "repositories"], &[("name", repository)])?,
        "files",
    )
}

fn take_field(world: &mut DeTable<'_>, entity: &str, field: &str) -> bool {
    let Some((blueprint, identifier)) = entity.split_once('/') else {
        return false;
    };
    let names = [("blueprint", blueprint), ("identifier", identifier)];
    let Some(entity) = item(world, ["port", "entities"], &names) else {
        return false;
    };
    let mut take = |section| {
        table(entity, section)
            .and_then(|section| section.remove(field))
            .is_some()
    };
    take("relations") || take("properties")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn table(text: &str) -> DeTable<'_> {
        DeTable::parse(text).unwrap().into_inner()
    }

    /// The same, to be compared: where it stood does not count.
    fn plain(table: DeTable<'_>) -> toml::Table {
        read(table).unwrap()
    }

    #[test]
    fn named_items_are_changed_and_others_added() {
        let mut base = table(
            "a = [1, 2]\nfaults = [{ x = 1 }]\nruns = [{ id = \"r1\", status = \"a\", n = 1 }]",
        );
        let over = table(
            "a = [3]\nfaults = [{ x = 1 }]\nruns = [{ id = \"r1\", status = \"b\" }, { id = \"r2\" }]",
        );
        lay(over, &mut base, ListRule::Join);
        let expected = table(
            "a = [3]\nfaults = [{ x = 1 }, { x = 1 }]\nruns = [{ id = \"r1\", status = \"b\", n = 1 }, { id = \"r2\" }]",
        );
        assert_eq!(plain(base.clone()), plain(expected));
        lay(
            table("runs = [{ id = 7, n = 2 }, { id = 8 }]"),
            &mut base,
            ListRule::Join,
        );
        assert_eq!(
            plain(base.clone())["runs"].as_array().map(Vec::len),
            Some(4),
            "a number is no name"
        );
        lay(table("runs = []"), &mut base, ListRule::Replace);
        assert_eq!(plain(base)["runs"], toml::Value::Array(Vec::new()));
    }

    #[test]
    fn things_are_taken_away_by_their_names() {
        let mut world = table(promote_mock::sample::SAMPLE);
        for what in [
            "service/web#test_runtime",
            "service/web#language",
            "acme/gitops:README.md",
        ] {
            assert_eq!(take(&mut world, what), Ok(()));
            assert!(take(&mut world, what).unwrap_err().contains(what));
        }
        let mut world = World::sample();
        let image = "image/web-1.4.1";
        assert_eq!(take_entity(&mut world, image), Ok(()));
        assert!(take_entity(&mut world, image).is_err());
    }
}
