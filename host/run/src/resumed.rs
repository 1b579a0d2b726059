//! What `promote resume` did with each promotion, and what it says of all of them: for people, for programs, as an exit code.

use std::fmt::Write as _;

use promote_core::text::{count, markdown};
use serde_json::{Value, json};

use crate::output;
use crate::output_format::{OutputFormat, json_text};

/// The exit code when Port or GitHub did not answer, or a promotion failed.
const FAILED: u8 = 3;

/// What became of one promotion.
pub(super) struct ResumedPromotion {
    /// Its Port run.
    pub(super) run: String,
    pub(super) taken: StepTaken,
    /// Why, or how it ended; empty if there is nothing to say.
    pub(super) message: String,
}

/// The step that was taken for a promotion.
pub(super) enum StepTaken {
    /// It waits as before.
    Waits,
    /// A person's word is missing that only a new workflow run gets.
    Held,
    /// What was read of it does not fit together, so it was left alone.
    Unclear,
    /// Its Port run was ended, with this label.
    Ended {
        label: &'static str,
        is_success: bool,
    },
    /// It should be ended, and Port or GitHub said no.
    NotEnded,
    /// It moved on by itself in the meantime.
    MovedOn,
    /// It went on as a run of its own, which ended like this.
    WentOn { ending: &'static str, code: u8 },
    /// It should go on, and could not even start.
    NotStarted,
}

/// Everything that was done.
#[derive(Default)]
pub(super) struct ResumeReport {
    promotions: Vec<ResumedPromotion>,
    /// Why not everything was looked at.
    stopped: Option<String>,
}

impl StepTaken {
    fn name(&self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Held => "held",
            Self::Unclear => "unclear",
            Self::Ended { .. } => "ended",
            Self::NotEnded => "not-ended",
            Self::MovedOn => "moved-on",
            Self::WentOn { .. } => "went-on",
            Self::NotStarted => "not-started",
        }
    }

    /// A promotion that is refused has come to its end, and that is no failure of this command.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Waits | Self::Held | Self::Ended { .. } | Self::MovedOn => 0,
            Self::WentOn { code: 1, .. } => 0,
            Self::WentOn { code, .. } => *code,
            Self::Unclear | Self::NotEnded | Self::NotStarted => FAILED,
        }
    }
}

impl ResumedPromotion {
    fn json(&self) -> Value {
        let mut shown =
            json!({ "run": self.run, "step": self.taken.name(), "message": self.message });
        if let StepTaken::WentOn { ending, .. } = self.taken {
            shown["outcome"] = ending.into();
        }
        shown
    }
}

impl ResumeReport {
    pub(super) fn add(&mut self, promotion: ResumedPromotion) {
        self.promotions.push(promotion);
    }

    /// Says why nothing more is looked at.
    pub(super) fn stop(&mut self, why: &str) {
        output::problem(why);
        self.stopped = Some(why.to_owned());
    }

    /// Returns what the step summary says of promotions that had no run of their own; empty if there is nothing to say.
    pub(super) fn summary(&self) -> String {
        let mut text = String::new();
        for promotion in &self.promotions {
            let (mark, what) = match promotion.taken {
                StepTaken::Waits | StepTaken::MovedOn | StepTaken::WentOn { .. } => continue,
                StepTaken::Held => ("⏳", "Held"),
                StepTaken::Ended { label, is_success } => {
                    (if is_success { "✅" } else { "⛔" }, label)
                }
                StepTaken::Unclear => ("❌", "Left alone"),
                StepTaken::NotEnded => ("❌", "Could not be ended"),
                StepTaken::NotStarted => ("❌", "Could not go on"),
            };
            let (run, why) = (markdown(&promotion.run), markdown(&promotion.message));
            let _ = write!(text, "### {mark} Port run {run}: {what}\n\n{why}\n\n");
        }
        text
    }

    /// Prints what was done, and returns the exit code: that of the worst.
    pub(super) fn print(&self, format: OutputFormat) -> u8 {
        let code = self.exit_code();
        let waiting = self
            .promotions
            .iter()
            .filter(|it| matches!(it.taken, StepTaken::Waits | StepTaken::Held))
            .count();
        match (format, &self.stopped) {
            (OutputFormat::Json, stopped) => {
                let promotions: Vec<Value> =
                    self.promotions.iter().map(ResumedPromotion::json).collect();
                output::data(&json_text(json!({
                    "exit-code": code, "waiting": waiting, "promotions": promotions, "stopped": stopped,
                })));
            }
            (OutputFormat::Text, None) => {
                let waiting = count(waiting, "promotion");
                output::data(&format!("still waiting for something else: {waiting}\n"));
            }
            (OutputFormat::Text, Some(_)) => {}
        }
        code
    }

    fn exit_code(&self) -> u8 {
        let stopped = self.stopped.as_ref().map(|_| FAILED);
        let steps = self.promotions.iter().map(|it| it.taken.exit_code());
        steps.chain(stopped).max().unwrap_or(0)
    }
}
