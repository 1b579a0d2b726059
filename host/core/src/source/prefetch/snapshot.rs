//! One query for what a promotion wants to know of a repository: where the base branch stands, the file with its mode, the
//! pull requests that made it what it is, and those that are open to the branch. What it does not answer clearly is asked for one by one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::call::{Call, Reply};
use crate::contract::{EntityKey, File, Mergeability, PullFilter, PullRequest, PullState};
use crate::grants::{Grants, Operation};
use crate::service::github::{
    Connection, FileHistory, KnownHeads, OpenPullNode, ReadBase, TreeEntry, blob_id, file_history,
};
use crate::source::live::Live;
use crate::source::prefetch::MAX_AGE;
use crate::source::prefetch::file_pulls::{FilePulls, KnownHistory};

/// GraphQL reference: `Repository`, `Commit.file`, `Blob`, `PullRequestConnection`.
const QUERY: &str = concat!(
    "query($owner: String!, $name: String!, $ref: String!, $base: String!, $path: String!, $pulls: Boolean!, \
    $folder: String!, $heads: Boolean!) {
    repository(owner: $owner, name: $name) { id
        ref(qualifiedName: $ref) { target { ... on Commit {
            oid tree { oid } file(path: $path) { mode object { ... on Blob { oid text isTruncated } } }
            ... @include(if: $pulls) { ",
    file_history!(),
    " } } } }
        refs(refPrefix: $folder, first: 100) @include(if: $heads) { pageInfo { hasNextPage } nodes { prefix name } }
        pullRequests(states: OPEN, baseRefName: $base, first: 50, orderBy: {field: CREATED_AT, direction: DESC})
            @include(if: $pulls)
            { pageInfo { hasNextPage } nodes { number url title body headRefName headRefOid isCrossRepository } } } }"
);

/// The place of all branches.
const HEADS: &str = "refs/heads/";

#[derive(Deserialize)]
struct SnapshotAnswer {
    data: SnapshotData,
}

#[derive(Deserialize)]
struct SnapshotData {
    repository: Option<RepositoryNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryNode {
    id: String,
    r#ref: Option<RefNode>,
    refs: Option<Connection<HeadNode>>,
    pull_requests: Option<Connection<OpenPullNode>>,
}

#[derive(Deserialize)]
struct RefNode {
    target: CommitNode,
}

#[derive(Deserialize)]
struct HeadNode {
    prefix: String,
    name: String,
}

#[derive(Deserialize)]
struct CommitNode {
    oid: String,
    tree: TreeNode,
    file: Option<FileNode>,
    history: Option<FileHistory>,
}

#[derive(Deserialize)]
struct TreeNode {
    oid: String,
}

#[derive(Deserialize)]
struct FileNode {
    mode: u32,
    object: BlobNode,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlobNode {
    oid: String,
    text: Option<String>,
    is_truncated: bool,
}

/// The open pull requests to one branch, for one question about them.
pub(super) struct OpenPulls {
    /// The repositories of which every pull request may be read.
    readable: Vec<String>,
    known: Mutex<Option<KnownPulls>>,
    /// Those that changed the files.
    pub(super) merged: FilePulls,
}

struct KnownPulls {
    repository: String,
    base: String,
    at: Timestamp,
    /// The newest first.
    open: Vec<PullRequest>,
}

impl OpenPulls {
    pub(super) fn new(grants: &Grants) -> Self {
        let reading = grants
            .0
            .iter()
            .filter(|grant| grant.covers(Operation::ReadPullRequest));
        Self {
            readable: reading.flat_map(|grant| grant.repository.clone()).collect(),
            known: Mutex::default(),
            merged: FilePulls::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<KnownPulls>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file at the head of a branch, by the query; none if that does not answer clearly.
    pub(super) async fn snapshot(
        &self,
        live: &Live,
        repository: &str,
        path: &str,
        branch: &str,
        subject: Option<&EntityKey>,
        now: Timestamp,
    ) -> Option<File> {
        let (owner, name) = repository.split_once('/')?;
        let is_commit = branch.len() == 40 && branch.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Its name is checked where every request is: what is no repository goes no further.
        let at = live.github.repo(repository).ok().filter(|_| !is_commit)?;
        let pulls = self.readable.iter().any(|readable| readable == repository);
        let folder = subject.and_then(heads_folder);
        let variables = json!({
            "owner": owner, "name": name, "ref": format!("refs/heads/{branch}"), "base": branch, "path": path, "pulls": pulls,
            "folder": format!("{HEADS}{}", folder.as_deref().unwrap_or_default()), "heads": folder.is_some(),
        });
        let answer = at.query(QUERY, &variables).await.ok()?;
        let SnapshotAnswer { data } = serde_json::from_value(answer).ok()?;
        let RepositoryNode {
            id,
            r#ref,
            refs,
            pull_requests,
        } = data.repository?;
        let CommitNode {
            oid: commit,
            tree,
            file,
            history,
        } = r#ref?.target;
        let FileNode {
            mode,
            object:
                BlobNode {
                    oid: blob,
                    text,
                    is_truncated,
                },
        } = file?;
        // What is no regular file, or not all of its text, is refused in the words of the other way.
        let content = text?;
        let is_all = !is_truncated && blob_id(content.as_bytes()) == blob;
        if !is_all || ![0o100_644, 0o100_755].contains(&mode) {
            return None;
        }
        if let Some(pulls) = history.and_then(|history| history.pulls(branch)) {
            self.merged.note(KnownHistory {
                repository: repository.to_owned(),
                branch: branch.to_owned(),
                path: path.to_owned(),
                at: now,
                pulls,
            });
        }
        let complete = pull_requests.filter(|open| pulls && !open.page_info.has_next_page);
        *self.known() = complete.map(|open| KnownPulls {
            repository: repository.to_owned(),
            base: branch.to_owned(),
            at: now,
            open: open
                .nodes
                .into_iter()
                .filter(|node| !node.is_cross_repository)
                .map(|node| node.into_contract(branch))
                .collect(),
        });
        live.github.note(ReadBase {
            repository: repository.to_owned(),
            id,
            commit: commit.clone(),
            tree: tree.oid,
            file: TreeEntry {
                path: path.to_owned(),
                mode: format!("{mode:o}"),
                sha: blob.clone(),
            },
            heads: folder
                .zip(refs)
                .and_then(|(folder, refs)| known_heads(folder, refs)),
        });
        Some(File {
            path: path.to_owned(),
            content,
            commit,
            blob,
        })
    }

    /// Answers one search of open pull requests, if it was fetched ahead: none otherwise.
    pub(super) fn take(&self, call: &Call, now: Timestamp) -> Option<Vec<PullRequest>> {
        let Call::FindPullRequests {
            repository,
            head,
            base,
            filter: PullFilter::Open,
        } = call
        else {
            return None;
        };
        let known = self.known().take()?;
        let fits = known.repository == *repository
            && known.base == *base
            && now.duration_since(known.at) <= MAX_AGE;
        if !fits {
            return None;
        }
        let mut found = known.open;
        found.retain(|pull| match head.strip_suffix('*') {
            Some(start) => pull.head.starts_with(start),
            None => pull.head == *head,
        });
        Some(found)
    }

    /// Adds what this run proposes to what is known; any other write, or one that failed, may have changed it.
    pub(super) fn heed(&self, call: &Call, reply: Option<&Reply>) {
        if call.is_write() {
            self.merged.forget();
        }
        let mut known = self.known();
        match (call, reply, known.as_mut()) {
            (Call::Propose { proposal }, Some(Reply::PullRequest(pull)), Some(known))
                if pull.state == PullState::Open
                    && proposal.repository == known.repository
                    && pull.base == known.base =>
            {
                known.open.retain(|other| other.number != pull.number);
                // As a list has it, which does not tell this.
                known.open.insert(
                    0,
                    PullRequest {
                        mergeable: Mergeability::Unknown,
                        ..pull.clone()
                    },
                );
                known
                    .open
                    .sort_by_key(|pull| std::cmp::Reverse(pull.number));
            }
            (call, ..) if call.is_write() => *known = None,
            _ => {}
        }
    }
}

/// Returns the folder of the branches that are for an entity: where the built-in policy has them, and any policy may. A name
/// that a branch cannot have as it is has none.
fn heads_folder(subject: &EntityKey) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let name = &subject.identifier;
    (!name.is_empty() && name.bytes().all(is_plain)).then(|| format!("promote/{name}/"))
}

/// Returns all branches of a folder; none if these are not all.
fn known_heads(folder: String, refs: Connection<HeadNode>) -> Option<KnownHeads> {
    let branches = refs.nodes.into_iter();
    let branches = branches.map(|node| format!("{}{}", node.prefix, node.name));
    let branches: Option<Vec<String>> = branches
        .map(|full| full.strip_prefix(HEADS).map(str::to_owned))
        .collect();
    let branches = branches.filter(|_| !refs.page_info.has_next_page)?;
    Some(KnownHeads { folder, branches })
}
