//! The host's own reading of a manifest: the values of a few keys, and nothing else of it.
//!
//! It knows lines and tokens, not YAML: it is small enough to be trusted, and stricter than a policy that knows YAML
//! needs. The same lexer checks a proposed change and reads the evidence for the catalog. A change that it does not
//! understand is refused, and a value that it does not understand proves nothing.

mod reference;
#[cfg(test)]
mod tests;

use super::tokens::{LineToken, TokenLine, is_plain};
use crate::grants::ChangeScope;
use reference::{full_name, is_same_item, reference_name, repository};

/// Keys whose values a promotion changes in the usual manifests (Kubernetes, Kustomize, Helm, Argo CD, Flux).
pub const USUAL_KEYS: [&str; 14] = [
    "image",
    "imageTag",
    "imageDigest",
    "imageRepository",
    "newName",
    "newTag",
    "newDigest",
    "registry",
    "repository",
    "reference",
    "tag",
    "digest",
    "sha",
    "sha256",
];

/// Keys that say which image it is, not which version of it.
const NAMES: [&str; 4] = ["imageRepository", "newName", "registry", "repository"];

/// The most lines of a list's item that are looked at for its name, on either side of its value.
const ITEM_LINES: usize = 32;

/// A value of one of the known keys, as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestValue {
    /// The line, from 1.
    pub line: usize,
    /// The whole value, without its quotes, and without what stands before a reference in a list: `web=`, `--image=`.
    pub value: String,
}

/// Returns the values that are called by one of the keys, outside comments, in order.
pub fn manifest_values(text: &str, keys: &[&str]) -> Vec<ManifestValue> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut found = Vec::new();
    for index in 0..lines.len() {
        let place = ValuePlace {
            lines: &lines,
            index,
            keys,
        };
        let line = TokenLine::new(lines[index]);
        for (at, token) in line.tokens.iter().enumerate() {
            if let Some(value) = place.value(&line, at, token) {
                found.push(ManifestValue {
                    line: index + 1,
                    value,
                });
            }
        }
    }
    found
}

/// A change of a text that is more than a change of values.
#[derive(Debug, PartialEq, Eq)]
pub enum OtherChange {
    /// A single value changes that is not among the allowed ones: by its key, or since it is another image.
    Value(String),
    /// Something else changes.
    Text(String),
}

impl std::fmt::Display for OtherChange {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Value(reason) | Self::Text(reason) => out.write_str(reason),
        }
    }
}

/// Checks that two texts differ only in values that are called by one of the keys, each within its line, and each before and
/// after one plain or quoted token of the characters of an image reference. Unless the scope is wider, an image keeps its
/// repository: a promotion moves a version, and puts no other image in the place of one.
///
/// A value stands behind its key, also in brackets, in JSON and on the next line; or it is the `value` of a list's item whose
/// `name` ends in a key, `image.tag`; or an item that is an image reference of which only tag and digest change.
///
/// # Errors
/// Says which line (from 1) changes in another way.
pub fn only_values_change(
    old: &str,
    new: &str,
    keys: &[&str],
    scope: ChangeScope,
) -> Result<(), OtherChange> {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    if old.len() != new.len() {
        return Err(OtherChange::Text(format!(
            "it would have {} lines instead of {}",
            new.len(),
            old.len()
        )));
    }
    for (index, (before, after)) in old.iter().zip(&new).enumerate() {
        if before != after {
            let place = ValuePlace {
                lines: &old,
                index,
                keys,
            };
            place.check(before, after, scope)?;
        }
    }
    Ok(())
}

/// The name of a value, as far as the lines around it tell it.
#[derive(Debug, PartialEq, Eq)]
enum ValueName {
    /// One of the keys.
    Known,
    /// Another key.
    Other(String),
    /// No key is found that this reader understands.
    Unclear,
}

/// A line of a text, among its neighbours.
struct ValuePlace<'a> {
    lines: &'a [&'a str],
    index: usize,
    keys: &'a [&'a str],
}

