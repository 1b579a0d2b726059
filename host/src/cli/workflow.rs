//! What a workflow is told: outputs, step summary, annotations. All foreign text is made harmless.
//!
//! Formats: "Workflow commands for GitHub Actions" in GitHub's documentation, and actions/runner, FileCommandManager.cs.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::report::Report;
use super::{Environment, output};
use crate::core::journal::digest;
use crate::words::Changes;
use crate::words::text::{fenced, line, log, markdown};

/// GitHub takes no summary over 1 MiB; far less than that is read by anyone.
const SUMMARY: usize = 256 << 10;
/// Longest value of an output, in characters.
const OUTPUT: usize = 4_000;

/// Writes the outputs and the step summary where the runner wants them, and an annotation if something is wrong.
pub(super) fn publish(report: &Report<'_>, environment: &Environment) {
    if let Some(path) = environment.output() {
        append(&path, &outputs(report), "the outputs");
    }
    if let Some(path) = environment.summary() {
        append(&path, &summary(report), "the step summary");
    }
    if environment.is_workflow() {
        let message = log(&line(&report.done.message));
        match report.done.ending.exit_code() {
            0 => {}
            1 => output::command("warning", "title=promotion refused", &message),
            _ => output::command("error", "title=promotion failed", &message),
        }
    }
}

fn append(path: &Path, text: &str, what: &str) {
    let file = OpenOptions::new().append(true).create(true).open(path);
    if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
        // The promotion itself is done: a workflow that cannot show it is no reason to call it failed.
        output::problem(&format!("cannot write {what} to {}: {error}", path.display()));
    }
}

/// `name<<DELIMITER`, the value on one line, the delimiter: one that the value does not hold, since it is a hash of it.
fn outputs(report: &Report<'_>) -> String {
    let mut text = String::new();
    for (name, value) in report.outputs() {
        let value: String = line(&value).chars().take(OUTPUT).collect();
        let delimiter = format!("promote_{}", &digest(format!("{name}{value}").as_bytes())[..32]);
        let _ = write!(text, "{name}<<{delimiter}\n{value}\n{delimiter}\n");
    }
    text
}

fn summary(report: &Report<'_>) -> String {
    let done = report.done;
    let mark = match done.ending.exit_code() {
        0 => "✅",
        1 => "⛔",
        _ => "❌",
    };
    let mut text = format!(
        "### {mark} {}: {}\n\n{}\n\n",
        markdown(&report.subject),
        done.ending.label(),
        markdown(&done.message)
    );
    let changes = Changes::of(&done.timeline);
    if !changes.catalog.is_empty() {
        text.push_str("| catalog | field | before | after |\n|---|---|---|---|\n");
        for change in &changes.catalog {
            let cells =
                [&change.entity, &change.field, &change.before, &change.after].map(|cell| markdown(cell));
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text.push('\n');
    }
    for file in &changes.files {
        let _ = write!(
            text,
            "{}\n\n{}\n",
            markdown(&format!("{} {}", file.repository, file.path)),
            fenced("diff", &file.diff)
        );
    }
    text.push_str("<details><summary>Calls</summary>\n\n| call | ms | |\n|---|---:|---|\n");
    for step in &done.timeline {
        let problem = step.problem.as_deref().map(markdown).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {} | {problem} |",
            markdown(&step.call.to_string()),
            step.took.as_millis()
        );
    }
    let _ = write!(
        text,
        "\n</details>\n\nPort run {} · policy {}\n\n",
        markdown(&report.run_id),
        &report.policy.digest[..12]
    );
    cut(text)
}

fn cut(mut text: String) -> String {
    if text.len() > SUMMARY {
        let end = (0..=SUMMARY).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push_str("\n\n… cut\n");
    }
    text
}
