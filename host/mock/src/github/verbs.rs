//! Deeds of a scenario at GitHub as functions, so that no scenario builds JSON.
//!
//! All of them happen at [`GitHub::now`]. A function that is given a name which does not exist returns `None`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::GitHub;
use super::identity::{GitHubToken, PermissionLevel, PermissionTable, RepositoryAccess, TokenKind};
use super::shapes::signed;
use super::state::{
    CheckRun, PullRequest, PullReview, PullState, RepositorySettings, RepositoryState, ReviewState,
};
use crate::git::{CommitObject, FileMode, GitObject, ObjectId, ObjectStore, PathEntry, TreeEdits};

/// The time for which parts of GitHub may not know a new pull request.
const NEW_PULL: SignedDuration = SignedDuration::from_secs(30);

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSpec {
    /// Content.
    pub text: String,
    /// Mode.
    pub mode: FileMode,
}

impl<T: Into<String>> From<T> for FileSpec {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            mode: FileMode::File,
        }
    }
}

impl GitHubToken {
    /// A token that reaches every repository and may do everything its kind may.
    pub fn full(kind: TokenKind, login: impl Into<String>) -> Self {
        let all = [
            "actions",
            "checks",
            "contents",
            "deployments",
            "issues",
            "pull_requests",
            "statuses",
            "attestations",
        ];
        let mut permissions =
            PermissionTable::from(all.map(|name| (name.to_owned(), PermissionLevel::Write)));
        if kind != TokenKind::Actions {
            // A workflow's own token never gets these two.
            permissions.insert("members".into(), PermissionLevel::Read);
            permissions.insert("workflows".into(), PermissionLevel::Write);
        }
        Self {
            kind,
            login: login.into(),
            access: RepositoryAccess::All,
            permissions,
            expires_at: None,
        }
    }
}

impl GitHub {
    /// Makes a repository `owner/name` whose default branch `main` holds these files, and returns it.
    pub fn create_repository<P: Into<String>, F: Into<FileSpec>>(
        &mut self,
        full_name: &str,
        files: impl IntoIterator<Item = (P, F)>,
    ) -> &mut RepositoryState {
        let (owner, name) = full_name.split_once('/').unwrap_or(("acme", full_name));
        let place = self.repositories.len();
        let id = self.new_id();
        let made = RepositoryState {
            id,
            owner: owner.into(),
            name: name.into(),
            renamed_from: Vec::new(),
            settings: RepositorySettings::default(),
            git: ObjectStore::default(),
            refs: BTreeMap::new(),
            stale: BTreeMap::new(),
            pulls: BTreeMap::new(),
            labels: BTreeMap::new(),
            collaborators: BTreeSet::new(),
            rules: BTreeMap::new(),
            check_runs: Vec::new(),
            statuses: Vec::new(),
            ci: Vec::new(),
            workflows: Vec::new(),
            workflow_runs: Vec::new(),
            environments: Vec::new(),
            deployments: Vec::new(),
            attestations: Vec::new(),
            verified: BTreeSet::new(),
            created_at: self.now,
            pushed_at: self.now,
        };
        self.repositories.push(made.into());
        let files: Vec<(P, F)> = files.into_iter().collect();
        if !files.is_empty() {
            let files = files
                .into_iter()
                .map(|(path, file)| (path.into(), file.into()));
            self.commit_files(full_name, "main", "Initial commit", files);
        }
        &mut self.repositories[place]
    }

    pub(super) fn place(&self, full_name: &str) -> Option<usize> {
        let mut all = self.repositories.iter();
        all.position(|repository| repository.full_name().eq_ignore_ascii_case(full_name))
    }

    /// The repository `owner/name`.
    pub fn find(&self, full_name: &str) -> Option<&RepositoryState> {
        Some(&**self.repositories.get(self.place(full_name)?)?)
    }

    /// The repository `owner/name`, to change it.
    pub fn find_mut(&mut self, full_name: &str) -> Option<&mut RepositoryState> {
        let place = self.place(full_name)?;
        Some(&mut **self.repositories.get_mut(place)?)
    }

    /// Commits files to a branch as somebody else would push them, and returns the commit. A branch that is not there
    /// starts at the default branch.
    pub fn commit_files(
        &mut self,
        full_name: &str,
        branch: &str,
        message: &str,
        files: impl IntoIterator<Item = (String, FileSpec)>,
    ) -> Option<ObjectId> {
        self.commit_files_by("dana", full_name, branch, message, files)
    }

