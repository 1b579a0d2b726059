//! What a set-up came to: for people at the end of the talk, for programs as one object.

use promote_core::text;
use promote_run::json_text;
use serde_json::{Value, json};

use super::dialog::{SetupDialog, SetupDifference};
use super::files::SetupFiles;
use super::port::PortChanges;

/// The exit code when something that is there stays in the way.
const LEFT: u8 = 1;

/// What a set-up came to.
pub struct SetupReport {
    /// Each thing that differs from what it should be, or differed before this run.
    differences: Vec<Value>,
    notes: Vec<String>,
    pub(super) is_changed: bool,
    /// What stays in the way.
    pub(super) left: Vec<String>,
    /// What people do next.
    pub(super) next_steps: Vec<String>,
}

impl SetupReport {
    pub(super) fn of(changes: &PortChanges, files: &SetupFiles) -> Self {
        let of_port = changes.all.iter().map(|change| &change.difference);
        let of_files = files.all.iter().map(|file| &file.difference);
        let notes = changes.warnings.iter().chain(&files.notes);
        Self {
            differences: of_port.chain(of_files).map(shown).collect(),
            notes: notes.cloned().collect(),
            is_changed: false,
            left: Vec::new(),
            next_steps: Vec::new(),
        }
    }

    /// Returns 0 if everything is set up, 1 if something stays in the way.
    pub fn exit_code(&self) -> u8 {
        if self.left.is_empty() { 0 } else { LEFT }
    }

    /// Returns the object for programs.
    pub fn json(&self) -> String {
        json_text(json!({
            "exit-code": self.exit_code(), "changed": self.is_changed, "differences": self.differences,
            "notes": self.notes, "left": self.left, "next-steps": self.next_steps,
        }))
    }

    /// Says last what stays in the way, so that a run that leaves something does not end as if all were well.
    pub(super) fn say_what_is_left(&self, dialog: &SetupDialog<'_>) {
        let steps = self.next_steps.join("\n  ");
        (dialog.say)(&format!("\nwhat is left to do:\n  {steps}"));
        if self.left.is_empty() {
            return;
        }
        (dialog.say)("\nnot set up yet:");
        for what in &self.left {
            (dialog.say)(&format!("  {}", text::line(what)));
        }
    }
}

fn shown(difference: &SetupDifference) -> Value {
    json!({ "name": difference.name, "before": difference.before, "after": difference.after })
}
