//! The evidence of one run: what its calls have shown, as far as later calls depend on it.
//!
//! Some grants are about order: the catalog may name an image only after the base branch holds it, and only what this
//! run proposed may be merged. Evidence is typed: a file on a branch holds a whole value of a known key, read by the
//! lexer that checks changes. A substring, a comment, another file or an entity of the same name prove nothing.

mod proposal;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use proposal::MergeRecord;
pub use proposal::ProposalRecord;
pub(super) use proposal::UnreadMerge;

use super::values::manifest_values;
use crate::call::{Call, Reply};
use crate::contract::{Entity, File, Merged, Proposal, PullRequest, PullState};
use crate::id::{BlobId, BranchFile, BranchName, CommitId, EntityId, PullId, RepositoryId};
use crate::image::ImageAddress;

/// The evidence of one run.
#[derive(Debug, Default)]
pub struct Evidence {
    entities: BTreeMap<EntityId, Entity>,
    /// Every version of a file that was read at a branch.
    versions: BTreeMap<(BranchFile, BlobId), String>,
    /// The newest text of a file that was read at a branch, or at a commit that this run merged into it.
    newest: BTreeMap<BranchFile, HeldText>,
    /// The commit at which a branch was seen last, unless this run has merged into it since.
    heads: BTreeMap<(RepositoryId, BranchName), CommitId>,
    /// Commits at which a branch was seen.
    commits: BTreeSet<(RepositoryId, BranchName, CommitId)>,
    proposals: BTreeMap<PullId, ProposalRecord>,
    /// The merges of this run, each with its commit.
    merges: BTreeMap<PullId, CommitId>,
    /// Pull requests that were proposed or read, as they were answered last.
    pulls: BTreeMap<PullId, PullRequest>,
    /// The digests that registries gave for references, the newest of each.
    digests: BTreeMap<ImageAddress, String>,
}

/// The text of a file on a branch, as this run knows it.
#[derive(Clone, Debug)]
struct HeldText {
    text: String,
    /// The commit of the branch that holds it.
    commit: CommitId,
    /// Since when others may have changed it: the beginning of the call that read or merged it. None for what was merged
    /// before that.
    since: Option<Timestamp>,
}

impl Evidence {
    /// Takes note of a call that succeeded, and that began at this time.
    pub(super) fn observe(&mut self, call: &Call, reply: &Reply, began: Timestamp) {
        match (call, reply) {
            (_, Reply::Entity(Some(entity)) | Reply::Updated(entity)) => self.add_entity(entity),
            (_, Reply::Entities(entities)) => {
                for entity in entities.iter().flatten() {
                    self.add_entity(entity);
                }
            }
            (_, Reply::Found(entities)) => {
                for entity in entities {
                    self.add_entity(entity);
                }
            }
            (
                Call::ReadFile {
                    repository,
                    path,
                    revision,
                },
                Reply::File(Some(file)),
            ) => {
                self.add_file(BranchFile::new(repository, revision, path), file, began);
                // What is read at a commit of a branch is read at the branch.
                for branch in self.branches_at(repository, revision) {
                    let at = BranchFile::new(repository, branch.as_str(), path);
                    self.add_file(at, file, began);
                }
            }
            (Call::GetDigest { reference }, Reply::Digest(Some(digest))) => {
                self.add_digest(reference, digest);
            }
            (Call::GetImage { reference }, Reply::Image(Some(image))) => {
                self.add_digest(reference, &image.digest);
            }
            (Call::Propose { proposal }, Reply::PullRequest(pull)) => {
                self.add_proposal(proposal, pull);
            }
            (Call::GetPullRequest { repository, .. }, Reply::PullRequest(pull)) => {
                self.add_pull(repository, pull);
            }
            (Call::FindPullRequests { repository, .. }, Reply::PullRequests(pulls)) => {
                for pull in pulls {
                    self.add_pull(repository, pull);
                }
            }
            (
                Call::Merge {
                    repository, number, ..
                }
                | Call::MergeWhenReady {
                    repository, number, ..
                },
                Reply::Merged(Merged::Now(commit)),
            ) => {
                if let Some(record) = self.proposals.get_mut(&PullId::new(repository, *number)) {
                    record.merge = MergeRecord::Unread(UnreadMerge {
                        commit: commit.as_str().into(),
                        since: Some(began),
                    });
                    self.merges
                        .insert(PullId::new(repository, *number), commit.as_str().into());
                    let base = record.proposal.base.as_str().into();
                    self.heads.remove(&(repository.as_str().into(), base));
                }
            }
            _ => {}
        }
    }

    /// Returns the version of a file with this blob, if this run has read it at the branch.
    pub fn version(&self, file: &BranchFile, blob: &str) -> Option<&str> {
        self.versions
            .get(&(file.clone(), blob.into()))
            .map(String::as_str)
    }

