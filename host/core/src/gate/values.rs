//! The host's own reading of a manifest: the values of a few keys, and nothing else of it.
//!
//! It knows lines and tokens, not YAML: it is small enough to be trusted, and stricter than a policy that knows YAML
//! needs. The same lexer checks a proposed change and reads the evidence for the catalog. A change that it does not
//! understand is refused, and a value that it does not understand proves nothing.

use crate::grants::ChangeScope;

/// Keys whose values a promotion changes in the usual manifests (Kubernetes, Kustomize, Helm).
const KEYS: [&str; 4] = ["image", "newTag", "tag", "digest"];

/// A value of one of the known keys, as it stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestValue<'a> {
    /// The line, from 1.
    pub line: usize,
    /// The key.
    pub key: &'static str,
    /// The whole value, without its quotes.
    pub value: &'a str,
}

/// Returns the values of the known keys, outside comments, in order.
pub fn manifest_values(text: &str) -> Vec<ManifestValue<'_>> {
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        for key in KEYS {
            for (at, _) in line.match_indices(key) {
                if let Some(value) = value_after(line, at + key.len()) {
                    found.push(ManifestValue {
                        line: number,
                        key,
                        value,
                    });
                }
            }
        }
    }
    found
}

/// Returns the value of the key that ends at a place in a line.
fn value_after(line: &str, end_of_key: usize) -> Option<&str> {
    let rest = line[end_of_key..].trim_start_matches(['"', '\'']);
    let rest = rest.strip_prefix(':')?.trim_start_matches([' ', '\t']);
    let start = line.len() - rest.len();
    let end = line[start..]
        .find(|c| !is_token(c))
        .map_or(line.len(), |length| start + length);
    let token = &line[start..end];
    let is_whole = matches!(
        line[end..].chars().next(),
        None | Some(' ' | '\t' | '\r' | ',' | '}' | ']')
    );
    let is_read = is_whole && is_value(token) && ends_in_key(&line[..start]);
    is_read.then(|| bare(token))
}

/// Checks that two texts differ only in values of the keys `image`, `newTag`, `tag` and `digest`, each within its line,
/// and each value before and after one plain or quoted token of the characters of an image reference. Unless the
/// scope is wider, an image keeps its repository: a promotion moves a version, and puts no other image in the place of one.
///
/// # Errors
/// Says which line (from 1) changes in another way.
pub fn only_values_change(old: &str, new: &str, scope: ChangeScope) -> Result<(), String> {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    if old.len() != new.len() {
        return Err(format!(
            "it would have {} lines instead of {}",
            new.len(),
            old.len()
        ));
    }
    for ((before, after), line) in old.iter().zip(&new).zip(1..) {
        if before != after {
            check_line(before, after, line, scope)?;
        }
    }
    Ok(())
}

fn check_line(before: &str, after: &str, line: usize, scope: ChangeScope) -> Result<(), String> {
    let Some((old, new)) = changed_value(before, after) else {
        let keys = KEYS.map(|key| format!("`{key}`")).join(", ");
        return Err(format!(
            "line {line} changes in more than the value of {keys}"
        ));
    };
    if scope == ChangeScope::Values
        && let (Some(old), Some(new)) = (repository(old), repository(new))
        && old != new
    {
        return Err(format!(
            "line {line} puts the image {new} in the place of {old}; a grant with changes = \"images\" would allow it"
        ));
    }
    Ok(())
}

/// Returns the value before and after, if nothing else of the line changes.
fn changed_value<'a>(before: &'a str, after: &'a str) -> Option<(&'a str, &'a str)> {
    let same = before
        .bytes()
        .zip(after.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let (prefix, old, rest) = around_value(before, same)?;
    let (new_prefix, new, new_rest) = around_value(after, same)?;
    (prefix == new_prefix && rest == new_rest && ends_in_key(prefix))
        .then(|| (bare(old), bare(new)))
}

/// Splits a line into the text before, the text of and the text after the token around a place, if that token is a value.
fn around_value(line: &str, place: usize) -> Option<(&str, &str, &str)> {
    let prefix = line.get(..place)?.trim_end_matches(is_token);
    let rest = line[prefix.len()..].trim_start_matches(is_token);
    let value = &line[prefix.len()..line.len() - rest.len()];
    is_value(value).then_some((prefix, value, rest))
}

