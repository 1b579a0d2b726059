//! The host's own reading of a manifest: the values of a few keys, and nothing else of it.
//!
//! It knows lines and tokens, not YAML: it is small enough to be trusted, and stricter than a policy that knows YAML
//! needs. The same lexer checks a proposed change and reads the evidence for the catalog. A change that it does not
//! understand is refused, and a value that it does not understand proves nothing.

use super::tokens::{Line, Token};
use crate::grants::ChangeScope;

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
        let place = Place {
            lines: &lines,
            index,
            keys,
        };
        let line = Line::new(lines[index]);
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

/// The reason why a text is not taken for a change of values.
#[derive(Debug, PartialEq, Eq)]
pub enum OtherChange {
    /// A single value changes, of a key that is not among the allowed ones.
    Key(String),
    /// Something else changes.
    Text(String),
}

impl std::fmt::Display for OtherChange {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Key(what) | Self::Text(what)) = self;
        out.write_str(what)
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
            let place = Place {
                lines: &old,
                index,
                keys,
            };
            place.check(before, after, scope)?;
        }
    }
    Ok(())
}

/// What a value is called.
#[derive(Debug, PartialEq, Eq)]
enum ValueName {
    /// One of the keys.
    Known,
    /// Another key.
    Other(String),
    /// Nothing that is understood.
    Unclear,
}

/// A line of a text, among its neighbours.
struct Place<'a> {
    lines: &'a [&'a str],
    index: usize,
    keys: &'a [&'a str],
}

impl Place<'_> {
    /// The whole value that a token is, if it is called by one of the keys or is an image in a list.
    fn value(&self, line: &Line<'_>, at: usize, token: &Token<'_>) -> Option<String> {
        if !is_value(token) || !line.is_whole(at) || line.is_comment(at) {
            return None;
        }
        let value = token.bare().replace("\\/", "/");
        if line.is_item(at) && reference_name(&value).is_some() {
            return value.rsplit('=').next().map(str::to_owned);
        }
        (self.name(line, at) == ValueName::Known).then_some(value)
    }

    fn check(&self, before: &str, after: &str, scope: ChangeScope) -> Result<(), OtherChange> {
        let names: Vec<_> = self.keys.iter().map(|key| format!("`{key}`")).collect();
        let more = format!(
            "line {} changes in more than the value of {}",
            self.index + 1,
            names.join(", ")
        );
        let (before, after) = (Line::new(before), Line::new(after));
        if !before.same_gaps(&after) {
            return Err(OtherChange::Text(more));
        }
        for (at, (old, new)) in before.tokens.iter().zip(&after.tokens).enumerate() {
            if old.text == new.text {
                continue;
            }
            let is_read = is_value(old) && is_value(new) && before.is_whole(at);
            if !is_read || before.is_comment(at) {
                return Err(OtherChange::Text(more));
            }
            if before.is_item(at) && is_same_item(old.bare(), new.bare()) {
                continue;
            }
            match self.name(&before, at) {
                ValueName::Known => {}
                ValueName::Other(key) => {
                    let key = key.escape_debug();
                    return Err(OtherChange::Key(format!(
                        "{more}: `{key}` is not among them"
                    )));
                }
                ValueName::Unclear => return Err(OtherChange::Text(more)),
            }
            if scope == ChangeScope::Values {
                self.check_image(&before, at, old.bare(), new.bare())?;
            }
        }
        Ok(())
    }

    /// An image keeps its repository.
    fn check_image(
        &self,
        line: &Line<'_>,
        at: usize,
        old: &str,
        new: &str,
    ) -> Result<(), OtherChange> {
        let (old, new) = (old.replace("\\/", "/"), new.replace("\\/", "/"));
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
        Err(OtherChange::Text(format!(
            "line {} puts the image {is} in the place of {was}; a grant with changes = \"images\" would allow it",
            self.index + 1
        )))
    }

    fn name(&self, line: &Line<'_>, at: usize) -> ValueName {
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

    /// The key of the value that a token is: on its line, or at the end of the one before.
    fn key(&self, line: &Line<'_>, at: usize) -> Option<String> {
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
        Line::new(above).open_key(at == 1)
    }

    /// Whether the item of a list that a `value` belongs to has a `name` that ends in a key.
    fn is_parameter(&self, line: &Line<'_>, at: usize) -> bool {
        let named = |line: &Line<'_>| {
            line.named().is_some_and(|name| {
                let last = name.rsplit('.').next().unwrap_or_default();
                name.contains(['.']) && self.is_known(last) || self.is_known(&name)
            })
        };
        if at >= 3 {
            return named(line);
        }
        let neighbour = |index: Option<usize>| index.and_then(|index| self.lines.get(index));
        let begins = line.tokens.first().is_some_and(|token| token.text == "-");
        let other = if begins {
            neighbour(self.index.checked_add(1))
        } else {
            neighbour(self.index.checked_sub(1))
        };
        other.is_some_and(|other| {
            let other = Line::new(other);
            other.tokens.first().is_some_and(|token| token.text == "-") != begins && named(&other)
        })
    }
}

