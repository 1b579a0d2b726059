//! The base branch's history between two moments.

use std::collections::BTreeSet;

use super::company::{BASE, REPOSITORY};
use promote_mock::World;
use promote_mock::git::ObjectId;
use promote_mock::github::{PullState, RepositoryState};

/// The name of everybody who commits and is not us, in every world.
pub(super) const PERSON: &str = "dana";

/// The commits that the base branch gained between two moments.
pub(super) struct BaseHistory<'a> {
    repository: Option<&'a RepositoryState>,
    /// The head before, and what came after it.
    commits: Vec<ObjectId>,
}

/// A file that a commit of ours changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnChange {
    pub(super) path: String,
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

impl<'a> BaseHistory<'a> {
    /// The commits between two moments, with the one that was the head at the first.
    pub(super) fn between(before: &World, after: &'a World) -> Self {
        let repository = after.github.find(REPOSITORY);
        let was = before
            .github
            .find(REPOSITORY)
            .and_then(|repository| repository.branch(BASE));
        let commits = repository
            .zip(repository.and_then(|repository| repository.branch(BASE)))
            .map(|(repository, head)| {
                let old: BTreeSet<ObjectId> = was
                    .map(|was| repository.git.ancestors(was))
                    .unwrap_or_default();
                let all = repository.git.ancestors(head).into_iter();
                all.filter(|id| !old.contains(id)).chain(was).collect()
            });
        Self {
            repository,
            commits: commits.unwrap_or_default(),
        }
    }

    /// The texts that a path had at each of these commits.
    pub(super) fn texts(&self, path: &str) -> Vec<String> {
        let text = |commit: &ObjectId| {
            let repository = self.repository?;
            let tree = repository.git.tree_of(*commit)?;
            let entry = repository.git.entry_at(tree, path)?;
            let blob = repository.git.blob(entry.id)?;
            Some(String::from_utf8_lossy(blob).into_owned())
        };
        self.commits.iter().filter_map(text).collect()
    }

    /// The message of a commit that is not ours.
    pub(super) fn by_others(&self) -> Option<String> {
        let (_, gained) = self.commits.split_last()?;
        let git = &self.repository?.git;
        let mut commits = gained.iter().filter_map(|id| git.commit(*id));
        let other = commits.find(|commit| commit.author.name == PERSON)?;
        Some(other.message.clone())
    }

    /// What commits of ours changed. Merges of two lines are left out: what they bring in are commits of their own.
    pub(super) fn ours(&self) -> Vec<OwnChange> {
        self.changes(|_| true)
    }

    /// What commits of ours changed, but for those that merge what somebody else had pushed beside ours.
    pub(super) fn ours_alone(&self) -> Vec<OwnChange> {
        self.changes(|commit| !self.has_rider(commit))
    }

    /// Whether a commit is the merge of a pull request with a commit of somebody else.
    fn has_rider(&self, commit: &ObjectId) -> bool {
        let Some(repository) = self.repository else {
            return false;
        };
        let git = &repository.git;
        let mut merged = repository.pulls.values().filter(
            |pull| matches!(&pull.state, PullState::Merged { commit: of, .. } if of == commit),
        );
        merged.any(|pull| {
            let base = git.ancestors(pull.base_sha);
            let of_branch = git.ancestors(pull.head_sha).into_iter();
            let mut own = of_branch.filter(|id| !base.contains(id));
            own.any(|id| git.commit(id).is_some_and(|it| it.author.name == PERSON))
        })
    }

    fn changes(&self, counts: impl Fn(&ObjectId) -> bool) -> Vec<OwnChange> {
        let Some(repository) = self.repository else {
            return Vec::new();
        };
        // The last one was there before.
        let gained = self
            .commits
            .split_last()
            .map_or(&[][..], |(_, gained)| gained);
        let git = &repository.git;
        let text = |id| {
            git.blob(id)
                .map(|blob| String::from_utf8_lossy(blob).into_owned())
        };
        gained
            .iter()
            .filter(|id| counts(id))
            .filter_map(|id| git.commit(*id))
            .filter(|commit| commit.author.name != PERSON && commit.parents.len() == 1)
            .flat_map(|commit| git.changes(git.tree_of(commit.parents[0]), Some(commit.tree)))
            .map(|change| OwnChange {
                path: change.path,
                old: change.old.and_then(|entry| text(entry.id)),
                new: change.new.and_then(|entry| text(entry.id)),
            })
            .collect()
    }
}
