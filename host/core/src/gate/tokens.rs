//! A line as tokens and the gaps between them: all that the host's check of a file knows of its text.

/// One line.
#[derive(Debug)]
pub(super) struct TokenLine<'a> {
    /// Its tokens, in order.
    pub(super) tokens: Vec<LineToken<'a>>,
    /// The text behind the last one.
    rest: &'a str,
}

/// A quoted text, or a run of the characters that plain values are made of.
#[derive(Debug)]
pub(super) struct LineToken<'a> {
    /// The text between it and the token before.
    gap: &'a str,
    /// Its text, with its quotes.
    pub(super) text: &'a str,
}

impl<'a> TokenLine<'a> {
    /// Takes a line apart.
    pub(super) fn new(line: &'a str) -> Self {
        let mut tokens = Vec::new();
        let mut gap = 0;
        let mut at = 0;
        while let Some(first) = line[at..].chars().next() {
            let length = match first {
                '"' | '\'' => quoted(&line[at..], first),
                c if is_plain(c) => line[at..].find(|c| !is_plain(c)).unwrap_or(line.len() - at),
                c => {
                    at += c.len_utf8();
                    continue;
                }
            };
            tokens.push(LineToken {
                gap: &line[gap..at],
                text: &line[at..at + length],
            });
            at += length;
            gap = at;
        }
        Self {
            tokens,
            rest: &line[gap..],
        }
    }

    /// Returns whether two lines differ in the texts of tokens only.
    pub(super) fn same_gaps(&self, other: &Self) -> bool {
        self.gaps().eq(other.gaps()) && self.rest == other.rest
    }

    fn gaps(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(|token| token.gap)
    }

    /// Returns whether the line begins an item of a list.
    pub(super) fn begins_item(&self) -> bool {
        self.tokens.first().is_some_and(|token| token.text == "-")
    }

    /// Returns the column of the line's first key, which is behind the dash of an item; none if the line is empty or a comment.
    pub(super) fn key_column(&self) -> Option<usize> {
        let at = self.tokens.iter().position(|token| token.text != "-")?;
        let before: usize = self.tokens[..at]
            .iter()
            .map(|token| token.gap.len() + token.text.len())
            .sum();
        (!self.is_comment(at)).then(|| before + self.tokens[at].gap.len())
    }

    /// Returns whether a token is in a comment.
    pub(super) fn is_comment(&self, at: usize) -> bool {
        let gaps = self.tokens.iter().take(at + 1).enumerate();
        gaps.into_iter().any(|(index, token)| {
            let mut before = if index == 0 { ' ' } else { 'x' };
            token.gap.chars().any(|c| {
                let starts = c == '#' && matches!(before, ' ' | '\t' | '\r');
                before = c;
                starts
            })
        })
    }

    /// Returns whether nothing of the same value stands behind a token.
    pub(super) fn is_whole(&self, at: usize) -> bool {
        let Some(next) = self.tokens.get(at + 1) else {
            return true;
        };
        let ends = next.gap.trim_start().starts_with([',', '}', ']', '\r']);
        ends || self.is_comment(at + 1)
    }

    /// Finds the key whose value a token is, on this line: `key: value`, `"key":"value"`, `key : &anchor value`.
    pub(super) fn key_before(&self, at: usize) -> Option<String> {
        let mut at = at;
        // An anchor or a tag may stand between.
        while at > 0 && self.tokens[at - 1].gap.ends_with(['&', '!']) {
            if !is_blank(self.tokens[at].gap) {
                return None;
            }
            at -= 1;
        }
        let gap = self.tokens[at].gap;
        let gap = gap.trim_end_matches(['&', '!']);
        let before = &self.tokens[..at];
        let (colon, before) = before.split_last()?;
        if colon.text == ":" {
            let (key, before) = before.split_last()?;
            let is_quoted = key.text.starts_with(['"', '\'']);
            let stands_apart = is_blank(gap) || (is_quoted && gap.is_empty());
            let fits = stands_apart && colon.gap.trim().is_empty() && begins(key, before);
            return fits.then(|| key.bare().to_owned());
        }
        let key = colon.text.strip_suffix(':')?;
        (is_blank(gap) && begins(colon, before) && !key.is_empty()).then(|| key.to_owned())
    }

    /// Finds the key that this line ends with, its value being on the next one; an explicit one, `? key`, if the value begins with
    /// a colon.
    pub(super) fn open_key(&self, is_explicit: bool) -> Option<String> {
        let mut tokens = self.tokens.as_slice();
        if is_explicit {
            let [key] = tokens else { return None };
            return key
                .gap
                .trim_start()
                .starts_with("? ")
                .then(|| key.bare().to_owned());
        }
        // The head of a block scalar: `>-`, `|`.
        let mut rest = self.rest.trim();
        if let Some((last, before)) = tokens.split_last()
            && matches!(last.text, "-" | "+")
            && last.gap.ends_with(['>', '|'])
        {
            tokens = before;
            rest = "";
        }
        let (last, before) = tokens.split_last()?;
        if !rest.is_empty() {
            return None;
        }
        if last.text == ":" {
            let (key, before) = before.split_last()?;
            return begins(key, before).then(|| key.bare().to_owned());
        }
        let key = last.text.strip_suffix(':').filter(|key| !key.is_empty())?;
        begins(last, before).then(|| key.to_owned())
    }

    /// Finds the value of `name` on this line.
    pub(super) fn named(&self) -> Option<String> {
        let at =
            (1..self.tokens.len()).find(|at| self.key_before(*at).as_deref() == Some("name"))?;
        (!self.is_comment(at)).then(|| self.tokens[at].bare().to_owned())
    }

    /// Returns whether a token is an item of a list by itself.
    pub(super) fn is_item(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else {
            return false;
        };
        let next = self.tokens.get(at + 1);
        let after = next.map_or(self.rest, |next| next.gap);
        let is_key = next.is_some_and(|next| next.text.starts_with(':') && next.gap.is_empty());
        let dashes = !self.tokens[..at].is_empty()
            && self.tokens[..at].iter().all(|token| token.text == "-")
            && is_blank(token.gap)
            && (next.is_none() || self.is_comment(at + 1));
        let enclosed = token.gap.trim_end().ends_with(['[', ','])
            && after.trim_start().starts_with([',', ']']);
        !is_key && (dashes || enclosed)
    }
}

impl LineToken<'_> {
    /// The text without its quotes.
    pub(super) fn bare(&self) -> &str {
        ['"', '\'']
            .into_iter()
            .find_map(|quote| self.text.strip_prefix(quote)?.strip_suffix(quote))
            .unwrap_or(self.text)
    }

    /// Returns whether it is quoted as a whole or not at all.
    pub(super) fn is_whole(&self) -> bool {
        !self.bare().contains(['"', '\''])
    }
}

/// Returns whether a key is the first thing of its line or of its entry in brackets.
fn begins(key: &LineToken<'_>, before: &[LineToken<'_>]) -> bool {
    let gap = key.gap.trim_end();
    let first = before.iter().all(|token| token.text == "-") && gap.is_empty();
    first || gap.ends_with(['{', ',', '[']) || gap.contains('\r')
}

fn is_blank(gap: &str) -> bool {
    !gap.is_empty() && gap.trim_matches([' ', '\t']).is_empty()
}

/// Returns whether a character may stand in a plain value: those of image references.
pub(super) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".-_/:@+=".contains(c)
}

/// The length of a quoted text with its quotes; of the rest of the line if it does not end there.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.trim_end_matches(['\n', '\r']).len()
}