/// A token that is one value: quoted as a whole or not at all, of the characters of a reference, and not the key of a map.
fn is_value(token: &Token<'_>) -> bool {
    let bare = token.bare();
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_/:@+=".contains(c);
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
        && without_slashes.chars().all(fits)
}

/// Whether a key is this one, or an annotation that ends in it behind a slash.
fn is_called(key: &str, known: &str) -> bool {
    key == known || key.rsplit('/').next() == Some(known)
}

/// Whether two items of a list are one image, `[name=]image:tag`, of which only tag and digest change.
fn is_same_item(old: &str, new: &str) -> bool {
    reference_name(old).is_some_and(|name| Some(name) == reference_name(new))
}

/// What stands before tag and digest of an image reference with a path; none of anything else.
fn reference_name(text: &str) -> Option<&str> {
    let before = text.split('@').next().unwrap_or_default();
    let slash = before.rfind('/')?;
    let end = before[slash..]
        .find(':')
        .map_or(before.len(), |at| slash + at);
    (end < text.len()).then(|| &before[..end])
}

/// Returns a repository without the names that Docker Hub has for itself: `nginx` is `docker.io/library/nginx`.
fn full_name(repository: &str) -> &str {
    let hosts = ["docker.io/", "index.docker.io/", "registry-1.docker.io/"];
    let path = hosts.iter().find_map(|host| repository.strip_prefix(host));
    let path = path.unwrap_or(repository);
    path.strip_prefix("library/").unwrap_or(path)
}

