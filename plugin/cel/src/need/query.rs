//! Searches of the catalog: Port's query as it is, in which every text may be a template.

use cel::Context;
use serde_json::Value as Json;

use crate::check::Scope;
use crate::template::Template;

fn compile(text: &str) -> Result<Template, String> {
    Template::compile(text).map_err(|why| format!("`query`: {why}"))
}

/// Checks the texts of a query; every one may be a template.
pub(super) fn check(query: &Json, scope: &Scope) -> Result<(), String> {
    match query {
        Json::String(text) => {
            let template = compile(text)?;
            template
                .check(scope)
                .map_err(|why| format!("`query`: {why}"))
        }
        Json::Array(values) => values.iter().try_for_each(|it| check(it, scope)),
        Json::Object(fields) => fields.values().try_for_each(|it| check(it, scope)),
        _ => Ok(()),
    }
}

/// Fills a query in, text by text: what comes from the catalog stays a text, and never becomes a part of the query.
pub(super) fn fill(query: &Json, context: &Context<'_, '_>) -> Result<Json, String> {
    Ok(match query {
        Json::String(text) => compile(text)?.render_json(context)?,
        Json::Array(values) => values
            .iter()
            .map(|value| fill(value, context))
            .collect::<Result<_, _>>()?,
        Json::Object(fields) => {
            let filled: Result<serde_json::Map<_, _>, String> = fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), fill(value, context)?)))
                .collect();
            Json::Object(filled?)
        }
        other => other.clone(),
    })
}
