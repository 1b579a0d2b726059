//! A proposal: one commit, its branch, its pull request. Run again, it finds what an earlier attempt has made.
//!
//! The commit is made first and the branch is created at it, so no half-made branch is ever seen. No author is sent,
//! so GitHub signs the commit ("About commit signature verification").

use std::sync::PoisonError;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::contract::{FileChange, Proposal, PullFilter, PullRequest, PullState};
use crate::service::github::pulls::Pull;
use crate::service::github::read::blob_id;
use crate::service::github::{Object, Repo, conflict, rejected};
use crate::service::http::{Sent, Told, or_none, seg, segs};

/// The line that marks a commit as ours. It names the branch, so a commit is ours only where we would have put it.
const TRAILER: &str = "Promotion-Branch";

/// How long another run may take from its branch to its pull request, before it counts as dead.
const MOMENT: SignedDuration = SignedDuration::from_secs(10);

/// How long GitHub may show a branch as it was before a merge that it tells of already.
const LAG: SignedDuration = SignedDuration::from_secs(30);

/// `Ref.repository` in the payload is read after the ref is made.
const CREATE_REF: &str =
    "mutation($repository: ID!, $ref: String!, $commit: GitObjectID!, $base: String!) {
    createRef(input: {repositoryId: $repository, name: $ref, oid: $commit})
    { ref { repository { ref(qualifiedName: $base) { target { oid } } } } } }";

/// A git commit, as git knows it.
#[derive(Deserialize)]
struct GitCommit {
    sha: String,
    message: String,
    tree: Object,
    parents: Vec<Object>,
    committer: Signature,
}

#[derive(Deserialize)]
struct Signature {
    date: Timestamp,
}

#[derive(Deserialize)]
struct Tree {
    tree: Vec<TreeEntry>,
    #[serde(default)]
    truncated: bool,
}

/// One line of a git tree.
#[derive(Deserialize)]
struct TreeEntry {
    path: String,
    mode: String,
    sha: String,
}