/// Returns the repository of an image reference; a bare tag or digest has none.
fn repository(value: &str) -> Option<&str> {
    let name = value.split('@').next().unwrap_or(value);
    let last = name.rfind('/').map_or(0, |at| at + 1);
    let name = match name[last..].find(':') {
        Some(at) => &name[..last + at],
        None => name,
    };
    // `1.4.2` has no slash, no tag and no digest: it may be a tag itself, also with a digest behind it.
    let is_name = name.contains('/') || value[name.len()..].starts_with(':');
    (name.len() < value.len() && is_name && !name.is_empty() && name != "sha256").then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn check(old: &str, new: &str, keys: &[&str]) -> bool {
        only_values_change(old, new, keys, ChangeScope::Values).is_ok()
    }

    #[test]
    fn only_the_value_of_an_image_key_may_change() {
        let cases = [
            ("image: a/b:1\n", "image: a/b:2\n", true),
            (
                "  - image: a/b:1 # pinned\r\n",
                "  - image: a/b@sha256:0f # pinned\r\n",
                true,
            ),
            ("image: a/b:1", "image: \"a/b:2\"", true),
            (
                "{name: app, image: 'a/b:1'}",
                "{name: app, image: 'a/b:2'}",
                true,
            ),
            (
                "{\"image\": \"a/b:1\", \"x\": 1}",
                "{\"image\": \"a/b:2\", \"x\": 1}",
                true,
            ),
            ("newTag: 1.0\n", "newTag: \"1.20\"\n", true),
            ("# é\nimage: a:1\n", "# é\nimage: a:2\n", true),
            ("{\"image\":\"a:1\"}", "{\"image\":\"a:2\"}", true),
            ("{\"image\":\"a\\/b:1\"}", "{\"image\":\"a/b:2\"}", true),
            ("{image: a:1, tag: 1}\n", "{image: a:2, tag: 2}\n", true),
            (
                "{n: \"a #1\", image: a:1}",
                "{n: \"a #1\", image: a:2}",
                true,
            ),
            ("a.example/image: b:1\n", "a.example/image: b:2\n", true),
            ("image:\n  a/b:1 # x\n", "image:\n  a/b:2 # x\n", true),
            ("image: >-\n  a/b:1\n", "image: >-\n  a/b:2\n", true),
            ("- image:\n    a/b:1\n", "- image:\n    a/b:2\n", true),
            ("? image\n: a/b:1\n", "? image\n: a/b:2\n", true),
            ("image : a:1\n", "image : a:2\n", true),
            ("tag: &t 1\n", "tag: &t 2\n", true),
            ("tag: !!str 1\n", "tag: !!str 2\n", true),
            ("- a/b:1\n", "- a/b:2\n", true),
            ("- \"x=a/b:1\"\n", "- \"x=a/b:2@sha256:0f\"\n", true),
            ("[--image=a/b:1, -v]\n", "[--image=a/b:2, -v]\n", true),
            (
                "- name: image.tag\n  value: 1\n",
                "- name: image.tag\n  value: 2\n",
                true,
            ),
            (
                "- value: 1\n  name: image.tag\n",
                "- value: 2\n  name: image.tag\n",
                true,
            ),
            (
                "- {name: image.tag, value: 1}\n",
                "- {name: image.tag, value: 2}\n",
                true,
            ),
            ("url: oci://a/b:1\n", "url: oci://a/b:2\n", false),
            ("replicas: 1\n", "replicas: 9\n", false),
            ("image: a/b:1\n", "image: a/b:2\nevil: true\n", false),
            ("image: a/b:1 # pinned\n", "image: a/b:2 # free\n", false),
            (
                "image: nginx:1\n",
                "image: docker.io/library/nginx:2\n",
                true,
            ),
            ("image: docker.io/a/b:1\n", "image: a/b:2\n", true),
            ("image: docker.io/a/b:1\n", "image: c/b:2\n", false),
            ("image: a/proxy:9\n", "image: a/web:2\n", false),
            ("image: a/web:1\n", "image: evil.example/a/web:2\n", false),
            ("image: h:5000/web:1\n", "image: h:5000/web:2\n", true),
            ("digest: sha256:0a\n", "digest: sha256:0b\n", true),
            ("tag: 1@sha256:0a\n", "tag: 2@sha256:0b\n", true),
            ("repository: a/web\n", "repository: a/api\n", false),
            ("newName: a/web\n", "newName: a/api\n", false),
            ("image: a:1 extra\n", "image: a:2 extra\n", false),
            ("image: a:1\n", "imagX: a:1\n", false),
            ("myimage: a:1\n", "myimage: a:2\n", false),
            ("my image: a:1\n", "my image: a:2\n", false),
            ("a: \"image: a:1\"\n", "a: \"image: a:2\"\n", false),
            ("# image: a:1\n", "# image: a:2\n", false),
            ("x: 1 # image: a:1\n", "x: 1 # image: a:2\n", false),
            ("image: a:1\n", "image: a:2 \n", false),
            ("image: a:1\n", "image: a:2:\n", false),
            ("image: a:1\n", "image: \"a:2\n", false),
            ("image: a:1\n", "image: *other\n", false),
            ("image: a:1\n", "image: {a: 1}\n", false),
            ("image: a:1\n", "image: -\n", false),
            ("image: a:1\n", "image:\n", false),
            ("image: a:1\n", "image: a:2\r\n", false),
            ("image: a:1\n", "image: a:1", false),
            ("image: a b\n", "image: a c\n", false),
            ("image: \"a b\"\n", "image: \"a c\"\n", false),
            ("tag: &t 1\n", "tag: &u 1\n", false),
            ("tag: !!str 1\n", "tag: !!int 1\n", false),
            ("- a/b:1\n", "- a/c:1\n", false),
            ("- a/b:1\n", "- --run=c/a:1\n", false),
            ("- http://a/b:1\n", "- http://a/b:2\n", false),
            ("- x: 1\n", "- x: 2\n", false),
            (
                "- name: replicas\n  value: 1\n",
                "- name: replicas\n  value: 2\n",
                false,
            ),
            (
                "- name: image.tag\n- value: 1\n",
                "- name: image.tag\n- value: 2\n",
                false,
            ),
            ("value: 1\n", "value: 2\n", false),
            (
                "repository: https://a/b\n",
                "repository: https://a/c\n",
                false,
            ),
            ("text:\n  a/b:1\n", "text:\n  a/b:2\n", false),
            ("image:\n  a b\n", "image:\n  a c\n", false),
        ];
        for (old, new, expected) in cases {
            assert_eq!(check(old, new, &USUAL_KEYS), expected, "{old:?} -> {new:?}");
        }
    }

    #[test]
    fn a_grant_can_name_the_keys() {
        let keys = ["image", "example.com/version", "value"];
        for (old, new, expected) in [
            ("image: a:1\n", "image: a:2\n", true),
            (
                "example.com/version: \"1\"\n",
                "example.com/version: \"2\"\n",
                true,
            ),
            ("value: 1\n", "value: 2\n", true),
            ("tag: 1\n", "tag: 2\n", false),
            ("version: 1\n", "version: 2\n", false),
        ] {
            assert_eq!(check(old, new, &keys), expected, "{old:?} -> {new:?}");
        }
    }

    #[test]
    fn the_message_names_the_line_and_the_key() {
        let keys = ["image", "tag"];
        let answer = only_values_change("a: 1\nb: 2\n", "a: 1\nb: 3\n", &keys, ChangeScope::Values);
        let words =
            "line 2 changes in more than the value of `image`, `tag`: `b` is not among them";
        assert_eq!(answer, Err(OtherChange::Key(words.to_owned())));
        let answer =
            only_values_change("a: 1\nb: 2\n", "a: 1\nb: x y\n", &keys, ChangeScope::Values);
        let words = "line 2 changes in more than the value of `image`, `tag`";
        assert_eq!(answer, Err(OtherChange::Text(words.to_owned())));
    }

    #[test]
    fn another_image_needs_a_wider_scope() {
        for (old, new) in [
            ("image: a/proxy:9\n", "image: a/web:2\n"),
            ("repository: a/web\n", "repository: a/api\n"),
            ("a.example/newName: a/web\n", "a.example/newName: a/api\n"),
        ] {
            let change = |scope| only_values_change(old, new, &USUAL_KEYS, scope);
            assert_eq!(change(ChangeScope::Images), Ok(()));
            let why = change(ChangeScope::Values).unwrap_err().to_string();
            assert!(why.contains("changes = \"images\" would allow it"), "{why}");
        }
    }

    #[test]
    fn values_are_read_whole_and_outside_comments() {
        let text = "\
# image: a/commented:1
- image: \"a/web:1.4.2@sha256:0f\"  # image: a/late:2
  image: a/web:1 extra
images:
- {name: web, newTag: '1.4.2', digest: sha256:0f}
myimage: a/web:3
image: &anchor a/web:4
image:
  a/web:5
list:
- web=a/web:6
- plain
- name: image.tag
  value: 1.4.7
note: \"image: a/web:8\"
";
        let found: Vec<_> = manifest_values(text, &USUAL_KEYS)
            .into_iter()
            .map(|found| (found.line, found.value))
            .collect();
        let expected = [
            (2, "a/web:1.4.2@sha256:0f"),
            (5, "1.4.2"),
            (5, "sha256:0f"),
            (7, "a/web:4"),
            (9, "a/web:5"),
            (11, "a/web:6"),
            (14, "1.4.7"),
        ];
        assert_eq!(
            found,
            expected.map(|(line, value)| (line, value.to_owned()))
        );
    }
}
