use std::path::Path;

use super::*;
use crate::scenario::{CallFate, MadeCall, Scenario};
use promote_core::call::{Call, Reply};
use promote_core::contract::{FileChange, MergeMethod, Proposal};
use promote_mock::git::{CommitObject, CommitSignature, FileMode, GitObject, PathEntry, TreeEdits};
use promote_mock::github::PullState;
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

/// The sample with a merge of a branch that changed the readme, whose own tree has this in the manifest's place as well.
fn with_merge(change: impl Fn(&str) -> String) -> World {
    let mut world = World::sample();
    let manifest = world
        .github
        .file_at("acme/gitops", "main", MANIFEST)
        .unwrap();
    let now = world.now;
    let repository = world.github.find_mut("acme/gitops").unwrap();
    let first = repository.branch("main").unwrap();
    let mut commit = |parents: Vec<ObjectId>, author: &str, files: &[(&str, String)]| {
        let base = repository.git.tree_of(first);
        let mut entry = |text: &String| PathEntry {
            mode: FileMode::File,
            id: repository.git.insert_blob(text.clone()),
        };
        let entries: Vec<_> = files.iter().map(|(path, text)| (*path, text)).collect();
        let mut edits = TreeEdits::new();
        for (path, text) in entries {
            edits.insert(path.to_owned(), Some(entry(text)));
        }
        let tree = repository.git.edit_tree(base, &edits).unwrap();
        let author = CommitSignature::new(author, "", now);
        let commit = CommitObject {
            tree,
            parents,
            committer: author.clone(),
            author,
            message: String::new(),
        };
        repository.git.insert(GitObject::Commit(commit))
    };
    let readme = ("README.md", "another\n".to_owned());
    let theirs = commit(vec![first], PERSON, std::slice::from_ref(&readme));
    let both = [readme, (MANIFEST, change(&manifest))];
    let merge = commit(vec![first, theirs], "bot", &both);
    repository.refs.insert("refs/heads/main".to_owned(), merge);
    world
}

#[test]
fn of_a_merge_counts_what_it_adds_itself() {
    for (from, to, expected) in [
        ("", "", false),
        ("web:1.4.1", "web:1.4.2", false),
        ("replicas: 3", "replicas: 4", true),
    ] {
        let world = with_merge(|text| text.replace(from, to));
        let found = foreign_change(&config(), &World::sample(), &world);
        assert_eq!(found.is_some(), expected, "{found:?}");
    }
}

/// A world with a pull request to a branch, and the same after this user merged it with this in the manifest.
fn merged(by: &str, base: &str, change: impl Fn(&str) -> String) -> [World; 2] {
    let text = format!(
        "[[given.github.repositories]]\nname = \"acme/gitops\"\n\
         [[given.github.repositories.branches]]\nname = \"release\"\nfiles = {{ x = \"y\" }}\n\
         [[given.github.repositories.branches]]\nname = \"promote/web\"\nfiles = {{ x = \"z\" }}\n\
         [[given.github.repositories.pulls]]\nhead = \"promote/web\"\nbase = \"{base}\"\ntitle = \"Promote\"\n\
         [expect]\noutcome = \"promoted\"\n"
    );
    let before = Scenario::parse(&text, Path::new("merged.toml"))
        .unwrap()
        .world;
    let mut after = before.clone();
    let now = after.now;
    let file = after.github.file_at("acme/gitops", base, MANIFEST).unwrap();
    let edits = [(MANIFEST.to_owned(), change(&file).into())];
    after
        .github
        .commit_files_by("promoter", "acme/gitops", base, "Promote", edits)
        .unwrap();
    let repository = after.github.find_mut("acme/gitops").unwrap();
    let commit = repository.branch(base).unwrap();
    let pull = repository.pulls.values_mut().next_back().unwrap();
    pull.state = PullState::Merged {
        at: now,
        by: by.to_owned(),
        commit,
    };
    [before, after]
}

/// The calls that propose the right change for `main`, and merge it.
fn asked(before: &World) -> [MadeCall; 2] {
    let file = before
        .github
        .file_at("acme/gitops", "main", MANIFEST)
        .unwrap();
    let entry = before
        .github
        .entry_at("acme/gitops", "main", MANIFEST)
        .unwrap();
    let proposal = Proposal {
        repository: "acme/gitops".to_owned(),
        base: "main".to_owned(),
        base_commit: String::new(),
        head: "promote/web".to_owned(),
        title: String::new(),
        body: String::new(),
        changes: vec![FileChange {
            path: MANIFEST.to_owned(),
            content: file.replace("web:1.4.1", "web:1.4.2"),
            expected_blob: entry.id.to_string(),
        }],
        image: None,
    };
    let merge = Call::Merge {
        repository: "acme/gitops".to_owned(),
        number: 1,
        expected_head: String::new(),
        method: MergeMethod::Merge,
    };
    [Call::Propose { proposal }, merge].map(|call| MadeCall {
        call,
        answer: CallFate::Reply(Box::new(Reply::Done(()))),
    })
}

#[test]
fn a_base_branch_that_gains_something_else_is_seen() {
    let right = |text: &str| text.replace("web:1.4.1", "web:1.4.2");
    let more = |text: &str| right(text).replace("replicas: 3", "replicas: 4");
    let told = 2;
    let untold = 1;
    type TextChange<'a> = &'a dyn Fn(&str) -> String;
    let cases: [(&str, &str, TextChange<'_>, usize, Option<&str>); 6] = [
        ("promoter", "main", &right, told, None),
        (
            "promoter",
            "main",
            &more,
            told,
            Some("not as it was proposed"),
        ),
        ("dana", "main", &more, told, None),
        (
            "promoter",
            "release",
            &right,
            told,
            Some("for another branch"),
        ),
        // Somebody has pointed it there in the last moment, and the policy knows nothing of a merge.
        ("promoter", "release", &right, untold, None),
        (
            "promoter",
            "release",
            &more,
            untold,
            Some("not as it was proposed"),
        ),
    ];
    for (by, base, change, calls, expected) in cases {
        let [before, after] = merged(by, base, change);
        let made = asked(&before);
        let found = unproposed(&AskedChanges::of(&made[..calls]), &before, &after);
        assert_eq!(
            found.is_some(),
            expected.is_some(),
            "{by} {base}: {found:?}"
        );
        let found = found.unwrap_or_default();
        assert!(found.contains(expected.unwrap_or_default()), "{found}");
    }
    let pushed = with_manifest("promoter", right);
    let found = unproposed(&AskedChanges::of(&[]), &World::sample(), &pushed);
    assert!(found.unwrap().contains("which no pull request brought"));
}

#[test]
fn another_ending_is_seen() {
    let ended = |ending, rule: &str| {
        let mut ran = StepResult::new(World::default());
        ran.ending = Some(ending);
        ran.rules = vec![rule.to_owned()];
        ran
    };
    let first = ended("promoted", "");
    let again = ended("unchanged", "");
    let other = |next: &StepResult| other_ending([&first, &again], next).map(|it| it.invariant);
    assert_eq!(other(&ended("promoted", "")), None);
    assert_eq!(other(&ended("unchanged", "")), None);
    assert_eq!(other(&ended("violation", "")), Some(Invariant::SameEnding));
    // The scenario's own fault hit the undisturbed run, and the other one before it had done anything.
    let failed = ended("failed", "");
    assert_eq!(other_ending([&failed, &again], &first), None);
    let refused = ended("refused", "lock");
    let next = ended("refused", "soak");
    assert!(other_ending([&refused, &refused], &next).is_some());
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
