//! A proposal: one commit, its branch, its pull request. Run again, it finds what an earlier attempt has made.
//!
//! The commit is made first and the branch is created at it, so no half-made branch is ever seen. No author is sent,
//! so GitHub signs the commit ("About commit signature verification").

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pulls::Pull;
use super::read::blob_id;
use super::{Client, Object, Repository};
use crate::core::contract::{Failure, Proposal, PullFilter, PullRequest, PullState};
use crate::core::http::{OrNone, Request, ServiceError, seg, segs};
use crate::core::retry::Effect;

/// The line that marks a commit as ours. It names the branch, so a commit is ours only where we would have put it.
const TRAILER: &str = "Promotion-Branch";
/// How long GitHub may lag behind its own writes, in milliseconds.
const LAG: [u64; 5] = [500, 1_000, 2_000, 4_000, 8_000];

/// A git commit, as git knows it.
#[derive(Deserialize)]
struct GitCommit {
    sha: String,
    message: String,
    tree: Object,
    parents: Vec<Object>,
}

/// One line of a git tree.
#[derive(Deserialize)]
struct TreeEntry {
    path: String,
    mode: String,
    sha: String,
}

#[derive(Deserialize)]
struct Tree {
    tree: Vec<TreeEntry>,
    #[serde(default)]
    truncated: bool,
}

/// What an existing branch turned out to be.
enum Existing {
    /// It holds the change, in this commit.
    Ours(String),
    /// What it held is on the base branch.
    Merged(Box<Pull>),
}

