//! One TOML file laid over another: tables go into each other, everything else takes the other's place.

use toml::{Table, Value};

use super::error::near;
use crate::world::World;

/// What becomes of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lists {
    /// The new list takes the old one's place.
    Replace,
    /// Of tables that have names, the one of the same name is changed; others are added. Any other list is replaced.
    Join,
}

/// What names an item of a world file's lists.
fn names(list: &str) -> Option<&'static [&'static str]> {
    Some(match list {
        "entities" => &["blueprint", "identifier"],
        "runs" => &["id"],
        "repositories" | "branches" | "ci" => &["name"],
        "checks" => &["branch", "name"],
        "tokens" => &["token"],
        "credentials" => &["client-id"],
        // These have no names: there may be two that are equal.
        "faults" | "events" | "pulls" | "commits" | "blueprint" | "action" => &[],
        _ => return None,
    })
}

/// Lays one table over another.
pub(super) fn lay(over: Table, base: &mut Table, lists: Lists) {
    for (key, value) in over {
        match (value, base.get_mut(&key)) {
            (Value::Table(over), Some(Value::Table(base))) => lay(over, base, lists),
            (Value::Array(over), Some(Value::Array(base)))
                if lists == Lists::Join && names(&key).is_some() =>
            {
                join(over, base, names(&key).unwrap_or_default());
            }
            (value, _) => {
                base.insert(key, value);
            }
        }
    }
}

fn join(over: Vec<Value>, base: &mut Vec<Value>, names: &[&str]) {
    for item in over {
        let is_same = |other: &&mut Value| {
            !names.is_empty() && names.iter().all(|name| other.get(name) == item.get(name))
        };
        match (base.iter_mut().find(is_same), item) {
            (Some(Value::Table(base)), Value::Table(over)) => lay(over, base, Lists::Join),
            (_, item) => base.push(item),
        }
    }
}

/// Takes something away from a world file: a property or relation of an entity, `blueprint/entity#name`, or a file,
/// `owner/repository:path`.
///
/// # Errors
/// When there is no such thing.
pub(super) fn take(world: &mut Table, what: &str) -> Result<(), String> {
    let gone = match (what.split_once(':'), what.split_once('#')) {
        (Some((repository, path)), _) => {
            repository_files(world, repository).and_then(|files| files.remove(path)).is_some()
        }
        (None, Some((entity, field))) => take_field(world, entity, field),
        (None, None) => false,
    };
    gone.then_some(()).ok_or_else(|| missing(what, &parts(world)))
}

/// Takes an entity, `blueprint/entity`, away from a world, even if others still name it.
///
/// # Errors
/// When there is no such thing.
pub(super) fn take_entity(world: &mut World, what: &str) -> Result<(), String> {
    let key =
        what.split_once('/').map(|(blueprint, identifier)| (blueprint.to_owned(), identifier.to_owned()));
    let gone = key.and_then(|key| world.port.entities.remove(&key));
    let known =
        || world.port.entities.keys().map(|(blueprint, identifier)| format!("{blueprint}/{identifier}"));
    gone.map(drop).ok_or_else(|| missing(what, &known().collect::<Vec<_>>()))
}

/// Whether it is an entity that is to be taken away, and not a part of something.
pub(super) fn is_entity(what: &str) -> bool {
    !what.contains([':', '#'])
}

fn missing(what: &str, known: &[String]) -> String {
    let hint = match near(what, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "it takes `blueprint/entity`, `blueprint/entity#property` and `owner/repository:path`".to_owned()
        }
    };
    format!("without: there is no `{what}` in the world; {hint}")
}

/// Everything that [`take`] could take.
fn parts(world: &Table) -> Vec<String> {
    let mut parts = Vec::new();
    let lists = |service: &str, name: &str| {
        let list = world.get(service).and_then(|service| service.get(name));
        list.and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let keys = |item: &Value, key: &str| {
        let table = item.get(key).and_then(Value::as_table);
        table.map(|table| table.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    for entity in lists("port", "entities") {
        let name = format!("{}/{}", text(&entity, "blueprint"), text(&entity, "identifier"));
        let fields = ["relations", "properties"].into_iter().flat_map(|section| keys(&entity, section));
        parts.extend(fields.map(|field| format!("{name}#{field}")));
    }
    for repository in lists("github", "repositories") {
        let name = text(&repository, "name");
        parts.extend(keys(&repository, "files").into_iter().map(|path| format!("{name}:{path}")));
    }
    parts
}

fn list<'a>(world: &'a mut Table, service: &str, name: &str) -> Option<&'a mut Vec<Value>> {
    world.get_mut(service)?.get_mut(name)?.as_array_mut()
}

fn is(item: &Value, key: &str, text: &str) -> bool {
    item.get(key).and_then(Value::as_str) == Some(text)
}

fn repository_files<'a>(world: &'a mut Table, repository: &str) -> Option<&'a mut Table> {
    let mut all = list(world, "github", "repositories")?.iter_mut();
    all.find(|item| is(item, "name", repository))?.get_mut("files")?.as_table_mut()
}

fn take_field(world: &mut Table, entity: &str, field: &str) -> bool {
    let (Some((blueprint, identifier)), Some(entities)) =
        (entity.split_once('/'), list(world, "port", "entities"))
    else {
        return false;
    };
    let entity = entities
        .iter_mut()
        .find(|item| is(item, "blueprint", blueprint) && is(item, "identifier", identifier));
    let Some(entity) = entity else {
        return false;
    };
    ["relations", "properties"].into_iter().any(|section| {
        entity
            .get_mut(section)
            .and_then(Value::as_table_mut)
            .and_then(|section| section.remove(field))
            .is_some()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn table(text: &str) -> Table {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn named_items_are_changed_and_others_added() {
        let mut base =
            table("a = [1, 2]\nfaults = [{ x = 1 }]\nruns = [{ id = \"r1\", status = \"a\", n = 1 }]");
        let over =
            table("a = [3]\nfaults = [{ x = 1 }]\nruns = [{ id = \"r1\", status = \"b\" }, { id = \"r2\" }]");
        lay(over, &mut base, Lists::Join);
        let expected = table(
            "a = [3]\nfaults = [{ x = 1 }, { x = 1 }]\nruns = [{ id = \"r1\", status = \"b\", n = 1 }, { id = \"r2\" }]",
        );
        assert_eq!(base, expected);
        lay(table("runs = []"), &mut base, Lists::Replace);
        assert_eq!(base["runs"], Value::Array(Vec::new()));
    }

    #[test]
    fn things_are_taken_away_by_their_names() {
        let mut world = table(crate::world::sample::SAMPLE);
        for what in ["service/web#test_runtime", "service/web#language", "acme/gitops:README.md"] {
            assert_eq!(take(&mut world, what), Ok(()));
            assert!(take(&mut world, what).unwrap_err().contains(what));
        }
        let (mut world, image) = (World::sample(), "image/web-1.4.1");
        assert_eq!(take_entity(&mut world, image), Ok(()));
        assert!(take_entity(&mut world, image).is_err());
    }
}
