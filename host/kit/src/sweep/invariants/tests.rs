use super::*;
use promote_mock::git::{CommitObject, CommitSignature, FileMode, GitObject, PathEntry, TreeEdits};
use promote_mock::port::RelationTargets;

const MANIFEST: &str = "apps/web/prod/deployment.yaml";

fn config() -> Config {
    Config::parse(crate::demo::CONFIG).unwrap()
}

/// The sample after somebody has put a text in the manifest's place, on `main`.
fn with_manifest(author: &str, change: impl Fn(&str) -> String) -> World {
    let mut world = World::sample();
    let content = change(
        &world
            .github
            .file_at("acme/gitops", "main", MANIFEST)
            .unwrap(),
    );
    let now = world.now;
    let repository = world.github.find_mut("acme/gitops").unwrap();
    let parent = repository.branch("main").unwrap();
    let id = repository.git.insert_blob(content);
    let edits = TreeEdits::from([(
        MANIFEST.to_owned(),
        Some(PathEntry {
            mode: FileMode::File,
            id,
        }),
    )]);
    let base = repository.git.tree_of(parent);
    let tree = repository.git.edit_tree(base, &edits).unwrap();
    let parents = vec![parent];
    let author = CommitSignature::new(author, "", now);
    let committer = author.clone();
    let commit = CommitObject {
        tree,
        parents,
        author,
        committer,
        message: String::new(),
    };
    let commit = repository.git.insert(GitObject::Commit(commit));
    repository.refs.insert("refs/heads/main".to_owned(), commit);
    world
}

fn recorded(mut world: World) -> World {
    let key = ("running_service".to_owned(), "web-prod".to_owned());
    let production = world.port.entities.get_mut(&key).unwrap();
    production.relations.insert(
        "image".to_owned(),
        RelationTargets::One("web-1.4.2".to_owned()),
    );
    world
}

#[test]
fn a_catalog_ahead_of_git_is_seen() {
    let promoted = |text: &str| text.replace("web:1.4.1", "web:1.4.2");
    for (world, expected) in [
        (World::sample(), None),
        (
            recorded(World::sample()),
            Some("running_service/web-prod points at web-1.4.2"),
        ),
        (recorded(with_manifest("bot", promoted)), None),
        (
            recorded(with_manifest("bot", |text| {
                text.replace("web:1.4.1", "web:1.4.20")
            })),
            Some("web-1.4.2"),
        ),
    ] {
        let found = catalog_ahead(&config(), &World::sample(), &world);
        assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
        assert!(
            found
                .unwrap_or_default()
                .contains(expected.unwrap_or_default())
        );
    }
}

#[test]
fn a_commit_that_changes_more_than_a_value_is_seen() {
    let more = |text: &str| text.replace("replicas: 3", "replicas: 4");
    for (world, expected) in [
        (
            with_manifest("bot", |text| text.replace("web:1.4.1", "web:1.4.2")),
            false,
        ),
        (with_manifest("bot", more), true),
        (with_manifest("dana", more), false),
    ] {
        let found = foreign_change(&config(), &World::sample(), &world);
        assert_eq!(found.is_some(), expected, "{found:?}");
    }
}

#[test]
fn another_end_is_seen() {
    let sample = World::sample();
    assert_eq!(other_end(&sample, &sample), None);
    let broken = other_end(&sample, &recorded(World::sample())).unwrap();
    assert_eq!(broken.invariant, Invariant::Once);
    assert!(
        broken.what.contains("web-1.4.1") && broken.what.contains("web-1.4.2"),
        "{broken:?}"
    );
}
