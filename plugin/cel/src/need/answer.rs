//! What an expression knows of an answer before it is there: its fields and their kinds.

use super::NeedKind;
use crate::facts;
use crate::kind::Kind;

/// Returns the kind of the answer to a read.
pub(super) fn of(read: &NeedKind) -> Kind {
    match read {
        NeedKind::Entity { .. } => facts::entity("the entity"),
        NeedKind::Search { .. } => Kind::list(facts::entity("an entity")),
        NeedKind::File { .. } => file(),
        NeedKind::PullRequest { .. } => pull_request(),
        NeedKind::People { .. } => people(),
        NeedKind::PullRequests { .. } | NeedKind::CommitPulls { .. } => Kind::list(pull_request()),
        NeedKind::Checks { .. } => Kind::list(check()),
        NeedKind::Commit { .. } => commit(),
    }
}

fn file() -> Kind {
    Kind::Record(
        "the file",
        vec![
            ("path", Kind::Text),
            ("content", Kind::Text),
            ("blob", Kind::Text),
            ("commit", Kind::Text),
        ],
    )
}

fn pull_request() -> Kind {
    Kind::Record(
        "a pull request",
        vec![
            ("number", Kind::Int),
            ("url", Kind::Text),
            ("title", Kind::Text),
            ("state", Kind::Text),
            ("head", Kind::Text),
            ("headCommit", Kind::Text),
            ("base", Kind::Text),
            ("mergeCommit", Kind::Any),
            ("mergedAt", Kind::Any),
            ("mergeable", Kind::Text),
        ],
    )
}

fn people() -> Kind {
    let review = Kind::Record(
        "a review",
        vec![
            ("reviewer", Kind::Text),
            ("isBot", Kind::Bool),
            ("canWrite", Kind::Bool),
            ("state", Kind::Text),
            ("commit", Kind::Any),
            ("submittedAt", Kind::Any),
        ],
    );
    Kind::Record(
        "the people of a pull request",
        vec![
            ("author", Kind::Any),
            ("committers", Kind::list(Kind::Text)),
            ("headCommit", Kind::Text),
            ("mergedBy", Kind::Any),
            ("reviews", Kind::list(review)),
        ],
    )
}

fn check() -> Kind {
    Kind::Record(
        "a check",
        vec![
            ("name", Kind::Text),
            ("state", Kind::Text),
            ("required", Kind::Bool),
            ("url", Kind::Any),
        ],
    )
}

fn commit() -> Kind {
    Kind::Record(
        "the commit",
        vec![
            ("id", Kind::Text),
            ("parents", Kind::list(Kind::Text)),
            ("message", Kind::Text),
            ("author", Kind::Any),
            ("committedAt", Kind::Any),
        ],
    )
}