    /// As [`GitHub::commit_files`], by this user.
    pub fn commit_files_by(
        &mut self,
        login: &str,
        full_name: &str,
        branch: &str,
        message: &str,
        files: impl IntoIterator<Item = (String, FileSpec)>,
    ) -> Option<ObjectId> {
        let place = self.place(full_name)?;
        let now = self.now;
        let repository = &mut self.repositories[place];
        let default = &repository.settings.default_branch;
        let parent = repository
            .branch(branch)
            .or_else(|| repository.branch(default));
        let mut edits = TreeEdits::new();
        for (path, file) in files {
            let id = repository.git.insert_blob(file.text);
            edits.insert(
                path,
                Some(PathEntry {
                    mode: file.mode,
                    id,
                }),
            );
        }
        let base = parent.and_then(|parent| repository.git.tree_of(parent));
        let tree = repository.git.edit_tree(base, &edits).ok()?;
        let author = signed(login, now);
        let committer = signed(login, now);
        let parents = parent.into_iter().collect();
        let commit = CommitObject {
            tree,
            parents,
            author,
            committer,
            message: message.into(),
        };
        let id = repository.git.insert(GitObject::Commit(commit));
        self.set_ref(place, now, &format!("refs/heads/{branch}"), Some(id), true);
        Some(id)
    }

    /// The text of a file at the head of a branch.
    pub fn file_at(&self, full_name: &str, branch: &str, path: &str) -> Option<String> {
        let entry = self.entry_at(full_name, branch, path)?;
        let repository = self.find(full_name)?;
        let content = repository.git.blob(entry.id)?;
        Some(String::from_utf8_lossy(content).into_owned())
    }

    /// Returns the entry at a path of a branch.
    pub fn entry_at(&self, full_name: &str, branch: &str, path: &str) -> Option<PathEntry> {
        let repository = self.find(full_name)?;
        let tree = repository.git.tree_of(repository.branch(branch)?)?;
        repository.git.entry_at(tree, path)
    }

    /// Names of branches.
    pub fn branches(&self, full_name: &str) -> Vec<String> {
        let repository = self.find(full_name).into_iter();
        let names = repository.flat_map(|repository| repository.refs.keys());
        let names = names.filter_map(|name| name.strip_prefix("refs/heads/"));
        names.map(str::to_owned).collect()
    }

    /// Pull requests, oldest first.
    pub fn pull_requests(&self, full_name: &str) -> Vec<&PullRequest> {
        let repository = self.find(full_name).into_iter();
        repository
            .flat_map(|repository| repository.pulls.values())
            .collect()
    }

    /// Returns true if GitHub does not know a new pull request everywhere yet, and counts the look.
    pub(super) fn forgets_pull(&mut self, place: usize, number: u64, now: Timestamp) -> bool {
        let pull = self.repositories[place].pulls.get(&number);
        let is_new = pull.is_some_and(|pull| now.duration_since(pull.created_at) < NEW_PULL);
        if !is_new || self.weather.unknown_pulls == 0 {
            return false;
        }
        self.weather.unknown_pulls -= 1;
        true
    }

    fn pull_mut(&mut self, full_name: &str, number: u64) -> Option<&mut PullRequest> {
        self.find_mut(full_name)?.pulls.get_mut(&number)
    }

    /// Closes an open pull request, as a person does who rejects it.
    pub fn close_pull_request(&mut self, full_name: &str, number: u64) -> Option<()> {
        let now = self.now;
        let pull = self.pull_mut(full_name, number)?;
        if pull.state == PullState::Open {
            pull.state = PullState::Closed {
                at: now,
                by: Some("grace".to_owned()),
            };
            pull.updated_at = now;
        }
        Some(())
    }

    /// Reports a check of a commit: running, or ended with a conclusion such as `success`.
    pub fn set_check(
        &mut self,
        full_name: &str,
        commit: ObjectId,
        name: &str,
        conclusion: Option<&str>,
    ) -> Option<()> {
        let place = self.place(full_name)?;
        let now = self.now;
        let id = self.new_id();
        let runs = &mut self.repositories[place].check_runs;
        let running = runs
            .iter_mut()
            .rev()
            .find(|run| run.commit == commit && run.name == name);
        let completes_at = conclusion.map(|_| now);
        let conclusion = conclusion.unwrap_or("success").to_owned();
        match running {
            Some(run) => {
                run.completes_at = completes_at;
                run.conclusion = conclusion;
            }
            None => runs.push(CheckRun {
                id,
                commit,
                name: name.into(),
                started_at: now,
                completes_at,
                conclusion,
            }),
        }
        Some(())
    }

    /// Reviews the head of a pull request.
    pub fn review(
        &mut self,
        full_name: &str,
        number: u64,
        user: &str,
        state: ReviewState,
    ) -> Option<()> {
        let now = self.now;
        let id = self.new_id();
        let pull = self.pull_mut(full_name, number)?;
        if state == ReviewState::Dismissed {
            let mut decided = pull.reviews.iter_mut().rev();
            let decided = decided
                .find(|review| review.user == user && review.state != ReviewState::Commented)?;
            decided.state = state;
            return Some(());
        }
        let commit = pull.head_sha;
        pull.reviews.push(PullReview {
            id,
            user: user.into(),
            state,
            commit,
            at: now,
        });
        Some(())
    }

    /// Approves the head of a pull request.
    pub fn approve(&mut self, full_name: &str, number: u64, user: &str) -> Option<()> {
        self.review(full_name, number, user, ReviewState::Approved)
    }
}
