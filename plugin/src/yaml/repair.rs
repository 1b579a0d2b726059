//! The same file, written so that the first reader takes it.
//!
//! Kubernetes' readers take a closing bracket at its key's column, quoted text that goes on there, and tabs between the parts
//! of a map in brackets. YAML 1.2 forbids some of it, and the first reader refuses all. Blanks that no reader counts cure it.

use std::borrow::Cow;
use std::ops::Range;

/// A text to parse in a file's place.
#[derive(Debug)]
pub(super) struct RepairedText<'a> {
    pub(super) text: Cow<'a, str>,
    /// For each character of `text`, the byte of the file that it stands for; and the end.
    pub(super) offsets: Vec<usize>,
}

impl<'a> RepairedText<'a> {
    /// The text as it is.
    pub(super) fn unchanged(text: &'a str) -> Self {
        let places = text.char_indices().map(|(at, _)| at);
        Self {
            text: Cow::Borrowed(text),
            offsets: places.chain([text.len()]).collect(),
        }
    }

    /// Puts blanks for tabs behind colons and, within what brackets or quotes enclose, at the beginning of each line.
    pub(super) fn new(text: &str, enclosed: &[Range<usize>]) -> Self {
        let mut out = RepairedDraft {
            text: String::with_capacity(text.len()),
            offsets: Vec::with_capacity(text.len() + 1),
        };
        let mut after_colon = false;
        let mut line_start = 0;
        let mut in_lead = false;
        let mut spans = enclosed.iter().peekable();
        for (at, c) in text.char_indices() {
            while spans.next_if(|span| span.end <= at).is_some() {}
            let inside = spans.peek().filter(|span| span.start < at);
            if at == line_start && at > 0 {
                in_lead = inside.is_some();
                if let Some(span) = inside {
                    for _ in 0..=indent(text, span.start) {
                        out.push(' ', at);
                    }
                }
            }
            let is_blank = matches!(c, ' ' | '\t');
            in_lead &= is_blank;
            out.push(
                if c == '\t' && (after_colon || in_lead) {
                    ' '
                } else {
                    c
                },
                at,
            );
            after_colon = c == ':' || (after_colon && is_blank);
            if c == '\n' {
                line_start = at + 1;
            }
        }
        out.offsets.push(text.len());
        Self {
            text: Cow::Owned(out.text),
            offsets: out.offsets,
        }
    }
}

/// A repaired text in the making.
struct RepairedDraft {
    text: String,
    offsets: Vec<usize>,
}

impl RepairedDraft {
    fn push(&mut self, c: char, at: usize) {
        self.text.push(c);
        self.offsets.push(at);
    }
}

/// How far the line of a place is indented, list marks included: what goes on there must stand further right.
fn indent(text: &str, place: usize) -> usize {
    let before = text.get(..place).unwrap_or_default();
    let before = before.rsplit('\n').next().unwrap_or_default();
    before.len() - before.trim_start_matches([' ', '-', '?']).len() + 1
}
