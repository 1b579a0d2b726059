//! Facts as rules see them: one JSON object, in which answers have the names of the contract in camel case.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{RuleStep, RuleSubject};
use crate::call::Reply;
use crate::contract::{
    Check, CheckState, Commit, Entity, EnvironmentReview, EnvironmentVerdict, File, Mergeability,
    PullPeople, PullRequest, PullState, Request, Review, ReviewState,
};
use crate::gate::context::entity_context;

/// Returns the facts that every rule gets, without its settings and its needs.
pub(super) fn common(
    request: &Request,
    service: &Entity,
    subject: &RuleSubject,
    step: RuleStep,
    now: Timestamp,
) -> Map<String, Value> {
    let candidate = &subject.candidate;
    let changes: Vec<Value> = candidate
        .changes
        .iter()
        .map(
            |change| json!({ "path": change.path, "before": change.before, "after": change.after }),
        )
        .collect();
    let approval = request
        .approval
        .as_ref()
        .map(|approval| json!({ "by": approval.by, "comment": approval.comment }));
    let actor = &request.actor;
    let reviews = request.environment_reviews.as_ref();
    let reviews = reviews.map(|all| all.iter().map(environment_fact).collect::<Vec<_>>());
    let facts = json!({
        "now": now.to_string(),
        "service": entity_context(service),
        "inputs": serde_json::from_str::<Value>(&request.inputs).unwrap_or_default(),
        "run": {
            "id": request.run_id,
            "action": request.action,
            "actor": { "id": actor.id, "email": actor.email, "name": actor.name },
            "approval": approval,
            "environmentReviews": reviews,
            "requestedAt": request.requested_at,
        },
        "candidate": {
            "repository": candidate.repository,
            "base": candidate.base,
            "changes": changes,
            "pullRequest": subject.pull_request,
            "headCommit": subject.head_commit,
        },
        "step": step,
    });
    match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}

/// Returns an answer as a fact.
pub(super) fn fact(reply: &Reply) -> Value {
    match reply {
        Reply::Entity(entity) => entity.as_ref().map_or(Value::Null, entity_context),
        Reply::Found(entities) => entities.iter().map(entity_context).collect(),
        Reply::File(file) => file.as_ref().map_or(Value::Null, file_fact),
        Reply::PullRequest(pull) => pull_fact(pull),
        Reply::PullPeople(people) => people_fact(people),
        Reply::PullRequests(pulls) => pulls.iter().map(pull_fact).collect(),
        Reply::Checks(checks) => checks.iter().map(check_fact).collect(),
        Reply::Commit(commit) => commit.as_ref().map_or(Value::Null, commit_fact),
        // No need leads to another answer.
        _ => Value::Null,
    }
}

fn file_fact(file: &File) -> Value {
    json!({ "path": file.path, "content": file.content, "blob": file.blob, "commit": file.commit })
}

fn pull_fact(pull: &PullRequest) -> Value {
    let state = match pull.state {
        PullState::Open => "open",
        PullState::Closed => "closed",
        PullState::Merged => "merged",
    };
    let mergeable = match pull.mergeable {
        Mergeability::Ready => "ready",
        Mergeability::Blocked => "blocked",
        Mergeability::Behind => "behind",
        Mergeability::Conflicting => "conflicting",
        Mergeability::Draft => "draft",
        Mergeability::Unknown => "unknown",
    };
    json!({
        "number": pull.number,
        "url": pull.url,
        "title": pull.title,
        "state": state,
        "head": pull.head,
        "headCommit": pull.head_commit,
        "base": pull.base,
        "mergeCommit": pull.merge_commit,
        "mergedAt": pull.merged_at,
        "mergeable": mergeable,
    })
}

fn people_fact(people: &PullPeople) -> Value {
    let review = |review: &Review| {
        let state = match review.state {
            ReviewState::Approved => "approved",
            ReviewState::ChangesRequested => "changes-requested",
            ReviewState::Commented => "commented",
            ReviewState::Dismissed => "dismissed",
        };
        json!({
            "reviewer": review.reviewer,
            "isBot": review.is_bot,
            "canWrite": review.can_write,
            "state": state,
            "commit": review.commit,
            "submittedAt": review.submitted_at,
        })
    };
    let reviews: Vec<Value> = people.reviews.iter().map(review).collect();
    json!({
        "author": people.author,
        "committers": people.committers,
        "headCommit": people.head_commit,
        "mergedBy": people.merged_by,
        "reviews": reviews,
    })
}

fn environment_fact(review: &EnvironmentReview) -> Value {
    let verdict = match review.verdict {
        EnvironmentVerdict::Approved => "approved",
        EnvironmentVerdict::Rejected => "rejected",
    };
    json!({
        "environment": review.environment,
        "reviewer": review.reviewer,
        "verdict": verdict,
        "comment": review.comment,
    })
}

fn check_fact(check: &Check) -> Value {
    let state = match check.state {
        CheckState::Passing => "passing",
        CheckState::Failing => "failing",
        CheckState::Waiting => "waiting",
    };
    json!({ "name": check.name, "state": state, "required": check.required, "url": check.url })
}

fn commit_fact(commit: &Commit) -> Value {
    json!({
        "id": commit.id,
        "parents": commit.parents,
        "message": commit.message,
        "author": commit.author,
        "committedAt": commit.committed_at,
    })
}
