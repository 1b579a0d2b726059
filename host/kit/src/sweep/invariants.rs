//! The invariants that must hold wherever a run is hit, looked up in the world and not in what anybody says.
//!
//! It shares no code with the gate, which enforces the first and the third.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobMatcher};
use serde_json::{Map, Value, json};

use super::gained::{AskedChanges, PERSON, unproposed};
use crate::scenario::{StepResult, only};
use crate::settled::settled;
use promote_core::gate::values::only_values_change;
use promote_core::grants::{ChangeScope, Grant, Operation};
use promote_core::run::RunMode;
use promote_intake::config::Config;
use promote_mock::World;
use promote_mock::git::ObjectId;
use promote_mock::github::RepositoryState;
use promote_mock::port::{CatalogEntity, RelationTargets, RunStatus};

/// A rule that must hold; the numbers are those of `ARCHITECTURE.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// 1: the catalog is never ahead of git.
    Catalog,
    /// 2: one promotion, one pull request; the next run leaves the same world.
    Once,
    /// 2: the next run ends as an undisturbed one does.
    SameEnding,
    /// 3: only the addressed scalar changes.
    Scalar,
    /// 3: what a base branch gained is what was proposed.
    Gained,
    /// 5: secrets stay in the host.
    Secrets,
    /// 6: every run ends said.
    Said,
    /// A failure is no reason to crash, to break grants or to run into a limit.
    Sound,
}

impl Invariant {
    /// All, in their order.
    pub const ALL: [Self; 8] = [
        Self::Catalog,
        Self::Once,
        Self::SameEnding,
        Self::Scalar,
        Self::Gained,
        Self::Secrets,
        Self::Said,
        Self::Sound,
    ];

    /// A few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Catalog => "1 catalog not ahead of git",
            Self::Once => "2 one pull request, same end",
            Self::SameEnding => "2 same ending",
            Self::Scalar => "3 only the scalar changes",
            Self::Gained => "3 base gained what was proposed",
            Self::Secrets => "5 secrets",
            Self::Said => "6 ends said",
            Self::Sound => "no crash",
        }
    }
}

/// An invariant that does not hold, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenInvariant {
    /// The invariant.
    pub invariant: Invariant,
    /// The sign of it; foreign text in it is not neutralised.
    pub what: String,
}

/// Returns the invariants that do not hold of one run, whatever hit it; `clean` is the same run when nothing does.
pub(super) fn of_run(
    config: &Config,
    clean: &StepResult,
    ran: &StepResult,
) -> Vec<BrokenInvariant> {
    let mut broken = Vec::new();
    let mut add = |invariant, what: Option<String>| {
        broken.extend(what.map(|what| BrokenInvariant { invariant, what }));
    };
    add(
        Invariant::Catalog,
        catalog_ahead(config, &ran.before, &ran.after),
    );
    add(
        Invariant::Scalar,
        foreign_change(config, &ran.before, &ran.after),
    );
    let leaks = ran.leaks.join(", ");
    add(
        Invariant::Secrets,
        (!leaks.is_empty()).then(|| format!("a secret can be read in {leaks}")),
    );
    if let Some(ending) = ran.ending {
        add(Invariant::Said, unsaid(clean, ran));
        let unsound =
            ["trapped", "violation", "limit"].contains(&ending) && clean.ending != Some(ending);
        add(
            Invariant::Sound,
            unsound.then(|| format!("the run ended as {ending}: {}", ran.message)),
        );
    }
    broken
}

/// A relation that a grant with `after = "merge"` covers, that the run has changed, and whose target's image no base
/// branch holds.
fn catalog_ahead(config: &Config, before: &World, after: &World) -> Option<String> {
    let grants = config.grants.0.iter().filter(|grant| grant.after_merge);
    for grant in grants {
        for ((blueprint, identifier), entity) in after.port.entities.iter() {
            if !grant.blueprint.contains(blueprint) {
                continue;
            }
            for (name, targets) in &entity.relations {
                let was = before
                    .port
                    .entity(blueprint, identifier)
                    .and_then(|was| was.relations.get(name));
                if was == Some(targets) || !grant.relations.contains(name) {
                    continue;
                }
                let known = was.map_or(&[][..], RelationTargets::identifiers);
                let mut new = targets.identifiers().iter();
                if let Some(target) = new.find(|target| {
                    !known.contains(target) && !is_in_git(config, grant, after, entity, target)
                }) {
                    let what = "which no file that may be promoted holds on a base branch";
                    return Some(format!(
                        "{blueprint}/{identifier} points at {target}, {what}"
                    ));
                }
            }
        }
    }
    None
}

