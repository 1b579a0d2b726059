//! A commit in an answer of GraphQL.

use serde_json::{Map, Value, json};

use super::selection::Selection;
use super::snapshot;
use crate::git::ObjectId;
use crate::github::state::RepositoryState;

/// Returns the form of a commit, with each file that is selected of it.
pub(super) fn shape(
    repository: &RepositoryState,
    id: ObjectId,
    selection: &Selection,
) -> Option<Value> {
    let commit = repository.git.commit(id)?;
    let parents: Vec<Value> = commit
        .parents
        .iter()
        .map(|parent| json!({"oid": parent.to_string()}))
        .collect();
    let signature = if repository.verified.contains(&id) {
        json!({"isValid": true})
    } else {
        Value::Null
    };
    let mut shape = Map::from_iter([
        ("oid".to_owned(), json!(id.to_string())),
        ("tree".to_owned(), json!({"oid": commit.tree.to_string()})),
        ("parents".to_owned(), json!({ "nodes": parents })),
        (
            "author".to_owned(),
            json!({"name": commit.author.name, "email": commit.author.email}),
        ),
        ("signature".to_owned(), signature),
    ]);
    for field in selection.fields().iter().filter(|it| it.name == "file") {
        let entry = repository.git.entry_at(commit.tree, field.text("path"));
        let file = entry.map(|entry| snapshot::file(repository, entry));
        shape.insert(field.alias.clone(), file.unwrap_or_default());
    }
    Some(Value::Object(shape))
}
