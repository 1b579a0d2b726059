//! `mutable-tag` and `downgrade`: that the image is a later build of what is there.

use std::cmp::Ordering;

use super::reason;
use crate::facts::Facts;
use crate::image::ImageReference;
use crate::settings::Settings;
use crate::types::Reason;
use crate::version;
use crate::yaml::YamlStream;
use crate::yaml::address::some;

/// Refuses a tag that may mean another image tomorrow, and an older version. That the repository is the same was looked at
/// where the manifest was read.
pub fn check(facts: &Facts, settings: &Settings) -> Vec<Reason> {
    let (Some(wanted), Some(promoted)) = (&facts.wanted, facts.promoted()) else {
        return Vec::new();
    };
    let mut reasons = Vec::new();
    reasons.extend(mutable(&promoted, &settings.mutable_tags));
    for target in facts.sites.iter().filter(|target| !target.is_current()) {
        let Some(held) = &target.held else { continue };
        if !settings.allow_downgrade && !facts.is_rollback && is_older(facts, wanted, held) {
            reasons.push(reason(
                "downgrade",
                format!(
                    "`{}` in `{}` holds `{}`, and `{wanted}` is older (`rollback` and `allow_downgrade` allow it)",
                    target.shown, facts.files[target.file].path, target.site.value
                ),
            ));
        }
    }
    reasons
}

/// Images of the same repository that stay on another version in the files that change, such as an init container's.
pub fn left_behind(facts: &Facts) -> Vec<Reason> {
    let Some(wanted) = &facts.wanted else {
        return Vec::new();
    };
    let mut left = Vec::new();
    for (index, file) in facts.files.iter().enumerate() {
        let Ok(stream) = YamlStream::read(&file.content) else {
            continue;
        };
        for node in stream.values() {
            let is_target = facts
                .sites
                .iter()
                .any(|target| target.file == index && target.site.bytes == node.bytes);
            let Some(Ok(other)) = node
                .text()
                .filter(|text| text.contains('/'))
                .map(ImageReference::parse)
            else {
                continue;
            };
            let versioned = other.tag.is_some() || other.digest.is_some();
            if !is_target && versioned && other != *wanted && other.same_repository(wanted) {
                let place = (index, node.bytes.start);
                left.push((
                    place,
                    format!("`{other}` at {} of `{}`", node.place, file.path),
                ));
            }
        }
    }
    left.sort_unstable();
    // One note for all of them: each is a write, of which a run has so many.
    let left = some(left.into_iter().map(|(_, what)| what), ", ");
    if left.is_empty() {
        return Vec::new();
    }
    vec![reason("left-behind", format!("{left} stays as it is"))]
}

fn mutable(wanted: &ImageReference, mutable: &[String]) -> Option<Reason> {
    if mutable.is_empty() || wanted.digest.is_some() {
        return None;
    }
    let what = match &wanted.tag {
        None => format!("`{wanted}` has neither tag nor digest, which means `latest`"),
        Some(tag) if mutable.iter().any(|name| name.eq_ignore_ascii_case(tag)) => {
            format!("tag `{tag}` of `{wanted}` may mean another image tomorrow")
        }
        Some(_) => return None,
    };
    Some(reason(
        "mutable-tag",
        format!("{what}: promote a version or a digest (settings `reference`, `digest`)"),
    ))
}

/// By version if both tags have one, else by the time of the push if the catalog knows both images, else by a counter.
fn is_older(facts: &Facts, wanted: &ImageReference, held: &ImageReference) -> bool {
    let tags = wanted.tag.as_deref().zip(held.tag.as_deref());
    let by_version = tags.and_then(|(new, old)| version::order(new, old));
    let by_time = || facts.pushed.map(|(new, old)| new.cmp(&old));
    let by_counter = || tags.and_then(|(new, old)| version::order_by_counter(new, old));
    let order = by_version.or_else(by_time).or_else(by_counter);
    order == Some(Ordering::Less)
}
