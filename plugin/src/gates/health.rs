//! `health`: what staging runs is well there, and staging's manifest says the same as the catalog.

use super::reason;
use crate::catalog::named;
use crate::facts::Facts;
use crate::settings::{Health, Settings};
use crate::types::Reason;

/// Refuses unless staging has the wanted state in both properties, and unless its manifest, if one is named, holds the image
/// that the catalog claims.
pub fn check(facts: &Facts, settings: &Settings) -> Vec<Reason> {
    let health = &settings.health;
    let Some(staging) = facts.staging.as_ref().filter(|_| health.enabled) else {
        return Vec::new();
    };
    let mut reasons: Vec<_> = unwell(staging, health)
        .into_iter()
        .map(|what| reason("health", format!("{what}; promote when it is well")))
        .collect();
    if let (Some((path, claimed)), Some(wanted)) = (&facts.staging_manifest, &facts.staging_wanted)
        && claimed != wanted
    {
        reasons.push(reason(
            "health",
            format!(
                "{} runs `{wanted}` by the catalog, but `{}` by its manifest `{path}`: wait until the catalog has caught up",
                named(&staging.key),
                claimed.escape_debug()
            ),
        ));
    }
    reasons
}

/// What is not as it should be with a runtime.
pub fn unwell(runtime: &crate::catalog::Item, settings: &Health) -> Vec<String> {
    let wanted = [
        (&settings.property, &settings.value),
        (&settings.sync_property, &settings.sync_value),
    ];
    let wrong = wanted
        .into_iter()
        .filter(|(property, value)| !property.is_empty() && runtime.text(property) != Some(value));
    wrong
        .map(|(property, value)| {
            let is = runtime.text(property).unwrap_or("not set");
            format!(
                "{} has `{property}` `{}`, not `{value}`",
                named(&runtime.key),
                is.escape_debug()
            )
        })
        .collect()
}
