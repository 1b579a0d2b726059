//! GraphQL, as far as REST does not reach: auto-merge, the merge queue, one query for a repository, and the making of a
//! ref.
//!
//! A document is parsed for what it selects and no further: an operation is recognised by its name, its arguments by
//! theirs. An answer holds the selected fields and no others. An error is a 200 with `errors`, as always at GitHub.

mod create_ref;
mod mutation;
mod selection;
mod snapshot;

use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::identity::TokenKind;
use selection::Selection;

const CREATE_REF: &str = "createRef";

/// The reason why a field is null: GraphQL's type, and words.
struct MutationRefusal {
    kind: &'static str,
    message: String,
}

impl MutationRefusal {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    fn missing(id: &str) -> Self {
        let message = format!("Could not resolve to a node with the global id of '{id}'");
        Self::new("NOT_FOUND", message)
    }

    fn forbidden(call: &GitHubCall<'_>) -> Self {
        let is_personal = call
            .caller
            .token()
            .is_some_and(|token| token.kind == TokenKind::FineGrained);
        let whom = if is_personal {
            "personal access token"
        } else {
            "integration"
        };
        Self::new("FORBIDDEN", format!("Resource not accessible by {whom}"))
    }
}

pub(super) fn answer(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let query = call.text("query")?.unwrap_or_default();
    if query.trim().is_empty() {
        let message = "A query attribute must be specified and must be a string.";
        return Err(GitHubAnswer::error(400, message).documented(""));
    }
    let variables = call.body.get("variables").unwrap_or(&Value::Null);
    let selection = match Selection::parse(query, variables) {
        Ok(selection) => selection,
        Err(message) => return GitHubAnswer::ok(json!({"errors": [{"message": message}]})),
    };
    let known = [CREATE_REF]
        .into_iter()
        .chain(mutation::NAMES)
        .find(|name| selection.child(name).is_some());
    let answered = match known {
        Some(CREATE_REF) => payload_of(CREATE_REF, create_ref::answer(github, call)),
        Some(name) => payload_of(name, mutation::answer(github, call, name)),
        None if selection.child("repository").is_some() => {
            snapshot::answer(github, call, &selection)
        }
        None => json!({"data": {}}),
    };
    Ok(selected(github, &selection, answered))
}

/// Returns the answer of a mutation, with null in place of a refused one.
fn payload_of(name: &str, answered: Result<Value, MutationRefusal>) -> Value {
    match answered {
        Ok(payload) => json!({"data": {name: payload}}),
        Err(MutationRefusal { kind, message }) => json!({
            "data": {name: null},
            "errors": [{"type": kind, "path": [name], "locations": [{"line": 1, "column": 1}], "message": message}],
        }),
    }
}

/// Returns the answer with the selected fields. A field that this mock does not have is an error, and an unknown route.
fn selected(github: &mut GitHub, selection: &Selection, mut answered: Value) -> GitHubAnswer {
    match selection.project(&answered["data"]) {
        Ok(data) => answered["data"] = data,
        Err(field) => {
            github
                .unknown_routes
                .push(format!("POST /graphql with the field {field}"));
            answered = json!({"errors": [{
                "path": ["query", field],
                "extensions": {"code": "undefinedField", "fieldName": field},
                "locations": [{"line": 1, "column": 1}],
                "message": format!("Field '{field}' doesn't exist, or is not served by this mock"),
            }]});
        }
    }
    GitHubAnswer::json(200, answered)
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
                let is_end = |c: char| !(c.is_alphanumeric() || "_-$=".contains(c));
                if let Some(quoted) = rest.strip_prefix('"') {
                    return quoted.split('"').next().map(str::to_owned);
                }
                if let Some(variable) = rest.strip_prefix('$') {
                    return text(&variables[variable.split(is_end).next()?]);
                }
                let word = rest.split(is_end).next()?;
                (!word.is_empty()).then(|| word.to_owned())
            })
            .next()
    })
}
