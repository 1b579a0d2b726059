//! The changes from one world to another, in words: what an author reads when a run wrote what it should not have written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ask::StepExpect;
use super::result::StepResult;
use promote_mock::World;
use promote_mock::github::{PullRequest, PullState, RepositoryState};
use promote_mock::port::{ActionRun, CatalogEntity};

/// Something that differs between two worlds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WorldChange {
    part: ChangedPart,
    words: String,
}

/// The part of a world that a change is in; repositories by their place in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ChangedPart {
    Entity(String),
    Run(String),
    Branch(usize),
    Pull(usize),
    File { repository: usize, path: String },
}

/// Shows the changes that no expectation may hold, but the log and end of one Port run; none if nothing can be said of them.
pub(super) fn forbidden(before: &World, after: &World, run: Option<&str>) -> Option<String> {
    let changes = changes(before, after).into_iter();
    shown(
        changes.filter(
            |change| !matches!(&change.part, ChangedPart::Run(id) if Some(id.as_str()) == run),
        ),
    )
}

/// Shows the changes that an expectation does not name, nor the Port run of the step; none if nothing can be said of them.
pub(super) fn unnamed(expect: &StepExpect, ran: &StepResult) -> Option<String> {
    let own = expect.run.as_ref().and_then(|run| run.id.as_ref());
    let is_named = |part: &ChangedPart| match part {
        ChangedPart::Entity(name) => expect.entities.contains_key(name),
        ChangedPart::Run(id) => Some(id) == ran.run.as_ref() || Some(id) == own,
        ChangedPart::Branch(repository) => *repository == 0 && expect.branches.is_some(),
        ChangedPart::Pull(repository) => *repository == 0 && expect.pulls.is_some(),
        ChangedPart::File { repository, path } => {
            let name = ran.after.github.repositories[*repository].full_name();
            expect.diff.is_some()
                || (*repository == 0 && expect.files.contains_key(path))
                || expect.files.contains_key(&format!("{name}:{path}"))
        }
    };
    let changes = changes(&ran.before, &ran.after).into_iter();
    shown(changes.filter(|change| !is_named(&change.part)))
}

fn shown(changes: impl Iterator<Item = WorldChange>) -> Option<String> {
    let words: Vec<String> = changes.map(|change| change.words).collect();
    (!words.is_empty()).then(|| words.join("\n"))
}

fn changes(before: &World, after: &World) -> Vec<WorldChange> {
    let mut found = Vec::new();
    for (key, sides) in pairs(&before.port.entities, &after.port.entities) {
        let name = format!("{}/{}", key.0, key.1);
        for what in of_sides(sides, of_entity) {
            let words = format!("entity {name}: {what}");
            found.push(WorldChange {
                part: ChangedPart::Entity(name.clone()),
                words,
            });
        }
    }
    for (id, sides) in pairs(&before.port.runs, &after.port.runs) {
        for what in of_sides(sides, of_run) {
            let words = format!("Port run {id}: {what}");
            found.push(WorldChange {
                part: ChangedPart::Run(id.clone()),
                words,
            });
        }
    }
    for (index, after) in after.github.repositories.iter().enumerate() {
        if let Some(before) = before.github.repositories.get(index) {
            found.extend(of_repository(index, before, after));
        }
    }
    found
}

fn of_repository(
    index: usize,
    before: &RepositoryState,
    after: &RepositoryState,
) -> Vec<WorldChange> {
    let name = after.full_name();
    let mut found = Vec::new();
    for (branch, sides) in pairs(&before.refs, &after.refs) {
        let branch = branch.trim_start_matches("refs/heads/");
        let moved = |_: &_, _: &_| vec!["other commits".to_owned()];
        for what in of_sides(sides, moved) {
            let words = format!("branch {branch} of {name}: {what}");
            found.push(WorldChange {
                part: ChangedPart::Branch(index),
                words,
            });
        }
    }
    for (number, sides) in pairs(&before.pulls, &after.pulls) {
        // Whoever asks whether it can be merged has GitHub work that out, and changes nothing.
        if matches!(sides, [Some(before), Some(after)] if before.without_looks() == after.without_looks())
        {
            continue;
        }
        for what in of_sides(sides, of_pull) {
            let words = format!("pull request #{number} of {name}: {what}");
            found.push(WorldChange {
                part: ChangedPart::Pull(index),
                words,
            });
        }
    }
    let tree = |repository: &RepositoryState| {
        let head = repository.branch(&repository.settings.default_branch)?;
        repository.git.tree_of(head)
    };
    for file in after.git.changes(tree(before), tree(after)) {
        let branch = &after.settings.default_branch;
        let words = format!("file {} of {name}: changed on {branch}", file.path);
        found.push(WorldChange {
            part: ChangedPart::File {
                repository: index,
                path: file.path,
            },
            words,
        });
    }
    found
}

