//! What the base branches gained in a run, held against what its policy proposed.
//!
//! It looks at git: at every pull request that the run's identity merged, and at every commit that reached a branch on another
//! way. A person may point a pull request at another branch in the moment of its merge, which nobody can prevent; then the
//! policy must not be told that it was merged.

use std::collections::BTreeSet;

use promote_core::call::Call;
use promote_core::contract::Proposal;
use promote_mock::World;
use promote_mock::git::{ObjectId, PathChange};
use promote_mock::github::{PullRequest, PullState, RepositoryState};

use crate::scenario::{CallFate, MadeCall};

/// The person of the mock who pushes and merges in events: what they do is theirs to answer for.
pub(super) const PERSON: &str = "dana";

/// What the calls of some runs asked for.
pub(super) struct AskedChanges<'a> {
    /// The proposals, whatever came of them.
    proposals: Vec<&'a Proposal>,
    /// The merges that the policy was told of, by repository and number.
    merges: BTreeSet<(&'a str, u64)>,
}

impl<'a> AskedChanges<'a> {
    /// Takes them from calls.
    pub(super) fn of(calls: impl IntoIterator<Item = &'a MadeCall>) -> Self {
        let mut asked = Self {
            proposals: Vec::new(),
            merges: BTreeSet::new(),
        };
        for made in calls {
            match (&made.call, &made.answer) {
                (Call::Propose { proposal }, _) => asked.proposals.push(proposal),
                (
                    Call::Merge {
                        repository, number, ..
                    }
                    | Call::MergeWhenReady {
                        repository, number, ..
                    },
                    CallFate::Reply(_),
                ) => {
                    asked.merges.insert((repository, u64::from(*number)));
                }
                _ => {}
            }
        }
        asked
    }
}

/// Says what a base branch gained between two worlds that nobody proposed, if it gained such a thing.
pub(super) fn unproposed(
    asked: &AskedChanges<'_>,
    before: &World,
    after: &World,
) -> Option<String> {
    after.github.repositories.iter().find_map(|repository| {
        let name = repository.full_name();
        let was = before.github.find(&name)?;
        let is_own = |branch: &str| {
            asked
                .proposals
                .iter()
                .any(|proposal| proposal.head == branch)
        };
        let branches = repository.refs.iter().filter_map(|(full, head)| {
            let branch = full.strip_prefix("refs/heads/")?;
            let old = was.branch(branch)?;
            (old != *head && !is_own(branch)).then_some((branch, old, *head))
        });
        let mut branches = branches;
        branches.find_map(|(branch, old, new)| {
            let gain = BranchGain {
                repository,
                name: &name,
                branch,
                commits: repository.git.ahead(old, new),
            };
            gain.unproposed(asked)
        })
    })
}

/// The commits that a branch gained.
struct BranchGain<'a> {
    repository: &'a RepositoryState,
    name: &'a str,
    branch: &'a str,
    commits: Vec<ObjectId>,
}

impl BranchGain<'_> {
    fn unproposed(&self, asked: &AskedChanges<'_>) -> Option<String> {
        let mut explained = BTreeSet::new();
        for pull in self.repository.pulls.values() {
            let PullState::Merged { by, commit, .. } = &pull.state else {
                continue;
            };
            if !self.commits.contains(commit) {
                continue;
            }
            explained.insert(*commit);
            let parent = self.first_parent(*commit);
            let parent_or_self = parent.unwrap_or(*commit);
            explained.extend(self.repository.git.ahead(parent_or_self, pull.head_sha));
            if by == PERSON {
                continue;
            }
            if let Some(what) = self.foreign_to(pull, parent, *commit, asked) {
                return Some(format!(
                    "{} of {} gained by pull request #{}: {what}",
                    self.branch, self.name, pull.number
                ));
            }
        }
        let unexplained = self
            .commits
            .iter()
            .find(|id| !explained.contains(id) && !self.is_by_person(**id))?;
        Some(format!(
            "{} of {} gained the commit {unexplained}, which no pull request brought",
            self.branch, self.name
        ))
    }

    /// Says what a merge brought that no proposal for this branch holds.
    fn foreign_to(
        &self,
        pull: &PullRequest,
        parent: Option<ObjectId>,
        merge: ObjectId,
        asked: &AskedChanges<'_>,
    ) -> Option<String> {
        let git = &self.repository.git;
        let is_of_pull =
            |proposal: &Proposal| proposal.repository == self.name && proposal.head == pull.head;
        let proposals: Vec<&Proposal> = asked
            .proposals
            .iter()
            .copied()
            .filter(|proposal| is_of_pull(proposal))
            .collect();
        let is_for_another = proposals
            .iter()
            .all(|proposal| proposal.base != self.branch);
        if is_for_another && asked.merges.contains(&(self.name, pull.number)) {
            return Some("it was proposed for another branch, and told to be merged".to_owned());
        }
        let old = parent.and_then(|parent| git.tree_of(parent));
        let changes = git.changes(old, git.tree_of(merge));
        changes.into_iter().find_map(|change| {
            let is_proposed =
                proposals
                    .iter()
                    .flat_map(|proposal| &proposal.changes)
                    .any(|proposed| {
                        proposed.path == change.path
                            && self.is_same_edit(
                                &change,
                                &proposed.expected_blob,
                                &proposed.content,
                            )
                    });
            (!is_proposed).then(|| format!("{} changed, and not as it was proposed", change.path))
        })
    }

    /// Returns whether a file changed by the same lines as a proposal does: the base may have moved in between.
    fn is_same_edit(&self, change: &PathChange, blob: &str, content: &str) -> bool {
        let text = |id: ObjectId| {
            let bytes = self.repository.git.blob(id).unwrap_or_default();
            String::from_utf8_lossy(bytes).into_owned()
        };
        let (Some(old), Some(new)) = (change.old, change.new) else {
            return false;
        };
        let read: String = blob.parse().map(text).unwrap_or_default();
        let found = changed_lines(&text(old.id), &text(new.id));
        old.mode == new.mode && found == changed_lines(&read, content)
    }

    fn first_parent(&self, commit: ObjectId) -> Option<ObjectId> {
        self.repository.git.commit(commit)?.parents.first().copied()
    }

    fn is_by_person(&self, commit: ObjectId) -> bool {
        let commit = self.repository.git.commit(commit);
        commit.is_some_and(|commit| commit.author.name == PERSON)
    }
}

/// Returns the lines that only the old text has, and those that only the new one has.
fn changed_lines(old: &str, new: &str) -> [Vec<String>; 2] {
    let without = |these: &str, those: &str| {
        let mut others: Vec<&str> = those.lines().collect();
        let mut left = Vec::new();
        for line in these.lines() {
            match others.iter().position(|other| *other == line) {
                Some(at) => drop(others.remove(at)),
                None => left.push(line.to_owned()),
            }
        }
        left
    };
    [without(old, new), without(new, old)]
}
