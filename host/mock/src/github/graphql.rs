//! The three mutations that REST does not have: auto-merge on, auto-merge off, and joining the merge queue. Beside them one
//! query, in `snapshot`, and the making of a ref, in `create_ref`.
//!
//! No GraphQL is parsed: a mutation is recognised by its name, its arguments by theirs. An error is a 200 with
//! `errors`, as GitHub's GraphQL always answers.

use serde_json::{Value, json};

mod create_ref;
mod snapshot;

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::identity::{Level, TokenKind};
use super::mergeable::assess;
use super::pull_shapes::pull_node_id;
use super::state::{AutoMerge, Method, PullRequest, PullState, Repository};

/// Why a mutation is refused: GraphQL's type, and words.
type MutationRefusal = (&'static str, String);

const MUTATIONS: [&str; 3] = [
    "enablePullRequestAutoMerge",
    "disablePullRequestAutoMerge",
    "enqueuePullRequest",
];

const CREATE_REF: &str = "createRef";

pub(super) fn answer(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let query = call.text("query")?.unwrap_or_default();
    if query.trim().is_empty() {
        return GitHubAnswer::ok(
            json!({"errors": [{"message": "A query attribute must be specified and must be a string."}]}),
        );
    }
    if query.contains("repository(owner:") {
        return snapshot::answer(github, call);
    }
    if query.contains(CREATE_REF) {
        return payload_of(CREATE_REF, create_ref::answer(github, call));
    }
    let Some(name) = MUTATIONS.into_iter().find(|name| query.contains(name)) else {
        github
            .unknown_routes
            .push("POST /graphql with another operation".into());
        return GitHubAnswer::ok(
            json!({"errors": [{"type": "undefinedField", "message": "This mock knows no such field"}]}),
        );
    };
    let answered = mutate(github, call, name).map(|(place, number)| {
        let repository = &github.repositories[place];
        payload(call, repository, &repository.pulls[&number])
    });
    payload_of(name, answered)
}

/// Returns the answer of a mutation. An error is a 200 with `errors`.
fn payload_of(name: &str, answered: Result<Value, MutationRefusal>) -> GitHubReply {
    match answered {
        Ok(payload) => GitHubAnswer::ok(json!({"data": {name: payload}})),
        Err((kind, message)) => GitHubAnswer::ok(json!({
            "data": {name: null},
            "errors": [{"type": kind, "path": [name], "locations": [{"line": 1, "column": 1}], "message": message}],
        })),
    }
}

fn missing(id: &str) -> MutationRefusal {
    (
        "NOT_FOUND",
        format!("Could not resolve to a node with the global id of '{id}'"),
    )
}

fn forbidden(call: &GitHubCall<'_>) -> MutationRefusal {
    let fine = call
        .caller
        .token()
        .is_some_and(|token| token.kind == TokenKind::FineGrained);
    let whom = if fine {
        "personal access token"
    } else {
        "integration"
    };
    ("FORBIDDEN", format!("Resource not accessible by {whom}"))
}

/// An argument, from the variables or from the text of the query.
fn argument(call: &GitHubCall<'_>, name: &str) -> Option<String> {
    let variables = call.body.get("variables").unwrap_or(&Value::Null);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let nested = text(&variables["input"][name]).or_else(|| text(&variables[name]));
    nested.or_else(|| {
        let query = call.body.get("query")?.as_str()?;
        let values = query
            .split(name)
            .skip(1)
            .filter_map(|rest| rest.trim_start().strip_prefix(':'));
        values
            .filter_map(|rest| {
                let rest = rest.trim_start();
                let end = |c: char| !(c.is_alphanumeric() || "_-$=".contains(c));
                match (rest.strip_prefix('"'), rest.strip_prefix('$')) {
                    (Some(quoted), _) => quoted.split('"').next().map(str::to_owned),
                    (_, Some(variable)) => text(&variables[variable.split(end).next()?]),
                    _ => rest
                        .split(end)
                        .next()
                        .filter(|word| !word.is_empty())
                        .map(str::to_owned),
                }
            })
            .next()
    })
}

fn mutate(
    github: &mut GitHub,
    call: &GitHubCall<'_>,
    name: &str,
) -> Result<(usize, u64), MutationRefusal> {
    let unprocessable = |message: &str| ("UNPROCESSABLE", message.to_owned());
    let id = argument(call, "pullRequestId").unwrap_or_default();
    let (place, number) = locate(github, call, &id)?;
    let repository = &github.repositories[place];
    let pull = &repository.pulls[&number];
    if pull.state != PullState::Open {
        return Err(unprocessable(
            "Can't enable auto-merge for this pull request: Pull request Pull request is closed",
        ));
    }
    if argument(call, "expectedHeadOid").is_some_and(|head| head != pull.head_sha.to_string()) {
        return Err(unprocessable(
            "Expected head sha didn't match current head ref.",
        ));
    }
    let now = call.now;
    let by = call.caller.login().to_owned();
    let enabled = match name {
        "enablePullRequestAutoMerge" => {
            let method = argument(call, "mergeMethod");
            let method = Method::parse(method.as_deref().unwrap_or("MERGE"));
            let method = method.ok_or_else(|| unprocessable("mergeMethod is invalid"))?;
            auto_merge_refusal(call, repository, pull, method)
                .map_or(Ok(()), |refusal| Err(unprocessable(&refusal)))?;
            let title = argument(call, "commitHeadline");
            let message = argument(call, "commitBody");
            Some(AutoMerge {
                by,
                method,
                title,
                message,
            })
        }
        "enqueuePullRequest" if !repository.rules_of(&pull.base).merge_queue => {
            return Err(unprocessable(
                "The merge queue is not enabled for this branch.",
            ));
        }
        "enqueuePullRequest" if pull.queued_at.is_some() => {
            return Err(unprocessable("Pull request is already in the merge queue."));
        }
        "enqueuePullRequest"
            if ["dirty", "draft"].contains(&assess(repository, pull, now).state) =>
        {
            return Err(unprocessable("Pull request is not mergeable."));
        }
        _ => None,
    };
    if let Some(pull) = github.repositories[place].pulls.get_mut(&number) {
        pull.updated_at = now;
        match name {
            "enqueuePullRequest" => pull.queued_at = Some(now),
            _ => pull.auto_merge = enabled,
        }
    }
    Ok((place, number))
}

/// The pull request of a node id, if the caller may change it.
fn locate(
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
    let (place, number) = found.ok_or_else(|| missing(id))?;
    let repository = &github.repositories[place];
    let may = |permission| call.may(permission, Level::Write, repository);
    if !may("contents") || !may("pull_requests") {
        return Err(forbidden(call));
    }
    Ok((place, number))
}

/// Why auto-merge cannot be enabled. The doubled words are GitHub's.
fn auto_merge_refusal(
    call: &GitHubCall<'_>,
    repository: &Repository,
    pull: &PullRequest,
    method: Method,
) -> Option<String> {
    let settings = &repository.settings;
    let rules = repository.rules_of(&pull.base);
    if !settings.allow_auto_merge {
        return Some("Auto merge is not allowed for this repository".into());
    }
    let allowed = match method {
        Method::Merge => settings.allow_merge_commit,
        Method::Squash => settings.allow_squash_merge,
        Method::Rebase => settings.allow_rebase_merge,
    };
    if !allowed && !rules.merge_queue {
        return Some(format!(
            "Merge method {} merging is not allowed on this repository",
            method.name()
        ));
    }
    match assess(repository, pull, call.now).state {
        state @ ("clean" | "unstable") => {
            Some(format!("Pull request Pull request is in {state} status"))
        }
        "draft" => Some("Pull request Pull request is in draft status".into()),
        _ if !rules.any() => Some("Protected branch rules not configured for this branch".into()),
        "dirty" => Some("Can't enable auto-merge for this pull request".into()),
        _ => None,
    }
}

/// Returns the payload of a mutation on a pull request.
fn payload(call: &GitHubCall<'_>, repository: &Repository, pull: &PullRequest) -> Value {
    let login = call.caller.login();
    let auto = pull.auto_merge.as_ref().map(|auto| {
        json!({"enabledAt": pull.updated_at.to_string(), "mergeMethod": auto.method.name().to_uppercase(), "enabledBy": {"login": auto.by}})
    });
    let entry = pull
        .queued_at
        .map(|at| json!({"position": 1, "state": "QUEUED", "enqueuedAt": at.to_string()}));
    json!({
        "clientMutationId": null,
        "actor": {"login": login},
        "mergeQueueEntry": entry,
        "pullRequest": {
            "id": pull_node_id(repository, pull),
            "number": pull.number,
            "state": if pull.state == PullState::Open { "OPEN" } else { "CLOSED" },
            "headRefOid": pull.head_sha.to_string(),
            "autoMergeRequest": auto,
            "isMergeQueueEnabled": repository.rules_of(&pull.base).merge_queue,
            "isInMergeQueue": pull.queued_at.is_some(),
            "mergeQueueEntry": entry,
        },
    })
}
