//! The mutation `createCommitOnBranch`: a commit on a branch that is there, signed by GitHub, of regular files only.

use serde_json::{Value, json};

use super::super::GitHub;
use super::super::call::GitHubCall;
use super::super::identity::PermissionLevel;
use super::super::merge::web_flow;
use super::super::objects::unwrapped_base64;
use super::super::refs::permit;
use super::super::shapes::signed;
use super::selection::Selection;
use super::{MutationInput, MutationRefusal, commit};
use crate::git::{CommitObject, FileMode, GitObject, PathEntry, TreeEdits};

pub(super) fn answer(
    github: &mut GitHub,
    call: &GitHubCall<'_>,
    input: &MutationInput<'_>,
    selection: &Selection,
) -> Result<Value, MutationRefusal> {
    let unprocessable = |message: String| MutationRefusal::new("UNPROCESSABLE", message);
    let branch = input.value("branch");
    let full_name = branch["repositoryNameWithOwner"]
        .as_str()
        .unwrap_or_default();
    let branch = branch["branchName"].as_str().unwrap_or_default();
    let place = github.repositories.iter().position(|one| {
        one.full_name().eq_ignore_ascii_case(full_name) && call.caller.reaches(one)
    });
    let place = place.ok_or_else(|| {
        let message = format!("Could not resolve to a Repository with the name '{full_name}'.");
        MutationRefusal::new("NOT_FOUND", message)
    })?;
    let repository = &github.repositories[place];
    if !call.may("contents", PermissionLevel::Write, repository) {
        return Err(MutationRefusal::forbidden(call));
    }
    let head = repository.branch(branch).ok_or_else(|| {
        let message = format!("Could not resolve to a Ref with the name '{branch}'.");
        MutationRefusal::new("NOT_FOUND", message)
    })?;
    let expected = input.text("expectedHeadOid");
    if head.to_string() != expected {
        let message =
            format!("Expected branch to point to \"{head}\" but it did not. Pull and try again.");
        return Err(MutationRefusal::new("STALE_DATA", message));
    }
    let name = format!("refs/heads/{branch}");
    permit(repository, &name, call).map_err(MutationRefusal::of_rest)?;
    let mut files = Vec::new();
    let additions = input.value("fileChanges")["additions"].as_array();
    for addition in additions.into_iter().flatten() {
        let path = addition["path"].as_str().unwrap_or_default();
        call.may_write(path, repository)
            .map_err(MutationRefusal::of_rest)?;
        let contents = addition["contents"].as_str().unwrap_or_default();
        let contents = unwrapped_base64(contents)
            .ok_or_else(|| unprocessable("contents is not valid Base64".to_owned()))?;
        files.push((path.to_owned(), contents));
    }
    let message = input.value("message");
    let headline = message["headline"].as_str().unwrap_or_default();
    let body = message["body"].as_str().unwrap_or_default();
    let message = format!("{headline}\n\n{body}").trim_end().to_owned();
    let repository = &mut github.repositories[place];
    let mut edits = TreeEdits::new();
    for (path, contents) in files {
        let id = repository.git.insert_blob(contents);
        let mode = FileMode::File;
        edits.insert(path, Some(PathEntry { mode, id }));
    }
    let base = repository.git.tree_of(head);
    let tree = repository
        .git
        .edit_tree(base, &edits)
        .map_err(|_| unprocessable("A path was requested that is malformed".to_owned()))?;
    let made = repository.git.insert(GitObject::Commit(CommitObject {
        tree,
        parents: vec![head],
        author: signed(call.caller.login(), call.now),
        committer: web_flow(call.now),
        message,
    }));
    repository.verified.insert(made);
    github.move_ref_at(call, place, &name, made);
    let below = selection.child("commit").unwrap_or_default();
    Ok(json!({
        "clientMutationId": null,
        "commit": commit::shape(&github.repositories[place], made, &below),
    }))
}
