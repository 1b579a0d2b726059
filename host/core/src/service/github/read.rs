//! Files, each pinned to the commit that it was read at: what a proposal and the catalog are held to.

use std::sync::PoisonError;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;

use crate::contract::{Failure, File, FileChange};
use crate::service::github::{MergedFileKey, ObjectSha, Repo, rejected};
use crate::service::http::{CallResult, Request, ServiceResult, or_none, seg, segs};

/// The largest file that is read.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

impl Repo<'_> {
    /// Reads a text file at a branch, tag or commit; none if there is no such file.
    ///
    /// Fails with `not-found` if the repository or the revision does not exist, with `rejected` if it is not a regular
    /// file, not UTF-8 or too large.
    pub async fn file(&self, path: &str, revision: &str) -> CallResult<Option<File>> {
        let commit = self.resolve(revision).await?;
        let target = format!("/contents/{}?ref={}", segs(path), seg(&commit));
        let Some(content) = or_none(self.get::<Value>(target).await)? else {
            // The same answer says that there is no such commit; one that was looked up is known to exist.
            if commit == revision {
                let _: ObjectSha = self.get(format!("/git/commits/{commit}")).await?;
            }
            return Ok(None);
        };
        let content = self.with_large_content(content).await?;
        match text_of(path, &content) {
            Ok(text) => Ok(Some(File {
                path: path.to_owned(),
                blob: blob_id(text.as_bytes()),
                content: text,
                commit,
            })),
            Err(why) => rejected(format!("{path} {why}")),
        }
    }

    /// Adds the content of a file of more than 1 MiB, which "Get repository content" leaves out: it is read as a blob.
    async fn with_large_content(&self, mut content: Value) -> CallResult<Value> {
        let size = content["size"].as_u64().unwrap_or_default();
        let sha = content["sha"].as_str().unwrap_or_default();
        let is_left_out = content["type"] == "file" && content["encoding"] == "none";
        if is_left_out && size <= LARGEST_FILE {
            let blob: Value = self.get(format!("/git/blobs/{}", seg(sha))).await?;
            for field in ["content", "encoding"] {
                content[field] = blob[field].clone();
            }
        }
        Ok(content)
    }

    /// Returns the text of a file at the commit of a merge, which was fetched with the merge if nothing went wrong.
    pub(crate) async fn merged_file(&self, path: &str, commit: &str) -> CallResult<Option<String>> {
        let key = self.merged_file_key(path, commit);
        let fetched = self
            .client
            .merged_files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key);
        match fetched {
            Some(text) => Ok(Some(text)),
            None => Ok(self.file(path, commit).await?.map(|file| file.content)),
        }
    }

    /// Fetches the changed files at the commit of their merge. One that cannot be had is read when it is asked for.
    pub(super) async fn fetch_merged_files(&self, changes: &[FileChange], commit: &str) {
        for FileChange { path, .. } in changes {
            if let Ok(Some(file)) = self.file(path, commit).await {
                self.keep_merged_file(path, commit, file.content);
            }
        }
    }

    /// Keeps the text of a file at the commit of a merge until it is asked for.
    pub(super) fn keep_merged_file(&self, path: &str, commit: &str, text: String) {
        self.client
            .merged_files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(self.merged_file_key(path, commit), text);
    }

    fn merged_file_key(&self, path: &str, commit: &str) -> MergedFileKey {
        MergedFileKey {
            repository: self.named.to_string(),
            commit: commit.to_owned(),
            path: path.to_owned(),
        }
    }

    /// Reads the commit that a branch stands at; none if there is no such branch.
    pub(super) async fn branch(&self, branch: &str) -> ServiceResult<Option<String>> {
        let target = format!("/git/ref/heads/{}", segs(branch));
        let found = or_none(self.send(Request::get(target)).await)?;
        found
            .map(|found| Ok(found.field::<ObjectSha>("object")?.sha))
            .transpose()
    }

    /// Finds the commit that a revision names: itself, a branch, or whatever else GitHub takes for one.
    async fn resolve(&self, revision: &str) -> CallResult<String> {
        if revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(revision.to_owned());
        }
        if let Some(commit) = self.branch(revision).await? {
            return Ok(commit);
        }
        match self
            .get::<ObjectSha>(format!("/commits/{}", segs(revision)))
            .await
        {
            // "No commit found for SHA": what is no identifier, and no name either.
            Err(error) if error.says(422, "") => Err(Failure::NotFound(format!(
                "{} has no branch, tag or commit {revision}",
                self.named
            ))),
            found => Ok(found?.sha),
        }
    }
}

/// Git's identifier of a text as a blob.
pub fn blob_id(text: &[u8]) -> String {
    let mut sha1 = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    sha1.update(format!("blob {}\0", text.len()).as_bytes());
    sha1.update(text);
    sha1.finish()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Reads the text of a content object, whose `sha` is the identifier of that text.
///
/// # Errors
/// Says why it is no text file at this path.
fn text_of(path: &str, content: &Value) -> Result<String, String> {
    let text = |name: &str| content[name].as_str().unwrap_or_default();
    let size = content["size"].as_u64().unwrap_or_default();
    if content.is_array() {
        return Err("is a directory, not a file".to_owned());
    }
    match text("type") {
        "file" => {}
        other => return Err(format!("is a {other}, not a file")),
    }
    if size > LARGEST_FILE || text("encoding") != "base64" {
        return Err(format!(
            "has {size} bytes, more than the {LARGEST_FILE} that can be read"
        ));
    }
    let base64: String = text("content").split_whitespace().collect();
    let bytes = BASE64_STANDARD
        .decode(base64)
        .map_err(|error| format!("arrived damaged: {error}"))?;
    // For a symbolic link, GitHub answers with the file that it leads to: its content and its size, but the link's identifier.
    let is_whole = u64::try_from(bytes.len()) == Ok(size);
    if text("sha") != blob_id(&bytes) || text("path") != path || !is_whole {
        return Err("is a symbolic link, not a file".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let end = error.utf8_error().valid_up_to();
        format!("is not UTF-8 from byte {end} on")
    })
}