    /// Returns whether this run has seen the branch at that commit, by reading a file of it.
    pub fn was_branch_at(&self, repository: &str, branch: &str, commit: &str) -> bool {
        self.commits
            .contains(&(repository.into(), branch.into(), commit.into()))
    }

    /// Returns the commit at which this run has seen a branch last, unless it has merged into it since.
    pub(super) fn head(&self, repository: &str, branch: &str) -> Option<&str> {
        let head = self.heads.get(&(repository.into(), branch.into()));
        head.map(CommitId::as_str)
    }

    /// Returns a proposal of this run by its pull request.
    pub fn proposal(&self, pull: &PullId) -> Option<&ProposalRecord> {
        self.proposals.get(pull)
    }

    /// Returns the proposal of this run that a call merges.
    pub fn merged_by(&self, call: &Call) -> Option<&ProposalRecord> {
        match call {
            Call::Merge {
                repository, number, ..
            }
            | Call::MergeWhenReady {
                repository, number, ..
            } => self.proposal(&PullId::new(repository, *number)),
            _ => None,
        }
    }

    /// Returns a pull request that this run has proposed or read, as it was answered last.
    pub fn pull(&self, pull: &PullId) -> Option<&PullRequest> {
        self.pulls.get(pull)
    }

    /// Returns the pull requests of a number that this run has proposed or read, in any repository.
    pub fn pulls_numbered(&self, number: u32) -> impl Iterator<Item = (&PullId, &PullRequest)> {
        self.pulls
            .iter()
            .filter(move |(pull, _)| pull.number == number)
    }

    /// Returns the commit in which this run merged a pull request of its own.
    pub fn merge_commit(&self, pull: &PullId) -> Option<&str> {
        self.merges.get(pull).map(CommitId::as_str)
    }

    /// Returns the newest pull request of this run that it has merged into a branch, with its merge commit.
    pub(super) fn last_merge_into(&self, repository: &str, base: &str) -> Option<(u32, &str)> {
        let into_it = |(pull, _): &(&PullId, &CommitId)| {
            self.proposals.get(*pull).is_some_and(|record| {
                record.proposal.repository == repository && record.proposal.base == base
            })
        };
        let newest = self
            .merges
            .iter()
            .filter(into_it)
            .max_by_key(|(pull, _)| pull.number)?;
        Some((newest.0.number, newest.1.as_str()))
    }

    /// Returns whether this run has proposed a pull request of this number, in any repository.
    pub fn has_proposed(&self, number: u32) -> bool {
        self.proposals.keys().any(|pull| pull.number == number)
    }

    /// Returns whether a registry gave this digest to this run for a reference.
    pub(super) fn is_digest_of(&self, reference: &str, digest: &str) -> bool {
        let known = ImageAddress::parse(reference)
            .ok()
            .and_then(|address| self.digests.get(&address));
        known.is_some_and(|known| known == digest)
    }

    /// Returns an entity that this run has read.
    pub fn entity(&self, id: &EntityId) -> Option<&Entity> {
        self.entities.get(id)
    }

