//! `health`: what staging runs is well there, and staging's manifest says the same as the catalog.

use super::reason;
use crate::catalog::named;
use crate::facts::Facts;
use crate::settings::{Health, Settings};
use crate::types::Reason;

/// Refuses unless all of staging has the wanted state in both properties, and unless its manifests, if they are named, hold
/// the image that the catalog claims.
pub fn check(facts: &Facts, settings: &Settings) -> Vec<Reason> {
    let health = &settings.health;
    if !health.enabled {
        return Vec::new();
    }
    let wrong = facts
        .staging
        .iter()
        .flat_map(|staging| unwell(staging, health));
    let mut reasons: Vec<_> = wrong
        .map(|what| reason("health", format!("{what}; promote when it is well")))
        .collect();
    for manifest in facts
        .staging_manifests
        .iter()
        .filter(|manifest| !manifest.agrees)
    {
        reasons.push(reason(
            "health",
            format!(
                "{} runs `{}` by the catalog, but `{}` by its manifest `{}`: wait until the catalog has caught up",
                named(&manifest.runtime),
                manifest.wanted,
                manifest.holds.escape_debug(),
                manifest.path
            ),
        ));
    }
    reasons
}

/// Finds the faults of a runtime.
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