impl Repo<'_> {
    /// Makes the commit, the branch and the pull request, or takes over what an earlier attempt made of them.
    ///
    /// Fails with `conflict` if a file is no longer what was read, if the branch holds foreign commits, or if somebody
    /// closed the pull request; with `rejected` if a file is not a regular one, or if nothing would change.
    pub(crate) async fn propose(&self, proposal: &Proposal) -> Told<PullRequest> {
        let Proposal {
            base,
            base_commit,
            changes,
            head,
            ..
        } = proposal;
        let (node, base_tree, entries) = match self.known(proposal) {
            Some(known) => known,
            None => {
                let read = (
                    self.git_commit(base_commit),
                    self.entries(base_commit, changes),
                );
                let (base, entries) = tokio::try_join!(read.0, read.1)?;
                (None, base.tree.sha, entries)
            }
        };
        let tree = json!({ "base_tree": base_tree, "tree": changed(proposal, &entries)? });
        let tree: Object = self.post("/git/trees", tree).await?;
        let title = proposal.title.lines().next().unwrap_or_default();
        let message = format!("{title}\n\n{TRAILER}: {head}\n");
        let commit = json!({ "message": message, "tree": tree.sha, "parents": [base_commit] });
        // Sent twice, it makes two commits, and only one of them ever gets a name.
        let commit: Object = self.post("/git/commits", commit).await?;
        let (commit, is_new, found, now) = match self.branch_off(proposal, node, &commit.sha).await
        {
            Ok(now) => (commit.sha, true, None, now),
            Err(error) if error.says(422, "already exists") => {
                match self.take_over(proposal, &tree.sha, commit.sha).await? {
                    (_, Some(pull)) if pull.state() == PullState::Merged => {
                        return Ok(pull.into_contract());
                    }
                    (commit, found) => (commit, false, found, self.branch(base).await?),
                }
            }
            Err(error) => return Err(error.into()),
        };
        if now.as_ref() == Some(base_commit) || !self.holds(now.as_deref(), changes).await? {
            return Ok(self
                .open(proposal, &commit, is_new, found)
                .await?
                .into_contract());
        }
        if is_new {
            self.delete_branch(head).await?;
        }
        let merged = self
            .find(head, base, PullFilter::Any)
            .await?
            .into_iter()
            .next();
        match merged.filter(|pull| pull.state() == PullState::Merged) {
            Some(pull) => Ok(pull.into_contract()),
            None => conflict(format!(
                "{base} has come to hold the same change: run again"
            )),
        }
    }

    /// Creates the branch at a commit, and tells where the base branch stands after that. As long as the branch is there,
    /// nobody else merges the same promotion; what was merged before, the base holds by now, whatever this run has read.
    async fn branch_off(
        &self,
        proposal: &Proposal,
        node: Option<String>,
        at: &str,
    ) -> Sent<Option<String>> {
        let Proposal { head, base, .. } = proposal;
        let branch = format!("refs/heads/{head}");
        if let Some(node) = node {
            let base = format!("refs/heads/{base}");
            let variables =
                json!({ "repository": node, "ref": branch, "commit": at, "base": base });
            let answer = self.client.graphql(CREATE_REF, &variables).await?;
            let made = &answer["data"]["createRef"]["ref"]["repository"]["ref"]["target"]["oid"];
            if let Some(now) = made.as_str() {
                return Ok(Some(now.to_owned()));
            }
            // Why not, REST tells in words that are known.
        }
        self.post::<Value>("/git/refs", json!({ "ref": branch, "sha": at }))
            .await?;
        // One of that name may have been merged and deleted a moment ago.
        let ended = self.find(head, base, PullFilter::Ended).await?;
        self.since(proposal, ended.first()).await
    }

    /// Where the base branch stands after a pull request has ended. Right after a merge, what this run has read is taken
    /// for what GitHub showed before, and is looked at again.
    async fn since(&self, proposal: &Proposal, ended: Option<&Pull>) -> Sent<Option<String>> {
        let merged = ended.and_then(|pull| pull.merged_at.as_ref()?.parse::<Timestamp>().ok());
        let is_old = || merged.is_none_or(|at| self.session().now().duration_since(at) > LAG);
        let will_do =
            |now: &Option<String>| now.as_ref() != Some(&proposal.base_commit) || is_old();
        self.session()
            .poll(|| self.branch(&proposal.base), will_do)
            .await
    }

    /// The repository's node, the tree of the base and the entry of the one file to change, if that was noted when it was read.
    fn known(&self, proposal: &Proposal) -> Option<(Option<String>, String, Vec<TreeEntry>)> {
        let base = self
            .client
            .base
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        let (path, mode, sha) = base.file;
        let [change] = proposal.changes.as_slice() else {
            return None;
        };
        let fits = base.repository == proposal.repository
            && base.commit == proposal.base_commit
            && path == change.path;
        fits.then(|| {
            (
                Some(base.id),
                base.tree,
                vec![TreeEntry { path, mode, sha }],
            )
        })
    }

    /// Deletes a branch; one that does not exist is a success.
    pub(crate) async fn delete_branch(&self, branch: &str) -> Told<()> {
        let target = format!("/git/refs/heads/{}", segs(branch));
        match self.write(Method::DELETE, target, Value::Null).await {
            Err(error) if error.says(422, "does not exist") => Ok(()),
            other => Ok(other?),
        }
    }

    /// Decides on a branch that was there before: the same change is adopted, an older one of ours replaced. Returns the
    /// commit that holds the change, and its pull request, if one is open or merged.
    async fn take_over(
        &self,
        proposal: &Proposal,
        tree: &str,
        commit: String,
    ) -> Told<(String, Option<Pull>)> {
        let Proposal {
            head,
            base,
            base_commit,
            ..
        } = proposal;
        let mut pulls = self.find(head, base, PullFilter::Any).await?;
        let open = pulls
            .iter()
            .position(|pull| pull.state() == PullState::Open);
        let mut open = open.map(|at| pulls.swap_remove(at));
        match pulls.into_iter().next().filter(|_| open.is_none()) {
            Some(pull) if pull.state() == PullState::Closed => {
                let number = pull.number;
                return conflict(format!(
                    "pull request #{number} was closed by a person: reopen it, or delete its branch {head} to start over"
                ));
            }
            // It may have been undone since; only the base branch itself can tell.
            Some(pull) => {
                let now = self.since(proposal, Some(&pull)).await?;
                if self.holds(now.as_deref(), &proposal.changes).await? {
                    return Ok((commit, Some(pull)));
                }
            }
            _ => {}
        }
        let Some(found) = self
            .session()
            .poll(|| self.branch(head), Option::is_some)
            .await?
        else {
            return conflict(format!("branch {head} came and went meanwhile: run again"));
        };
        let found = self.git_commit(&found).await?;
        if let [Object { sha: parent }] = found.parents.as_slice() {
            if found.tree.sha == tree && parent == base_commit {
                if open.is_none() {
                    open = self.give_way(proposal, found.committer.date).await?;
                }
                return Ok((found.sha, open));
            }
            let mark = format!("{TRAILER}: {head}");
            if found.message.lines().any(|line| line == mark) && self.is_on(base, parent).await? {
                let target = format!("/git/refs/heads/{}", segs(head));
                let body = json!({ "sha": commit, "force": true });
                self.write(Method::PATCH, target, body).await?;
                return Ok((commit, open));
            }
        }
        conflict(format!(
            "branch {head} holds commit {}, which is not ours: delete the branch, or promote under another name",
            found.sha
        ))
    }

    /// Gives another run that made the branch a moment ago the time to open its pull request, and returns that.
    async fn give_way(&self, proposal: &Proposal, made: Timestamp) -> Sent<Option<Pull>> {
        let is_old = || self.session().now().duration_since(made) > MOMENT;
        let look = || self.find(&proposal.head, &proposal.base, PullFilter::Open);
        let found = self
            .session()
            .poll(look, |found| !found.is_empty() || is_old())
            .await?;
        Ok(found.into_iter().next())
    }

    /// Opens the pull request, or finds it, and returns it once its head is the commit: GitHub may take a moment to
    /// see that a branch was made or moved. A branch that another run made may be gone by now, with its merge.
    async fn open(
        &self,
        proposal: &Proposal,
        commit: &str,
        is_new: bool,
        found: Option<Pull>,
    ) -> Told<Pull> {
        let clear = |opened: &Sent<Pull>| opened.is_ok() || !is_new;
        let opened = match found {
            Some(pull) => Ok(pull),
            None => {
                self.session()
                    .poll(|| self.open_once(proposal), clear)
                    .await?
            }
        };
        let mut pull = match opened {
            Err(error) if !is_new && error.says(422, "head invalid") => {
                return conflict(format!(
                    "branch {} came and went meanwhile: run again",
                    proposal.head
                ));
            }
            opened => opened?,
        };
        if pull.head.sha != commit {
            let look = || self.pull(pull.number);
            pull = self
                .session()
                .poll(look, |pull| pull.head.sha == commit)
                .await?;
        }
        match (pull.number, &pull.head.sha) {
            (_, at) if at == commit => Ok(pull),
            (number, at) => conflict(format!(
                "pull request #{number} is at commit {at}, not at our {commit}: somebody pushed to it"
            )),
        }
    }

    /// Opens the pull request, or finds it; a lost answer is resolved by looking. The inner error may pass.
    async fn open_once(&self, proposal: &Proposal) -> Told<Sent<Pull>> {
        let Proposal {
            title,
            head,
            base,
            body,
            ..
        } = proposal;
        let request = json!({ "title": title, "head": head, "base": base, "body": body });
        match self.once::<Pull>(Method::POST, "/pulls", request).await {
            Err(error) if error.says(422, "already exists") || error.is_uncertain() => {
                let found = self.find(head, base, PullFilter::Open).await?;
                Ok(found.into_iter().next().ok_or(error))
            }
            Err(error) if !error.says(422, "head invalid") => Err(error.into()),
            other => Ok(other),
        }
    }

    /// Whether a commit, if there is one, holds every changed file as proposed.
    async fn holds(&self, commit: Option<&str>, changes: &[FileChange]) -> Sent<bool> {
        let Some(commit) = commit else {
            return Ok(false);
        };
        let entries = self.entries(commit, changes).await?;
        let held = |FileChange { path, content, .. }: &FileChange| {
            entry(&entries, path).is_some_and(|entry| entry.sha == blob_id(content.as_bytes()))
        };
        Ok(changes.iter().all(held))
    }

    /// Whether a commit is part of a branch.
    async fn is_on(&self, branch: &str, commit: &str) -> Sent<bool> {
        let target = format!("/compare/{}...{}", segs(branch), seg(commit));
        let status = &or_none(self.get::<Value>(target).await)?.unwrap_or_default()["status"];
        Ok(status == "behind" || status == "identical")
    }

    async fn git_commit(&self, sha: &str) -> Sent<GitCommit> {
        self.get(format!("/git/commits/{}", seg(sha))).await
    }

    /// The tree entries of the files to change, as far as they exist.
    async fn entries(&self, commit: &str, changes: &[FileChange]) -> Sent<Vec<TreeEntry>> {
        let target = format!("/git/trees/{}?recursive=1", seg(commit));
        let Tree {
            tree: mut entries,
            truncated,
        } = self.get(target).await?;
        for FileChange { path, .. } in changes.iter().filter(|_| truncated) {
            let found = self.walk(commit, path).await?;
            entries.extend(found.map(|entry| TreeEntry {
                path: path.clone(),
                ..entry
            }));
        }
        Ok(entries)
    }

    /// The tree entry at a path, folder by folder: for repositories too large to be listed at once.
    async fn walk(&self, commit: &str, path: &str) -> Sent<Option<TreeEntry>> {
        let mut found: Option<TreeEntry> = None;
        for part in path.split('/') {
            let at = found.as_ref().map_or(commit, |folder| &folder.sha);
            let Tree { tree, .. } = self.get(format!("/git/trees/{}", seg(at))).await?;
            let Some(entry) = tree.into_iter().find(|entry| entry.path == part) else {
                return Ok(None);
            };
            found = Some(entry);
        }
        Ok(found)
    }
}

fn entry<'a>(entries: &'a [TreeEntry], path: &str) -> Option<&'a TreeEntry> {
    entries.iter().find(|entry| entry.path == path)
}

/// The changed entries of the tree, each with the mode that the file has.
fn changed(proposal: &Proposal, entries: &[TreeEntry]) -> Told<Vec<Value>> {
    let mut tree = Vec::new();
    for FileChange {
        path,
        content,
        expected_blob,
    } in &proposal.changes
    {
        let Some(TreeEntry { mode, sha, .. }) = entry(entries, path) else {
            return conflict(format!("{path} does not exist at {}", proposal.base_commit));
        };
        if !matches!(mode.as_str(), "100644" | "100755") {
            return rejected(format!("{path} is not a regular file: its mode is {mode}"));
        }
        if sha != expected_blob {
            return conflict(format!(
                "{path} is no longer what was read: {sha}, not {expected_blob}"
            ));
        }
        if blob_id(content.as_bytes()) != *sha {
            tree.push(json!({ "path": path, "mode": mode, "type": "blob", "content": content }));
        }
    }
    if tree.is_empty() {
        return rejected(format!(
            "the proposal for {} changes nothing",
            proposal.head
        ));
    }
    Ok(tree)
}
