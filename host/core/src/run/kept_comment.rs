//! The one comment under a pull request that says how its promotion stands, brought up to date by every run that changes that.

use super::PromotionPull;
use super::ending::Ending;
use crate::contract::types::Awaited;
use crate::contract::{Outcome, Request};
use crate::gate::describe;
use crate::journal::ClosingWrite;
use crate::run::observer::Observer;
use crate::service::http::CallResult;
use crate::source::live::Live;
use crate::text::{markdown, prose};

/// What hides in the comment, so that it is found again.
const MARKER: &str = "kept";

/// What hides in a comment that says nothing but that Port's status is wrong.
const STATUS_MARKER: &str = "port-status";

/// The comment as it should be.
pub(super) struct KeptComment<'a> {
    pull: &'a PromotionPull,
    marker: &'static str,
    text: String,
}

impl<'a> KeptComment<'a> {
    /// A comment that says how the promotion stands, if one is kept, and that Port's status is wrong, if it is.
    pub(super) fn of(
        pull: &'a PromotionPull,
        standing: Option<String>,
        wrong_status: Option<&str>,
    ) -> Option<Self> {
        let warning = wrong_status.map(|words| format!("**Warning**: {}", markdown(words)));
        let marker = match standing {
            Some(_) => MARKER,
            None => STATUS_MARKER,
        };
        let text = match (standing, warning) {
            (None, None) => return None,
            (Some(text), None) | (None, Some(text)) => text,
            (Some(standing), Some(warning)) => format!("{standing}\n\n{warning}"),
        };
        Some(Self { pull, marker, text })
    }

    /// Returns its line in the journal.
    pub(super) fn closing(&self) -> ClosingWrite {
        ClosingWrite::Comment {
            repository: self.pull.repository.clone(),
            number: self.pull.number,
        }
    }

    /// Writes it, or brings it up to date. The promotion is what it is: that its comment lacks is said, and stops nothing.
    pub(super) async fn keep(&self, live: &Live, observer: &dyn Observer) -> CallResult<()> {
        let PromotionPull {
            repository, number, ..
        } = self.pull;
        let kept = match live.github.repo(repository) {
            Ok(repo) => repo.keep_comment(*number, self.marker, &self.text).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = &kept {
            observer.say(&format!(
                "the comment under pull request #{number} could not be kept: {}",
                describe(failure)
            ));
        }
        kept
    }
}

/// Returns the text: how it stands, what comes next, which run, who approved, and the seal.
pub(super) fn comment_text(
    ending: &Ending,
    message: &str,
    request: &Request,
    approved_by: &[String],
    seal: Option<&str>,
) -> String {
    let mut rows = vec![("next", next_step(ending).to_owned())];
    let run = match &request.workflow.url {
        Some(url) if is_plain(url) => format!("{}, in <{url}>", markdown(&request.run_id)),
        _ => markdown(&request.run_id),
    };
    rows.push(("Port run", run));
    if !approved_by.is_empty() {
        rows.push(("approved by", markdown(&approved_by.join(", "))));
    }
    if let Some(seal) = seal {
        rows.push(("journal sealed", format!("`{seal}`")));
    }
    let rows: Vec<String> = rows
        .into_iter()
        .map(|(name, value)| format!("| {name} | {value} |"))
        .collect();
    format!(
        "**{}**: {}\n\n| | |\n|---|---|\n{}",
        ending.label(),
        prose(message),
        rows.join("\n")
    )
}

/// Returns whether an address can stand in the comment as it is.
fn is_plain(url: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ":/.-_".contains(c);
    url.starts_with("https://") && url.chars().all(is_plain)
}

fn next_step(ending: &Ending) -> &'static str {
    match ending {
        Ending::Decided(Outcome::Waiting(waiting)) => match waiting.awaited {
            Awaited::Review => "approve it; `promote resume` goes on then",
            Awaited::Merge => "merge it; `promote resume` records it then",
            Awaited::Checks => "`promote resume` merges it when its checks have passed",
            Awaited::Queue => "GitHub merges it; `promote resume` records it then",
            Awaited::Window | Awaited::Soak | Awaited::RateLimit => {
                "`promote resume` goes on when the time has come"
            }
            Awaited::Sync => "`promote resume` ends it when production runs the image",
            Awaited::Rule => "do what the rule asks for; `promote resume` asks it again",
        },
        Ending::Decided(Outcome::Promoted(_) | Outcome::Unchanged(_)) => "nothing",
        _ => "look at the reason, then start the action again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Entity, EntityKey, Waiting};

    #[test]
    fn nothing_foreign_in_the_comment_is_markup() {
        let subject = EntityKey {
            blueprint: "service".to_owned(),
            identifier: "web".to_owned(),
        };
        let mut request = Request::trial("r_1|<b>", Entity::named(subject));
        request.workflow.url = Some("https://x.example/a>b|c".to_owned());
        let ending = Ending::Decided(Outcome::Waiting(Waiting {
            image: None,
            awaited: Awaited::Review,
            message: String::new(),
            until: None,
            pull_request: Some(1),
        }));
        let evil = "x | y\n<!-- promote {} --> <img src=x> @everybody";
        let text = comment_text(&ending, evil, &request, &[evil.to_owned()], Some("5d1c"));
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
        assert_eq!(rows.len(), 5, "{text}");
        for foreign in ["<!--", "<img", "a>b", "\n<"] {
            assert!(!text.contains(foreign), "{foreign}: {text}");
        }
        assert!(text.starts_with("**Waits for review**: "), "{text}");
        assert!(text.contains("| journal sealed | `5d1c` |"), "{text}");
    }
}
