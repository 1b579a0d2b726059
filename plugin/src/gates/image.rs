//! `repository`, `mutable-tag` and `downgrade`: that the image is another build of the same thing, and a later one.

use super::reason;
use crate::facts::{Facts, Target};
use crate::image::Reference;
use crate::settings::{Part, Settings};
use crate::types::Reason;
use crate::yaml::Stream;

/// Refuses a change of the repository, a tag that may mean another image tomorrow, and an older version.
pub fn check(facts: &Facts, settings: &Settings) -> Vec<Reason> {
    let Some(wanted) = &facts.wanted else {
        return Vec::new();
    };
    let mut reasons = Vec::new();
    reasons.extend(mutable(wanted, &settings.mutable_tags));
    for target in facts.sites.iter().filter(|target| !target.is_current()) {
        let place = format!(
            "`{}` in `{}`",
            target.manifest.image, facts.files[target.file].path
        );
        let held = held(target);
        if let Err(what) = &held {
            reasons.push(reason("manifest", format!("{place}: {what}")));
        }
        let Ok(Some(held)) = held else { continue };
        let repository_counts = matches!(target.manifest.part, Part::Reference | Part::Repository);
        if repository_counts && !settings.allow_other_repository && !held.same_repository(wanted) {
            reasons.push(reason(
                "repository",
                format!(
                    "{place} holds an image of `{}`, the new one is of `{}`: wrong place, or wrong image (`allow_other_repository` allows it)",
                    held.repository, wanted.repository
                ),
            ));
        }
        if !settings.allow_downgrade && !facts.is_rollback && is_older(facts, wanted, &held) {
            reasons.push(reason(
                "downgrade",
                format!(
                    "{place} holds `{}`, and `{wanted}` is older (`rollback` and `allow_downgrade` allow it)",
                    target.site.value
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
    let mut warnings = Vec::new();
    for (index, file) in facts.files.iter().enumerate() {
        let Ok(stream) = Stream::read(&file.content) else {
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
                .map(Reference::parse)
            else {
                continue;
            };
            let versioned = other.tag.is_some() || other.digest.is_some();
            if !is_target && versioned && other != *wanted && other.same_repository(wanted) {
                let what = format!(
                    "`{other}` at {} of `{}` stays as it is",
                    node.place, file.path
                );
                warnings.push(reason("left-behind", what));
            }
        }
    }
    warnings
}

/// What a target holds now, as a reference; none for a digest alone, which says neither what nor how old.
fn held(target: &Target) -> Result<Option<Reference>, String> {
    let value = &target.site.value;
    match target.manifest.part {
        Part::Reference | Part::Repository => Reference::parse(value).map(Some),
        Part::Tag => Reference::parse(&format!("x:{value}"))
            .map(Some)
            .map_err(|_| format!("`{}` is not a tag", value.escape_debug())),
        Part::Digest => Ok(None),
    }
}

fn mutable(wanted: &Reference, mutable: &[String]) -> Option<Reason> {
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

/// By version if both tags are versions, else by the time of the push if the catalog knows both images.
fn is_older(facts: &Facts, wanted: &Reference, held: &Reference) -> bool {
    let version = |reference: &Reference| reference.tag.as_deref().and_then(version);
    if let (Some(new), Some(old)) = (version(wanted), version(held)) {
        return new < old;
    }
    facts.pushed.is_some_and(|(new, old)| new < old)
}

/// A version's numbers, and whether it is a release: `1.4.2-rc.1` comes before `1.4.2`.
fn version(tag: &str) -> Option<(Vec<u64>, bool, Vec<Identifier>)> {
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let tag = tag.split('+').next().unwrap_or(tag);
    let (numbers, pre) = tag
        .split_once('-')
        .map_or((tag, None), |(numbers, pre)| (numbers, Some(pre)));
    let numbers: Vec<u64> = numbers
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let pre_release = pre
        .into_iter()
        .flat_map(|pre| pre.split('.'))
        .map(Identifier::new)
        .collect();
    (numbers.len() >= 2).then_some((numbers, pre.is_none(), pre_release))
}

/// A part of a pre-release; numbers come before words, as semver.org's section 11 has it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

impl Identifier {
    fn new(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Word(text.to_owned()), Self::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_versions() {
        let rising = [
            "1.4",
            "1.4.2-alpha",
            "1.4.2-alpha.1",
            "1.4.2-beta.2",
            "1.4.2-beta.11",
            "1.4.2-rc.1",
            "v1.4.2",
            "1.4.10",
            "1.10.0",
            "2.0.0",
        ];
        for pair in rising.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
        for tag in ["latest", "abc", "12", "1.x", "deadbeef", "1..2"] {
            assert!(version(tag).is_none(), "{tag}");
        }
    }
}
