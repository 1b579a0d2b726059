//! The outputs, step summary and annotations of a workflow. All foreign text is made harmless.
//!
//! Formats: "Workflow commands for GitHub Actions" in GitHub's documentation, and actions/runner, FileCommandManager.cs.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use crate::environment::Environment;
use crate::output;
use crate::report::RunReport;
use crate::terminal::describe;
use promote_core::contract::Outcome;
use promote_core::gate::CallRecord;
use promote_core::journal::digest;
use promote_core::rule::RuleRecord;
use promote_core::run::RunMode;
use promote_core::run::ending::Ending;
use promote_core::source::dry_run::planned_number;
use promote_core::text::{fenced, line, log, markdown};
use promote_intake::changes::RunChanges;

/// GitHub takes no summary over 1 MiB; far less than that is read by anyone.
const MAX_SUMMARY_BYTES: usize = 256 << 10;
/// The longest value of an output.
const MAX_OUTPUT_CHARS: usize = 4_000;

/// Writes the outputs and the step summary where the runner wants them, and an annotation if something is wrong.
pub(super) fn publish(report: &RunReport<'_>, environment: &Environment) {
    if let Some(path) = environment.output() {
        append(&path, &outputs(report), "the outputs");
    }
    if let Some(path) = environment.summary() {
        append(&path, &summary(report), "the step summary");
    }
    if environment.is_workflow() {
        let message = format!(
            "{}; what to do: {}",
            log(&line(&report.done.message)),
            remedies(report).join(", ")
        );
        match report.done.ending.exit_code() {
            0 => {}
            1 => output::command("warning", "title=promotion refused", &message),
            _ => output::command("error", "title=promotion failed", &message),
        }
    }
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
fn remedies(report: &RunReport<'_>) -> Vec<String> {
    let mut codes: Vec<&str> = match &report.done.ending {
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
        codes.push(report.done.ending.kind());
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
fn outputs(report: &RunReport<'_>) -> String {
    let mut text = String::new();
    for (name, value) in report.outputs() {
        let value: String = line(&value).chars().take(MAX_OUTPUT_CHARS).collect();
        let delimiter = format!(
            "promote_{}",
            &digest(format!("{name}{value}").as_bytes())[..32]
        );
        let _ = write!(text, "{name}<<{delimiter}\n{value}\n{delimiter}\n");
    }
    text
}

fn summary(report: &RunReport<'_>) -> String {
    let done = report.done;
    let mark = match (done.ending.exit_code(), report.mode) {
        (0, RunMode::Run) if matches!(done.ending, Ending::Decided(Outcome::Waiting(_))) => "⏳",
        (0, RunMode::Run) => "✅",
        (0, RunMode::Plan) => "📋",
        (1, _) => "⛔",
        _ => "❌",
    };
    let mut text = format!(
        "### {mark} {}: {}\n\n{}\n\n",
        markdown(&report.subject),
        report.title(),
        markdown(&planned_number::replace(&done.message))
    );
    if done.ending.exit_code() > 0 {
        let _ = write!(text, "What to do: {}\n\n", remedies(report).join(", "));
    }
    let links: Vec<String> = report
        .links
        .iter()
        .map(|(name, url)| format!("[{}](<{url}>)", markdown(name)))
        .collect();
    if !links.is_empty() {
        let _ = write!(text, "{}\n\n", links.join(" · "));
    }
    if !done.approved_by.is_empty() {
        let _ = write!(
            text,
            "Approved by {}\n\n",
            markdown(&done.approved_by.join(", "))
        );
    }
    write_changes(&mut text, &RunChanges::of(&done.timeline));
    write_rules(&mut text, report.rules());
    write_calls(&mut text, &done.timeline, report.mode);
    let _ = write!(
        text,
        "Port run {}{}\n\n",
        markdown(&report.run_id),
        policy_note(report)
    );
    cut(text)
}

/// Writes what changes in the catalog and in files.
fn write_changes(text: &mut String, changes: &RunChanges) {
    if !changes.catalog.is_empty() {
        text.push_str("| catalog | field | before | after |\n|---|---|---|---|\n");
        for change in &changes.catalog {
            let cells = [&change.entity, &change.field, &change.before, &change.after]
                .map(|cell| markdown(cell));
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
}

fn write_rules(text: &mut String, rules: &[RuleRecord]) {
    if rules.is_empty() {
        return;
    }
    text.push_str("| rule | from, and what follows from its no |\n|---|---|\n");
    for rule in rules {
        let (name, terms) = (markdown(&rule.name), markdown(&rule.to_string()));
        let _ = writeln!(text, "| {name} | {terms} |");
    }
    text.push('\n');
}

fn write_calls(text: &mut String, timeline: &[CallRecord], mode: RunMode) {
    text.push_str("<details><summary>Calls</summary>\n\n| call | ms | |\n|---|---:|---|\n");
    for record in timeline {
        // What is cut off again need not be written.
        if text.len() > MAX_SUMMARY_BYTES {
            break;
        }
        let problem = record.problem().map(markdown).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {} | {problem} |",
            markdown(&planned_number::replace(&describe(&record.call, mode))),
            record.took.as_millis()
        );
    }
    text.push_str("\n</details>\n\n");
}

/// Names the policy that ran, and the team whose rule chose it.
fn policy_note(report: &RunReport<'_>) -> String {
    report.picked.map_or_else(String::new, |picked| {
        let team = picked
            .team
            .as_ref()
            .map(|team| format!(", for {}", markdown(team)))
            .unwrap_or_default();
        format!(" · policy {}{team}", &picked.digest[..12])
    })
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_SUMMARY_BYTES {
        let end = (0..=MAX_SUMMARY_BYTES)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or_default();
        text.truncate(end);
        let _ = write!(
            text,
            "\n\n… cut at {} KiB; the journal has all of it\n",
            MAX_SUMMARY_BYTES >> 10
        );
    }
    text
}
