//! Shows a run on a terminal or in a workflow log, while it goes on.

use std::io::IsTerminal as _;

use crate::{Environment, output};
use promote_core::call::Call;
use promote_core::gate::CallRecord;
use promote_core::run::observer::Observer;
use promote_core::source::dry_run::planned_number;
use promote_core::text;

/// Writes a line per call to stderr; in colour on a terminal.
pub(super) struct Terminal {
    colour: bool,
}

impl Terminal {
    pub(super) fn new(environment: &Environment) -> Self {
        Self {
            colour: std::io::stderr().is_terminal() && !environment.no_color(),
        }
    }
}

impl Observer for Terminal {
    fn step(&self, step: &CallRecord) {
        let (mark, colour) = if step.problem().is_none() {
            ("✓", 32)
        } else {
            ("✗", 31)
        };
        let mark = if self.colour {
            format!("\u{1b}[{colour}m{mark}\u{1b}[0m")
        } else {
            mark.to_owned()
        };
        let title = planned_number::replace(&text::log(&text::line(&step.call.to_string())));
        let took = step.took.as_millis();
        output::raw(&match &step.call {
            Call::Note { message, .. } => {
                format!(
                    "{mark} {}",
                    planned_number::replace(&text::log(&text::line(message)))
                )
            }
            _ => format!("  {mark} {title}  {took} ms"),
        });
        if let Some(problem) = step.problem() {
            output::say(&format!("    {problem}"));
        }
    }

    fn say(&self, text: &str) {
        output::say(&format!("  … {text}"));
    }
}
