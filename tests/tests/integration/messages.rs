//! `tests/messages.txt` lists what the program says to people: the last word of every run of every scenario, and every
//! explanation. A reviewer reads there what changed.
//!
//! `UPDATE=1 cargo test --workspace --exclude promote-guests --test integration -- every_scenario` writes it again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use promote_core::source::dry_run::planned_number;
use promote_kit::explain;
use promote_kit::scenario::ScenarioReport;

use crate::documents::root;

/// Hexadecimal digits of this length are a digest or a commit.
const DIGEST_DIGITS: usize = 10;

/// Returns a message with what differs from run to run, or says nothing to a reader, taken out.
fn plain(message: &str) -> String {
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let mut text = String::new();
    let mut rest = message;
    while let Some(start) = rest.find(is_hex) {
        let run = rest[start..]
            .find(|c| !is_hex(c))
            .unwrap_or(rest.len() - start);
        text += &rest[..start];
        let digits = &rest[start..start + run];
        let is_digest = run >= DIGEST_DIGITS && digits.bytes().any(|byte| byte.is_ascii_digit());
        text += if is_digest { "HEX" } else { digits };
        rest = &rest[start + run..];
    }
    let shown = |c: char| {
        if c.is_control() && c != '\n' {
            '␛'
        } else {
            c
        }
    };
    let text: String = (text + rest).chars().map(shown).collect();
    text.replace('\n', "\n    ")
}

/// Returns the list.
fn list(reports: &[ScenarioReport]) -> String {
    let mut endings: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for run in reports.iter().flat_map(|report| &report.runs) {
        // A resume that finds nothing to do says nothing of a run.
        let Some(kind) = run.ending else { continue };
        let message = planned_number::replace(&run.message);
        endings.entry(kind).or_default().insert(plain(&message));
    }
    let mut text = String::from(
        "What the program says to people. A test makes this list; read what changed.\n\n\
         == The last words of runs, in every scenario\n",
    );
    for (kind, messages) in &endings {
        let _ = write!(text, "\n{kind}\n");
        for message in messages {
            let _ = writeln!(text, "  {message}");
        }
    }
    text += "\n== Explanations\n";
    for one in explain::all() {
        let _ = write!(
            text,
            "\n{} ({})\n  {}\n  What to do: {}\n",
            one.code,
            one.kind.name(),
            one.means,
            one.remedy
        );
    }
    text
}

/// Compares the list with the file, or writes the file.
pub(crate) fn check(reports: &[ScenarioReport]) {
    let path = root().join("tests/messages.txt");
    let made = list(reports);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, made).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let new: Vec<&str> = made.lines().filter(|line| !kept.contains(line)).collect();
    let gone: Vec<&str> = kept.lines().filter(|line| !made.contains(line)).collect();
    assert!(
        kept == made,
        "tests/messages.txt is not what people are told; new:\n{}\ngone:\n{}\nread it, then renew it: UPDATE=1 cargo test \
         --workspace --exclude promote-guests --test integration -- every_scenario",
        new.join("\n"),
        gone.join("\n")
    );
}

#[test]
fn digests_are_taken_out_and_numbers_stay() {
    for (message, expected) in [
        ("at df7557d50bae9489, #12", "at HEX, #12"),
        ("the facade of 1.4.2", "the facade of 1.4.2"),
        ("a\nb", "a\n    b"),
        ("a\u{1b}[31mb", "a␛[31mb"),
    ] {
        assert_eq!(plain(message), expected);
    }
}
