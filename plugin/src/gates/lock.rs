//! `lock`: the service is locked in the catalog.

use serde_json::Value;

use super::reason;
use crate::catalog::named;
use crate::facts::Facts;
use crate::settings::Lock;
use crate::types::{Reason, ReasonCure};

/// Refuses while the lock property is anything but false or not set: who wrote `"yes"` there meant it.
pub fn check(facts: &Facts, settings: &Lock) -> Vec<Reason> {
    let locked = !matches!(
        facts.service.property(&settings.property),
        Value::Null | Value::Bool(false)
    );
    if !settings.enabled || !locked {
        return Vec::new();
    }
    let why = facts
        .service
        .text(&settings.reason)
        .unwrap_or("no reason is given");
    let message = format!(
        "{} is locked (`{}`): {why}; unlock it in Port when that is over",
        named(&facts.service.key),
        settings.property
    );
    vec![Reason {
        cure: ReasonCure::People,
        ..reason("lock", message)
    }]
}
