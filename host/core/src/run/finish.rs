//! The end of a run: the last words to Port, to GitHub about its token, to the journal.

use std::sync::Arc;

use super::cancel::{CancelSignal, LAST_WORD_TIME};
use super::closing::{ClosingWrites, MadeWrites};
use super::deployment::KeptDeployment;
use super::ending::Ending;
use super::kept_comment::{KeptComment, comment_text};
use super::last_word::last_word;
use super::record::{PromotionRecord, RecordBasis};
use super::wait_notice::WaitNotices;
use super::{PromotionPull, RunMode, RunResult};
use crate::contract::{Outcome, Request};
use crate::gate::{CallRecord, RunParts, describe};
use crate::journal::{ClosingWrite, JournalEntry, RawEntry};
use crate::run::observer::Observer;
use crate::service::http::plain_words;
use crate::service::port::SEALED;
use crate::source::live::Live;
use crate::text;

/// The ending of a run, and what its policy left.
pub(super) struct RunEnd {
    pub(super) ending: Ending,
    pub(super) request: Option<Request>,
    /// What the decision was made by.
    pub(super) basis: Option<RecordBasis>,
    /// The pull request that the ending is about.
    pub(super) pull_request: Option<PromotionPull>,
    /// The deployment that it comes to.
    pub(super) deployment: Option<KeptDeployment>,
    /// What is wrong with what comes after it.
    pub(super) notices: WaitNotices,
    /// Who approved what of it.
    pub(super) approved_by: Vec<String>,
    pub(super) timeline: Vec<CallRecord>,
    pub(super) printed: String,
}

/// The choice of what is done after the policy's end.
#[derive(Clone)]
pub(super) struct LastWords {
    /// The blueprint of the record of promotions, if there is one.
    pub(super) record: Option<String>,
    /// The environment of GitHub for deployments.
    pub(super) environment: Option<String>,
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
            basis: None,
            pull_request: None,
            deployment: None,
            notices: WaitNotices::default(),
            approved_by: Vec::new(),
            timeline: Vec::new(),
            printed: String::new(),
        }
    }
}

/// Ends a run: seals the journal, then tells Port and revokes what was minted, and notes in the journal that Port was told.
pub(super) async fn finish(
    end: RunEnd,
    mut parts: RunParts,
    words: LastWords,
    cancel: &mut CancelSignal<'_>,
) -> RunResult {
    let RunEnd {
        ending,
        request,
        basis,
        pull_request,
        deployment,
        notices,
        approved_by,
        timeline,
        printed,
    } = end;
    let mode = parts.source.mode();
    let mut message = last_word(&ending, mode, &timeline);
    // The first line has named the place, if there was one.
    let place = if request.is_none() { words.place } else { None };
    let words = LastWords { place, ..words };
    let seal = seal(&mut parts, &ending, &message, &approved_by);
    for notice in notices.lines() {
        parts.observer.say(notice);
    }
    let commented = pull_request
        .as_ref()
        .zip(request.as_ref())
        .filter(|_| mode == RunMode::Run);
    let comment = commented.and_then(|(pull, request)| {
        let standing = pull
            .has_comment
            .then(|| comment_text(&ending, &message, request, &approved_by, seal.as_deref()));
        KeptComment::of(pull, standing, notices.status.as_deref())
    });
    let last = PublicEnd {
        ending: &ending,
        message: &message,
        seal: seal.as_deref(),
        notices: &notices,
        comment,
        deployment: deployment.filter(|_| mode == RunMode::Run),
        record: request
            .as_ref()
            .zip(basis.as_ref())
            .map(|(request, basis)| PromotionRecord {
                request,
                basis,
                ending: &ending,
                message: &message,
                pull_request: pull_request.as_ref().map(|pull| pull.page.as_str()),
                approved_by: &approved_by,
                seal: seal.as_deref(),
                ended: parts.clock.now(),
            }),
    };
    let closed = say_last_words(&mut parts, &words, &last, cancel).await;
    if seal.is_some() && mode == RunMode::Run {
        list(&closed, &mut parts);
    }
    if let Some(why) = closed.port_failure() {
        let whole = message.trim_end_matches('.');
        message = format!("{whole}. Port could not be told: {why}");
    }
    RunResult {
        ending,
        request,
        message,
        timeline,
        planned: parts.source.take_planned(),
        printed,
        journal_sum: seal.unwrap_or_default(),
        approved_by,
    }
}

/// The ending as Port and people are told it.
struct PublicEnd<'a> {
    ending: &'a Ending,
    message: &'a str,
    /// The sum of the journal's footer, if there is a journal.
    seal: Option<&'a str>,
    /// What is wrong with what comes after it.
    notices: &'a WaitNotices,
    /// The comment under its pull request, if one is kept.
    comment: Option<KeptComment<'a>>,
    /// The deployment to be recorded, if there is one.
    deployment: Option<KeptDeployment>,
    /// What the catalog may keep of it, if it was known what the run is about.
    record: Option<PromotionRecord<'a>>,
}

/// Writes the footer, before anybody is told of it: its sum is the journal's seal. A run that never began has no header, and
/// a journal without one is none.
fn seal(
    parts: &mut RunParts,
    ending: &Ending,
    message: &str,
    approved_by: &[String],
) -> Option<String> {
    if parts.journal.is_empty() {
        return None;
    }
    let footer = JournalEntry::Footer {
        at: parts.clock.now(),
        ending: ending.kind().to_owned(),
        message: message.to_owned(),
        outcome: match ending {
            Ending::Decided(outcome) => Some(outcome.clone()),
            _ => None,
        },
        approved_by: approved_by.to_vec(),
    };
    write(parts, &footer, true).then(|| parts.journal.sum().to_owned())
}