/// Both sides of every key that one of two maps has.
fn pairs<'a, K: Ord, V: PartialEq>(
    before: &'a BTreeMap<K, V>,
    after: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, [Option<&'a V>; 2])> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    let sides = keys
        .into_iter()
        .map(|key| (key, [before.get(key), after.get(key)]));
    sides.filter(|(_, [before, after])| before != after)
}

fn of_sides<V>(
    [before, after]: [Option<&V>; 2],
    changed: impl Fn(&V, &V) -> Vec<String>,
) -> Vec<String> {
    match (before, after) {
        (None, Some(_)) => vec!["new".to_owned()],
        (Some(_), None) => vec!["gone".to_owned()],
        (Some(before), Some(after)) => changed(before, after),
        (None, None) => Vec::new(),
    }
}

fn of_entity(before: &CatalogEntity, after: &CatalogEntity) -> Vec<String> {
    let fields = |entity: &CatalogEntity| {
        let mut fields = BTreeMap::new();
        for (name, value) in &entity.properties {
            fields.insert(format!("property {name}"), value.to_string());
        }
        for (name, targets) in &entity.relations {
            fields.insert(format!("relation {name}"), targets.identifiers().join(", "));
        }
        let title = entity.title.clone().map_or(Value::Null, Value::String);
        fields.insert("title".to_owned(), title.to_string());
        fields
    };
    of_fields(&fields(before), &fields(after), "written again, as it was")
}

fn of_run(before: &ActionRun, after: &ActionRun) -> Vec<String> {
    let fields = |run: &ActionRun| {
        BTreeMap::from([
            ("status".to_owned(), run.status.as_str().to_owned()),
            ("label".to_owned(), run.label.clone().unwrap_or_default()),
            ("lines of the log".to_owned(), run.logs.len().to_string()),
        ])
    };
    of_fields(&fields(before), &fields(after), "changed")
}

fn of_pull(before: &PullRequest, after: &PullRequest) -> Vec<String> {
    let fields = |pull: &PullRequest| {
        let state = match pull.state {
            PullState::Open => "open",
            PullState::Closed { .. } => "closed",
            PullState::Merged { .. } => "merged",
        };
        let labels: Vec<&str> = pull.labels.iter().map(String::as_str).collect();
        let (people, teams) = &pull.reviewers;
        let reviewers: Vec<&str> = people.iter().chain(teams).map(String::as_str).collect();
        BTreeMap::from([
            ("state".to_owned(), state.to_owned()),
            ("title".to_owned(), pull.title.clone()),
            ("text".to_owned(), pull.body.clone().unwrap_or_default()),
            ("base".to_owned(), pull.base.clone()),
            ("newest commit".to_owned(), pull.head_sha.to_string()),
            ("labels".to_owned(), labels.join(", ")),
            ("reviewers".to_owned(), reviewers.join(", ")),
            ("comments".to_owned(), pull.comments.len().to_string()),
        ])
    };
    of_fields(&fields(before), &fields(after), "changed")
}

/// The fields that differ; `otherwise` if none of them does.
fn of_fields(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    otherwise: &str,
) -> Vec<String> {
    let side = |side: Option<&String>| match side.map(String::as_str) {
        None | Some("") => "nothing".to_owned(),
        Some(text) => text.to_owned(),
    };
    let words: Vec<String> = pairs(before, after)
        .map(|(name, [before, after])| format!("{name}: {} -> {}", side(before), side(after)))
        .collect();
    if words.is_empty() {
        return vec![otherwise.to_owned()];
    }
    words
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use promote_mock::port::RelationTargets;

    #[test]
    fn a_change_is_told_by_its_name_and_both_values() {
        let before = World::sample();
        assert_eq!(forbidden(&before, &before, None), None);
        let mut after = before.clone();
        let key = ("running_service".to_owned(), "web-prod".to_owned());
        let runtime = after.port.entities.get_mut(&key).unwrap();
        runtime.relations.insert(
            "image".to_owned(),
            RelationTargets::One("web-1.4.2".to_owned()),
        );
        let run = after.port.runs.keys().next().unwrap().clone();
        after.port.runs.get_mut(&run).unwrap().label = Some("Refused".to_owned());
        let told = forbidden(&before, &after, None).unwrap();
        let entity = "entity running_service/web-prod: relation image: web-1.4.1 -> web-1.4.2";
        assert_eq!(
            told,
            format!("{entity}\nPort run {run}: label: nothing -> Refused")
        );
        assert_eq!(forbidden(&before, &after, Some(&run)).unwrap(), entity);
        after.port.entities.remove(&key);
        let told = forbidden(&before, &after, Some(&run)).unwrap();
        assert_eq!(told, "entity running_service/web-prod: gone");
    }
}
