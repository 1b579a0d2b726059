//! Shows a run on a terminal or in a workflow log, while it goes on.

use crate::output::{self, TextTone};
use promote_core::call::{Call, Reply};
use promote_core::contract::Merged;
use promote_core::gate::{CallAnswer, CallRecord};
use promote_core::run::RunMode;
use promote_core::run::observer::Observer;
use promote_core::source::dry_run::planned_number;
use promote_core::text;
use serde_json::{Value, json};

/// Writes a line per call to stderr; in colour on a terminal.
pub(super) struct TerminalObserver {
    mode: RunMode,
}

impl TerminalObserver {
    pub(super) fn new(mode: RunMode) -> Self {
        Self { mode }
    }
}

/// Returns a call in words: one that a plan kept back *would* be made.
pub(super) fn describe(call: &Call, mode: RunMode) -> String {
    let would = if mode == RunMode::Plan && call.is_write() {
        "would "
    } else {
        ""
    };
    format!("{would}{call}")
}

/// Returns what is to be said of the answer to a call: its fault, or that a merge is still to come.
pub(super) fn remark(record: &CallRecord) -> Option<&str> {
    match &record.answer {
        CallAnswer::Reply(Reply::Merged(Merged::Later(_))) => Some("not merged yet"),
        _ => record.problem(),
    }
}

impl Observer for TerminalObserver {
    fn step(&self, step: &CallRecord) {
        if output::is_json() {
            let message = match &step.call {
                Call::Note { message, .. } => message.clone(),
                call => describe(call, self.mode),
            };
            let level = if step.problem().is_some() {
                "warning"
            } else {
                "info"
            };
            let more = json!({
                "call": call_name(&step.call),
                "took-ms": step.took.as_millis(),
                "problem": step.problem(),
            });
            return output::event(level, &planned_number::replace(&message), more);
        }
        if output::style().is_quiet && step.problem().is_none() {
            return;
        }
        let (mark, tone) = match (step.problem(), remark(step)) {
            (Some(_), _) => ("✗", TextTone::Bad),
            (None, Some(_)) => ("…", TextTone::Open),
            (None, None) => ("✓", TextTone::Good),
        };
        let mark = output::painted(mark, tone, output::style().colours_err);
        output::raw(&match &step.call {
            Call::Note { message, .. } => format!("{mark} {}", shown(message)),
            call => {
                let took = step.took.as_millis();
                format!("  {mark} {}  {took} ms", shown(&describe(call, self.mode)))
            }
        });
        if let Some(remark) = remark(step) {
            output::tell(&format!("    {remark}"));
        }
    }

    fn say(&self, text: &str) {
        output::progress(&format!("  … {text}"));
    }
}

/// Returns the name of a call, as the journal has it.
fn call_name(call: &Call) -> Value {
    let call = serde_json::to_value(call).unwrap_or_default();
    call["call"].clone()
}

/// Foreign text on one line that a terminal can be trusted with.
fn shown(text: &str) -> String {
    planned_number::replace(&text::log(&text::line(text)))
}