/// Lists in the journal what was written after its seal.
fn list(closed: &ClosingWrites, parts: &mut RunParts) {
    for (closing, result) in closed.in_order() {
        let line = JournalEntry::Closing {
            at: parts.clock.now(),
            write: closing.clone(),
            failure: result.as_ref().err().cloned(),
        };
        write(parts, &line, false);
    }
}

/// Adds a line to the journal; returns whether it took it. At the end of a run there is nothing left to stop.
fn write(parts: &mut RunParts, entry: &RawEntry<'_>, durable: bool) -> bool {
    let written = parts.write(entry, durable);
    if let Err(error) = &written {
        parts.observer.say(&error.to_string());
    }
    written.is_ok()
}

/// Revokes the token beside Port's last word. Once somebody wishes the run to stop, what matters most comes first, and each
/// gets a few seconds: the token, then Port.
async fn say_last_words(
    parts: &mut RunParts,
    words: &LastWords,
    end: &PublicEnd<'_>,
    cancel: &mut CancelSignal<'_>,
) -> ClosingWrites {
    let live = Arc::clone(&parts.live);
    let observer = Arc::clone(&parts.observer);
    let text = last_lines(parts.source.unsent(), words, end);
    let summary = text::line(end.message);
    let word = PortWord::of(end.ending, words, &text, &summary);
    let record = words.record.as_deref().zip(end.record.as_ref());
    let mut closed = ClosingWrites::default();
    if !cancel.is_heard() {
        let ClosingWrites { port, github } = &mut closed;
        let ordinary = async {
            // What is under way at GitHub needs the token.
            parts.settle().await;
            tokio::join!(tell_port(parts, &word, record, port), async {
                tell_github(end, &word, &live, &*observer, github).await;
                revoke(&live, &*observer, words).await;
            });
        };
        tokio::select! {
            biased;
            () = ordinary => return closed,
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
    // What Port was told before is told again: it is the same.
    closed.port = MadeWrites::default();
    let told = tell_port(parts, &word, record, &mut closed.port);
    if tokio::time::timeout(LAST_WORD_TIME, told).await.is_err() {
        closed.port.cut("it did not answer in time");
    }
    closed
}

/// Returns the last lines of the Port run's log: what was not sent yet, where it ran, the seal and the end.
fn last_lines(mut lines: Vec<String>, words: &LastWords, end: &PublicEnd<'_>) -> String {
    if let Some(place) = &words.place {
        lines.push(format!(
            "promote {} ran in {place}",
            env!("CARGO_PKG_VERSION")
        ));
    }
    if let Some(seal) = end.seal {
        lines.push(format!("{SEALED}{seal}"));
    }
    let notices = end.notices.lines().map(|notice| text::line(notice));
    lines.extend(notices);
    lines.push(text::line(&plain_words(end.message)));
    lines.join("\n")
}

/// Keeps the deployment and the comment. Each says itself what it could not do.
async fn tell_github(
    end: &PublicEnd<'_>,
    word: &PortWord<'_>,
    live: &Live,
    observer: &dyn Observer,
    github: &mut MadeWrites,
) {
    if let Some(deployment) = &end.deployment {
        let kept = deployment.keep(live, observer);
        let _ = github.make(deployment.closing(), kept).await;
    }
    // Where nothing has changed, nothing is said.
    if let (Some(comment), false) = (&end.comment, matches!(word, PortWord::Silence)) {
        let kept = comment.keep(live, observer);
        let _ = github.make(comment.closing(), kept).await;
    }
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
        /// In place of the one that it has, if it waited.
        summary: Option<&'a str>,
    },
}

impl<'a> PortWord<'a> {
    fn of(ending: &Ending, words: &LastWords, text: &'a str, summary: &'a str) -> Self {
        match ending {
            Ending::Decided(Outcome::Waiting(_)) if words.known.as_deref() == Some(summary) => {
                Self::Silence
            }
            Ending::Decided(Outcome::Waiting(_)) => Self::Wait {
                text,
                label: ending.label(),
                summary,
            },
            _ => Self::End {
                text,
                label: ending.label(),
                status: ending.status(),
                summary: words
                    .known
                    .as_ref()
                    .filter(|known| !known.is_empty())
                    .map(|_| summary),
            },
        }
    }
}

/// Sends what was put off, then the last word; a plan says nothing in Port.
async fn tell_port(
    parts: &mut RunParts,
    word: &PortWord<'_>,
    record: Option<(&str, &PromotionRecord<'_>)>,
    made: &mut MadeWrites,
) {
    parts.settle().await;
    if parts.source.mode() == RunMode::Plan || matches!(word, PortWord::Silence) {
        return;
    }
    let port = &parts.live.port;
    if let Some((blueprint, record)) = record {
        let closing = ClosingWrite::Record {
            blueprint: blueprint.to_owned(),
        };
        let kept = async {
            port.keep_record(blueprint, &record.title(), record.properties())
                .await
        };
        // The promotion is what it is; that its record lacks is said, and stops nothing.
        if let Err(failure) = made.make(closing, kept).await {
            parts.observer.say(&format!(
                "the record of this promotion in Port (`{blueprint}`) could not be written: {failure}"
            ));
        }
    }
    let told = async {
        match word {
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
                summary,
            } => {
                // A run that has ended takes no link any more, and one that waited has a summary that is true no longer.
                port.show(*summary).await;
                port.end(text, label, *status).await
            }
        }
    };
    let _ = made.make(ClosingWrite::LastWords, told).await;
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
