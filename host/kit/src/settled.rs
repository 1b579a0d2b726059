//! The state of a world that others see once all has settled, as lines of text that can be compared.

use promote_mock::World;
use promote_mock::github::PullState;
use promote_mock::port::CatalogEntity;

/// Shows what others see of Port and GitHub once all is settled: the content of branches, pull requests, the catalog. Not when,
/// and not what was said.
pub(crate) fn settled(world: &World) -> String {
    let mut lines = Vec::new();
    for repository in &world.github.repositories {
        let name = repository.full_name();
        for (branch, head) in &repository.refs {
            let tree = repository.git.tree_of(*head);
            let tree = tree.map(|tree| tree.to_string()).unwrap_or_default();
            lines.push(format!("{name} {branch} holds {tree}"));
        }
        for pull in repository.pulls.values() {
            let state = match pull.state {
                PullState::Open => "open",
                PullState::Closed { .. } => "closed",
                PullState::Merged { .. } => "merged",
            };
            lines.push(format!(
                "{name} pull request {} to {}: {state}",
                pull.head, pull.base
            ));
        }
    }
    for entity in world.port.entities.values() {
        let CatalogEntity {
            blueprint,
            identifier,
            title,
            properties,
            relations,
            ..
        } = entity;
        lines.push(format!(
            "{blueprint}/{identifier}: {title:?} {properties:?} {relations:?}"
        ));
    }
    lines.join("\n") + "\n"
}
