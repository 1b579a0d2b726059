//! The talk with the person who sets things up: lines, questions, and what would change.

use promote_core::text;
use similar::TextDiff;

/// The way to the person who sets things up.
pub struct SetupDialog<'a> {
    /// Shows a line; it is neutralised here already.
    pub say: &'a dyn Fn(&str),
    /// Asks a question with a default answer; none if there is nobody to ask.
    pub ask: &'a dyn Fn(&str, &str) -> Option<String>,
}

/// One thing that would change.
pub(super) struct SetupDifference {
    pub(super) name: String,
    /// Empty if it is not there yet.
    pub(super) before: String,
    pub(super) after: String,
}

impl SetupDifference {
    /// Shows it as a diff, its foreign text made harmless.
    pub(super) fn show(&self, dialog: &SetupDialog<'_>) {
        let (from, to) = if self.before.is_empty() {
            ("(not there)".to_owned(), format!("{} (new)", self.name))
        } else {
            (self.name.clone(), format!("{} (changed)", self.name))
        };
        let diff = TextDiff::from_lines(&self.before, &self.after);
        let mut unified = diff.unified_diff();
        let shown = unified.context_radius(2).header(&from, &to).to_string();
        for line in shown.lines() {
            (dialog.say)(&text::line(line));
        }
        (dialog.say)("");
    }
}
