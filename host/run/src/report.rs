//! The report of a run, for people and for programs.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::environment::Environment;
use crate::output::{self, TextTone};
use crate::output_format::{OutputFormat, json_text};
use promote_core::call::Call;
use promote_core::contract::Outcome;
use promote_core::gate::CallRecord;
use promote_core::rule::RuleRecord;
use promote_core::run::ending::Ending;
use promote_core::run::{RunMode, RunResult};
use promote_core::service::github::RepositoryName;
use promote_core::service::http::seg;
use promote_core::source::dry_run::planned_number;
use promote_core::text;
use promote_intake::changes::RunChanges;
use promote_intake::choice::PickedPolicy;

/// Everything that is said about a run when it is over.
pub(super) struct RunReport<'a> {
    pub(super) done: &'a RunResult,
    pub(super) mode: RunMode,
    pub(super) subject: String,
    pub(super) run_id: String,
    pub(super) journal: PathBuf,
    /// None if the run ended before there was a choice.
    pub(super) picked: Option<&'a PickedPolicy>,
    /// Pages to look at next, by name; safe to be shown.
    pub(super) links: Vec<(String, String)>,
}

impl RunReport<'_> {
    /// The text for standard output.
    pub(super) fn print(&self, format: OutputFormat) -> String {
        match format {
            OutputFormat::Text => self.text(),
            OutputFormat::Json => json_text(self.json()),
        }
    }

    fn text(&self) -> String {
        let has_colours = output::style().colours_out;
        let changes = RunChanges::of(&self.done.timeline);
        let mut text = String::new();
        for line in changes.files.iter().flat_map(|file| file.diff.lines()) {
            let line = text::log(&diff_line(line));
            let _ = writeln!(text, "{}", output::painted_diff(&line, has_colours));
        }
        for change in &changes.catalog {
            let line = format!(
                "{} {}: {} → {}",
                change.entity, change.field, change.before, change.after
            );
            let _ = writeln!(text, "{}", text::log(&text::line(&line)));
        }
        let would = if self.mode == RunMode::Plan {
            "plan: "
        } else {
            ""
        };
        for rule in self.rules().iter().filter(|_| self.mode == RunMode::Plan) {
            let _ = writeln!(text, "rule {}: {rule}", text::line(&rule.name));
        }
        for (name, address) in &self.links {
            let _ = writeln!(text, "{name}: {address}");
        }
        let message = planned_number::replace(&text::log(&text::line(&self.done.message)));
        let last = output::painted(&format!("{would}{message}"), self.tone(), has_colours);
        let _ = writeln!(text, "{last}");
        text
    }

    fn tone(&self) -> TextTone {
        match (&self.done.ending, self.done.ending.exit_code()) {
            (Ending::Decided(Outcome::Waiting(_)), _) | (_, 1) => TextTone::Open,
            (_, 0) => TextTone::Good,
            _ => TextTone::Bad,
        }
    }

    fn json(&self) -> Value {
        let changes = RunChanges::of(&self.done.timeline);
        let files: Vec<Value> = changes
            .files
            .iter()
            .map(|file| json!({ "repository": file.repository, "path": file.path, "diff": file.diff }))
            .collect();
        let catalog: Vec<Value> = changes
            .catalog
            .iter()
            .map(|c| json!({ "entity": c.entity, "field": c.field, "before": c.before, "after": c.after }))
            .collect();
        json!({
            "mode": self.mode.name(),
            "outcome": self.outcome(),
            "exit-code": self.done.ending.exit_code(),
            "message": self.done.message,
            "subject": self.subject,
            "run": self.run_id,
            "policy": self.picked.map(|picked| &picked.digest),
            "rules": self.rules().iter().map(|rule| json!({
                "name": rule.name, "origin": rule.origin, "mode": rule.mode, "on_no": rule.on_no, "component": rule.component,
            })).collect::<Vec<_>>(),
            "approved-by": self.done.approved_by,
            "team": self.picked.and_then(|picked| picked.team.as_ref()),
            "journal": self.journal.display().to_string(),
            "journal-sum": self.done.journal_sum,
            "outputs": self.outputs().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<serde_json::Map<_, _>>(),
            "files": files,
            "catalog": catalog,
            "calls": self.done.timeline.iter().map(call_json).collect::<Vec<_>>(),
        })
    }

    /// The rules that apply to the service; none before it is known.
    pub(super) fn rules(&self) -> &[RuleRecord] {
        self.picked.map_or(&[], |picked| &picked.rules)
    }

    /// Returns a stable word for how the run ended; for a plan, what it would have come to.
    pub(super) fn outcome(&self) -> &'static str {
        match (&self.done.ending, self.mode) {
            (Ending::Decided(Outcome::Promoted(_)), RunMode::Plan) => "would-promote",
            (Ending::Decided(Outcome::Waiting(_)), RunMode::Plan) => "would-wait",
            (ending, _) => ending.kind(),
        }
    }

    /// Returns the heading for people.
    pub(super) fn title(&self) -> String {
        let label = match self.outcome() {
            "would-promote" => "would promote",
            "would-wait" => "would wait",
            _ => self.done.ending.label(),
        };
        match self.mode {
            RunMode::Run => label.to_owned(),
            RunMode::Plan => format!("Plan: {label}"),
        }
    }

    /// The outputs of the step; empty where the outcome has no such thing, as a plan has neither pull request nor commit.
    pub(super) fn outputs(&self) -> [(&'static str, String); 8] {
        let mut image = String::new();
        let mut previous = String::new();
        let mut pull = String::new();
        let mut commit = String::new();
        match &self.done.ending {
            Ending::Decided(Outcome::Promoted(p) | Outcome::Unchanged(p)) => {
                image.clone_from(&p.image);
                previous = p.previous_image.clone().unwrap_or_default();
                pull = p
                    .pull_request
                    .filter(|number| *number > 0)
                    .map(|number| number.to_string())
                    .unwrap_or_default();
                commit = p.commit.clone().unwrap_or_default();
            }
            Ending::Decided(Outcome::Waiting(waiting)) => {
                image = waiting.image.clone().unwrap_or_default();
                pull = waiting
                    .pull_request
                    .map(|number| number.to_string())
                    .unwrap_or_default();
            }
            _ => {}
        }
        if self.mode == RunMode::Plan {
            pull.clear();
            commit.clear();
        }
        [
            ("outcome", self.outcome().to_owned()),
            ("image", image),
            ("previous-image", previous),
            ("pull-request", pull),
            ("commit", commit),
            ("reason", self.done.message.clone()),
            ("journal", self.journal.display().to_string()),
            ("journal-sum", self.done.journal_sum.clone()),
        ]
    }
}

