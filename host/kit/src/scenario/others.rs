//! The parts of Port and GitHub that a step's expectation does not name, as text: equal before and after means that nothing
//! else was written.

use super::ask::StepExpect;
use super::result::StepResult;
use promote_mock::World;
use promote_mock::git::FileMode;
use promote_mock::github::RepositoryState;
use promote_mock::port::Port;

/// Returns both services before and after as text, without the log and the end of one Port run; none if nothing changed.
pub(super) fn changed(before: &World, after: &World, run: Option<&str>) -> Option<[String; 2]> {
    let ports = [before, after].map(|world| {
        let mut port = world.port.clone();
        if let Some(run) = run {
            port.runs.remove(run);
        }
        port
    });
    // Most steps that are to write nothing do not, and to see that takes no text.
    if ports[0].holds_the_same(&ports[1]) && before.github.holds_the_same(&after.github) {
        return None;
    }
    let text = |port: &Port, world: &World| {
        format!("{}\n{}", port.fingerprint(), world.github.fingerprint())
    };
    let texts = [text(&ports[0], before), text(&ports[1], after)];
    (texts[0] != texts[1]).then_some(texts)
}

/// Returns both services as text, without the Port run of the step and whatever the expectation names.
pub(super) fn others(world: &World, expect: &StepExpect, ran: &StepResult) -> String {
    let mut port = world.port.clone();
    let named = expect.run.as_ref().and_then(|run| run.id.as_ref());
    for run in [ran.run.as_ref(), named].into_iter().flatten() {
        port.runs.remove(run);
    }
    for name in expect.entities.keys() {
        if let Some((blueprint, identifier)) = name.split_once('/') {
            port.entities
                .remove(&(blueprint.to_owned(), identifier.to_owned()));
        }
    }
    let mut lines = vec![port.fingerprint()];
    for (index, repository) in world.github.repositories.iter().enumerate() {
        // `pulls` and `branches` speak of the first repository.
        let named = |is_named: bool| is_named && index == 0;
        if !named(expect.branches.is_some()) {
            lines.extend(
                repository
                    .refs
                    .keys()
                    .map(|name| format!("{} {name}", repository.full_name())),
            );
        }
        if !named(expect.pulls.is_some()) {
            lines.extend(repository.pulls.values().map(|pull| format!("{pull:?}")));
        }
        if expect.diff.is_none() {
            lines.extend(files(repository, expect, index == 0));
        }
        lines.extend(
            repository
                .statuses
                .iter()
                .map(|status| format!("{status:?}")),
        );
    }
    lines.join("\n")
}

/// The files of the default branch that `files` does not name.
fn files(repository: &RepositoryState, expect: &StepExpect, is_first: bool) -> Vec<String> {
    let head = repository.branch(&repository.settings.default_branch);
    let tree = head.and_then(|head| repository.git.tree_of(head));
    let name = repository.full_name();
    let is_named = |path: &str| {
        (is_first && expect.files.contains_key(path))
            || expect.files.contains_key(&format!("{name}:{path}"))
    };
    let entries = tree
        .map(|tree| repository.git.walk(tree))
        .unwrap_or_default();
    let others = entries
        .into_iter()
        .filter(|(path, entry)| entry.mode != FileMode::Tree && !is_named(path));
    others
        .map(|(path, entry)| format!("{name}:{path} {} {}", entry.mode.digits(), entry.id))
        .collect()
}
