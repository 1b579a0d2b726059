//! From a method and a path to a route.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::super::GitHub;
use super::table::{GitHubRoute, ROUTES};

/// Turns `/repositories/ID/rest`, which `link` and `location` use, into the named form.
pub(super) fn numbered(github: &GitHub, path: &str) -> Option<String> {
    let rest = path.strip_prefix("/repositories/")?;
    let (id, below) = rest
        .split_once('/')
        .map_or((rest, None), |(id, below)| (id, Some(below)));
    let id: u64 = id.parse().ok()?;
    let repository = github
        .repositories
        .iter()
        .find(|repository| repository.id == id)?;
    let below = below.map(|below| format!("/{below}")).unwrap_or_default();
    Some(format!("/repos/{}{below}", repository.full_name()))
}

/// The route of a method and path. A trailing slash is no route, except below the contents.
pub(super) fn find(
    method: &str,
    path: &str,
) -> Option<(&'static GitHubRoute, BTreeMap<&'static str, String>)> {
    let method = if method == "HEAD" { "GET" } else { method };
    let path = if path.contains("/contents/") {
        path.strip_suffix('/').unwrap_or(path)
    } else {
        path
    };
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let candidates = ROUTES
        .iter()
        .filter(|route| route.method == method && may_fit(route.pattern, &parts));
    let mut found = candidates.filter_map(|route| Some((route, capture(route.pattern, &parts)?)));
    found.next()
}

/// Returns false if a fixed word of the pattern, up to its first `{*x}`, differs from the path. This rules out nearly
/// all patterns before anything is decoded.
fn may_fit(pattern: &str, parts: &[&str]) -> bool {
    let mut wanted = pattern.split('/').skip(1);
    let mut parts = parts.iter();
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some(want), Some(_)) if want.starts_with("{*") => return true,
            (Some(want), Some(part)) if want.starts_with('{') || want == *part => {}
            _ => return false,
        }
    }
}

/// Matches parts with a pattern, in which `{x}` is one part and `{*x}` one or more.
fn capture(pattern: &'static str, parts: &[&str]) -> Option<BTreeMap<&'static str, String>> {
    let mut found = BTreeMap::new();
    let mut rest = parts;
    let mut wanted = pattern.split('/').skip(1);
    while let Some(want) = wanted.next() {
        let after = wanted.clone().count();
        let take = match want.strip_prefix("{*") {
            Some(_) => rest.len().checked_sub(after).filter(|take| *take > 0)?,
            None => 1,
        };
        let (taken, left) = rest.split_at_checked(take)?;
        rest = left;
        let name = want.strip_prefix("{*").or_else(|| want.strip_prefix('{'));
        match name.and_then(|name| name.strip_suffix('}')) {
            Some(name) => {
                let decoded = taken
                    .iter()
                    .map(|part| percent_decode_str(part).decode_utf8().ok());
                let text = decoded.collect::<Option<Vec<_>>>()?.join("/");
                if text.is_empty() || text.ends_with('/') {
                    return None;
                }
                found.insert(name, text);
            }
            None if taken == [want] => {}
            None => return None,
        }
    }
    rest.is_empty().then_some(found)
}
