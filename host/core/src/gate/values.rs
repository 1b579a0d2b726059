//! The host's own check of a proposed file: nothing changes but the values of a few keys.
//!
//! It knows lines and tokens, not YAML: it is small enough to be trusted, and stricter than a policy that knows YAML
//! needs. A change that it does not understand is refused.

/// Keys whose values a promotion changes in the usual manifests (Kubernetes, Kustomize, Helm).
const KEYS: [&str; 4] = ["image", "newTag", "tag", "digest"];

/// Checks that two texts differ only in values of the keys `image`, `newTag`, `tag` and `digest`, each within its line,
/// and each value before and after one plain or quoted token of the characters of an image reference.
///
/// # Errors
/// Says which line (from 1) changes in another way.
pub fn only_values_change(old: &str, new: &str) -> Result<(), String> {
    let [old, new] = [old, new].map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
    if old.len() != new.len() {
        return Err(format!(
            "it would have {} lines instead of {}",
            new.len(),
            old.len()
        ));
    }
    let is_other =
        |(before, after): (&&str, &&str)| before != after && !is_value_change(before, after);
    let Some(index) = old.iter().zip(&new).position(is_other) else {
        return Ok(());
    };
    let (line, keys) = (index + 1, KEYS.map(|key| format!("`{key}`")).join(", "));
    Err(format!(
        "line {line} changes in more than the value of {keys}"
    ))
}

fn is_value_change(before: &str, after: &str) -> bool {
    let same = before
        .bytes()
        .zip(after.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    around_value(before, same).is_some_and(|(prefix, rest)| {
        around_value(after, same) == Some((prefix, rest)) && ends_in_key(prefix)
    })
}

/// What stands before and after the token around a place in a line, if that token is a value.
fn around_value(line: &str, place: usize) -> Option<(&str, &str)> {
    let prefix = line.get(..place)?.trim_end_matches(is_token);
    let rest = line[prefix.len()..].trim_start_matches(is_token);
    is_value(&line[prefix.len()..line.len() - rest.len()]).then_some((prefix, rest))
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@' | '+' | '"' | '\'')
}

/// A token that is one value: quoted as a whole or not at all, and not the key of a mapping.
fn is_value(token: &str) -> bool {
    let bare = ['"', '\'']
        .iter()
        .find_map(|quote| token.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(token);
    !bare.is_empty()
        && !bare.contains(['"', '\''])
        && !bare.ends_with(':')
        && !bare.starts_with(['@', '-'])
}

/// Whether the text before a value is `key: `, not in a comment.
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
        ];
        for (old, new, expected) in cases {
            assert_eq!(
                only_values_change(old, new).is_ok(),
                expected,
                "{old:?} -> {new:?}"
            );
        }
    }

    #[test]
    fn the_message_names_the_line() {
        let answer = only_values_change("a: 1\nb: 2\n", "a: 1\nb: 3\n");
        assert_eq!(
            answer,
            Err(
                "line 2 changes in more than the value of `image`, `newTag`, `tag`, `digest`"
                    .to_owned()
            )
        );
    }
}
