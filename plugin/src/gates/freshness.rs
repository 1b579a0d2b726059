//! `freshness`: what the person saw when they clicked is still so.

use super::reason;
use crate::catalog::{Item, named};
use crate::facts::Facts;
use crate::time::timestamp;
use crate::types::Reason;

/// Returns a reason for each entity that was changed after the click. Whether that refuses or only warns is the setting
/// `freshness`.
pub fn check(facts: &Facts) -> Vec<Reason> {
    let Some(clicked) = facts.requested_at.as_deref().and_then(timestamp) else {
        return Vec::new();
    };
    let is_newer = |item: &&Item| {
        let changed = item.updated_at.as_deref().and_then(timestamp);
        changed.is_some_and(|changed| changed > clicked)
    };
    std::iter::once(&facts.service)
        .chain(&facts.staging)
        .filter(is_newer)
        .map(|item| {
            reason(
                "freshness",
                format!(
                    "{} has changed since the click: look at it, then promote again",
                    named(&item.key)
                ),
            )
        })
        .collect()
}
