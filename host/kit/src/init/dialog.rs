//! The talk with the person who sets things up: lines, questions, and what would change.

use std::cell::RefCell;
use std::fmt::Write as _;

use anyhow::bail;
use promote_core::text;
use similar::TextDiff;

/// The way to the person who sets things up.
pub struct SetupDialog<'a> {
    /// Shows a line; it is neutralised here already.
    pub say: &'a dyn Fn(&str),
    /// Asks a question with a default answer; none if there is nobody to ask.
    pub ask: &'a dyn Fn(&str, &str) -> Option<String>,
}

/// Something that only a person knows.
pub(super) struct SetupQuestion<'q> {
    /// The question, as on a terminal.
    pub(super) words: &'q str,
    /// The answer that is likely; empty if none is.
    pub(super) default: &'q str,
    /// The flag that answers it, with what that says.
    pub(super) flag: &'q str,
}

/// Asks what cannot be found out, and keeps what nobody answers, so that all of it is told at once.
pub(super) struct SetupQuestions<'d> {
    pub(super) dialog: &'d SetupDialog<'d>,
    missing: RefCell<Vec<String>>,
}

impl<'d> SetupQuestions<'d> {
    pub(super) fn new(dialog: &'d SetupDialog<'d>) -> Self {
        Self {
            dialog,
            missing: RefCell::default(),
        }
    }

    /// Returns what a person answers; an empty text, and a flag that is missing, if there is no answer.
    pub(super) fn ask(&self, question: &SetupQuestion<'_>) -> String {
        let words = text::line(question.words);
        let answer = (self.dialog.ask)(&words, &text::line(question.default)).unwrap_or_default();
        if answer.is_empty() {
            self.add_missing(question.flag);
        }
        answer
    }

    /// Has a person choose by a number or by the text itself; none, and a flag that is missing, if there is no answer.
    pub(super) fn choose(&self, question: &SetupQuestion<'_>, options: &[String]) -> Option<usize> {
        let numbered = (1..)
            .zip(options)
            .fold(String::new(), |mut list, (number, option)| {
                let _ = write!(list, "\n  {number}) {}", text::line(option));
                list
            });
        let words = format!("{}{numbered}\n", text::line(question.words));
        let answer = (self.dialog.ask)(&words, question.default).unwrap_or_default();
        let number = answer
            .parse::<usize>()
            .ok()
            .and_then(|it| it.checked_sub(1));
        let chosen = number
            .filter(|at| *at < options.len())
            .or_else(|| options.iter().position(|option| *option == answer));
        if chosen.is_none() {
            self.add_missing(question.flag);
        }
        chosen
    }

    /// Keeps what is missing and cannot be asked for.
    pub(super) fn add_missing(&self, flag: &str) {
        self.missing.borrow_mut().push(flag.to_owned());
    }

    /// Fails if anything is missing, and says all of it.
    pub(super) fn finish(&self, has_consent: bool) -> anyhow::Result<()> {
        let mut missing = self.missing.borrow_mut();
        if missing.is_empty() {
            return Ok(());
        }
        if !has_consent {
            missing.push(
                "`--yes` makes the changes without a question, `--dry-run` shows them".to_owned(),
            );
        }
        bail!(
            "nothing was changed: this cannot be found out, and nobody answered\n  {}",
            missing.join("\n  ")
        )
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: SetupQuestion<'_> = SetupQuestion {
        words: "which",
        default: "",
        flag: "`--which ONE` says which",
    };

    #[test]
    fn a_person_chooses_by_number_or_by_name() {
        let options = ["first".to_owned(), "second".to_owned()];
        for (answer, expected) in [
            (Some("1"), Some(0)),
            (Some("second"), Some(1)),
            (Some("0"), None),
            (Some("3"), None),
            (Some(""), None),
            (None, None),
        ] {
            let dialog = SetupDialog {
                say: &|_| {},
                ask: &|words, _| {
                    assert_eq!(words, "which\n  1) first\n  2) second\n");
                    answer.map(str::to_owned)
                },
            };
            let questions = SetupQuestions::new(&dialog);
            assert_eq!(
                questions.choose(&QUESTION, &options),
                expected,
                "{answer:?}"
            );
            assert_eq!(questions.finish(true).is_ok(), expected.is_some());
        }
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let dialog = SetupDialog {
            say: &|_| {},
            ask: &|_, _| None,
        };
        let questions = SetupQuestions::new(&dialog);
        assert_eq!(questions.ask(&QUESTION), "");
        questions.add_missing("`--other` says the other");
        let told = questions.finish(false).map_err(|error| error.to_string());
        let told = told.err().unwrap_or_default();
        for part in ["--which ONE", "--other", "--yes"] {
            assert!(told.contains(part), "{told}");
        }
    }
}
