//! `soak`: the image has been in staging for a while.

use super::reason;
use crate::catalog::named;
use crate::facts::{Facts, SoakFacts};
use crate::settings::Soak;
use crate::time::{UnixSeconds, duration, spell, timestamp};
use crate::types::{EntityKey, Reason};

/// Refuses an image that came to staging too recently, or at a time that is not known.
pub fn check(facts: &Facts, settings: &Soak) -> Vec<Reason> {
    let least = match duration(&settings.at_least) {
        Ok(0) => return Vec::new(),
        Ok(least) => least,
        Err(what) => return vec![reason("soak", format!("setting `soak.at_least`: {what}"))],
    };
    let Some(image) = &facts.image else {
        return Vec::new();
    };
    let each = facts.soaking.iter();
    each.filter_map(|soaking| too_short(soaking, &image.key, facts.now, least))
        .map(|what| reason("soak", what))
        .collect()
}

/// Returns when the image has been in all of staging for long enough, if that is known.
pub fn end(facts: &Facts, settings: &Soak) -> Option<UnixSeconds> {
    let least = duration(&settings.at_least).ok()?;
    let ends = facts.soaking.iter().map(|soaking| {
        let since = soaking.since.as_ref().ok()?;
        Some(timestamp(since)? + least)
    });
    ends.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// Says why an image has not been in a runtime for long enough, if it has not.
fn too_short(
    soaking: &SoakFacts,
    image: &EntityKey,
    now: Option<UnixSeconds>,
    least: UnixSeconds,
) -> Option<String> {
    let since = match &soaking.since {
        Ok(since) => since,
        Err(what) => return Some(format!("setting `soak.since`: {what}")),
    };
    let (Some(start), Some(now)) = (timestamp(since), now) else {
        return Some(format!(
            "setting `soak.since`: `{}` is not a time",
            since.escape_debug()
        ));
    };
    let soaked = (now - start).max(0);
    (soaked < least).then(|| {
        format!(
            "{} has been in {} for {}, at least {} are asked for: try again in {}",
            named(image),
            named(&soaking.runtime),
            spell(soaked),
            spell(least),
            spell(least - soaked)
        )
    })
}
