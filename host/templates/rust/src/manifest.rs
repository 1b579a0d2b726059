//! The edit of a manifest: the one value that changes, every other byte as it was.

/// The manifest with another image, and the image that it had; none unless it names exactly one.
pub(crate) fn with_image(manifest: &str, image: &str) -> Option<(String, String)> {
    let (mut content, mut previous) = (String::new(), None);
    for line in manifest.split_inclusive('\n') {
        match image_of(line) {
            Some(_) if previous.is_some() => return None,
            Some((before, value)) => {
                let after = line.strip_prefix(before)?.strip_prefix(value)?;
                content.extend([before, image, after]);
                previous = Some(value.to_owned());
            }
            None => content.push_str(line),
        }
    }
    Some((content, previous?))
}

/// The value of a line `image: value`, and what stands before it.
fn image_of(line: &str) -> Option<(&str, &str)> {
    let start = line.find(|c: char| !" -".contains(c))?;
    let rest = line[start..]
        .strip_prefix("image:")?
        .trim_start_matches([' ', '"', '\'']);
    let value = rest
        .split([' ', '"', '\'', '\r', '\n'])
        .next()
        .filter(|value| !value.is_empty())?;
    Some((line.strip_suffix(rest)?, value))
}

#[cfg(test)]
mod tests {
    use super::with_image;

    #[test]
    fn one_value_changes_and_nothing_else() {
        let before = "spec:\n  - image: \"acme/web:1\" # ours\r\n";
        let after = "spec:\n  - image: \"acme/web:2\" # ours\r\n";
        let changed = with_image(before, "acme/web:2");
        assert_eq!(changed, Some((after.to_owned(), "acme/web:1".to_owned())));
        for unclear in ["", "image:\n", "image: a\nimage: b\n", "# image: a\n"] {
            assert_eq!(with_image(unclear, "c"), None, "{unclear}");
        }
    }
}
