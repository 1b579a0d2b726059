//! The step summary of a workflow run, as Markdown. All foreign text is made harmless.

use std::fmt::Write as _;

use crate::report::RunReport;
use crate::terminal::{describe, remark};
use promote_core::contract::Outcome;
use promote_core::gate::CallRecord;
use promote_core::rule::RuleRecord;
use promote_core::run::RunMode;
use promote_core::run::ending::Ending;
use promote_core::source::dry_run::planned_number;
use promote_core::text::{fenced, markdown, prose};
use promote_intake::changes::RunChanges;

/// GitHub takes no summary over 1 MiB; far less than that is read by anyone.
const MAX_SUMMARY_BYTES: usize = 256 << 10;

/// Returns the summary of a command that could not start: it has no run to tell of.
pub(super) fn of_no_run(command: &str, label: &str, message: &str, remedies: &[String]) -> String {
    cut(format!(
        "### ❌ {command}: {label}\n\n{}\n\nWhat to do: {}\n\n",
        prose(message),
        remedies.join(", ")
    ))
}

/// Returns the summary of a run: how it ended, what to do, what changed, and how it came to that.
pub(super) fn of_run(report: &RunReport<'_>, remedies: &[String]) -> String {
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
        prose(&planned_number::replace(&done.message))
    );
    if done.ending.exit_code() > 0 {
        let _ = write!(text, "What to do: {}\n\n", remedies.join(", "));
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
    if matches!(done.ending, Ending::Trapped(_)) && !done.printed.is_empty() {
        let _ = write!(
            text,
            "Printed by the policy:\n\n{}\n",
            fenced("text", &done.printed)
        );
    }
    write_changes(&mut text, &RunChanges::of(&done.timeline));
    write_rules(&mut text, report.rules());
    write_calls(&mut text, &done.timeline, report.mode);
    let _ = write!(
        text,
        "Port run {}{}{}\n\n",
        markdown(&report.run_id),
        policy_note(report),
        journal_note(report)
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

/// Writes the calls, in one column with what went wrong with them: a phone shows no more of a table than that.
fn write_calls(text: &mut String, timeline: &[CallRecord], mode: RunMode) {
    text.push_str("<details><summary>Calls</summary>\n\n| call | ms |\n|---|---:|\n");
    for record in timeline {
        // What is cut off again need not be written.
        if text.len() > MAX_SUMMARY_BYTES {
            break;
        }
        let mut call = planned_number::replace(&describe(&record.call, mode));
        if let Some(remark) = remark(record) {
            let _ = write!(call, ": {remark}");
        }
        let _ = writeln!(text, "| {} | {} |", prose(&call), record.took.as_millis());
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

/// Names the file of the journal, which the artifact has under this name.
fn journal_note(report: &RunReport<'_>) -> String {
    report.journal.file_name().map_or_else(String::new, |name| {
        format!(" · journal {}", markdown(&name.to_string_lossy()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_could_not_start_says_why_and_what_to_do() {
        let remedies = ["`promote explain unusable`".to_owned()];
        let text = of_no_run(
            "promote run",
            "Could not start",
            "could not start: <b>",
            &remedies,
        );
        assert_eq!(
            text,
            "### ❌ promote run: Could not start\n\ncould not start&#58; &lt;b&gt;\n\nWhat to do: `promote explain unusable`\n\n"
        );
    }
}
