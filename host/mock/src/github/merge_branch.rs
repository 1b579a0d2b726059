//! Merging branches without a pull request's rules (GitHub REST, Merge a branch; Update a pull request branch).

use serde_json::json;

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::commits::commit_shape;
use super::merge::web_flow;
use super::mergeable::merged_tree;
use super::refs::permit;
use super::shapes::signed;
use super::state::PullState;
use crate::git::{CommitObject, GitObject};

pub(super) fn merge(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    call.require(&["base", "head"])?;
    let base = call.required("base")?;
    let head = call.required("head")?;
    let repository = call.repository_mut(github);
    let missing = |what: &str| GitHubAnswer::error(404, format!("{what} does not exist"));
    let from = repository.branch(base).ok_or_else(|| missing("Base"))?;
    let id = repository.resolve(head).ok_or_else(|| missing("Head"))?;
    if repository.git.is_ancestor(id, from) {
        return GitHubAnswer::nothing();
    }
    let name = format!("refs/heads/{base}");
    permit(repository, &name, call)?;
    let tree = merged_tree(&mut repository.git, from, id);
    let tree = tree.ok_or_else(|| GitHubAnswer::error(409, "Merge conflict"))?;
    let author = signed(call.caller.login(), call.now);
    let committer = web_flow(call.now);
    let message = call.text("commit_message")?.map(str::to_owned);
    let message = message.unwrap_or_else(|| format!("Merge {head} into {base}"));
    let parents = vec![from, id];
    let merged = repository.git.insert(GitObject::Commit(CommitObject {
        tree,
        parents,
        author,
        committer,
        message,
    }));
    repository.verified.insert(merged);
    github.move_ref(call, &name, Some(merged));
    GitHubAnswer::created(commit_shape(call, call.repository(github), merged))
}

pub(super) fn update(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let pull = call.pull(github)?.clone();
    let repository = call.repository_mut(github);
    let refused = |message: &str| GitHubAnswer::error(422, message);
    if call
        .text("expected_head_sha")?
        .is_some_and(|sha| sha != pull.head_sha.to_string())
    {
        return Err(refused("expected head sha didn’t match current head ref."));
    }
    let base = repository
        .branch(&pull.base)
        .filter(|_| pull.state == PullState::Open);
    let base = base.ok_or_else(|| refused("Pull request is not open."))?;
    if repository.git.is_ancestor(base, pull.head_sha) {
        return Err(refused("There are no new commits on the base branch."));
    }
    let tree = merged_tree(&mut repository.git, pull.head_sha, base);
    let tree = tree.ok_or_else(|| refused("merge conflict between base and head"))?;
    let author = signed(call.caller.login(), call.now);
    let committer = web_flow(call.now);
    let message = format!("Merge branch '{}' into {}", pull.base, pull.head);
    let parents = vec![pull.head_sha, base];
    let id = repository.git.insert(GitObject::Commit(CommitObject {
        tree,
        parents,
        author,
        committer,
        message,
    }));
    repository.verified.insert(id);
    github.move_ref(call, &format!("refs/heads/{}", pull.head), Some(id));
    let url = format!(
        "{}/pulls/{}",
        call.urls.repository(call.repository(github)),
        pull.number
    );
    Ok(GitHubAnswer::json(
        202,
        json!({"message": "Updating pull request branch.", "url": url}),
    ))
}