/// Returns the repository of an image reference; a bare tag or digest has none.
fn repository(value: &str) -> Option<&str> {
    let name = value.split('@').next().unwrap_or(value);
    let last = name.rfind('/').map_or(0, |at| at + 1);
    let name = match name[last..].find(':') {
        Some(at) => &name[..last + at],
        None => name,
    };
    // `1.4.2` has no slash, no tag and no digest: it may be a tag itself.
    (name.len() < value.len() && !name.is_empty() && name != "sha256").then_some(name)
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@' | '+' | '"' | '\'')
}

/// Returns a token without its quotes.
fn bare(token: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| token.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(token)
}

/// Returns whether a token is one value: quoted as a whole or not at all, and not the key of a mapping.
fn is_value(token: &str) -> bool {
    let bare = bare(token);
    !bare.is_empty()
        && !bare.contains(['"', '\''])
        && !bare.ends_with(':')
        && !bare.starts_with(['@', '-'])
}

/// Returns whether the text before a value is `key: `, not in a comment.
fn ends_in_key(prefix: &str) -> bool {
    let is_comment =
        prefix.trim_start().starts_with('#') || prefix.contains(" #") || prefix.contains("\t#");
    let before_space = prefix.trim_end_matches([' ', '\t']);
    let Some(key) = before_space
        .strip_suffix(':')
        .filter(|_| before_space != prefix && !is_comment)
    else {
        return false;
    };
    let key = key.trim_end_matches(['"', '\'']);
    let mut starts = KEYS.iter().filter_map(|known| key.strip_suffix(known));
    starts.any(|start| start.is_empty() || start.ends_with([' ', '{', ',', '"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("replicas: 1\n", "replicas: 9\n", false),
            ("image: a/b:1\n", "image: a/b:2\nevil: true\n", false),
            ("image: a/b:1 # pinned\n", "image: a/b:2 # free\n", false),
            ("image: a:1\n", "imagX: a:1\n", false),
            ("myimage: a:1\n", "myimage: a:2\n", false),
            ("# image: a:1\n", "# image: a:2\n", false),
            ("image: a:1\n", "image: a:2 \n", false),
            ("image: a:1\n", "image: a:2:\n", false),
            ("image: a:1\n", "image: \"a:2\n", false),
            ("image: a:1\n", "image: *other\n", false),
            ("image: a:1\n", "image: {a: 1}\n", false),
            ("image: a:1\n", "image: -\n", false),
            ("image: a:1\n", "image:\n", false),
            ("image: a:1\n", "image: a:2\r\n", false),
            ("image: a:1, tag: 1\n", "image: a:2, tag: 2\n", false),
            ("image: a:1\n", "image: a:1", false),
            ("image: a/proxy:9\n", "image: a/web:2\n", false),
            ("image: a/web:1\n", "image: evil.example/a/web:2\n", false),
            ("image: h:5000/web:1\n", "image: h:5000/web:2\n", true),
            ("digest: sha256:0a\n", "digest: sha256:0b\n", true),
        ];
        for (old, new, expected) in cases {
            assert_eq!(
                only_values_change(old, new, ChangeScope::Values).is_ok(),
                expected,
                "{old:?} -> {new:?}"
            );
        }
    }

    #[test]
    fn the_message_names_the_line() {
        let answer = only_values_change("a: 1\nb: 2\n", "a: 1\nb: 3\n", ChangeScope::Values);
        assert_eq!(
            answer,
            Err(
                "line 2 changes in more than the value of `image`, `newTag`, `tag`, `digest`"
                    .to_owned()
            )
        );
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
";
        let found: Vec<_> = manifest_values(text)
            .into_iter()
            .map(|found| (found.line, found.key, found.value))
            .collect();
        assert_eq!(
            found,
            [
                (2, "image", "a/web:1.4.2@sha256:0f"),
                (3, "image", "a/web:1"),
                (5, "newTag", "1.4.2"),
                (5, "digest", "sha256:0f"),
            ]
        );
    }
}
