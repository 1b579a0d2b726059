//! The end of a run: the last words to Port, to GitHub about its token, to the journal.

use super::ending::Ending;
use super::last_word::last_word;
use super::{RunMode, RunOrigin, RunResult};
use crate::gate::{CallRecord, RunParts, describe};
use crate::journal::Entry;
use crate::text;

/// How a run ended, and what its policy left.
pub(super) struct RunEnd {
    pub(super) ending: Ending,
    pub(super) timeline: Vec<CallRecord>,
    pub(super) printed: String,
}

/// Ends a run whose policy never started.
pub(super) async fn finish(
    ending: Ending,
    parts: RunParts,
    origin: RunOrigin,
    sets_status: bool,
) -> RunResult {
    let end = RunEnd {
        ending,
        timeline: Vec::new(),
        printed: String::new(),
    };
    finish_with(end, parts, origin, sets_status).await
}

/// Ends a run: tells Port, revokes what was minted, closes the journal.
pub(super) async fn finish_with(
    end: RunEnd,
    mut parts: RunParts,
    origin: RunOrigin,
    sets_status: bool,
) -> RunResult {
    let RunEnd {
        ending,
        timeline,
        printed,
    } = end;
    let mode = parts.source.mode();
    let mut message = last_word(&ending, mode, &timeline);
    let mut lines = parts.source.unsent();
    parts.settle().await;
    if mode == RunMode::Run {
        lines.push(text::line(&message));
        let status = sets_status.then(|| ending.status());
        let port = &parts.source.live().port;
        if let Err(failure) = port.end(&lines.join("\n"), ending.label(), status).await {
            message = format!("{message} Port could not be told: {}", describe(&failure));
        }
    }
    if origin == RunOrigin::PortRun {
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
