//! Rules without a component of one's own: expressions in CEL, from the operator's configuration.
//!
//! - [`settings`]: a rule as it is written, `needs`, `deny` and `message`;
//! - [`expression`]: one expression, compiled, checked against what it may name, and computed;
//! - [`kind`], [`check`] and [`functions`]: what is known of an expression before it is computed;
//! - [`template`]: text with `{expression}` in it;
//! - [`facts`]: the names that expressions have, [`need`]: what a rule reads, [`judge`]: its verdict.
//!
//! Like every rule it can call nothing, and the same facts have the same verdict.

pub mod check;
pub mod contract;
pub mod expression;
pub mod facts;
pub mod functions;
pub mod judge;
pub mod kind;
pub mod need;
pub mod settings;
pub mod template;

use contract::{Description, Need, Reason, about, ruling, settings_check};

/// The component.
#[derive(Debug)]
pub struct Expressions;

impl ruling::Guest for Expressions {
    fn needs(facts: String) -> Vec<Need> {
        judge::needs(&facts)
    }

    fn check(facts: String) -> Vec<Reason> {
        judge::check(&facts)
    }
}

impl settings_check::Guest for Expressions {
    fn check(settings: String) -> Vec<String> {
        settings::mistakes(&settings)
    }
}

impl about::Guest for Expressions {
    fn describe() -> Description {
        Description {
            name: "promote-cel".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "refuses a promotion for which an expression in CEL is true".to_owned(),
            settings_schema: settings::SCHEMA.to_owned(),
        }
    }
}
