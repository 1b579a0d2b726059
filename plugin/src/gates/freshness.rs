//! `freshness`: what the person saw when they clicked is still so.

use serde_json::Value;

use super::reason;
use crate::catalog::named;
use crate::facts::Facts;
use crate::time::timestamp;
use crate::types::{Reason, Relation};

/// What has changed since the click. Whether that refuses or only warns is the setting `freshness`.
pub fn check(facts: &Facts, seen: &[Relation]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for relation in seen {
        let now = &facts.service.value["relations"][&relation.name];
        let same = match now {
            Value::Null => relation.targets.is_empty(),
            Value::String(target) => relation.targets.as_slice() == std::slice::from_ref(target),
            Value::Array(targets) => relation
                .targets
                .iter()
                .map(String::as_str)
                .eq(targets.iter().filter_map(Value::as_str)),
            _ => false,
        };
        if !same {
            let was = relation.targets.join(", ");
            reasons.push(reason(
                "freshness",
                format!(
                    "`{}` of {} was `{was}` at the click and is {now} now",
                    relation.name,
                    named(&facts.service.key)
                ),
            ));
        }
    }
    let clicked = facts.requested_at.as_deref().and_then(timestamp);
    let changed = |item: &crate::catalog::Item| item.updated_at.as_deref().and_then(timestamp);
    let Some(clicked) = clicked else {
        return reasons;
    };
    for staging in &facts.staging {
        if changed(staging).is_some_and(|changed| changed > clicked) {
            reasons.push(reason(
                "freshness",
                format!(
                    "{} has changed since the click: look at it, then promote again",
                    named(&staging.key)
                ),
            ));
        }
    }
    reasons
}
