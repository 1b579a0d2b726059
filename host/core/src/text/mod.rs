//! Makes foreign text harmless before people or runners read it: on a plain line, in workflow logs, in Markdown.
//!
//! Every string from Port, GitHub or a policy is hostile: it may hold ANSI sequences, workflow commands, Markdown or
//! characters that reorder what a reader sees.
//!
//! ```
//! use promote_core::text;
//!
//! let title = "\u{1b}[2Jgone\n::error::fake <b>@admin</b>";
//! assert_eq!(text::line(title), " [2Jgone ::error::fake <b>@admin</b>");
//! assert!(!text::log(title).contains("\n::error::"));
//! assert!(!text::markdown(title).contains(['<', '@']));
//! ```

mod words;

use std::fmt::Write as _;

pub use words::{body, note, title};

/// Longest foreign text that is shown, in characters.
const LONGEST: usize = 2_000;

/// Returns a number of things in words, for people: `1 error`, `2 errors`.
pub fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// Returns the text on one line, without control characters, escape sequences and characters that change the
/// direction or the visibility of others; cut at 2,000 characters.
pub fn line(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if is_plain(c) { c } else { ' ' })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a character is shown as it is: no control, no bidirectional or zero-width formatting, no tag, no separator.
pub fn is_plain(c: char) -> bool {
    let hidden = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !c.is_control() && !hidden
}

/// Returns the text, line by line made harmless for a workflow log: besides what [`line()`] does, no line can be taken for
/// a workflow command (`::command::` at the start of a line, `##[command]` anywhere; actions/runner, ActionCommand.cs).
pub fn log(text: &str) -> String {
    text.lines()
        .map(|one| defuse(&line(one)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns the text for a Markdown table cell or paragraph: nothing in it is markup, a link, HTML or a mention.
pub fn markdown(text: &str) -> String {
    let mut shown = String::new();
    for c in line(text).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '@' => shown.push_str("&#64;"),
            // Not `#123` or a bare URL either, which GitHub turns into links.
            '#' => shown.push_str("&#35;"),
            ':' => shown.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '!' | '|' | '~' => {
                let _ = write!(shown, "\\{c}");
            }
            c => shown.push(c),
        }
    }
    shown
}

/// Returns the text as [`markdown`] does, and what stands between two backticks as code.
pub fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // One backtick too many: it is not known which.
    if parts.len().is_multiple_of(2) {
        return markdown(text);
    }
    let mut shown = String::new();
    for (at, part) in parts.into_iter().enumerate() {
        let part_shown = markdown(part);
        if at % 2 == 1 && !part.is_empty() {
            let _ = write!(shown, "<code>{part_shown}</code>");
        } else {
            shown.push_str(&part_shown);
        }
    }
    shown
}

/// Returns text for a fenced code block: the fence is longer than any run of backticks in it.
pub fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let body: String = text
        .chars()
        .filter(|c| *c == '\n' || *c == '\t' || is_plain(*c))
        .collect();
    format!(
        "{fence}{language}\n{}\n{fence}\n",
        body.trim_end_matches('\n')
    )
}

/// Returns the text, which is JSON, with the same values and no character in it that a terminal, a runner or a reader would
/// obey: standard output is in a workflow's log, too.
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    // What is not plain stands within strings only, and so does a command.
    for c in text.replace("##[", "#\\u0023[").chars() {
        if c == '\n' || is_plain(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown
}

/// Escapes the data of a workflow command (actions/toolkit, command.ts).
pub fn command_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn defuse(text: &str) -> String {
    // A zero-width space would be invisible to a reader, too: a visible space breaks the command and shows why.
    let text = text.replace("##[", "## [");
    let trimmed = text.trim_start();
    match trimmed.strip_prefix("::") {
        Some(rest) => format!("{}: :{rest}", &text[..text.len() - trimmed.len()]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code_and_harmless() {
        for (text, shown) in [
            (
                "raise `limits.calls` now",
                "raise <code>limits.calls</code> now",
            ),
            ("`a` and `b`", "<code>a</code> and <code>b</code>"),
            ("`<b>_x_</b>`", "<code>&lt;b&gt;\\_x\\_&lt;/b&gt;</code>"),
            ("one ` too many", "one \\` too many"),
            ("empty `` here", "empty  here"),
            ("```\n# title\n```", "<code> &#35; title </code>"),
        ] {
            assert_eq!(prose(text), shown);
        }
    }

    #[test]
    fn nothing_foreign_reaches_a_terminal_or_a_runner() {
        let cases = [
            ("plain text", "plain text"),
            ("\u{1b}[31mred\u{7}", " [31mred "),
            ("::add-mask::x", ": :add-mask::x"),
            ("  ::error::x", "  : :error::x"),
            ("see ##[error]x", "see ## [error]x"),
            ("a\u{202e}b\u{200b}c", "a b c"),
        ];
        for (text, expected) in cases {
            assert_eq!(log(text), expected, "{text:?}");
        }
        assert_eq!(log("one\n::set-env name=A::b"), "one\n: :set-env name=A::b");
        assert_eq!(line("one\r\ntwo"), "one  two");
        assert_eq!(line(&"x".repeat(3_000)).chars().count(), 2_001);
    }

    #[test]
    fn nothing_foreign_in_json_reaches_them_either_and_the_values_stay() {
        let text = "a\u{202e}b\u{e0041}c\u{9b}\u{1b}[31m\n##[error]\\##[x]é";
        let shown = json(&format!("{:#}", serde_json::json!({ "text": text })));
        let expected = r#"a\u202eb\udb40\udc41c\u009b\u001b[31m\n#\u0023[error]\\#\u0023[x]é"#;
        assert_eq!(shown, format!("{{\n  \"text\": \"{expected}\"\n}}"));
        let read: Result<serde_json::Value, _> = serde_json::from_str(&shown);
        assert!(read.is_ok_and(|read| read["text"] == text));
    }

    #[test]
    fn nothing_foreign_is_markup() {
        assert_eq!(
            markdown("<img> [a](b) @all `x` | #1"),
            "&lt;img&gt; \\[a\\]\\(b\\) &#64;all \\`x\\` \\| &#35;1"
        );
        assert_eq!(fenced("diff", "a\n```\nb\n"), "````diff\na\n```\nb\n````\n");
    }
}
