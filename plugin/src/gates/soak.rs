//! `soak`: the image has been in staging for a while.

use super::reason;
use crate::catalog::named;
use crate::facts::Facts;
use crate::settings::Soak;
use crate::time::{duration, spell, timestamp};
use crate::types::Reason;

/// Refuses an image that came to staging too recently, or at a time that is not known.
pub fn check(facts: &Facts, settings: &Soak) -> Vec<Reason> {
    let least = match duration(&settings.at_least) {
        Ok(0) => return Vec::new(),
        Ok(least) => least,
        Err(what) => return vec![reason("soak", format!("setting `soak.at_least`: {what}"))],
    };
    let (Some(staging), Some(image)) = (&facts.staging, &facts.image) else {
        return Vec::new();
    };
    let since = match &facts.soaking_since {
        Ok(since) => since,
        Err(what) => return vec![reason("soak", format!("setting `soak.since`: {what}"))],
    };
    let (Some(start), Some(now)) = (timestamp(since), facts.now) else {
        return vec![reason(
            "soak",
            format!(
                "setting `soak.since`: `{}` is not a time",
                since.escape_debug()
            ),
        )];
    };
    let soaked = (now - start).max(0);
    if soaked >= least {
        return Vec::new();
    }
    vec![reason(
        "soak",
        format!(
            "{} has been in {} for {}, at least {} are asked for: try again in {}",
            named(&image.key),
            named(&staging.key),
            spell(soaked),
            spell(least),
            spell(least - soaked)
        ),
    )]
}
