//! Blobs and trees (GitHub REST, Git database).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::refs::not_empty;
use super::shapes::{UrlBase, node_id};
use super::state::RepositoryState;
use crate::git::{FileMode, GitObject, ObjectId, PathEntry, TreeEdits, TreeError};

/// Past this many entries a recursive tree is cut off.
const MAX_ENTRIES: usize = 100_000;

/// base64 as GitHub writes it: lines of 60 columns, each ended.
pub(super) fn wrapped_base64(content: &[u8]) -> String {
    let encoded = BASE64_STANDARD.encode(content);
    let mut wrapped = String::with_capacity(encoded.len() + encoded.len() / 60 + 1);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, left) = rest.split_at(rest.len().min(60));
        wrapped.push_str(line);
        wrapped.push('\n');
        rest = left;
    }
    wrapped
}

/// Reads base64, with or without line breaks.
pub(super) fn unwrapped_base64(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    BASE64_STANDARD.decode(compact).ok()
}

pub(super) fn create_blob(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let content = call.required("content")?;
    let bytes = match call.text("encoding")?.unwrap_or("utf-8") {
        "base64" => unwrapped_base64(content)
            .ok_or_else(|| GitHubAnswer::error(422, "content is not valid Base64"))?,
        _ => content.as_bytes().to_vec(),
    };
    let repository = call.repository_mut(github);
    not_empty(repository)?;
    let id = repository.git.insert_blob(bytes);
    let url = format!("{}/git/blobs/{id}", call.urls.repository(repository));
    GitHubAnswer::created(json!({"sha": id.to_string(), "url": url}))
}

pub(super) fn blob(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    not_empty(repository)?;
    let id: ObjectId = call.part("sha").parse().map_err(|_| {
        GitHubAnswer::error(
            422,
            "The sha parameter must be exactly 40 characters and contain only [0-9a-f].",
        )
    })?;
    let content = repository
        .git
        .blob(id)
        .ok_or_else(GitHubAnswer::not_found)?;
    if call.header("accept").contains("raw") {
        return Ok(super::contents::raw(call, content.to_vec()));
    }
    GitHubAnswer::ok(json!({
        "sha": id.to_string(),
        "node_id": node_id("B", id),
        "size": content.len(),
        "url": format!("{}/git/blobs/{id}", call.urls.repository(repository)),
        "content": wrapped_base64(content),
        "encoding": "base64",
    }))
}

pub(super) fn tree(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    not_empty(repository)?;
    let named = call.part("sha");
    let git = &repository.git;
    // A commit or a branch is accepted where a tree is asked for.
    let id = named.parse().ok().filter(|id| git.tree(*id).is_some());
    let id: Option<ObjectId> = id.or_else(|| git.tree_of(repository.resolve(named)?));
    let id = id.ok_or_else(GitHubAnswer::not_found)?;
    // Any value of `recursive` counts, `0` and `false` too.
    let entries = match call.query("recursive") {
        Some(_) => git.walk(id),
        None => git
            .tree(id)
            .map(|tree| tree.entries().to_vec())
            .unwrap_or_default(),
    };
    GitHubAnswer::ok(tree_shape(&call.urls, repository, id, &entries))
}

fn tree_shape(
    urls: &UrlBase,
    repository: &RepositoryState,
    id: ObjectId,
    entries: &[(String, PathEntry)],
) -> Value {
    let api = urls.repository(repository);
    let shapes: Vec<Value> = entries
        .iter()
        .take(MAX_ENTRIES)
        .map(|(path, entry)| entry_shape(repository, &api, path, entry))
        .collect();
    json!({
        "sha": id.to_string(),
        "url": format!("{api}/git/trees/{id}"),
        "tree": shapes,
        "truncated": entries.len() > MAX_ENTRIES,
    })
}

fn entry_shape(repository: &RepositoryState, api: &str, path: &str, entry: &PathEntry) -> Value {
    let kind = entry.mode.kind();
    let mut shape = json!({"path": path, "mode": entry.mode.digits(), "type": kind, "sha": entry.id.to_string()});
    if kind != "commit" {
        shape["url"] = format!("{api}/git/{kind}s/{}", entry.id).into();
    }
    if let Some(content) = repository.git.blob(entry.id) {
        shape["size"] = content.len().into();
    }
    shape
}

