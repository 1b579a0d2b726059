//! Words of a policy that a service, a bot or a person might obey: titles, bodies, lines of a log.
//!
//! GitHub mentions people, closes issues and skips workflows by what a text says, bots obey lines that begin with a slash,
//! and git reads trailers. None of it is a policy's to decide. Every change is visible to a reader.

use super::{is_plain, line};

/// GitHub takes no longer title of a pull request, in characters.
const MAX_TITLE: usize = 256;

/// Words with which GitHub closes an issue ("Linking a pull request to an issue").
const CLOSING: [&str; 9] = [
    "close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved",
];

/// Instructions in a commit message that keep workflows from running ("Skipping workflow runs").
const SKIPPING: [&str; 5] = [
    "[skip ci]",
    "[ci skip]",
    "[no ci]",
    "[skip actions]",
    "[actions skip]",
];

/// Beginnings of lines that git, GitHub or this host reads as trailers.
const TRAILERS: [&str; 5] = [
    "skip-checks",
    "co-authored-by",
    "signed-off-by",
    "reviewed-by",
    "promotion-",
];

/// Returns the title of a pull request or the subject of a commit: one plain line that nobody obeys.
pub fn title(text: &str) -> String {
    let text = harmless(&line(text));
    match text.char_indices().nth(MAX_TITLE) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

/// Returns the body of a pull request or a comment: Markdown as it is, but for what somebody would obey.
pub fn body(text: &str) -> String {
    let lines = text.split('\n').map(|one| {
        let plain: String = one
            .trim_end_matches('\r')
            .chars()
            .map(|c| if c == '\t' || is_plain(c) { c } else { ' ' })
            .collect();
        let plain = harmless(&plain).replace("<!--", "&lt;!--");
        if is_obeyed(&plain) {
            format!("> {plain}")
        } else {
            plain
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns a line for the log of the Port run: one plain line that does not pass for a line of the host.
pub fn note(text: &str) -> String {
    let text = line(text);
    let start = text.trim_start();
    if start.len() >= 8 && start.is_char_boundary(8) && start[..8].eq_ignore_ascii_case("promote ")
    {
        format!("policy: {text}")
    } else {
        text
    }
}

/// Returns whether a bot, git or the host would take the line for an instruction.
fn is_obeyed(line: &str) -> bool {
    let start = line.trim_start().to_ascii_lowercase();
    let is_command = start
        .strip_prefix('/')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    is_command
        || TRAILERS.iter().any(|trailer| {
            start.strip_prefix(trailer).is_some_and(|rest| {
                rest.split_once(':')
                    .is_some_and(|(name, _)| !name.contains(' '))
            })
        })
}

/// Returns the text without mentions, closing words and instructions to skip workflows.
fn harmless(text: &str) -> String {
    without_closing(&without_skipping(&without_mentions(text)))
}

fn without_mentions(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let mentions = c == '@'
            && !(before.is_alphanumeric() || before == '_')
            && rest.peek().is_some_and(char::is_ascii_alphanumeric);
        if mentions {
            shown.push_str("(at)");
        } else {
            shown.push(c);
        }
        before = c;
    }
    shown
}

fn without_skipping(text: &str) -> String {
    let mut shown = text.to_owned();
    for instruction in SKIPPING {
        // ASCII letters keep their places in lower case.
        while let Some(at) = shown.to_ascii_lowercase().find(instruction) {
            let end = at + instruction.len();
            shown.replace_range(end - 1..end, ")");
            shown.replace_range(at..=at, "(");
        }
    }
    shown
}

/// A closing word closes what comes directly behind it, so another word between them keeps it from that.
fn without_closing(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut word = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_alphabetic() {
            word.push(c.to_ascii_lowercase());
            shown.push(c);
            rest = &rest[1..];
            continue;
        }
        let is_closing = CLOSING.contains(&word.as_str());
        word.clear();
        let gap = rest.len() - rest.trim_start_matches([' ', '\t', ':']).len();
        if is_closing && gap > 0 && names_issue(&rest[gap..]) {
            shown.push_str(&rest[..gap]);
            shown.push_str("issue ");
            rest = &rest[gap..];
        }
        let Some(next) = rest.chars().next() else {
            break;
        };
        if next.is_ascii_alphabetic() {
            continue;
        }
        shown.push(next);
        rest = &rest[next.len_utf8()..];
    }
    shown
}

/// Returns whether a text begins with an issue as GitHub names one: `#7`, `GH-7`, `owner/name#7` or its address.
fn names_issue(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let lower = word.to_ascii_lowercase();
    lower.starts_with("http")
        || lower.strip_prefix("gh-").is_some_and(is_number)
        || word
            .split_once('#')
            .is_some_and(|(_, rest)| is_number(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_mention_close_and_skip_nothing() {
        for (text, expected) in [
            ("Promote web to 1.4.2", "Promote web to 1.4.2"),
            (
                "Closes #7 [skip ci] @acme/everyone",
                "Closes issue #7 (skip ci) (at)acme/everyone",
            ),
            ("fixes: acme/web#12", "fixes: issue acme/web#12"),
            ("Resolved  GH-4", "Resolved  issue GH-4"),
            (
                "close https://github.com/a/b/issues/1",
                "close issue https://github.com/a/b/issues/1",
            ),
            ("by dana@acme.example", "by dana@acme.example"),
            ("prefix #7, closest #7", "prefix #7, closest #7"),
            ("[SKIP CI][ci skip]", "(SKIP CI)(ci skip)"),
            ("a\nb\u{1b}[2J\u{202e}c", "a b [2J c"),
        ] {
            assert_eq!(title(text), expected, "{text:?}");
        }
        assert_eq!(title(&"x".repeat(300)).chars().count(), 256);
    }

    #[test]
    fn lines_that_somebody_obeys_are_quoted() {
        let text = "| a | b |\n/approve\n  /ok-to-test\n/ alone\nPromotion-Branch: x\nskip-checks: true\nfixes #1 <!-- promote:x -->\r\nhttp://a/b: c";
        assert_eq!(
            body(text),
            "| a | b |\n> /approve\n>   /ok-to-test\n/ alone\n> Promotion-Branch: x\n> skip-checks: true\nfixes issue #1 &lt;!-- promote:x -->\nhttp://a/b: c"
        );
    }

    #[test]
    fn a_note_does_not_pass_for_the_host() {
        assert_eq!(note("ok\npromote 0.1.0 starts"), "ok promote 0.1.0 starts");
        assert_eq!(
            note(" Promote 0.1.0 starts: policy 0"),
            "policy:  Promote 0.1.0 starts: policy 0"
        );
    }
}
