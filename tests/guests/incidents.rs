//! A rule: no promotion while the service has open incidents. By its settings it also fails in the ways in which a rule can.

use contract::exports::promote::policy::about::{self, Description};
use contract::exports::promote::policy::ruling::{self, EntitySearch, FactRead, Need};
use contract::promote::policy::types::{Reason, ReasonCure, StopPoint};
use serde_json::{Value, json};

#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    dead_code,
    clippy::all,
    reason = "generated"
)]
mod contract {
    promote_guests::wit_bindgen::generate!({
        path: "../../wit",
        world: "rule",
        runtime_path: "promote_guests::wit_bindgen::rt",
    });
    #[cfg(target_arch = "wasm32")]
    export!(Rule);

    pub struct Rule;
}

use contract::Rule;

impl ruling::Guest for Rule {
    fn needs(facts: String) -> Vec<Need> {
        let facts: Value = serde_json::from_str(&facts).unwrap_or_default();
        match facts["settings"]["misdeed"].as_str() {
            Some("loop") => loop {
                std::hint::black_box(());
            },
            Some("trap") => panic!("as it was told"),
            Some("grow") => {
                let mut all: Vec<Vec<u8>> = Vec::new();
                loop {
                    all.push(vec![1; 1 << 20]);
                    std::hint::black_box(&all);
                }
            }
            _ => {}
        }
        let service = &facts["service"]["identifier"];
        let query = json!({ "combinator": "and", "rules": [
            { "property": "status", "operator": "=", "value": "open" },
            { "operator": "relatedTo", "blueprint": "service", "value": service },
        ] });
        vec![Need {
            name: "open".to_owned(),
            read: FactRead::Search(EntitySearch {
                blueprint: "incident".to_owned(),
                query: query.to_string(),
            }),
        }]
    }

    fn check(facts: String) -> Vec<Reason> {
        let facts: Value = serde_json::from_str(&facts).unwrap_or_default();
        let open = facts["needs"]["open"].as_array().map_or(0, Vec::len);
        if open == 0 {
            return Vec::new();
        }
        let service = facts["service"]["identifier"].as_str().unwrap_or_default();
        vec![Reason {
            rule: String::new(),
            message: format!("close the {open} open incidents of {service} first"),
            stops: match facts["settings"]["stops"].as_str() {
                Some("merge") => StopPoint::Merge,
                Some("nothing") => StopPoint::Nothing,
                _ => StopPoint::Propose,
            },
            cure: ReasonCure::People,
        }]
    }
}

impl about::Guest for Rule {
    fn describe() -> Description {
        Description {
            name: "incidents".to_owned(),
            version: "1.0.0".to_owned(),
            summary: "A rule of the tests".to_owned(),
            settings_schema: r#"{"type": "object", "additionalProperties": false, "properties": {
                "misdeed": {"type": "string"}, "stops": {"type": "string"}}}"#
                .to_owned(),
        }
    }
}
