//! GraphQL, as far as REST does not reach: one query for a repository, and mutations of a branch, a commit and a pull
//! request, several of them in one document.
//!
//! A document is parsed for what it selects: an operation is recognised by its name. An answer holds the selected fields and
//! no others. An error is a 200 with `errors`, as always at GitHub.

mod commit;
mod create_commit;
mod create_ref;
mod file_history;
mod mutation;
mod pull;
mod selection;
mod snapshot;

use serde_json::{Map, Value, json};

use super::GitHub;
use super::answer::{AnswerBody, GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::identity::TokenKind;
use selection::{SelectedField, Selection};

const CREATE_REF: &str = "createRef";
const CREATE_COMMIT: &str = "createCommitOnBranch";
const CREATE_PULL: &str = "createPullRequest";
const MERGE_PULL: &str = "mergePullRequest";

/// The reason why a field is null: GraphQL's type, and words.
struct MutationRefusal {
    kind: &'static str,
    message: String,
    /// The answer to all of the document, if it is cut off here.
    instead: Option<Box<GitHubAnswer>>,
}

impl MutationRefusal {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            instead: None,
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

    /// Returns REST's refusal of the same, in GraphQL's form: the first reason instead of the heading.
    fn of_rest(answer: GitHubAnswer) -> Self {
        let kind = match answer.status {
            403 => "FORBIDDEN",
            404 => "NOT_FOUND",
            _ => "UNPROCESSABLE",
        };
        let message = match &answer.body {
            AnswerBody::Json(body) => {
                let reason = body["errors"][0]["message"].as_str();
                let heading = body["message"].as_str();
                reason.or(heading).unwrap_or_default().to_owned()
            }
            _ => String::new(),
        };
        Self {
            instead: (answer.status >= 500).then(|| Box::new(answer)),
            ..Self::new(kind, message)
        }
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
    if query.trim_start().starts_with("mutation") {
        return mutate(github, call, &selection);
    }
    let answered = if selection.field("repository").is_some() {
        snapshot::answer(github, call, &selection)
    } else {
        json!({"data": {}})
    };
    Ok(selected(github, &selection, answered))
}

/// Carries out the fields of a mutation in their order, each with its answer as the world is after it. One that fails is null,
/// and does not stop the next (GraphQL specification, sections 6.2.2 and 6.4.4).
fn mutate(github: &mut GitHub, call: &GitHubCall<'_>, selection: &Selection) -> GitHubReply {
    let mut data = Map::new();
    let mut errors = Vec::new();
    for field in selection.fields() {
        let operation = operation_of(&field.name);
        github.before_operation(operation);
        let failing = &github.weather.failing_fields;
        let result = if failing.iter().any(|name| *name == field.name) {
            let message = "Something went wrong while carrying out this field.";
            Err(MutationRefusal::new("SERVICE_UNAVAILABLE", message))
        } else {
            payload(github, call, field)
        };
        let value = match result {
            Ok(Some(payload)) => match field.below().project(&payload) {
                Ok(value) => {
                    github.carried_out.push(operation);
                    github.after_operation(operation);
                    value
                }
                Err(missing) => return Ok(unknown_field(github, &missing)),
            },
            Ok(None) => return Ok(unknown_field(github, &field.name)),
            Err(MutationRefusal {
                instead: Some(answer),
                ..
            }) => return Err(*answer),
            Err(MutationRefusal { kind, message, .. }) => {
                errors.push(json!({
                    "type": kind, "path": [field.alias], "locations": [{"line": 1, "column": 1}], "message": message,
                }));
                Value::Null
            }
        };
        data.insert(field.alias.clone(), value);
    }
    let mut body = json!({"data": data});
    if !errors.is_empty() {
        body["errors"] = errors.into();
    }
    GitHubAnswer::ok(body)
}

/// Returns REST's operation that does the same, for events that wait for it.
fn operation_of(field: &str) -> &'static str {
    match field {
        CREATE_REF => "git/create-ref",
        CREATE_COMMIT => "git/create-commit",
        CREATE_PULL => "pulls/create",
        MERGE_PULL => "pulls/merge",
        _ => "",
    }
}

/// Returns the payload of a mutation; none if there is no mutation of this name.
fn payload(
    github: &mut GitHub,
    call: &GitHubCall<'_>,
    field: &SelectedField,
) -> Result<Option<Value>, MutationRefusal> {
    let empty = Map::new();
    let input = field.arguments.get("input").and_then(Value::as_object);
    let input = MutationInput(input.unwrap_or(&empty));
    match field.name.as_str() {
        CREATE_REF => create_ref::answer(github, call, &input, &field.below()),
        CREATE_COMMIT => create_commit::answer(github, call, &input, &field.below()),
        CREATE_PULL => pull::create(github, call, &input),
        MERGE_PULL => pull::merge(github, call, &input, &field.below()),
        name if mutation::NAMES.contains(&name) => mutation::answer(github, call, name, &input),
        _ => return Ok(None),
    }
    .map(Some)
}

/// Returns the answer with the selected fields. A field that this mock does not have is an error, and an unknown route.
fn selected(github: &mut GitHub, selection: &Selection, mut answered: Value) -> GitHubAnswer {
    match selection.project(&answered["data"]) {
        Ok(data) => answered["data"] = data,
        Err(field) => return unknown_field(github, &field),
    }
    GitHubAnswer::json(200, answered)
}

fn unknown_field(github: &mut GitHub, field: &str) -> GitHubAnswer {
    github
        .unknown_routes
        .push(format!("POST /graphql with the field {field}"));
    let errors = json!([{
        "path": ["query", field],
        "extensions": {"code": "undefinedField", "fieldName": field},
        "locations": [{"line": 1, "column": 1}],
        "message": format!("Field '{field}' doesn't exist, or is not served by this mock"),
    }]);
    GitHubAnswer::json(200, json!({ "errors": errors }))
}

/// The input of a mutation.
struct MutationInput<'a>(&'a Map<String, Value>);

impl MutationInput<'_> {
    /// Returns a text, unless it is not given.
    fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Returns a text, or nothing.
    fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// Returns a value, or null.
    fn value(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }
}