/// Returns whether a base branch holds the image that an entity is to point at.
fn is_in_git(
    config: &Config,
    grant: &Grant,
    world: &World,
    updated: &CatalogEntity,
    target: &str,
) -> bool {
    let text = match &grant.holds {
        None => Some(target.to_owned()),
        Some(template) => {
            let mut named = world
                .port
                .entities
                .values()
                .filter(|entity| entity.identifier == target);
            named.next().and_then(|entity| {
                let mut context = context(entity);
                context["entity"] = self::context(updated);
                template.render(&context, str::to_owned).ok()
            })
        }
    };
    let paths = promotable(config);
    let texts = world
        .github
        .repositories
        .iter()
        .flat_map(|repository| base_files(repository, &paths));
    text.is_some_and(|text| texts.into_iter().any(|file| holds(&file, &text)))
}

fn context(entity: &CatalogEntity) -> Value {
    let targets = |targets: &RelationTargets| match targets.identifiers() {
        [one] => json!(one),
        many => json!(many),
    };
    let relations: Map<String, Value> = entity
        .relations
        .iter()
        .map(|(name, all)| (name.clone(), targets(all)))
        .collect();
    json!({
        "identifier": entity.identifier,
        "title": entity.title,
        "properties": entity.properties,
        "relations": relations,
    })
}

/// The files that a proposal may change, for whatever service: another environment's file is no evidence.
fn promotable(config: &Config) -> Vec<GlobMatcher> {
    let grants = config
        .grants
        .0
        .iter()
        .filter(|grant| grant.covers(Operation::Propose));
    let paths = grants
        .flat_map(|grant| &grant.path)
        .map(|path| path.fill_holes("*"));
    let globs =
        paths.filter_map(|path| GlobBuilder::new(&path).literal_separator(true).build().ok());
    globs.map(|glob| glob.compile_matcher()).collect()
}

fn base_files(repository: &RepositoryState, paths: &[GlobMatcher]) -> Vec<String> {
    let head = repository.branch(&repository.settings.default_branch);
    let tree = head.and_then(|head| repository.git.tree_of(head));
    let entries = tree
        .map(|tree| repository.git.walk(tree))
        .unwrap_or_default();
    entries
        .into_iter()
        .filter(|(path, _)| paths.iter().any(|glob| glob.is_match(path)))
        .filter_map(|(_, entry)| repository.git.blob(entry.id))
        .map(|blob| String::from_utf8_lossy(blob).into_owned())
        .collect()
}

/// Returns whether a file holds a reference, and not only the beginning of a longer one.
fn holds(file: &str, reference: &str) -> bool {
    file.match_indices(reference).any(|(at, _)| {
        let next = file[at + reference.len()..].chars().next();
        !next.is_some_and(|next| next.is_ascii_alphanumeric() || matches!(next, '.' | '_' | '-'))
    })
}

/// A new commit that changes more than values, unless a grant allows anything or somebody else made it.
fn foreign_change(config: &Config, before: &World, after: &World) -> Option<String> {
    let any =
        |grant: &&Grant| grant.changes == ChangeScope::Any && grant.covers(Operation::Propose);
    if config.grants.0.iter().any(|grant| any(&grant)) {
        return None;
    }
    let granted = config
        .grants
        .0
        .iter()
        .filter(|grant| grant.covers(Operation::Propose));
    let keys: Vec<&str> = granted.flat_map(Grant::value_keys).collect();
    for repository in &after.github.repositories {
        let name = repository.full_name();
        let was = before.github.find(&name);
        let known = was.map(reachable).unwrap_or_default();
        let new = reachable(repository)
            .into_iter()
            .filter(|commit| !known.contains(commit));
        for id in new {
            if let Some(what) = more_than_values(repository, id, &keys) {
                return Some(format!("commit {id} of {name}: {what}"));
            }
        }
    }
    None
}

fn reachable(repository: &RepositoryState) -> BTreeSet<ObjectId> {
    let heads = repository
        .refs
        .values()
        .chain(repository.pulls.values().map(|pull| &pull.head_sha));
    heads
        .flat_map(|head| repository.git.ancestors(*head))
        .collect()
}

