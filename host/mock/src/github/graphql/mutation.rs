//! The mutations on a pull request: auto-merge on, auto-merge off, and joining the merge queue.

use serde_json::{Value, json};

use super::super::GitHub;
use super::super::call::GitHubCall;
use super::super::identity::{PermissionLevel, TokenKind};
use super::super::mergeable::assess;
use super::super::pull_shapes::pull_node_id;
use super::super::state::{
    AutoMerge, MergeStyle, PullRequest, PullState, QueueEntry, RepositoryState,
};
use super::{MutationInput, MutationRefusal};

const ENABLE: &str = "enablePullRequestAutoMerge";
const DISABLE: &str = "disablePullRequestAutoMerge";
const ENQUEUE: &str = "enqueuePullRequest";

/// The names of the mutations.
pub(super) const NAMES: [&str; 3] = [ENABLE, DISABLE, ENQUEUE];

/// Carries out the mutation of this name, and returns its payload.
pub(super) fn answer(
    github: &mut GitHub,
    call: &GitHubCall<'_>,
    name: &str,
    input: &MutationInput<'_>,
) -> Result<Value, MutationRefusal> {
    let id = input.text("pullRequestId");
    let (place, number) = locate(github, call, id)?;
    if github.forgets_pull(place, number, call.now) {
        return Err(MutationRefusal::missing(id));
    }
    let repository = &github.repositories[place];
    let pull = &repository.pulls[&number];
    if pull.state != PullState::Open {
        return Err(unprocessable(
            "Can't enable auto-merge for this pull request: Pull request Pull request is closed",
        ));
    }
    let expected = input.find("expectedHeadOid");
    if expected.is_some_and(|head| head != pull.head_sha.to_string()) {
        return Err(unprocessable(
            "Expected head sha didn't match current head ref.",
        ));
    }
    let mut changed = pull.clone();
    changed.updated_at = call.now;
    match name {
        ENABLE => changed.auto_merge = Some(armed(call, repository, pull, input)?),
        ENQUEUE => changed.queue_entry = Some(queued(call, repository, pull)?),
        _ => changed.auto_merge = None,
    }
    github.repositories[place].pulls.insert(number, changed);
    let repository = &github.repositories[place];
    Ok(payload(call, repository, &repository.pulls[&number]))
}

fn unprocessable(message: impl Into<String>) -> MutationRefusal {
    MutationRefusal::new("UNPROCESSABLE", message)
}

/// Returns the pull request of a node id, if the caller may change it, as the place of its repository and its number.
pub(super) fn locate(
    github: &GitHub,
    call: &GitHubCall<'_>,
    id: &str,
) -> Result<(usize, u64), MutationRefusal> {
    let mut all = github
        .repositories
        .iter()
        .enumerate()
        .filter(|(_, repository)| call.caller.reaches(repository));
    let found = all.find_map(|(place, repository)| {
        let mut pulls = repository.pulls.values();
        let pull = pulls.find(|pull| pull_node_id(repository, pull) == id)?;
        Some((place, pull.number))
    });
    let (place, number) = found.ok_or_else(|| MutationRefusal::missing(id))?;
    let repository = &github.repositories[place];
    let may = |permission| call.may(permission, PermissionLevel::Write, repository);
    if !may("contents") || !may("pull_requests") {
        return Err(MutationRefusal::forbidden(call));
    }
    Ok((place, number))
}

/// Returns the auto-merge that a mutation asks for, if GitHub allows it.
fn armed(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    pull: &PullRequest,
    input: &MutationInput<'_>,
) -> Result<AutoMerge, MutationRefusal> {
    let method = input.find("mergeMethod").unwrap_or("MERGE");
    let method =
        MergeStyle::parse(method).ok_or_else(|| unprocessable("mergeMethod is invalid"))?;
    if let Some(refusal) = auto_merge_refusal(call, repository, pull, method) {
        return Err(unprocessable(refusal));
    }
    let state = assess(repository, pull, call.now).state;
    Ok(AutoMerge {
        by: call.caller.login().to_owned(),
        method,
        title: input.find("commitHeadline").map(str::to_owned),
        message: input.find("commitBody").map(str::to_owned),
        is_swallowed: ["clean", "unstable"].contains(&state),
    })
}

