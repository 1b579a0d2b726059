//! Your rule. It reads nothing and writes nothing: the same facts always have the same answer, so `cargo test` tries it alone.

use serde_json::{Value, json};

use crate::{Need, Reason, reason, search};

/// What the rule must know of a promotion, besides the facts that every rule is told.
pub fn needs(facts: &Value) -> Vec<Need> {
    let query = json!({ "combinator": "and", "rules": [
        { "property": "status", "operator": "=", "value": "open" },
        { "operator": "relatedTo", "blueprint": "service", "value": facts["service"]["identifier"] },
    ] });
    vec![search("open", "incident", &query)]
}

/// What the rule has against a promotion; nothing means that it agrees.
pub fn check(facts: &Value) -> Vec<Reason> {
    match facts["needs"]["open"].as_array().map_or(0, Vec::len) {
        0 => Vec::new(),
        open => {
            let service = facts["service"]["identifier"].as_str().unwrap_or_default();
            vec![reason(format!(
                "close the {open} open incidents of {service} first"
            ))]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{check, needs};
    use serde_json::{Value, json};

    fn facts(open: &[Value]) -> Value {
        json!({ "service": { "identifier": "web" }, "needs": { "open": open } })
    }

    #[test]
    fn open_incidents_are_named() {
        assert_eq!(needs(&facts(&[])).len(), 1);
        assert!(check(&facts(&[])).is_empty());
        let reasons = check(&facts(&[json!({ "identifier": "inc-7" })]));
        assert_eq!(
            reasons[0].message,
            "close the 1 open incidents of web first"
        );
    }
}
