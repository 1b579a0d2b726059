//! Obstacles to a merge: every refusal of "Merge a pull request", with the words that a policy gets for it.

use promote_core::contract::MergeMethod;
use promote_mock::World;
use promote_mock::github::{BranchRules, MergeStyle};

use crate::bench::{HEAD, PATH, REPOSITORY};
use crate::journeys::{repository, rules};

/// An obstacle to a merge, the method, and the first words that the policy gets.
pub(crate) type RefusalCase = (fn(&mut World), MergeMethod, &'static str);

pub(crate) fn refusals() -> Vec<RefusalCase> {
    use MergeMethod::{Merge, Rebase, Squash};
    fn conflicting(world: &mut World) {
        world.github.commit_files(
            REPOSITORY,
            "main",
            "theirs",
            [(PATH.to_owned(), "x".into())],
        );
    }
    fn check(world: &mut World, conclusion: Option<&str>) {
        rules(
            world,
            BranchRules {
                required_checks: vec!["validate".into()],
                ..BranchRules::default()
            },
        );
        let head = repository(world).pulls[&1].head_sha;
        world
            .github
            .set_check(REPOSITORY, head, "validate", conclusion);
    }
    vec![
        (
            |world| world.github.weather.base_modified = 1000,
            Merge,
            "conflict",
        ),
        (conflicting, Merge, "conflict"),
        (conflicting, Rebase, "conflict"),
        (
            |world| {
                world.github.close_pull_request(REPOSITORY, 1);
            },
            Merge,
            "conflict",
        ),
        (
            |world| {
                world.github.commit_files(
                    REPOSITORY,
                    HEAD,
                    "theirs",
                    [("x".to_owned(), "x".into())],
                );
            },
            Merge,
            "conflict",
        ),
        (
            |world| repository(world).pulls.get_mut(&1).unwrap().draft = true,
            Merge,
            "rejected",
        ),
        (
            |world| repository(world).settings.allow_merge_commit = false,
            Merge,
            "rejected",
        ),
        (
            |world| repository(world).settings.allow_squash_merge = false,
            Squash,
            "rejected",
        ),
        (
            |world| repository(world).settings.allow_rebase_merge = false,
            Rebase,
            "rejected",
        ),
        (
            |it| {
                rules(
                    it,
                    BranchRules {
                        linear_history: true,
                        ..BranchRules::default()
                    },
                )
            },
            Merge,
            "rejected",
        ),
        (
            |it| {
                rules(
                    it,
                    BranchRules {
                        allowed_methods: Some(vec![MergeStyle::Squash]),
                        ..BranchRules::default()
                    },
                )
            },
            Merge,
            "rejected",
        ),
        (
            |it| {
                rules(
                    it,
                    BranchRules {
                        required_checks: vec!["a".into(), "b".into()],
                        ..BranchRules::default()
                    },
                )
            },
            Merge,
            "later",
        ),
        (|world| check(world, None), Merge, "later"),
        (|world| check(world, Some("failure")), Merge, "later"),
        (
            |it| {
                rules(
                    it,
                    BranchRules {
                        required_approvals: 2,
                        ..BranchRules::default()
                    },
                )
            },
            Merge,
            "later",
        ),
        (
            |it| {
                rules(
                    it,
                    BranchRules {
                        restricts_pushes: true,
                        ..BranchRules::default()
                    },
                )
            },
            Merge,
            "rejected",
        ),
        (
            |it| {
                rules(
                    it,
                    BranchRules {
                        merge_queue: true,
                        ..BranchRules::default()
                    },
                )
            },
            Merge,
            "rejected",
        ),
        (
            |world| repository(world).settings.archived = true,
            Merge,
            "other",
        ),
        (|world| repository(world).pulls.clear(), Merge, "not-found"),
    ]
}
