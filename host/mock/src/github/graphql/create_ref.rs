//! The mutation `createRef`, with what REST's answer to the same cannot tell: where another branch stands by then.

use serde_json::{Value, json};

use super::super::GitHub;
use super::super::call::GitHubCall;
use super::super::identity::PermissionLevel;
use super::super::refs;
use super::super::repository_shape::repository_node_id;
use super::selection::Selection;
use super::{MutationInput, MutationRefusal};

/// Makes the ref; the payload holds the repository as it is after that, with the one branch that the document asks for.
pub(super) fn answer(
    github: &mut GitHub,
    call: &GitHubCall<'_>,
    input: &MutationInput<'_>,
    selection: &Selection,
) -> Result<Value, MutationRefusal> {
    let place = place_of(github, call, input.text("repositoryId"))?;
    if !call.may(
        "contents",
        PermissionLevel::Write,
        &github.repositories[place],
    ) {
        return Err(MutationRefusal::forbidden(call));
    }
    let name = input.text("name");
    let made = refs::make(github, call, place, name, input.text("oid")).map_err(|answer| {
        let refusal = MutationRefusal::of_rest(answer);
        match refusal.message.as_str() {
            "Reference already exists" => MutationRefusal::new(
                "UNPROCESSABLE",
                format!("A ref named \"{name}\" already exists in the repository."),
            ),
            _ => refusal,
        }
    })?;
    let repository = &mut github.repositories[place];
    let id = repository_node_id(repository);
    let below = selection
        .child("ref")
        .and_then(|it| it.child("repository"))
        .unwrap_or_default();
    let base = below.field("ref").map(|it| it.text("qualifiedName"));
    let base = base.and_then(|base| repository.refs.get(base));
    let base = base.map(|id| json!({"target": {"oid": id.to_string()}}));
    Ok(json!({
        "clientMutationId": null,
        "ref": {"name": name, "target": {"oid": made.to_string()}, "repository": {"id": id, "ref": base}},
    }))
}

/// Returns the place of the repository of a node id, if the caller reaches it.
pub(super) fn place_of(
    github: &GitHub,
    call: &GitHubCall<'_>,
    id: &str,
) -> Result<usize, MutationRefusal> {
    let place = github
        .repositories
        .iter()
        .position(|one| repository_node_id(one) == id && call.caller.reaches(one));
    place.ok_or_else(|| MutationRefusal::missing(id))
}
