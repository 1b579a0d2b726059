//! The note that the host leaves in the body of a pull request: what it promotes, and for which Port runs.
//!
//! It is a comment of HTML, which no text of a policy can hold, and it only says where to look: who may edit the pull request
//! may change it. Whose commits a branch holds and what the base holds is read from git.

use serde::{Deserialize, Serialize};

const BEGIN: &str = "<!-- promote ";
const END: &str = " -->";
/// How many runs are kept; the newest ones.
const MAX_RUNS: usize = 20;

/// What a pull request is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProposalNote {
    /// What is promoted, in the policy's words.
    pub(crate) image: Option<String>,
    /// The Port runs that proposed it, the oldest first.
    #[serde(default)]
    pub(crate) runs: Vec<String>,
    /// Whether it was recorded without a run that could have told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) recorded: bool,
    /// Whether the host has closed it itself: it should not have been opened.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) withdrawn: bool,
}

impl ProposalNote {
    /// Reads the note of a body; an empty one if there is none.
    pub(crate) fn of_body(body: &str) -> Self {
        let text = body.rsplit_once(BEGIN).map(|(_, rest)| rest);
        let text = text.and_then(|rest| Some(rest.split_once(END)?.0));
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    /// Returns a body without its note.
    pub(crate) fn strip(body: &str) -> &str {
        match body.rsplit_once(BEGIN) {
            Some((words, _)) => words.trim_end(),
            None => body.trim_end(),
        }
    }

    /// Returns a body with this note at its end; one that says nothing is left out.
    pub(crate) fn append_to(&self, body: &str) -> String {
        if self.image.is_none() && self.runs.is_empty() && !self.withdrawn {
            return body.to_owned();
        }
        let text = serde_json::to_string(self).unwrap_or_default();
        // Nothing in it ends the comment.
        let text = text.replace('>', "\\u003e").replace("--", "-\\u002d");
        format!("{}\n\n{BEGIN}{text}{END}\n", body.trim_end())
    }

    /// Returns the note with one more run.
    pub(crate) fn joined_by(mut self, run: &str) -> Self {
        if !run.is_empty() && !self.runs.iter().any(|known| known == run) {
            self.runs.push(run.to_owned());
        }
        self.runs.drain(..self.runs.len().saturating_sub(MAX_RUNS));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let note = ProposalNote {
            image: Some("web--> <!-- promote {} -->1.4.2".to_owned()),
            runs: vec!["r_1".to_owned()],
            recorded: false,
            withdrawn: false,
        };
        let body = note.append_to("Words.\n");
        assert_eq!(body.matches("-->").count(), 1, "{body}");
        assert_eq!(ProposalNote::of_body(&body), note);
        assert_eq!(ProposalNote::strip(&body), "Words.");
        assert_eq!(ProposalNote::of_body("Words."), ProposalNote::default());
        assert_eq!(note.clone().joined_by("r_1"), note);
        assert_eq!(note.joined_by("r_2").runs, ["r_1", "r_2"]);
    }
}
