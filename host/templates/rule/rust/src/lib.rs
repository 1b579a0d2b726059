//! Binds the rule to the contract in `wit/`, and describes it. The rule itself is in `rule.rs`.

mod rule;

wit_bindgen::generate!({ path: "wit", world: "rule" });

use exports::promote::policy::about::{self, Description};
pub use exports::promote::policy::ruling::Need;
use exports::promote::policy::ruling::{self, EntitySearch, FactRead};
pub use promote::policy::types::Reason;
use promote::policy::types::{ReasonCure, StopPoint};
use serde_json::Value;

struct Rule;

impl ruling::Guest for Rule {
    fn needs(facts: String) -> Vec<Need> {
        rule::needs(&serde_json::from_str(&facts).expect("facts are JSON"))
    }

    fn check(facts: String) -> Vec<Reason> {
        rule::check(&serde_json::from_str(&facts).expect("facts are JSON"))
    }
}

impl about::Guest for Rule {
    fn describe() -> Description {
        Description {
            name: "{{name}}".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            settings_schema: r#"{ "type": "object", "additionalProperties": false }"#.to_owned(),
        }
    }
}

/// The entities of a blueprint that a query of Port's finds; `check` gets them under the name.
pub fn search(name: &str, blueprint: &str, query: &Value) -> Need {
    let (blueprint, query) = (blueprint.to_owned(), query.to_string());
    let read = FactRead::Search(EntitySearch { blueprint, query });
    Need {
        name: name.to_owned(),
        read,
    }
}

/// A reason that stops the proposal, and that people can cure. The host puts the rule's own name to it.
pub fn reason(message: String) -> Reason {
    Reason {
        rule: String::new(),
        message,
        stops: StopPoint::Propose,
        cure: ReasonCure::People,
    }
}

// As a native library, which `cargo test` uses, it has no entry points.
#[cfg(target_arch = "wasm32")]
export!(Rule);