impl ValuePlace<'_> {
    /// Returns the whole value that a token is, if it is called by one of the keys or is an image in a list.
    fn value(&self, line: &TokenLine<'_>, at: usize, token: &LineToken<'_>) -> Option<String> {
        if !is_value(token) || !line.is_whole(at) || line.is_comment(at) {
            return None;
        }
        let value = token.bare().replace("\\/", "/");
        if line.is_item(at) && reference_name(&value).is_some() {
            return value.rsplit('=').next().map(str::to_owned);
        }
        (self.name(line, at) == ValueName::Known).then_some(value)
    }

    /// Checks that a line changes in its values only.
    fn check(&self, before: &str, after: &str, scope: ChangeScope) -> Result<(), OtherChange> {
        let names: Vec<_> = self.keys.iter().map(|key| format!("`{key}`")).collect();
        let more = format!(
            "line {} changes in more than the value of {}",
            self.index + 1,
            names.join(", ")
        );
        let before = TokenLine::new(before);
        let after = TokenLine::new(after);
        if !before.same_gaps(&after) {
            return Err(OtherChange::Text(more));
        }
        for (at, (old, new)) in before.tokens.iter().zip(&after.tokens).enumerate() {
            if old.text == new.text {
                continue;
            }
            if !is_value(new) || !before.is_whole(at) || before.is_comment(at) {
                return Err(OtherChange::Text(more));
            }
            if !is_value(old) {
                return Err(OtherChange::Value(format!(
                    "{more}: what stands there now is not understood; only changes = \"any\" would allow it"
                )));
            }
            if before.is_item(at) && is_same_item(old.bare(), new.bare()) {
                continue;
            }
            match self.name(&before, at) {
                ValueName::Known => {}
                ValueName::Other(key) => {
                    let key = key.escape_debug();
                    return Err(OtherChange::Value(format!(
                        "{more}: `{key}` is not among them; a grant whose `keys` name it would allow it"
                    )));
                }
                ValueName::Unclear => {
                    return Err(OtherChange::Value(format!(
                        "{more}: which key it has is not understood; only changes = \"any\" would allow it"
                    )));
                }
            }
            if scope == ChangeScope::Values {
                self.check_image(&before, at, old.bare(), new.bare())?;
            }
        }
        Ok(())
    }

    /// Checks that an image keeps its repository.
    fn check_image(
        &self,
        line: &TokenLine<'_>,
        at: usize,
        old: &str,
        new: &str,
    ) -> Result<(), OtherChange> {
        let old = old.replace("\\/", "/");
        let new = new.replace("\\/", "/");
        let is_name = self
            .key(line, at)
            .is_some_and(|key| NAMES.iter().any(|name| is_called(&key, name)));
        let (was, is) = if is_name {
            (old.as_str(), new.as_str())
        } else {
            match (repository(&old), repository(&new)) {
                (Some(was), Some(is)) => (was, is),
                _ => return Ok(()),
            }
        };
        if full_name(was) == full_name(is) {
            return Ok(());
        }
        Err(OtherChange::Value(format!(
            "line {} puts the image {is} in the place of {was}; a grant with changes = \"images\" would allow it",
            self.index + 1
        )))
    }

    fn name(&self, line: &TokenLine<'_>, at: usize) -> ValueName {
        match self.key(line, at) {
            Some(key) if self.is_known(&key) => ValueName::Known,
            Some(key) if key == "value" && self.is_parameter(line, at) => ValueName::Known,
            Some(key) => ValueName::Other(key),
            None => ValueName::Unclear,
        }
    }

    fn is_known(&self, key: &str) -> bool {
        self.keys.iter().any(|known| is_called(key, known))
    }

    /// Finds the key of the value that a token is: on its line, or at the end of the one before.
    fn key(&self, line: &TokenLine<'_>, at: usize) -> Option<String> {
        if let Some(key) = line.key_before(at) {
            return Some(key);
        }
        let starts = line.tokens[..at].iter().all(|token| token.text == ":");
        let ends = line.tokens.len() == at + 1 || line.is_comment(at + 1);
        if !starts || !ends {
            return None;
        }
        let above = self.lines[..self.index]
            .iter()
            .rev()
            .find(|line| !line.trim().is_empty())?;
        TokenLine::new(above).open_key(at == 1)
    }

    /// Returns whether the item of a list that a `value` belongs to has one `name`, and that ends in a key.
    fn is_parameter(&self, line: &TokenLine<'_>, at: usize) -> bool {
        if at >= 3 {
            return self.is_named_by_key(line);
        }
        let Some(column) = line.key_column() else {
            return false;
        };
        let (before, begins) = self.above(line, column);
        if !begins {
            return false;
        }
        let item = before.into_iter().chain(self.below(column));
        let mut names = item.filter(|line| line.named().is_some());
        match (names.next(), names.next()) {
            (Some(only), None) => self.is_named_by_key(&only),
            _ => false,
        }
    }

    /// The lines of an item above this one, as far as they begin at its column, and whether the item begins there.
    fn above(&self, line: &TokenLine<'_>, column: usize) -> (Vec<TokenLine<'_>>, bool) {
        let mut found = Vec::new();
        if line.begins_item() {
            return (found, true);
        }
        for text in self.lines[..self.index].iter().rev().take(ITEM_LINES) {
            let line = TokenLine::new(text);
            match line.key_column() {
                Some(other) if other < column => break,
                Some(other) if other == column => {
                    let begins = line.begins_item();
                    found.push(line);
                    if begins {
                        return (found, true);
                    }
                }
                _ => {}
            }
        }
        (found, false)
    }

    /// The lines of an item below this one, as far as they begin at its column.
    fn below(&self, column: usize) -> Vec<TokenLine<'_>> {
        let mut found = Vec::new();
        for text in self.lines[self.index + 1..].iter().take(ITEM_LINES) {
            let line = TokenLine::new(text);
            match line.key_column() {
                Some(other) if other < column || line.begins_item() && other == column => break,
                Some(other) if other == column => found.push(line),
                _ => {}
            }
        }
        found
    }

    /// Returns whether a line's `name` is a key, or ends in one behind a dot.
    fn is_named_by_key(&self, line: &TokenLine<'_>) -> bool {
        let Some(name) = line.named() else {
            return false;
        };
        let last = name.rsplit('.').next().unwrap_or(&name);
        self.is_known(last) || self.is_known(&name)
    }
}

/// Returns whether a token is one value: quoted as a whole or not at all, of the characters of a reference, and not the key of a map.
fn is_value(token: &LineToken<'_>) -> bool {
    let bare = token.bare();
    let without_slashes = bare.replace("\\/", "/");
    let is_address = without_slashes
        .split_once("://")
        .is_some_and(|(scheme, _)| !matches!(scheme, "oci" | "docker"));
    token.is_whole()
        && !bare.is_empty()
        && !bare.ends_with(':')
        && !bare.starts_with('@')
        && (!bare.starts_with('-') || bare.starts_with("--"))
        && !is_address
        && without_slashes.chars().all(is_plain)
}

/// Returns whether a key is this one, or an annotation that ends in it behind a slash.
fn is_called(key: &str, known: &str) -> bool {
    key == known || key.rsplit('/').next() == Some(known)
}
