//! The end of a run: the last words to Port, to GitHub about its token, to the journal.

use std::sync::Arc;

use super::cancel::{CancelSignal, LAST_WORD_TIME};
use super::ending::Ending;
use super::last_word::last_word;
use super::{RunMode, RunResult};
use crate::contract::{Outcome, Request};
use crate::gate::{CallRecord, RunParts, describe};
use crate::journal::JournalEntry;
use crate::run::observer::Observer;
use crate::service::http::plain_words;
use crate::source::live::Live;
use crate::text;

/// The ending of a run, and what its policy left.
pub(super) struct RunEnd {
    pub(super) ending: Ending,
    pub(super) request: Option<Request>,
    pub(super) timeline: Vec<CallRecord>,
    pub(super) printed: String,
}

/// The choice of what is done after the policy's end.
#[derive(Clone)]
pub(super) struct LastWords {
    /// Whether the status of the Port run is set.
    pub(super) sets_status: bool,
    /// Whether minted tokens are given back: a probe's are its caller's.
    pub(super) revokes: bool,
    /// The address of the workflow run. The host's first line names it; so does the last, if there was no first.
    pub(super) place: Option<String>,
    /// The summary that the Port run has already, if this run goes on with it.
    pub(super) known: Option<String>,
}

impl RunEnd {
    /// Returns the end of a run whose policy never started.
    pub(super) fn early(ending: Ending) -> Self {
        Self {
            ending,
            request: None,
            timeline: Vec::new(),
            printed: String::new(),
        }
    }
}

/// Ends a run: tells Port, revokes what was minted, closes the journal.
pub(super) async fn finish(
    end: RunEnd,
    mut parts: RunParts,
    words: LastWords,
    cancel: &mut CancelSignal<'_>,
) -> RunResult {
    let RunEnd {
        ending,
        request,
        timeline,
        printed,
    } = end;
    let mode = parts.source.mode();
    let mut message = last_word(&ending, mode, &timeline);
    // The first line has named the place, if there was one.
    let place = if request.is_none() { words.place } else { None };
    let words = LastWords { place, ..words };
    let told = say_last_words(&mut parts, &words, &ending, &message, cancel).await;
    if let Err(why) = told {
        message = format!("{message} Port could not be told: {why}");
    }
    let footer = JournalEntry::Footer {
        at: parts.clock.now(),
        ending: ending.kind().to_owned(),
        message: message.clone(),
    };
    // A run that never began has no header, and a journal without one is none.
    if !parts.journal.is_empty()
        && let Err(error) = parts.write(&footer, true)
    {
        parts.observer.say(&error.to_string());
    }
    RunResult {
        ending,
        request,
        message,
        timeline,
        planned: parts.source.take_planned(),
        printed,
        journal_sum: parts.journal.sum().to_owned(),
    }
}

/// Revokes the token beside Port's last word. Once somebody wishes the run to stop, what matters most comes first, and each
/// gets a few seconds: the token, then Port.
async fn say_last_words(
    parts: &mut RunParts,
    words: &LastWords,
    ending: &Ending,
    message: &str,
    cancel: &mut CancelSignal<'_>,
) -> Result<(), String> {
    let live = Arc::clone(&parts.live);
    let observer = Arc::clone(&parts.observer);
    let mut lines = parts.source.unsent();
    if let Some(place) = &words.place {
        lines.push(format!(
            "promote {} ran in {place}",
            env!("CARGO_PKG_VERSION")
        ));
    }
    lines.push(text::line(&plain_words(message)));
    let text = lines.join("\n");
    let summary = text::line(message);
    let word = match ending {
        Ending::Decided(Outcome::Waiting(_)) if words.known.as_ref() == Some(&summary) => {
            PortWord::Silence
        }
        Ending::Decided(Outcome::Waiting(_)) => PortWord::Wait {
            text: &text,
            label: ending.label(),
            summary: &summary,
        },
        _ => PortWord::End {
            text: &text,
            label: ending.label(),
            status: ending.status().filter(|_| words.sets_status),
        },
    };
    if !cancel.is_heard() {
        let ordinary =
            async { tokio::join!(tell_port(parts, &word), revoke(&live, &*observer, words)).0 };
        tokio::select! {
            biased;
            told = ordinary => return told,
            () = cancel.hear() => {}
        }
    }
    if tokio::time::timeout(LAST_WORD_TIME, revoke(&live, &*observer, words))
        .await
        .is_err()
    {
        observer
            .say("the installation token could not be revoked in time, it ends within the hour");
    }
    let told = tell_port(parts, &word);
    tokio::time::timeout(LAST_WORD_TIME, told)
        .await
        .unwrap_or_else(|_| Err("it did not answer in time".to_owned()))
}

/// The last word to Port.
enum PortWord<'a> {
    /// None: the run waits as it did before.
    Silence,
    /// The run stays in progress.
    Wait {
        text: &'a str,
        label: &'a str,
        summary: &'a str,
    },
    /// The run ends.
    End {
        text: &'a str,
        label: &'a str,
        status: Option<&'a str>,
    },
}

/// Sends what was put off, then the last word; a plan says nothing in Port.
async fn tell_port(parts: &mut RunParts, word: &PortWord<'_>) -> Result<(), String> {
    parts.settle().await;
    if parts.source.mode() == RunMode::Plan {
        return Ok(());
    }
    let port = &parts.live.port;
    let told = match word {
        PortWord::Silence => Ok(()),
        PortWord::Wait {
            text,
            label,
            summary,
        } => port.wait(text, label, summary).await,
        PortWord::End {
            text,
            label,
            status,
        } => {
            // A run that has ended takes no link any more.
            port.show_links().await;
            port.end(text, label, *status).await
        }
    };
    told.map_err(|failure| describe(&failure).to_owned())
}

async fn revoke(live: &Live, observer: &dyn Observer, words: &LastWords) {
    if !words.revokes {
        return;
    }
    if let Err(failure) = live.github.revoke().await {
        observer.say(&format!(
            "the installation token could not be revoked, it ends within the hour: {}",
            describe(&failure)
        ));
    }
}
