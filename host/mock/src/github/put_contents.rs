//! Writing one file (GitHub REST, Create or update file contents).

use serde_json::json;

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::commits::identity;
use super::contents::entry_shape;
use super::objects::unwrapped_base64;
use super::refs::permit;
use super::shapes::signed;
use crate::git::{CommitObject, FileMode, GitObject, PathEntry, TreeEdits};

pub(super) fn put(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    call.require(&["message", "content"])?;
    let message = call.required("message")?;
    let content = call.required("content")?;
    let path = call.part("path");
    let repository = call.repository(github);
    let branch = call
        .text("branch")?
        .unwrap_or(&repository.settings.default_branch)
        .to_owned();
    let branch = branch
        .strip_prefix("refs/heads/")
        .unwrap_or(&branch)
        .to_owned();
    // The branch is checked before the sha (probed on the wire, 2026-08).
    let head = repository.branch(&branch);
    let head =
        head.ok_or_else(|| GitHubAnswer::error(404, format!("Branch {branch} not found")))?;
    call.may_write(path, repository)?;
    let content = unwrapped_base64(content)
        .ok_or_else(|| GitHubAnswer::error(422, "content is not valid Base64"))?;
    let base = repository
        .git
        .tree_of(head)
        .ok_or_else(GitHubAnswer::not_found)?;
    let old = repository.git.entry_at(base, path);
    match (old, call.text("sha")?) {
        (Some(entry), _) if entry.mode.kind() != "blob" => {
            return Err(GitHubAnswer::error(422, format!("{path} is not a file")));
        }
        (Some(_), None) => return Err(GitHubAnswer::not_supplied("sha")),
        (Some(entry), Some(sha)) if sha != entry.id.to_string() => {
            return Err(GitHubAnswer::error(
                409,
                format!("{path} does not match {sha}"),
            ));
        }
        _ => {}
    }
    let name = format!("refs/heads/{branch}");
    // GitHub answers 409 here where PATCH git/refs answers 422; neither is documented.
    permit(repository, &name, call).map_err(|refusal| GitHubAnswer {
        status: 409,
        ..refusal
    })?;
    let author = identity(call, "author")?;
    let committer = identity(call, "committer")?;
    let committer = committer.unwrap_or_else(|| signed(call.caller.login(), call.now));
    let author = author.unwrap_or_else(|| committer.clone());
    let repository = call.repository_mut(github);
    let id = repository.git.insert_blob(content);
    let mode = old.map_or(FileMode::File, |entry| entry.mode);
    let edits = TreeEdits::from([(path.to_owned(), Some(PathEntry { mode, id }))]);
    let tree = repository.git.edit_tree(Some(base), &edits);
    let tree =
        tree.map_err(|_| GitHubAnswer::error(422, "path contains a malformed path component"))?;
    let commit = CommitObject {
        tree,
        parents: vec![head],
        author,
        committer,
        message: message.into(),
    };
    let commit_id = repository.git.insert(GitObject::Commit(commit.clone()));
    github.move_ref(call, &name, Some(commit_id));
    let repository = call.repository(github);
    let body = json!({
        "content": entry_shape(call, repository, &branch, path, "file", id),
        "commit": call.urls.git_commit(repository, commit_id, &commit),
    });
    Ok(GitHubAnswer::json(
        if old.is_some() { 200 } else { 201 },
        body,
    ))
}
