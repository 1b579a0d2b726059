//! Reading files and directories (GitHub REST, Get repository content).

use serde_json::{Value, json};

use super::GitHub;
use super::answer::{AnswerBody, GitHubAnswer, GitHubReply};
use super::call::{GitHubCall, encode_path};
use super::objects::wrapped_base64;
use super::state::RepositoryState;
use crate::git::{FileMode, ObjectId, PathEntry};

/// Up to this size the JSON form carries the content.
const MAX_JSON: usize = 1024 * 1024;
/// Past this size no form carries it.
const MAX_RAW: usize = 100 * 1024 * 1024;
/// A directory shows this many entries.
const MAX_ENTRIES: usize = 1000;

pub(super) fn get(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let path = call.part("path");
    if call.request.uri().path().ends_with('/') && !path.is_empty() {
        return Err(without_slash(call, call.repository(github).id));
    }
    let repository = call.repository_mut(github);
    if repository.refs.is_empty() {
        return Err(GitHubAnswer::error(404, "This repository is empty."));
    }
    let default = repository.settings.default_branch.clone();
    let name = call
        .query("ref")
        .filter(|name| !name.is_empty())
        .unwrap_or(&default);
    let commit = repository
        .read(name)
        .ok_or_else(|| GitHubAnswer::error(404, format!("No commit found for the ref {name}")))?;
    let tree = repository
        .git
        .tree_of(commit)
        .ok_or_else(GitHubAnswer::not_found)?;
    let entry = repository
        .git
        .entry_at(tree, path)
        .ok_or_else(GitHubAnswer::not_found)?;
    let etag = format!("\"{}\"", entry.id);
    let place = ContentPlace {
        call,
        repository,
        name,
        path,
    };
    let answer = match entry.mode {
        FileMode::Tree => place.directory(entry.id),
        FileMode::Symlink => place.link(tree, entry),
        FileMode::Submodule => GitHubAnswer::ok(place.submodule(entry.id)),
        FileMode::File | FileMode::Executable => place.file(entry.id, entry.id),
    };
    Ok(answer?.header("etag", etag))
}

/// Sends a path that ends with a slash to the one without it, in the form with the repository's number.
fn without_slash(call: &GitHubCall<'_>, repository: u64) -> GitHubAnswer {
    let path = encode_path(call.part("path"));
    let query = call.request.uri().query();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let url = format!(
        "{}/repositories/{repository}/contents/{path}{query}",
        call.urls.api
    );
    let body = AnswerBody::Raw {
        kind: "text/html;charset=utf-8".into(),
        content: Vec::new(),
    };
    GitHubAnswer::new(302, body).header("location", url)
}

/// The bytes themselves.
pub(super) fn raw(call: &GitHubCall<'_>, content: Vec<u8>) -> GitHubAnswer {
    let kind = if call.header("accept").contains("v3.raw") {
        "application/vnd.github.v3.raw; charset=utf-8"
    } else {
        "application/vnd.github.raw+json; charset=utf-8"
    };
    GitHubAnswer::new(
        200,
        AnswerBody::Raw {
            kind: kind.into(),
            content,
        },
    )
}

/// A path of a repository at a ref.
struct ContentPlace<'a> {
    call: &'a GitHubCall<'a>,
    repository: &'a RepositoryState,
    name: &'a str,
    path: &'a str,
}

