//! The mergeability of a pull request, and the tree that a merge would give.

use jiff::Timestamp;

use super::checks::any_unfinished;
use super::merge::web_flow;
use super::pull_state::Assessment;
use super::refusals;
use super::shapes::signed;
use super::state::{PullRequest, PullState, RepositoryState};
use crate::git::{CommitObject, GitObject, ObjectId, ObjectStore};

/// The result that GitHub computes behind `mergeable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mergeability {
    pub(super) mergeable: bool,
    /// `mergeable_state`: not documented in REST, but GraphQL's `MergeStateStatus` in small letters.
    pub(super) state: &'static str,
}

/// The tree of base and head together, or none if they conflict.
pub(super) fn merged_tree(
    git: &mut ObjectStore,
    base: ObjectId,
    head: ObjectId,
) -> Option<ObjectId> {
    let fork = git.merge_base(base, head)?;
    let fork = git.tree_of(fork)?;
    let base = git.tree_of(base)?;
    let head = git.tree_of(head)?;
    git.merge_trees(fork, base, head).ok()
}

/// Computes it for an open pull request.
pub(super) fn assess(
    repository: &RepositoryState,
    pull: &PullRequest,
    now: Timestamp,
) -> Mergeability {
    let mut git = repository.git.clone();
    let base = repository.branch(&pull.base);
    let merges = base.is_some_and(|base| merged_tree(&mut git, base, pull.head_sha).is_some());
    let rules = repository.rules_of(&pull.base);
    let behind = rules.strict && base.is_some_and(|base| !git.is_ancestor(base, pull.head_sha));
    let state = if !merges {
        "dirty"
    } else if pull.draft {
        "draft"
    } else if refusals::refusal(repository, pull, now).is_some() {
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
/// computed yet. A closed one keeps the last that was computed, and a merged one has none.
pub(super) fn look(
    repository: &mut RepositoryState,
    number: u64,
    now: Timestamp,
    unknown: u32,
) -> Option<Mergeability> {
    let pull = repository.pulls.get(&number)?;
    let base = match pull.state {
        PullState::Open => repository.branch(&pull.base)?,
        PullState::Closed { .. } => return Some(pull.assessed?.mergeability),
        PullState::Merged { .. } => return None,
    };
    let head = pull.head_sha;
    let asked = match pull.asked {
        Some((known_head, known_base, asked)) if (known_head, known_base) == (head, base) => asked,
        _ => 0,
    };
    if asked < unknown {
        let pull = repository.pulls.get_mut(&number)?;
        pull.asked = Some((head, base, asked + 1));
        pull.assessed = None;
        return None;
    }
    let mergeability = assess(repository, pull, now);
    let trial = trial_merge(repository, pull, base);
    repository.pulls.get_mut(&number)?.assessed = Some(Assessment {
        head,
        mergeability,
        trial,
    });
    Some(mergeability)
}

/// Returns the id of the merge commit that GitHub makes to try the merge out; none if head and base conflict.
fn trial_merge(
    repository: &RepositoryState,
    pull: &PullRequest,
    base: ObjectId,
) -> Option<ObjectId> {
    let mut git = repository.git.clone();
    let tree = merged_tree(&mut git, base, pull.head_sha)?;
    let commit = GitObject::Commit(CommitObject {
        tree,
        parents: vec![base, pull.head_sha],
        author: signed(&pull.author, pull.updated_at),
        committer: web_flow(pull.updated_at),
        message: format!("Merge {} into {base}", pull.head_sha),
    });
    Some(commit.id())
}