/// Returns a line of a diff as a log shows it: a visible character stands before a line that stays as it is, since a runner
/// passes over spaces when it looks for commands.
fn diff_line(line: &str) -> String {
    let line = text::line(line);
    match line.strip_prefix(' ') {
        Some(context) => format!("│{context}"),
        None => line,
    }
}

/// Returns the pages of the run in Port and of the pull request, as far as their addresses are known; a plan opens none.
pub(super) fn links(
    done: &RunResult,
    mode: RunMode,
    run_id: &str,
    environment: &Environment,
) -> Vec<(String, String)> {
    let mut links = Vec::new();
    if let Some(app) = environment.port_app() {
        links.push((
            "run in Port".to_owned(),
            format!("{app}/organization/run?runId={}", seg(run_id)),
        ));
    }
    let number = match &done.ending {
        _ if mode == RunMode::Plan => None,
        Ending::Decided(Outcome::Promoted(p) | Outcome::Unchanged(p)) => p.pull_request,
        Ending::Decided(Outcome::Waiting(waiting)) => waiting.pull_request,
        _ => None,
    };
    // The repository is that of the proposal: the policy's own word for it would be only a word.
    let proposed = done
        .timeline
        .iter()
        .rev()
        .find_map(|record| match &record.call {
            Call::Propose { proposal } => Some(&proposal.repository),
            _ => None,
        });
    if let (Some(number), Some(repository), Some(server)) = (
        number.filter(|number| *number > 0),
        proposed,
        environment.github_server(),
    ) && RepositoryName::parse(repository).is_ok()
    {
        links.push((
            format!("{repository}#{number}"),
            format!("{server}/{repository}/pull/{number}"),
        ));
    }
    links
}

fn call_json(record: &CallRecord) -> Value {
    json!({ "call": record.call, "problem": record.problem(), "milliseconds": record.took.as_millis() })
}

/// Returns the entity that a run was about, or the run itself if Port did not tell.
pub(super) fn subject(result: &RunResult, run_id: &str) -> String {
    match &result.request {
        Some(request) => {
            let key = &request.subject.key;
            format!("{}/{}", key.blueprint, key.identifier)
        }
        None => format!("Port run {run_id}"),
    }
}
