//! The mergeability of a pull request, and the tree that a merge would give.

use jiff::Timestamp;

use super::checks::any_unfinished;
use super::rules;
use super::state::{PullRequest, PullState, Repository};
use crate::git::{Oid, Store};

/// The result that GitHub computes behind `mergeable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mergeability {
    pub(super) mergeable: bool,
    /// `mergeable_state`: not documented in REST, but GraphQL's `MergeStateStatus` in small letters.
    pub(super) state: &'static str,
}

/// The tree of base and head together, or none if they conflict.
pub(super) fn merged_tree(git: &mut Store, base: Oid, head: Oid) -> Option<Oid> {
    let fork = git.merge_base(base, head)?;
    let fork = git.tree_of(fork)?;
    let base = git.tree_of(base)?;
    let head = git.tree_of(head)?;
    git.merge_trees(fork, base, head).ok()
}

/// Computes it for an open pull request.
pub(super) fn assess(repository: &Repository, pull: &PullRequest, now: Timestamp) -> Mergeability {
    let mut git = repository.git.clone();
    let base = repository.branch(&pull.base);
    let merges = base.is_some_and(|base| merged_tree(&mut git, base, pull.head_sha).is_some());
    let rules = repository.rules_of(&pull.base);
    let behind = rules.strict && base.is_some_and(|base| !git.is_ancestor(base, pull.head_sha));
    let state = if !merges {
        "dirty"
    } else if pull.draft {
        "draft"
    } else if rules.merge_queue || rules::refusal(repository, pull, now).is_some() {
        "blocked"
    } else if behind {
        "behind"
    } else if any_unfinished(repository, pull.head_sha, now) {
        "unstable"
    } else {
        "clean"
    };
    Mergeability {
        mergeable: merges,
        state,
    }
}

/// Returns the mergeability that a look at the pull request shows. The first looks at a new head or base find it not
/// computed yet.
pub(super) fn look(
    repository: &mut Repository,
    number: u64,
    now: Timestamp,
    unknown: u32,
) -> Option<Mergeability> {
    let pull = repository.pulls.get(&number)?;
    if pull.state != PullState::Open {
        return None;
    }
    let pair = (pull.head_sha, repository.branch(&pull.base)?);
    let asked = match pull.asked {
        Some((head, base, asked)) if (head, base) == pair => asked,
        _ => 0,
    };
    if asked < unknown {
        repository.pulls.get_mut(&number)?.asked = Some((pair.0, pair.1, asked + 1));
        return None;
    }
    Some(assess(repository, pull, now))
}
