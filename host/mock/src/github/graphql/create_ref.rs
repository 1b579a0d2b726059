//! The mutation `createRef`, with what REST's answer to the same cannot tell: where another branch stands by then.

use serde_json::{Value, json};

use super::super::GitHub;
use super::super::answer::{AnswerBody, GitHubAnswer};
use super::super::call::GitHubCall;
use super::super::identity::PermissionLevel;
use super::super::refs;
use super::super::repository_shape::repository_node_id;
use super::{MutationRefusal, argument};

/// Makes the ref; the payload holds the repository as it is after that, with the one branch that `base` names.
pub(super) fn answer(github: &mut GitHub, call: &GitHubCall<'_>) -> Result<Value, MutationRefusal> {
    let id = argument(call, "repositoryId").unwrap_or_default();
    let found = github.repositories.iter();
    let place = found
        .clone()
        .position(|one| repository_node_id(one) == id && call.caller.reaches(one));
    let place = place.ok_or_else(|| MutationRefusal::missing(&id))?;
    if !call.may(
        "contents",
        PermissionLevel::Write,
        &github.repositories[place],
    ) {
        return Err(MutationRefusal::forbidden(call));
    }
    let text = |name| argument(call, name).unwrap_or_default();
    let name = text("name");
    let oid = text("oid");
    let made =
        refs::make(github, call, place, &name, &oid).map_err(|answer| refusal(&name, answer))?;
    let base = call.body["variables"]["base"].as_str().unwrap_or_default();
    let base = github.repositories[place].refs.get(base);
    let base = base.map(|id| json!({"target": {"oid": id.to_string()}}));
    Ok(json!({
        "clientMutationId": null,
        "ref": {"name": name, "target": {"oid": made.to_string()}, "repository": {"id": id, "ref": base}},
    }))
}

/// REST's refusal, in GraphQL's form. That of a ref that is there has words of its own.
fn refusal(name: &str, answer: GitHubAnswer) -> MutationRefusal {
    let said = match answer.body {
        AnswerBody::Json(body) => body["message"].as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    let message = match said.as_str() {
        "Reference already exists" => {
            format!("A ref named \"{name}\" already exists in the repository.")
        }
        _ => said,
    };
    MutationRefusal::new("UNPROCESSABLE", message)
}