/// Returns the reason why auto-merge cannot be enabled, if there is one. The doubled words are GitHub's.
fn auto_merge_refusal(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    pull: &PullRequest,
    method: MergeStyle,
) -> Option<String> {
    let settings = &repository.settings;
    let rules = repository.rules_of(&pull.base);
    if !settings.allow_auto_merge {
        return Some("Auto merge is not allowed for this repository".into());
    }
    let allowed = match method {
        MergeStyle::Merge => settings.allow_merge_commit,
        MergeStyle::Squash => settings.allow_squash_merge,
        MergeStyle::Rebase => settings.allow_rebase_merge,
    };
    if !allowed && !rules.merge_queue {
        return Some(format!(
            "Merge method {} merging is not allowed on this repository",
            method.name()
        ));
    }
    match assess(repository, pull, call.now).state {
        // Where there is a queue, GitHub takes the request and may never act on it.
        "clean" | "unstable" if rules.merge_queue => None,
        state @ ("clean" | "unstable") => {
            Some(format!("Pull request Pull request is in {state} status"))
        }
        "draft" => Some("Pull request Pull request is in draft status".into()),
        _ if !rules.any() => Some("Protected branch rules not configured for this branch".into()),
        "dirty" => Some("Can't enable auto-merge for this pull request".into()),
        _ => None,
    }
}

/// Returns the place in the merge queue that a mutation asks for, if GitHub gives it one.
fn queued(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    pull: &PullRequest,
) -> Result<QueueEntry, MutationRefusal> {
    let rules = repository.rules_of(&pull.base);
    if !rules.merge_queue {
        return Err(unprocessable(
            "The merge queue is not enabled for this branch.",
        ));
    }
    if pull.queue_entry.is_some() {
        return Err(unprocessable("Pull request is already in the queue"));
    }
    if ["dirty", "draft", "blocked"].contains(&assess(repository, pull, call.now).state) {
        return Err(unprocessable("Pull request is not mergeable."));
    }
    let token = call.caller.token();
    Ok(QueueEntry {
        since: call.now,
        // What a workflow's own token puts there starts no workflow, and so no required check.
        is_jammed: token.is_some_and(|token| token.kind == TokenKind::Actions)
            && !rules.required_checks.is_empty(),
    })
}

fn payload(call: &GitHubCall<'_>, repository: &RepositoryState, pull: &PullRequest) -> Value {
    let auto_merge = pull.auto_merge.as_ref().map(|auto| {
        json!({
            "enabledAt": pull.updated_at.to_string(),
            "mergeMethod": auto.method.name().to_uppercase(),
            "enabledBy": {"login": auto.by},
        })
    });
    let entry = pull.queue_entry.map(|entry| {
        let state = if entry.is_jammed {
            "AWAITING_CHECKS"
        } else {
            "QUEUED"
        };
        json!({"position": 1, "state": state, "enqueuedAt": entry.since.to_string()})
    });
    json!({
        "clientMutationId": null,
        "actor": {"login": call.caller.login()},
        "mergeQueueEntry": entry,
        "pullRequest": {
            "id": pull_node_id(repository, pull),
            "number": pull.number,
            "state": if pull.state == PullState::Open { "OPEN" } else { "CLOSED" },
            "headRefOid": pull.head_sha.to_string(),
            "autoMergeRequest": auto_merge,
            "isMergeQueueEnabled": repository.rules_of(&pull.base).merge_queue,
            "isInMergeQueue": pull.queue_entry.is_some(),
            "mergeQueueEntry": entry,
        },
    })
}
