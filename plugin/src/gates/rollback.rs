//! `rolled-back`: an image that somebody took back is not promoted again until somebody says so.

use super::reason;
use crate::catalog::named;
use crate::facts::Facts;
use crate::settings::Rollback;
use crate::types::{Reason, ReasonCure};

/// Refuses an image that a way back took off production since it was promoted last.
pub fn check(facts: &Facts, settings: &Rollback) -> Vec<Reason> {
    let (Some(pull), Some(image)) = (facts.taken_back_by, &facts.image) else {
        return Vec::new();
    };
    let message = format!(
        "{} was rolled back by pull request {pull}: promote another image, or start the action with `{}` if this one is to be promoted again",
        named(&image.key),
        settings.again
    );
    vec![Reason {
        cure: ReasonCure::People,
        ..reason("rolled-back", message)
    }]
}