    /// Returns the entities of a blueprint that this run has read.
    pub(super) fn entities_of<'a>(&'a self, blueprint: &str) -> impl Iterator<Item = &'a Entity> {
        self.entities
            .iter()
            .filter(move |(id, _)| id.blueprint == blueprint)
            .map(|(_, entity)| entity)
    }

    /// Returns whether something was merged in this run.
    pub fn has_merged(&self) -> bool {
        self.proposals
            .values()
            .any(|record| record.merge != MergeRecord::Open)
    }

    /// Returns the merged files that were not read again, each with its merge.
    pub(super) fn unread_merges(&self) -> Vec<(BranchFile, UnreadMerge)> {
        let mut unread = Vec::new();
        for record in self.proposals.values() {
            if let MergeRecord::Unread(merge) = &record.merge {
                for file in record.files() {
                    unread.push((file, merge.clone()));
                }
            }
        }
        unread
    }

    /// Takes note of a merged file as the merge commit holds it.
    pub(super) fn add_merged_file(&mut self, file: BranchFile, text: String, merge: &UnreadMerge) {
        let UnreadMerge { commit, since } = merge.clone();
        self.newest.insert(
            file,
            HeldText {
                text,
                commit,
                since,
            },
        );
    }

    /// Returns the files that others may have changed since before a time, each with the commit at which it is known.
    pub(super) fn known_before(
        &self,
        time: Timestamp,
        is_file: impl Fn(&BranchFile) -> bool,
    ) -> Vec<(BranchFile, CommitId)> {
        self.newest
            .iter()
            .filter(|(file, held)| is_file(file) && held.since.is_none_or(|since| since < time))
            .map(|(file, held)| (file.clone(), held.commit.clone()))
            .collect()
    }

    /// Takes note of a file as the host has read it again; none if the branch has it no more.
    pub(super) fn see_again(&mut self, at: BranchFile, file: Option<&File>, began: Timestamp) {
        match file {
            Some(file) => self.add_file(at, file, began),
            None => {
                self.newest.remove(&at);
            }
        }
    }

    /// Takes note that every file of a merge was read.
    pub(super) fn end_merge_reading(&mut self, commit: &CommitId) {
        for record in self.proposals.values_mut() {
            if matches!(&record.merge, MergeRecord::Unread(merge) if merge.commit == *commit) {
                record.merge = MergeRecord::Read;
            }
        }
    }

    /// Returns whether one of these files holds a value that fits. Of a file that this run has merged, only the lines
    /// count that the proposal changed.
    pub fn holds(
        &self,
        is_file: impl Fn(&BranchFile) -> bool,
        keys: &[&str],
        fits: impl Fn(&str) -> bool,
    ) -> bool {
        self.newest
            .iter()
            .filter(|(file, _)| is_file(file))
            .any(|(file, held)| {
                let changed = self.changed_lines(file, &held.text);
                manifest_values(&held.text, keys).into_iter().any(|found| {
                    let counts = match &changed {
                        Some(lines) => lines.contains(&found.line),
                        None => true,
                    };
                    counts && fits(&found.value)
                })
            })
    }

    /// Returns the lines of a file that merged proposals of this run changed, if the file is as they left it: what a person
    /// merged with more in it is taken as git holds it.
    fn changed_lines(&self, file: &BranchFile, text: &str) -> Option<BTreeSet<usize>> {
        let mut lines = None;
        for record in self.proposals.values() {
            if record.merge == MergeRecord::Open {
                continue;
            }
            for (index, changed) in record.files().into_iter().enumerate() {
                if changed == *file && record.proposal.changes[index].content == text {
                    lines
                        .get_or_insert_with(BTreeSet::new)
                        .extend(record.changed_lines(index));
                }
            }
        }
        lines
    }

    fn branches_at(&self, repository: &str, commit: &str) -> Vec<BranchName> {
        let repository = RepositoryId::from(repository);
        let commit = CommitId::from(commit);
        self.commits
            .iter()
            .filter(|(known, _, at)| *known == repository && *at == commit)
            .map(|(_, branch, _)| branch.clone())
            .collect()
    }

    fn add_digest(&mut self, reference: &str, digest: &str) {
        if let Ok(address) = ImageAddress::parse(reference) {
            self.digests.insert(address, digest.to_owned());
        }
    }

    fn add_entity(&mut self, entity: &Entity) {
        self.entities
            .insert(EntityId::from(&entity.key), entity.clone());
    }

    fn add_file(&mut self, at: BranchFile, file: &File, began: Timestamp) {
        let commit = CommitId::from(file.commit.as_str());
        self.heads
            .insert((at.repository.clone(), at.branch.clone()), commit.clone());
        self.commits
            .insert((at.repository.clone(), at.branch.clone(), commit.clone()));
        self.versions.insert(
            (at.clone(), file.blob.as_str().into()),
            file.content.clone(),
        );
        let held = HeldText {
            text: file.content.clone(),
            commit,
            since: Some(began),
        };
        self.newest.insert(at, held);
    }

    fn add_pull(&mut self, repository: &str, pull: &PullRequest) {
        self.pulls
            .insert(PullId::new(repository, pull.number), pull.clone());
    }

    fn add_proposal(&mut self, proposal: &Proposal, pull: &PullRequest) {
        self.add_pull(&proposal.repository, pull);
        let record = ProposalRecord {
            proposal: proposal.clone(),
            pull: pull.clone(),
            before: self.texts_before(proposal),
            merge: match (&pull.state, &pull.merge_commit) {
                (PullState::Merged, Some(commit)) => MergeRecord::Unread(UnreadMerge {
                    commit: commit.as_str().into(),
                    since: None,
                }),
                _ => MergeRecord::Open,
            },
        };
        self.proposals
            .insert(PullId::new(&proposal.repository, pull.number), record);
    }

    fn texts_before(&self, proposal: &Proposal) -> Vec<String> {
        let Proposal {
            repository,
            base,
            changes,
            ..
        } = proposal;
        changes
            .iter()
            .map(|change| {
                let file = BranchFile::new(repository, base, &change.path);
                let text = self.version(&file, &change.expected_blob);
                // A version that was not read has no lines, so every line of the proposal counts as changed.
                text.unwrap_or_default().to_owned()
            })
            .collect()
    }
}