impl ContentPlace<'_> {
    fn accepts(&self, kind: &str) -> bool {
        self.call.header("accept").contains(kind)
    }

    /// Shows the content of one blob under the id of another: for a link, the id is that of the link itself.
    fn file(&self, id: ObjectId, shown: ObjectId) -> GitHubReply {
        let content = self.repository.git.blob(shown).unwrap_or_default();
        if content.len() > MAX_RAW {
            let message = "This API returns blobs up to 100 MB in size. The requested blob is too large to fetch via the API.";
            let error = json!({"resource": "Blob", "field": "data", "code": "too_large"});
            return Err(GitHubAnswer::error(403, message).errors(json!([error])));
        }
        if self.accepts("raw") {
            return Ok(raw(self.call, content.to_vec()));
        }
        let mut shape = entry_shape(self.call, self.repository, self.name, self.path, "file", id);
        shape["size"] = content.len().into();
        if content.len() > MAX_JSON {
            shape["content"] = "".into();
            shape["encoding"] = "none".into();
        } else {
            shape["content"] = wrapped_base64(content).into();
            shape["encoding"] = "base64".into();
        }
        GitHubAnswer::ok(shape)
    }

    /// A link to a file of the repository shows the size and content of that file, under the link's name and id.
    fn link(&self, tree: ObjectId, entry: PathEntry) -> GitHubReply {
        let content = self.repository.git.blob(entry.id).unwrap_or_default();
        let target = String::from_utf8_lossy(content).into_owned();
        let resolved =
            follow(self.path, &target).and_then(|path| self.repository.git.entry_at(tree, &path));
        if let Some(file) = resolved.filter(|entry| entry.mode.is_file()) {
            return self.file(entry.id, file.id);
        }
        let mut shape = entry_shape(
            self.call,
            self.repository,
            self.name,
            self.path,
            "symlink",
            entry.id,
        );
        shape["target"] = target.into();
        GitHubAnswer::ok(shape)
    }

    fn submodule(&self, id: ObjectId) -> Value {
        let mut shape = entry_shape(
            self.call,
            self.repository,
            self.name,
            self.path,
            "submodule",
            id,
        );
        shape["submodule_git_url"] = format!("{}.git", self.call.urls.page(self.repository)).into();
        shape["download_url"] = Value::Null;
        shape
    }

    fn directory(&self, id: ObjectId) -> GitHubReply {
        let entries = self
            .repository
            .git
            .tree(id)
            .map(|tree| tree.entries())
            .unwrap_or_default();
        let entries: Vec<Value> = entries
            .iter()
            .take(MAX_ENTRIES)
            .map(|(name, entry)| {
                let path = if self.path.is_empty() {
                    name.clone()
                } else {
                    format!("{}/{name}", self.path)
                };
                let kind = match entry.mode {
                    FileMode::Tree => "dir",
                    FileMode::Symlink => "symlink",
                    // Older versions of the API call a submodule a file (breaking change of 2026-03-10).
                    FileMode::Submodule if self.call.newest => "submodule",
                    _ => "file",
                };
                entry_shape(self.call, self.repository, self.name, &path, kind, entry.id)
            })
            .collect();
        if self.accepts("vnd.github.object") {
            let mut shape =
                entry_shape(self.call, self.repository, self.name, self.path, "dir", id);
            shape["entries"] = entries.into();
            return GitHubAnswer::ok(shape);
        }
        GitHubAnswer::ok(entries.into())
    }
}

/// Where a link leads, or none if that is outside of the repository.
fn follow(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Returns the fields that entries of all kinds have.
pub(super) fn entry_shape(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    reference: &str,
    path: &str,
    kind: &str,
    id: ObjectId,
) -> Value {
    let api = call.urls.repository(repository);
    let page = call.urls.page(repository);
    let place = encode_path(path);
    let url = format!("{api}/contents/{place}?ref={}", encode_path(reference));
    let (object, view) = match kind {
        "dir" => ("trees", "tree"),
        _ => ("blobs", "blob"),
    };
    let git_url = format!("{api}/git/{object}/{id}");
    let html_url = format!("{page}/{view}/{reference}/{place}");
    let download = match kind {
        "dir" => Value::Null,
        _ => format!("{page}/raw/{reference}/{place}").into(),
    };
    json!({
        "type": kind,
        "size": repository.git.blob(id).map_or(0, <[u8]>::len),
        "name": path.rsplit('/').next().unwrap_or(path),
        "path": path,
        "sha": id.to_string(),
        "url": url,
        "git_url": git_url,
        "html_url": html_url,
        "download_url": download,
        "_links": {"self": url, "git": git_url, "html": html_url},
    })
}
