//! The only place that prints. Foreign text is made harmless before it gets here, or here.
//!
//! Nobody may be listening any more, and that ends no run: `print!` would panic in the middle of a promotion.

use std::io::{self, ErrorKind, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use promote_core::text;
use serde_json::{Value, json};

/// The name of the program, before its errors.
static PROGRAM: OnceLock<&'static str> = OnceLock::new();

/// True if a line that stands only for now is on the screen.
static STATUS: AtomicBool = AtomicBool::new(false);

/// True if each line for people is one JSON object.
static JSON: AtomicBool = AtomicBool::new(false);

/// How this process prints; plain until somebody says otherwise.
static STYLE: OnceLock<OutputStyle> = OnceLock::new();

/// True if data could not be written to somebody who waits for it.
static LOST: AtomicBool = AtomicBool::new(false);

/// How a process prints.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own"
)]
pub struct OutputStyle {
    /// Whether data are coloured.
    pub colours_out: bool,
    /// Whether lines for people are coloured.
    pub colours_err: bool,
    /// Whether a line can stand only for now.
    pub has_status: bool,
    /// Whether only results and problems are told.
    pub is_quiet: bool,
    /// Whether each request is told.
    pub is_verbose: bool,
}

/// The meaning of a coloured text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTone {
    /// It went well, or was added.
    Good,
    /// It went wrong, or was removed.
    Bad,
    /// Somebody has to look.
    Open,
    /// It says where.
    Place,
}

/// Sets how this process prints; the first one counts.
pub fn set_style(style: OutputStyle) {
    let _ = STYLE.set(style);
}

/// Returns how this process prints.
pub fn style() -> OutputStyle {
    STYLE.get().copied().unwrap_or_default()
}

/// Returns a text of ours in its colour, or as it is.
pub fn painted(text: &str, tone: TextTone, has_colours: bool) -> String {
    let code = match tone {
        _ if !has_colours => return text.to_owned(),
        TextTone::Good => 32,
        TextTone::Bad => 31,
        TextTone::Open => 33,
        TextTone::Place => 36,
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// Returns the lines of a diff in their colours; it was made harmless before.
pub fn painted_diff(diff: &str, has_colours: bool) -> String {
    let lines = diff.split_inclusive('\n').map(|line| {
        let (text, end) = match line.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (line, ""),
        };
        let tone = match text.trim_start().as_bytes().first() {
            Some(b'+') => TextTone::Good,
            Some(b'-') => TextTone::Bad,
            Some(b'@') => TextTone::Place,
            _ => return line.to_owned(),
        };
        painted(text, tone, has_colours) + end
    });
    lines.collect()
}

/// Sets the name that stands before errors; the first one counts.
pub fn set_program(name: &'static str) {
    let _ = PROGRAM.set(name);
}

/// Has each line for people written as one JSON object, for whatever collects logs.
pub fn log_as_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// Returns whether lines for people are JSON objects.
pub fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Writes a line of the log as JSON: the time, the level, the message and what else belongs to it.
pub fn event(level: &str, message: &str, more: Value) {
    let mut line = json!({
        "at": jiff::Timestamp::now(),
        "level": level,
        "message": message.trim(),
    });
    if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
        line.extend(more);
    }
    err(&format!("{}\n", text::json(&line.to_string())));
}

/// Prints data.
pub fn data(text: &str) {
    clear();
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough, as `head` has.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            LOST.store(true, Ordering::Relaxed);
            problem(&format!("the result could not be written: {error}"));
        }
        _ => {}
    }
}

/// Returns whether data could not be written, to a disk that is full for one.
pub fn has_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Writes to standard error, if anybody listens there.
fn err(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Shows a line until the next thing is printed. For terminals only.
pub fn status(line: &str) {
    if is_json() || style().is_quiet {
        return;
    }
    clear();
    // The cursor stays at the end of the line.
    err(&text::line(line));
    STATUS.store(true, Ordering::Relaxed);
}

/// Takes the line away that stands only for now.
fn clear() {
    if STATUS.swap(false, Ordering::Relaxed) {
        err("\r\u{1b}[2K");
    }
}

/// Prints a line for people, unless they want to hear of problems only; foreign text in it is made harmless.
pub fn say(line: &str) {
    if !style().is_quiet {
        tell(line);
    }
}

/// Prints what takes a while: on a terminal it stands there until the next line, elsewhere it is a line of its own.
pub fn progress(line: &str) {
    if style().has_status && !style().is_verbose {
        status(line);
    } else {
        say(line);
    }
}

/// Prints a line for people that is a result; foreign text in it is made harmless.
pub fn tell(line: &str) {
    if is_json() {
        return event("info", line, Value::Null);
    }
    clear();
    err(&format!("{}\n", text::log(line)));
}

/// Prints a line that is ours, escape sequences included.
pub fn raw(line: &str) {
    clear();
    err(&format!("{line}\n"));
}

/// Asks the person at the terminal; none if nobody is there. An empty answer is the default.
pub fn ask(question: &str, default: &str) -> Option<String> {
    use std::io::IsTerminal as _;
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    let hint = if default.is_empty() {
        String::new()
    } else {
        format!(" [{default}]")
    };
    err(&format!("{}{}: ", text::log(question), text::log(&hint)));
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .ok()
        .filter(|read| *read > 0)?;
    let answer = answer.trim();
    Some(if answer.is_empty() { default } else { answer }.to_owned())
}

/// Prints an error.
pub fn problem(what: &str) {
    if is_json() {
        return event("error", what, Value::Null);
    }
    clear();
    let program = PROGRAM.get().unwrap_or(&"promote");
    let program = painted(program, TextTone::Bad, style().colours_err);
    err(&format!("{program}: {}\n", text::log(what)));
}

/// Prints a workflow command (actions/toolkit, command.ts).
///
/// The runner must get its commands whatever the form of the log is; groups are for people.
pub fn command(name: &str, properties: &str, data: &str) {
    if is_json() && matches!(name, "group" | "endgroup") {
        return;
    }
    let space = if properties.is_empty() { "" } else { " " };
    err(&format!(
        "::{name}{space}{properties}::{}\n",
        text::command_data(data)
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_is_coloured_line_by_line_and_only_where_it_is_wanted() {
        let diff = "--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n│ same\n";
        assert_eq!(painted_diff(diff, false), diff);
        let coloured = painted_diff(diff, true);
        let expected = "\u{1b}[31m-old\u{1b}[0m\n\u{1b}[32m+new\u{1b}[0m\n│ same\n";
        assert!(coloured.ends_with(expected), "{coloured:?}");
    }
}
