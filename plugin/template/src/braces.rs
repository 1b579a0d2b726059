//! Text with holes in it. Braces are doubled to stand for themselves.

/// A part of a text with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPart<'a> {
    /// Text that stands for itself, never empty.
    Text(String),
    /// What stands between two braces.
    Hole(&'a str),
}

/// A brace without its partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoneBrace {
    /// A `{` that nothing closes.
    Open,
    /// A `}` that nothing opens.
    Close,
}

/// Takes a text apart. `end_of_hole` finds the brace that closes a hole in the text after the one that opens it.
///
/// # Errors
/// When a brace has no partner.
pub fn split(
    source: &str,
    end_of_hole: impl Fn(&str) -> Option<usize>,
) -> Result<Vec<TextPart<'_>>, LoneBrace> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = source;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
        } else if brace == "{" {
            let end = end_of_hole(rest).ok_or(LoneBrace::Open)?;
            if !text.is_empty() {
                parts.push(TextPart::Text(std::mem::take(&mut text)));
            }
            parts.push(TextPart::Hole(&rest[..end]));
            rest = &rest[end + 1..];
        } else {
            return Err(LoneBrace::Close);
        }
    }
    text.push_str(rest);
    if !text.is_empty() {
        parts.push(TextPart::Text(text));
    }
    Ok(parts)
}
