//! Which of two tags is the older one, as far as tags tell.
//!
//! Behind a version's numbers stands a pre-release, or something that has no order: a commit, a build, a distribution, a date.
//! Only what is known to be a pre-release orders; of the rest the time of the push has to tell.

use std::cmp::Ordering;

/// Words that stand for something before the release itself.
const PRE_RELEASES: [&str; 13] = [
    "alpha",
    "beta",
    "canary",
    "dev",
    "ea",
    "milestone",
    "next",
    "pre",
    "preview",
    "rc",
    "snapshot",
    "test",
    "unstable",
];

/// Orders two tags by their versions; none if they do not tell.
pub fn order(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (ParsedVersion::parse(one)?, ParsedVersion::parse(other)?);
    let numbers = one.numbers.cmp(&other.numbers);
    if numbers.is_ne() {
        return Some(numbers);
    }
    match (one.suffix, other.suffix) {
        (None, None) => Some(Ordering::Equal),
        (Some(pre), None) if is_pre_release(pre) => Some(Ordering::Less),
        (None, Some(pre)) if is_pre_release(pre) => Some(Ordering::Greater),
        (Some(one), Some(other)) if one == other => Some(Ordering::Equal),
        (Some(one), Some(other)) if is_pre_release(one) && is_pre_release(other) => {
            Some(parts(one).cmp(&parts(other)))
        }
        _ => None,
    }
}

/// Orders two tags that differ in their last number only, such as `1.0-ls9` and `1.0-ls30`; none if more differs.
pub fn order_by_counter(one: &str, other: &str) -> Option<Ordering> {
    let counter = |tag: &str| {
        let stem = tag.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        // Behind a letter that may be a digit of a commit, a number is a part of one.
        let tail = tag[..stem].rsplit(['-', '.', '_']).next().unwrap_or("");
        let may_be_hex = !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_hexdigit());
        let number: u64 = tag[stem..].parse().ok()?;
        (!may_be_hex && stem > 0).then(|| (tag[..stem].to_owned(), number))
    };
    let ((stem, one), (other_stem, other)) = (counter(one)?, counter(other)?);
    (stem == other_stem).then(|| one.cmp(&other))
}

struct ParsedVersion<'a> {
    /// Without zeros at the end: `1.4` is `1.4.0`.
    numbers: Vec<u64>,
    /// The text behind the first hyphen.
    suffix: Option<&'a str>,
}

impl<'a> ParsedVersion<'a> {
    fn parse(tag: &'a str) -> Option<Self> {
        let tag = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
        let tag = tag.split('+').next().unwrap_or(tag);
        let (numbers, suffix) = match tag.split_once('-') {
            Some((numbers, suffix)) => (numbers, Some(suffix)),
            None => (tag, None),
        };
        let parse = |part: &str| part.parse().ok();
        let mut numbers: Vec<u64> = numbers.split('.').map(parse).collect::<Option<_>>()?;
        if numbers.len() < 2 {
            return None;
        }
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Some(Self { numbers, suffix })
    }
}

/// Whether a suffix is a known word, perhaps with numbers, and nothing else: `rc.1`, `beta2`, `dev`.
fn is_pre_release(suffix: &str) -> bool {
    let mut words = 0;
    let parts = parts(suffix);
    let known = parts.iter().all(|part| match part {
        VersionPart::Number(_) => true,
        VersionPart::Word(word) => {
            words += 1;
            PRE_RELEASES.contains(&word.as_str())
        }
    });
    known && words == 1 && parts.len() <= 4 && matches!(parts.first(), Some(VersionPart::Word(_)))
}

/// A part of a pre-release; numbers come before words, as semver.org's section 11 has it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum VersionPart {
    Number(u64),
    Word(String),
}

/// Numbers and words, also where nothing stands between them.
fn parts(suffix: &str) -> Vec<VersionPart> {
    let mut parts = Vec::new();
    for piece in suffix.split(['.', '-', '_']) {
        let mut rest = piece;
        while let Some(first) = rest.chars().next() {
            let is_digit = first.is_ascii_digit();
            let end = rest
                .find(|c: char| c.is_ascii_digit() != is_digit)
                .unwrap_or(rest.len());
            let (text, after) = rest.split_at(end);
            parts.push(match text.parse() {
                Ok(number) => VersionPart::Number(number),
                Err(_) => VersionPart::Word(text.to_ascii_lowercase()),
            });
            rest = after;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order() {
        let rising = [
            "1.3",
            "1.4.2-alpha",
            "1.4.2-alpha.1",
            "1.4.2-beta.2",
            "1.4.2-beta.11",
            "1.4.2-rc9",
            "1.4.2-rc10",
            "v1.4.2",
            "1.4.3-SNAPSHOT",
            "1.4.10",
            "1.10.0",
            "2.0.0-unstable9",
            "2.0.0-unstable10",
            "2.0.0",
            "2026.11.3",
        ];
        for pair in rising.windows(2) {
            assert_eq!(order(pair[0], pair[1]), Some(Ordering::Less), "{pair:?}");
            assert_eq!(order(pair[1], pair[0]), Some(Ordering::Greater), "{pair:?}");
        }
        for (one, other) in [
            ("1.4", "1.4.0"),
            ("v1.4.0", "1.4"),
            ("1.4.2-rc.1", "1.4.2-rc.1"),
        ] {
            assert_eq!(order(one, other), Some(Ordering::Equal), "{one} {other}");
        }
        // Numbers tell, whatever stands behind them.
        assert_eq!(
            order("1.4.2-3ced321a", "1.4.3-0b1c2d3e"),
            Some(Ordering::Less)
        );
        assert_eq!(order("v1.0.2-ls9", "v1.0.1-ls30"), Some(Ordering::Greater));
    }

    #[test]
    fn what_has_no_order_does_not_tell() {
        let table = [
            ("1.4.2-3ced321a", "1.4.2-0b1c2d3e"),
            ("1.4.2-9-gabcdef1", "1.4.2-10-gdef1234"),
            ("1.4.2", "1.4.2-3ced321a"),
            ("1.4.2-alpine", "1.4.2"),
            ("1.4.2-alpine", "1.4.2-bookworm"),
            ("1.4.2-20260101", "1.4.2-20260102"),
            ("1.4.2-rc.1", "1.4.2-3ced321a"),
            ("1.4.2-ls9", "1.4.2-ls30"),
            ("1.4.2-r1", "1.4.2"),
            ("1.4.2-rc-web", "1.4.2-rc-api"),
            ("latest", "1.4.2"),
            ("12", "13"),
            ("1.x", "1.4"),
            ("deadbeef", "cafe"),
            ("1..2", "1.4"),
            ("99999999999999999999.1", "1.4"),
        ];
        for (one, other) in table {
            assert_eq!(order(one, other), None, "{one} {other}");
            assert_eq!(order(other, one), None, "{other} {one}");
        }
    }

    #[test]
    fn counters_order_where_nothing_else_differs() {
        let less = |one: &str, other: &str| order_by_counter(one, other) == Some(Ordering::Less);
        assert!(less("v1.0.20200827-ls9", "v1.0.20200827-ls30"));
        assert!(less("main-9", "main-10"));
        assert!(!less("main-10", "main-9"));
        for (one, other) in [
            ("a-1", "b-2"),
            ("1.4.2-a1", "1.4.2-a2"),
            ("9", "10"),
            ("x", "x-1"),
        ] {
            assert_eq!(order_by_counter(one, other), None, "{one} {other}");
        }
    }
}
