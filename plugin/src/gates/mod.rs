//! The rules. Each is a pure function of the facts and the settings; all are asked, so a refusal lists every reason.
//!
//! A rule whose facts are missing says nothing: that they are missing is a reason of its own, found while gathering.

pub mod lock;

use crate::facts::Facts;
use crate::settings::Settings;
use crate::types::Reason;

/// Every reason against the promotion.
pub fn all(facts: &Facts, settings: &Settings) -> Vec<Reason> {
    lock::check(facts, &settings.lock)
}

/// A reason, by its rule's name.
pub fn reason(rule: &str, message: impl Into<String>) -> Reason {
    Reason { rule: rule.to_owned(), message: message.into() }
}
