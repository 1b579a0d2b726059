//! The end of a run: the last words to Port, to GitHub about its token, to the journal.

use super::ending::Ending;
use super::last_word::last_word;
use super::{RunMode, RunResult};
use crate::contract::Request;
use crate::gate::{CallRecord, RunParts, describe};
use crate::journal::Entry;
use crate::text;

/// How a run ended, and what its policy left.
pub(super) struct RunEnd {
    pub(super) ending: Ending,
    pub(super) request: Option<Request>,
    pub(super) timeline: Vec<CallRecord>,
    pub(super) printed: String,
}

/// What is said at the end, and to whom.
#[derive(Clone, Copy)]
pub(super) struct LastWords {
    /// Whether the status of the Port run is set.
    pub(super) sets_status: bool,
    /// Whether minted tokens are given back: a probe's are its caller's.
    pub(super) revokes: bool,
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
pub(super) async fn finish(end: RunEnd, mut parts: RunParts, words: LastWords) -> RunResult {
    let RunEnd {
        ending,
        request,
        timeline,
        printed,
    } = end;
    let mode = parts.source.mode();
    let mut message = last_word(&ending, mode, &timeline);
    let mut lines = parts.source.unsent();
    parts.settle().await;
    if mode == RunMode::Run {
        lines.push(text::line(&message));
        let status = words.sets_status.then(|| ending.status());
        let port = &parts.source.live().port;
        if let Err(failure) = port.end(&lines.join("\n"), ending.label(), status).await {
            message = format!("{message} Port could not be told: {}", describe(&failure));
        }
    }
    if words.revokes {
        revoke(&parts).await;
    }
    let footer = Entry::Footer {
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

async fn revoke(parts: &RunParts) {
    if let Err(failure) = parts.source.live().github.revoke().await {
        parts.observer.say(&format!(
            "the installation token could not be revoked, it ends within the hour: {}",
            describe(&failure)
        ));
    }
}