fn more_than_values(repository: &RepositoryState, id: ObjectId, keys: &[&str]) -> Option<String> {
    let commit = repository.git.commit(id)?;
    // What others push in a world is theirs to answer for.
    if commit.author.name == PERSON {
        return None;
    }
    let mut parents = commit
        .parents
        .iter()
        .map(|parent| repository.git.tree_of(*parent));
    let parent = parents.next().flatten();
    // Of a merge counts what it adds itself, and not what another parent brought.
    let others: Vec<BTreeSet<String>> = parents
        .map(|other| paths_that_differ(repository, other, commit.tree))
        .collect();
    repository
        .git
        .changes(parent, Some(commit.tree))
        .into_iter()
        .filter(|change| others.iter().all(|differ| differ.contains(&change.path)))
        .find_map(|change| {
            let (Some(old), Some(new)) = (change.old, change.new) else {
                return Some(format!("{} is added or removed", change.path));
            };
            if old.mode != new.mode {
                return Some(format!("the mode of {} changes", change.path));
            }
            let text = |id| {
                String::from_utf8_lossy(repository.git.blob(id).unwrap_or_default()).into_owned()
            };
            let wrong =
                only_values_change(&text(old.id), &text(new.id), keys, ChangeScope::Images).err();
            wrong.map(|what| format!("{}: {what}", change.path))
        })
}

fn paths_that_differ(
    repository: &RepositoryState,
    from: Option<ObjectId>,
    to: ObjectId,
) -> BTreeSet<String> {
    let changes = repository.git.changes(from, Some(to)).into_iter();
    changes.map(|change| change.path).collect()
}

/// A run that has ended and whose Port run has not, without a word about it. One that waits has not ended.
fn unsaid(clean: &StepResult, ran: &StepResult) -> Option<String> {
    if ran.message.trim().is_empty() {
        return Some("the run ended without a word".to_owned());
    }
    let is_open = |world: &World| {
        let run = ran.run.as_ref().and_then(|run| world.port.runs.get(run));
        run.is_some_and(|run| run.status == RunStatus::InProgress)
    };
    let expected =
        ran.mode == Some(RunMode::Run) && ran.ending != Some("waiting") && !is_open(&clean.after);
    let unsaid = expected && is_open(&ran.after) && !ran.message.contains("Port could not be told");
    unsaid.then(|| {
        format!(
            "the run ended ({}), and Port shows it in progress",
            ran.message
        )
    })
}

/// A base branch that gained something else than these proposals.
pub(super) fn foreign_gain(asked: &AskedChanges<'_>, ran: &StepResult) -> Option<BrokenInvariant> {
    let what = unproposed(asked, &ran.before, &ran.after)?;
    Some(BrokenInvariant {
        invariant: Invariant::Gained,
        what,
    })
}

/// An ending, where promoted and unchanged are one: which of them it is depends on how far the run came that was hit, and the
/// worlds are compared by themselves.
fn kind_of(ending: Option<&'static str>) -> Option<&'static str> {
    match ending {
        Some("promoted" | "unchanged") => Some("done"),
        other => other,
    }
}

/// A run after one that was hit that ends in another way than the step ends when nothing hits it, the first time or the
/// second, or that refuses for other reasons.
pub(super) fn other_ending(
    undisturbed: [&StepResult; 2],
    next: &StepResult,
) -> Option<BrokenInvariant> {
    let is_same = |clean: &&StepResult| {
        kind_of(clean.ending) == kind_of(next.ending) && clean.rules == next.rules
    };
    if undisturbed.iter().any(is_same) {
        return None;
    }
    let show = |ran: &StepResult| {
        let rules = ran.rules.join(", ");
        format!(
            "{} ({rules}): {}",
            ran.ending.unwrap_or("nothing"),
            ran.message
        )
    };
    let [first, second] = undisturbed;
    Some(BrokenInvariant {
        invariant: Invariant::SameEnding,
        what: format!(
            "the next run ends in another way\nundisturbed: {}\nand again: {}\nafter the hit: {}",
            show(first),
            show(second),
            show(next)
        ),
    })
}

/// Another end than that of the run that nothing hit, or another number of pull requests on the way there.
pub(super) fn other_end(clean: &World, hit: &World) -> Option<BrokenInvariant> {
    let (gone, new) = only(&settled(clean), &settled(hit));
    let what = || format!("the next run comes to another end\nwithout: {gone}\nwith: {new}");
    (gone != new).then(|| BrokenInvariant {
        invariant: Invariant::Once,
        what: what(),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
