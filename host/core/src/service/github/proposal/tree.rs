//! Git trees: the entries of the files that a proposal changes.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::contract::{FileChange, Proposal};
use crate::service::github::{Repo, blob_id, conflict, rejected};
use crate::service::http::{CallResult, ServiceResult, seg};

#[derive(Deserialize)]
struct GitTree {
    tree: Vec<TreeEntry>,
    #[serde(default)]
    truncated: bool,
}

/// One line of a git tree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TreeEntry {
    /// The path, from the root of the tree that was asked for.
    pub path: String,
    /// The mode, in octal.
    pub mode: String,
    /// The identifier of its blob or tree.
    pub sha: String,
}

impl Repo<'_> {
    /// Reads the tree entries of the files to change, as far as they exist.
    pub(super) async fn entries(
        &self,
        commit: &str,
        changes: &[FileChange],
    ) -> ServiceResult<Vec<TreeEntry>> {
        let target = format!("/git/trees/{}?recursive=1", seg(commit));
        let GitTree {
            tree: mut entries,
            truncated,
        } = self.get(target).await?;
        if truncated {
            for FileChange { path, .. } in changes {
                let found = self.walk(commit, path).await?;
                entries.extend(found.map(|entry| TreeEntry {
                    path: path.clone(),
                    ..entry
                }));
            }
        }
        Ok(entries)
    }

    /// Reads the tree entry at a path, folder by folder: for repositories too large to be listed at once.
    async fn walk(&self, commit: &str, path: &str) -> ServiceResult<Option<TreeEntry>> {
        let mut found: Option<TreeEntry> = None;
        for part in path.split('/') {
            let at = found.as_ref().map_or(commit, |folder| &folder.sha);
            let GitTree { tree, .. } = self.get(format!("/git/trees/{}", seg(at))).await?;
            let Some(entry) = tree.into_iter().find(|entry| entry.path == part) else {
                return Ok(None);
            };
            found = Some(entry);
        }
        Ok(found)
    }
}

pub(super) fn entry<'a>(entries: &'a [TreeEntry], path: &str) -> Option<&'a TreeEntry> {
    entries.iter().find(|entry| entry.path == path)
}

/// Returns the changed entries of the tree, each with the mode that the file has.
pub(super) fn changed_entries(
    proposal: &Proposal,
    entries: &[TreeEntry],
) -> CallResult<Vec<Value>> {
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
