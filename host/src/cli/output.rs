//! The only place that prints. What is foreign is made harmless before it gets here, or here.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the door for data and messages")]

use crate::words::text;

/// Prints data.
pub(super) fn data(text: &str) {
    print!("{text}");
}

/// Prints a line for people; foreign text in it is made harmless.
pub(super) fn say(line: &str) {
    eprintln!("{}", text::log(line));
}

/// Prints a line that is ours, escape sequences included.
pub(super) fn raw(line: &str) {
    eprintln!("{line}");
}

/// Prints why nothing could be done.
pub(super) fn problem(what: &str) {
    eprintln!("promote: {}", text::log(what));
}

/// Prints a workflow command (actions/toolkit, command.ts).
pub(super) fn command(name: &str, properties: &str, data: &str) {
    let space = if properties.is_empty() { "" } else { " " };
    eprintln!("::{name}{space}{properties}::{}", text::command_data(data));
}