impl Client {
    /// Makes the commit, the branch and the pull request, or takes over what an earlier attempt made of them.
    ///
    /// Fails with `conflict` if a file is no longer what was read, if the branch holds foreign commits, or if somebody
    /// closed the pull request; with `rejected` if a file is not a regular one, or if nothing would change.
    pub async fn propose(&self, proposal: &Proposal) -> Result<PullRequest, Failure> {
        let repository = Repository::parse(&proposal.repository)?;
        let base = self.git_commit(&repository, &proposal.base_commit);
        let entries = self.entries(&repository, proposal);
        let (base, entries) = tokio::try_join!(base, entries)?;
        let tree = json!({ "base_tree": base.tree.sha, "tree": changed(proposal, &entries)? });
        let tree: Object = self
            .post(Effect::Idempotent, format!("{repository}/git/trees"), tree)
            .await?;
        let title = proposal.title.lines().next().unwrap_or_default();
        let commit = json!({
            "message": format!("{title}\n\n{}\n", trailer(proposal)),
            "tree": tree.sha,
            "parents": [base.sha],
        });
        // Sent twice, it makes two commits, and only one of them ever gets a name.
        let commit: Object = self
            .post(
                Effect::Idempotent,
                format!("{repository}/git/commits"),
                commit,
            )
            .await?;
        let branch = json!({ "ref": format!("refs/heads/{}", proposal.head), "sha": commit.sha });
        let created = self
            .post::<Value>(Effect::Idempotent, format!("{repository}/git/refs"), branch)
            .await;
        let commit = match created {
            Ok(_) => commit.sha,
            Err(error) if error.says(422, "already exists") => {
                match self
                    .take_over(&repository, proposal, &tree.sha, commit.sha)
                    .await?
                {
                    Existing::Ours(commit) => commit,
                    Existing::Merged(pull) => return Ok(pull.into_contract()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        self.open(&repository, proposal, &commit).await
    }

    /// Deletes a branch; one that does not exist is a success.
    pub async fn delete_branch(&self, repository: &str, branch: &str) -> Result<(), Failure> {
        let target = format!(
            "{}/git/refs/heads/{}",
            Repository::parse(repository)?,
            segs(branch)
        );
        match self
            .send(Request::write(Method::DELETE, target, Value::Null))
            .await
        {
            Err(error) if error.says(422, "does not exist") => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    /// Decides on a branch that was there before: the same change is adopted, an older one of ours replaced.
    async fn take_over(
        &self,
        repository: &Repository,
        proposal: &Proposal,
        tree: &str,
        commit: String,
    ) -> Result<Existing, Failure> {
        let Proposal { head, base, .. } = proposal;
        let mut pulls = self.find(repository, head, base, PullFilter::Any).await?;
        let open = pulls.iter().any(|pull| pull.state() == PullState::Open);
        match pulls.first().map(Pull::state) {
            Some(PullState::Closed) if !open => {
                return Err(Failure::Conflict(format!(
                    "pull request #{} was closed by a person: reopen it, or delete its branch {head} to start over",
                    pulls[0].number
                )));
            }
            // It may have been undone since; only the base branch itself can tell.
            Some(PullState::Merged) if !open && self.holds(repository, proposal).await? => {
                return Ok(Existing::Merged(pulls.swap_remove(0).into()));
            }
            _ => {}
        }
        let Some(found) = self.lagging_branch(repository, head).await? else {
            return Err(Failure::Conflict(format!(
                "branch {head} came and went meanwhile: run again"
            )));
        };
        let found = self.git_commit(repository, &found).await?;
        let parent = match found.parents.as_slice() {
            [parent] => Some(parent.sha.as_str()),
            _ => None,
        };
        if found.tree.sha == tree && parent == Some(&proposal.base_commit) {
            return Ok(Existing::Ours(found.sha));
        }
        let marked = found.message.lines().any(|line| line == trailer(proposal));
        match parent {
            Some(parent) if marked && self.is_on(repository, parent, base).await? => {
                let target = format!("{repository}/git/refs/heads/{}", segs(head));
                let body = json!({ "sha": commit, "force": true });
                self.send(Request::write(Method::PATCH, target, body))
                    .await?;
                Ok(Existing::Ours(commit))
            }
            _ => Err(Failure::Conflict(format!(
                "branch {head} holds commit {}, which is not ours: delete the branch, or promote under another name",
                found.sha
            ))),
        }
    }

    /// Opens the pull request, or finds it. A lost answer is resolved by looking; so is GitHub's lag.
    async fn open(
        &self,
        repository: &Repository,
        proposal: &Proposal,
        commit: &str,
    ) -> Result<PullRequest, Failure> {
        let Proposal {
            title,
            head,
            base,
            body,
            ..
        } = proposal;
        let request = json!({ "title": title, "head": head, "base": base, "body": body });
        let mut lag = LAG.into_iter();
        loop {
            let opened = self
                .post::<Pull>(Effect::Once, format!("{repository}/pulls"), request.clone())
                .await;
            let (pull, error) = match opened {
                Ok(pull) => (Some(pull), None),
                Err(error) if error.says(422, "already exists") || error.is_uncertain() => (
                    self.find(repository, head, base, PullFilter::Open)
                        .await?
                        .into_iter()
                        .next(),
                    Some(error),
                ),
                Err(error) if error.says(422, "head invalid") => (None, Some(error)),
                Err(error) => return Err(error.into()),
            };
            if let Some(pull) = pull {
                return self.at_commit(repository, pull, commit).await;
            }
            let pause = lag.next().map(Duration::from_millis);
            match (pause, error) {
                (Some(pause), _) if self.http.session.wait(pause).await => {}
                (_, Some(error)) => return Err(error.into()),
                (_, None) => unreachable!("no error means a pull request"),
            }
        }
    }

    /// The pull request once its head is the commit; GitHub may take a moment to see that a branch was moved.
    async fn at_commit(
        &self,
        repository: &Repository,
        mut pull: Pull,
        commit: &str,
    ) -> Result<PullRequest, Failure> {
        for pause in LAG.map(Duration::from_millis) {
            if pull.head.sha == commit || !self.http.session.wait(pause).await {
                break;
            }
            pull = self.pull(repository, pull.number).await?;
        }
        if pull.head.sha == commit {
            return Ok(pull.into_contract());
        }
        let (number, sha) = (pull.number, pull.head.sha);
        Err(Failure::Conflict(format!(
            "pull request #{number} is at commit {sha}, not at our {commit}: somebody pushed to it"
        )))
    }

    /// A branch that is known to exist.
    async fn lagging_branch(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<Option<String>, ServiceError> {
        for pause in LAG.map(Duration::from_millis) {
            let found = self.branch(repository, branch).await?;
            if found.is_some() || !self.http.session.wait(pause).await {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Whether the base branch holds every changed file as proposed.
    async fn holds(
        &self,
        repository: &Repository,
        proposal: &Proposal,
    ) -> Result<bool, ServiceError> {
        let Some(base_commit) = self.branch(repository, &proposal.base).await? else {
            return Ok(false);
        };
        let now = Proposal {
            base_commit,
            ..proposal.clone()
        };
        let entries = self.entries(repository, &now).await?;
        let same = |path: &str, content: &str| {
            entries
                .get(path)
                .is_some_and(|e| e.sha == blob_id(content.as_bytes()))
        };
        Ok(proposal
            .changes
            .iter()
            .all(|change| same(&change.path, &change.content)))
    }

    /// Whether a commit is part of a branch.
    async fn is_on(
        &self,
        repository: &Repository,
        commit: &str,
        branch: &str,
    ) -> Result<bool, ServiceError> {
        let target = format!("{repository}/compare/{}...{}", segs(branch), seg(commit));
        let compared: Option<Value> = self.get(target).await.or_none()?;
        Ok(compared.is_some_and(|compared| {
            matches!(compared["status"].as_str(), Some("behind" | "identical"))
        }))
    }

    async fn git_commit(
        &self,
        repository: &Repository,
        sha: &str,
    ) -> Result<GitCommit, ServiceError> {
        self.get(format!("{repository}/git/commits/{}", seg(sha)))
            .await
    }

    /// The tree entries of the files to change, as far as they exist.
    async fn entries(
        &self,
        repository: &Repository,
        proposal: &Proposal,
    ) -> Result<BTreeMap<String, TreeEntry>, ServiceError> {
        let target = format!("{repository}/git/trees/{}", seg(&proposal.base_commit));
        let tree: Tree = self.get(format!("{target}?recursive=1")).await?;
        let wanted = || proposal.changes.iter().map(|change| change.path.as_str());
        if !tree.truncated {
            let entries = tree
                .tree
                .into_iter()
                .filter(|entry| wanted().any(|path| path == entry.path));
            return Ok(entries.map(|entry| (entry.path.clone(), entry)).collect());
        }
        let mut entries = BTreeMap::new();
        for path in wanted() {
            if let Some(entry) = self.walk(repository, &proposal.base_commit, path).await? {
                entries.insert(path.to_owned(), entry);
            }
        }
        Ok(entries)
    }

    /// The tree entry at a path, folder by folder: for repositories too large to be listed at once.
    async fn walk(
        &self,
        repository: &Repository,
        commit: &str,
        path: &str,
    ) -> Result<Option<TreeEntry>, ServiceError> {
        let mut parts = path.split('/').peekable();
        let mut at = commit.to_owned();
        while let Some(part) = parts.next() {
            let tree: Tree = self
                .get(format!("{repository}/git/trees/{}", seg(&at)))
                .await?;
            match tree.tree.into_iter().find(|entry| entry.path == part) {
                Some(entry) if parts.peek().is_some() => at = entry.sha,
                found => return Ok(found),
            }
        }
        Ok(None)
    }
}

fn trailer(proposal: &Proposal) -> String {
    format!("{TRAILER}: {}", proposal.head)
}

/// The changed entries of the tree, each with the mode that the file has.
fn changed(
    proposal: &Proposal,
    entries: &BTreeMap<String, TreeEntry>,
) -> Result<Vec<Value>, Failure> {
    let mut tree = Vec::new();
    for change in &proposal.changes {
        let (path, expected) = (&change.path, &change.expected_blob);
        let Some(entry) = entries.get(path) else {
            return Err(Failure::Conflict(format!(
                "{path} does not exist at {}",
                proposal.base_commit
            )));
        };
        if !matches!(entry.mode.as_str(), "100644" | "100755") {
            return Err(Failure::Rejected(format!(
                "{path} is not a regular file (its mode is {})",
                entry.mode
            )));
        }
        if entry.sha != *expected {
            let now = &entry.sha;
            return Err(Failure::Conflict(format!(
                "{path} is no longer what was read: blob {now}, not {expected}"
            )));
        }
        if blob_id(change.content.as_bytes()) != *expected {
            let entry = json!({ "path": path, "mode": entry.mode, "type": "blob", "content": change.content });
            tree.push(entry);
        }
    }
    if tree.is_empty() {
        return Err(Failure::Rejected(format!(
            "the proposal for {} changes nothing",
            proposal.head
        )));
    }
    Ok(tree)
}