pub(super) fn create_tree(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let wanted = call
        .body
        .get("tree")
        .ok_or_else(|| GitHubAnswer::not_supplied("tree"))?;
    let wanted = wanted
        .as_array()
        .ok_or_else(|| GitHubAnswer::error(422, "Invalid tree info"))?;
    let base = call.text("base_tree")?;
    let repository = call.repository_mut(github);
    not_empty(repository)?;
    let base = base.map(|text| {
        let known = text.parse().ok();
        let tree: Option<ObjectId> = known.and_then(|id| match repository.git.object(id)? {
            GitObject::Tree(_) => Some(id),
            GitObject::Commit(commit) => Some(commit.tree),
            GitObject::Blob(_) => None,
        });
        tree.ok_or_else(|| GitHubAnswer::error(422, "base_tree is not a valid tree oid"))
    });
    let base = base.transpose()?;
    let mut edits = TreeEdits::new();
    for item in wanted {
        let item = item
            .as_object()
            .ok_or_else(|| GitHubAnswer::error(422, "Invalid tree info"))?;
        let (path, entry) = tree_item(repository, item)?;
        call.may_write(&path, repository)?;
        edits.insert(path, entry);
    }
    let id = repository.git.edit_tree(base, &edits).map_err(|error| {
        GitHubAnswer::error(
            422,
            match error {
                TreeError::Path(_) => "tree.path contains a malformed path component",
                TreeError::Missing(_) => "GitRPC::BadObjectState",
                TreeError::Clash(_) => "tree.path contains a file and a directory of the same name",
            },
        )
    })?;
    let entries = repository
        .git
        .tree(id)
        .map(|tree| tree.entries().to_vec())
        .unwrap_or_default();
    let shape = tree_shape(&call.urls, repository, id, &entries);
    GitHubAnswer::created(shape)
}

/// One path of a tree to be, and what it becomes; none deletes it.
fn tree_item(
    repository: &mut RepositoryState,
    item: &Map<String, Value>,
) -> Result<(String, Option<PathEntry>), GitHubAnswer> {
    let invalid = |message: &str| GitHubAnswer::error(422, message);
    let path = item
        .get("path")
        .and_then(Value::as_str)
        .ok_or_else(|| invalid("Must supply tree.path"))?;
    let content = item.get("content").and_then(Value::as_str);
    match (item.get("sha"), content) {
        (Some(Value::String(_)), Some(_)) => Err(invalid(
            "Must supply either tree.sha or tree.content, not both",
        )),
        (Some(Value::Null), None) => Ok((path.into(), None)),
        (Some(Value::String(sha)), None) => {
            let mode = mode_of(item)?;
            let known = sha.parse().ok().filter(|id| {
                let kind = repository.git.object(*id).map(|object| match object {
                    GitObject::Blob(_) => "blob",
                    GitObject::Tree(_) => "tree",
                    GitObject::Commit(_) => "commit",
                });
                // The commit of a submodule lives elsewhere.
                mode == FileMode::Submodule || kind == Some(mode.kind())
            });
            let id =
                known.ok_or_else(|| invalid("tree.sha is not a valid object of the given type"))?;
            Ok((path.into(), Some(PathEntry { mode, id })))
        }
        (None | Some(Value::Null), Some(content)) => {
            let mode = mode_of(item)?;
            let id = repository.git.insert_blob(content);
            Ok((path.into(), Some(PathEntry { mode, id })))
        }
        _ => Err(invalid("Must supply either tree.sha or tree.content")),
    }
}

fn mode_of(item: &Map<String, Value>) -> Result<FileMode, GitHubAnswer> {
    let mode = item
        .get("mode")
        .and_then(Value::as_str)
        .and_then(FileMode::parse);
    mode.ok_or_else(|| GitHubAnswer::error(422, "Must supply a valid tree.mode"))
}
