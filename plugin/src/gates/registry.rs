//! `exists` and `moved-tag`: the image is in its registry, and its tag means what the catalog says.

use super::reason;
use crate::catalog::named;
use crate::facts::{Facts, RegistryState};
use crate::types::Reason;

/// Refuses an image that its registry does not have, or has another of under the same tag.
pub fn check(facts: &Facts) -> Vec<Reason> {
    let Some(image) = &facts.image else {
        return Vec::new();
    };
    let mut reasons = Vec::new();
    for fact in &facts.registry {
        let reference = &fact.reference;
        match (&fact.state, &fact.expected) {
            (RegistryState::Missing, _) => reasons.push(reason(
                "exists",
                format!(
                    "`{reference}` is not in its registry: push it, or correct {}",
                    named(&image.key)
                ),
            )),
            (RegistryState::Hidden(what), _) => reasons.push(reason("exists", what.clone())),
            (RegistryState::Has(found), Some(expected)) if found != expected => {
                reasons.push(reason(
                    "moved-tag",
                    format!(
                        "`{reference}` is {found} in its registry now, and {} was built as {expected}: the tag was moved; \
                         push the image again under a tag of its own, or correct the catalog",
                        named(&image.key)
                    ),
                ));
            }
            (RegistryState::Has(_), _) => {}
        }
    }
    reasons
}
