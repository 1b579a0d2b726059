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
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    if old.len() != new.len() {
        return Err(format!("it would have {} lines instead of {}", new.len(), old.len()));
    }
    for (index, (before, after)) in old.iter().zip(&new).enumerate() {
        if before != after && !is_value_change(before, after) {
            return Err(format!(
                "line {} changes in more than the value of {}",
                index + 1,
                KEYS.map(|key| format!("`{key}`")).join(", ")
            ));
        }
    }
    Ok(())
}

fn is_value_change(before: &str, after: &str) -> bool {
    let split = |line: &str| -> Option<(String, String)> {
        // The value is the token around the first difference.
        let start = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
        let token_start = line.get(..start)?.rfind(|c| !is_token(c)).map_or(0, |at| at + last_len(line, at));
        let length = line[token_start..].find(|c| !is_token(c)).unwrap_or(line.len() - token_start);
        let token = &line[token_start..token_start + length];
        let around = format!("{}\0{}", &line[..token_start], &line[token_start + length..]);
        is_value(token).then(|| (line[..token_start].to_owned(), around))
    };
    match (split(before), split(after)) {
        (Some((prefix, before)), Some((_, after))) => before == after && ends_in_key(&prefix),
        _ => false,
    }
}

fn last_len(line: &str, at: usize) -> usize {
    line[at..].chars().next().map_or(1, char::len_utf8)
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
    !bare.is_empty() && !bare.contains(['"', '\'']) && !bare.ends_with(':') && !bare.starts_with(['@', '-'])
}

/// Whether the text before a value is `key: `, not in a comment.
fn ends_in_key(prefix: &str) -> bool {
    let Some(before_colon) = prefix.trim_end_matches([' ', '\t']).strip_suffix(':') else {
        return false;
    };
    if prefix.ends_with(':')
        || prefix.trim_start().starts_with('#')
        || prefix.contains(" #")
        || prefix.contains("\t#")
    {
        return false;
    }
    let key = before_colon.trim_end_matches(['"', '\'']);
    KEYS.iter().any(|known| {
        key.strip_suffix(known)
            .is_some_and(|left| left.is_empty() || left.ends_with([' ', '{', ',', '"', '\'']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_value_of_an_image_key_may_change() {
        let cases = [
            ("image: a/b:1\n", "image: a/b:2\n", true),
            ("  - image: a/b:1 # pinned\r\n", "  - image: a/b@sha256:0f # pinned\r\n", true),
            ("image: a/b:1", "image: \"a/b:2\"", true),
            ("{name: app, image: 'a/b:1'}", "{name: app, image: 'a/b:2'}", true),
            ("{\"image\": \"a/b:1\", \"x\": 1}", "{\"image\": \"a/b:2\", \"x\": 1}", true),
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
            assert_eq!(only_values_change(old, new).is_ok(), expected, "{old:?} -> {new:?}");
        }
    }

    #[test]
    fn the_message_names_the_line() {
        let answer = only_values_change("a: 1\nb: 2\n", "a: 1\nb: 3\n");
        assert_eq!(
            answer,
            Err("line 2 changes in more than the value of `image`, `newTag`, `tag`, `digest`".to_owned())
        );
    }
}
