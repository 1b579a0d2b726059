//! The rules. Each is a pure function of the facts and the settings; all are asked, so a refusal lists every reason.
//!
//! A rule whose facts are missing says nothing: that they are missing is a reason of its own, found while gathering.

pub mod freeze;
pub mod freshness;
pub mod health;
pub mod image;
pub mod lock;
pub mod people;
pub mod provenance;
pub mod soak;

pub use promote_guest::reason;

use crate::facts::Facts;
use crate::settings::{Freshness, RollbackRule, Settings};
use crate::types::Reason;

/// The verdict of the rules.
#[derive(Debug, Default)]
pub struct GateVerdict {
    /// Every reason against the promotion.
    pub reasons: Vec<Reason>,
    /// Reasons that people should know, although they do not refuse.
    pub warnings: Vec<Reason>,
}

/// Asks every rule.
pub fn all(facts: &Facts, settings: &Settings) -> GateVerdict {
    // What keeps a promotion away for a while must not keep production on an image that is broken.
    let asks = |rule| !facts.is_rollback || settings.rollback.rules.contains(&rule);
    let mut verdict = GateVerdict {
        reasons: [
            if asks(RollbackRule::Lock) {
                lock::check(facts, &settings.lock)
            } else {
                Vec::new()
            },
            freeze::stopped_line(facts, &settings.freeze),
            if asks(RollbackRule::Freeze) {
                freeze::check(facts, &settings.freeze)
            } else {
                Vec::new()
            },
            people::check(facts, &settings.people),
            health::check(facts, settings),
            soak::check(facts, &settings.soak),
            image::check(facts, settings),
            provenance::check(facts),
        ]
        .concat(),
        warnings: image::left_behind(facts),
    };
    match settings.freshness {
        Freshness::Ignore => {}
        Freshness::Report => verdict.warnings.extend(freshness::check(facts)),
        Freshness::Refuse => verdict.reasons.extend(freshness::check(facts)),
    }
    verdict
}

#[cfg(test)]
mod tests;
