//! The outputs and annotations of a workflow, and where its step summary goes. All foreign text is made harmless.
//!
//! Formats: "Workflow commands for GitHub Actions" in GitHub's documentation, and actions/runner, FileCommandManager.cs.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use crate::environment::Environment;
use crate::report::RunReport;
use crate::{output, summary};
use promote_core::contract::Outcome;
use promote_core::journal::digest;
use promote_core::run::ending::Ending;
use promote_core::run::{RunMode, last_word};
use promote_core::text::{line, log};

/// The longest value of an output.
const MAX_OUTPUT_CHARS: usize = 4_000;

/// Writes the outputs of a run where the runner wants them, and shows how it ended.
pub(super) fn publish(report: &RunReport<'_>, environment: &Environment) {
    if let Some(path) = environment.output() {
        append(&path, &outputs(&report.outputs()), "the outputs");
    }
    show(report, environment);
}

/// Writes the step summary of a run, and an annotation if something is wrong.
pub(super) fn show(report: &RunReport<'_>, environment: &Environment) {
    let remedies = remedies(&report.done.ending);
    summarize(&summary::of_run(report, &remedies), environment);
    let title = match report.done.ending.exit_code() {
        0 => return,
        1 => "promotion refused",
        _ => "promotion failed",
    };
    annotate(title, &report.done.message, &remedies, environment);
}

/// Says of a command that it could not start: as an output, in the step summary and as an annotation.
pub(super) fn publish_unusable(command: &str, why: &str, environment: &Environment) {
    let ending = Ending::Unusable(why.to_owned());
    let message = last_word::message(&ending, RunMode::Run);
    if let Some(path) = environment.output() {
        let told = [
            ("outcome", ending.kind().to_owned()),
            ("reason", message.clone()),
        ];
        append(&path, &outputs(&told), "the outputs");
    }
    let remedies = remedies(&ending);
    summarize(
        &summary::of_no_run(command, ending.label(), &message, &remedies),
        environment,
    );
    annotate("promotion failed", &message, &remedies, environment);
}

/// Adds to the step summary, if there is one.
pub(super) fn summarize(text: &str, environment: &Environment) {
    if let Some(path) = environment.summary() {
        append(&path, text, "the step summary");
    }
}

/// Adds an annotation to the page of the workflow run: a warning for a refusal, else an error.
fn annotate(title: &str, message: &str, remedies: &[String], environment: &Environment) {
    if !environment.is_workflow() {
        return;
    }
    let kind = match title {
        "promotion refused" => "warning",
        _ => "error",
    };
    let message = format!(
        "{}; what to do: {}",
        log(&line(message)),
        remedies.join(", ")
    );
    output::command(kind, &format!("title={title}"), &message);
}

/// Opens a group of the workflow's log, which people unfold, or closes it.
pub(super) fn group(title: Option<&str>, environment: &Environment) {
    match title {
        _ if !environment.is_workflow() => {}
        Some(title) => output::command("group", "", &log(&line(title))),
        None => output::command("endgroup", "", ""),
    }
}

/// The commands that explain what happened. The name of a rule is the policy's text: one that is not a plain word is left out.
fn remedies(ending: &Ending) -> Vec<String> {
    let mut codes: Vec<&str> = match ending {
        Ending::Decided(Outcome::Refused(reasons)) => reasons
            .iter()
            .map(|reason| reason.rule.as_str())
            .filter(|rule| is_code(rule))
            .collect(),
        _ => Vec::new(),
    };
    codes.sort_unstable();
    codes.dedup();
    if codes.is_empty() {
        codes.push(ending.kind());
    }
    codes
        .iter()
        .take(10)
        .map(|code| format!("`promote explain {code}`"))
        .collect()
}

fn is_code(rule: &str) -> bool {
    !rule.is_empty()
        && rule.len() <= 40
        && rule.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

fn append(path: &Path, text: &str, what: &str) {
    let file = OpenOptions::new().append(true).create(true).open(path);
    if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
        // The promotion itself is done: a workflow that cannot show it is no reason to call it failed.
        output::problem(&format!(
            "cannot write {what} to {}: {error}",
            path.display()
        ));
    }
}

/// `name<<DELIMITER`, the value on one line, the delimiter: one that the value does not hold, since it is a hash of it.
fn outputs(outputs: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in outputs {
        let value: String = line(value).chars().take(MAX_OUTPUT_CHARS).collect();
        let delimiter = format!(
            "promote_{}",
            &digest(format!("{name}{value}").as_bytes())[..32]
        );
        let _ = write!(text, "{name}<<{delimiter}\n{value}\n{delimiter}\n");
    }
    text
}
