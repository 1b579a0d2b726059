//! The only place that prints. What is foreign is made harmless before it gets here, or here.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the door for data and messages")]

use std::sync::atomic::{AtomicBool, Ordering};

use crate::words::text;

/// Whether a line that stands only for now is on the screen.
static STATUS: AtomicBool = AtomicBool::new(false);

/// Prints data.
pub(super) fn data(text: &str) {
    clear();
    print!("{text}");
}

/// Shows a line until the next thing is printed. For terminals only.
#[cfg(feature = "kit")]
pub(super) fn status(line: &str) {
    clear();
    // The cursor stays at the end of the line.
    eprint!("{}", text::line(line));
    STATUS.store(true, Ordering::Relaxed);
}

/// Takes the line away that stands only for now.
fn clear() {
    if STATUS.swap(false, Ordering::Relaxed) {
        eprint!("\r\u{1b}[2K");
    }
}

/// Prints a line for people; foreign text in it is made harmless.
pub(super) fn say(line: &str) {
    clear();
    eprintln!("{}", text::log(line));
}

/// Prints a line that is ours, escape sequences included.
pub(super) fn raw(line: &str) {
    eprintln!("{line}");
}

/// Asks the person at the terminal; none if there is nobody. An empty answer is the default.
#[cfg(feature = "kit")]
pub(super) fn ask(question: &str, default: &str) -> Option<String> {
    use std::io::IsTerminal as _;
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    let hint = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    eprint!("{}{}: ", text::log(question), text::log(&hint));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).ok().filter(|read| *read > 0)?;
    let answer = answer.trim();
    Some(if answer.is_empty() { default } else { answer }.to_owned())
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
