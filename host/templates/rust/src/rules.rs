//! Your rules. They read nothing and write nothing: what they are given decides, so `cargo test` tries them without a world.

use promote_guest::catalog::{Item, named};
use promote_guest::reason;
use promote_guest::types::Reason;

/// Every reason not to promote a service: a short name that never changes, and what is wrong and what to do about it. All
/// rules are asked, so that people learn every reason at once.
pub(crate) fn check(service: &Item) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let lock = service.property("locked_in_prod");
    // Not set is not locked; whatever else stands there, somebody meant it.
    if !lock.is_null() && lock.as_bool() != Some(false) {
        let why = service
            .text("locked_reason_prod")
            .unwrap_or("no reason is given");
        reasons.push(reason(
            "lock",
            format!("{} is locked: {why}", named(&service.key)),
        ));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::check;
    use promote_guest::catalog::Item;
    use promote_guest::types::EntityKey;
    use serde_json::{Value, json};

    /// The names of the rules that refuse a service with these properties.
    fn refused(properties: Value) -> Vec<String> {
        let key = EntityKey {
            blueprint: "service".to_owned(),
            identifier: "web".to_owned(),
        };
        let service = Item {
            key,
            updated_at: None,
            value: json!({ "properties": properties }),
        };
        check(&service)
            .into_iter()
            .map(|reason| reason.rule)
            .collect()
    }

    #[test]
    fn a_lock_is_whatever_somebody_set() {
        for unlocked in [json!({}), json!({ "locked_in_prod": false })] {
            assert!(refused(unlocked).is_empty());
        }
        for locked in [json!(true), json!("yes"), json!(0)] {
            assert_eq!(refused(json!({ "locked_in_prod": locked })), ["lock"]);
        }
    }
}
