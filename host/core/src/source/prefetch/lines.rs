//! Lines for the log of the Port run, sent beside the calls: in order, at most one request of them at a time.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::contract::Failure;
use crate::gate::describe;
use crate::source::live::Live;

/// The time that a line waits for others to share its request; the first ones do not wait.
const BATCH_TIME: SignedDuration = SignedDuration::from_millis(500);

/// The lines that were not sent yet, and what became of those that were.
#[derive(Default)]
pub(super) struct LogLines {
    waiting: Option<WaitingLines>,
    /// In a mutex only to be shared: a future is not.
    under_way: Mutex<Option<LogRequest>>,
    first: FirstLines,
    /// Whether lines are kept until the end.
    is_held: bool,
    /// The first reason why later lines were not taken.
    failed: Option<Failure>,
}

/// Lines that wait to be sent together.
struct WaitingLines {
    /// When the oldest came.
    since: Timestamp,
    texts: Vec<String>,
}

type LogRequest = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Port's answer to the first lines: who cannot write to the run must not write elsewhere.
#[derive(Default)]
enum FirstLines {
    #[default]
    Unsent,
    Sent,
    Taken,
    Refused(Failure),
}

impl LogLines {
    /// Keeps every line until the end: a look that changes nothing leaves no line.
    pub(super) fn hold(&mut self) {
        self.is_held = true;
    }

    pub(super) fn add(&mut self, line: String, now: Timestamp) {
        self.waiting
            .get_or_insert(WaitingLines {
                since: now,
                texts: Vec::new(),
            })
            .texts
            .push(line);
    }

    /// Begins to send what waits, unless it should wait longer.
    pub(super) fn send_if_due(&mut self, live: &Arc<Live>, now: Timestamp) {
        let is_first = matches!(self.first, FirstLines::Unsent);
        let is_due = self
            .waiting
            .as_ref()
            .is_some_and(|waiting| is_first || now.duration_since(waiting.since) >= BATCH_TIME);
        if self.is_held || self.under_way().is_some() {
            return;
        }
        // Who cannot write to the run shows nothing there: the first lines tell.
        let is_linked = matches!(self.first, FirstLines::Taken) && live.port.has_new_pull_request();
        if is_due {
            self.send(live);
        } else if is_linked {
            let live = Arc::clone(live);
            *self.under_way() = Some(Box::pin(async move {
                live.port.show_links().await;
                Ok(())
            }));
        }
    }

    /// Awaits `work`; what is under way gets on meanwhile, and is not waited for.
    pub(super) async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        while let Some(sending) = self.under_way() {
            tokio::select! {
                // In this order, so that a run against the mock world is the same each time.
                biased;
                sent = sending => self.sent(sent),
                done = &mut work => return done,
            }
        }
        work.await
    }

    /// Waits until Port has taken the first lines.
    ///
    /// # Errors
    /// When Port did not take them. Nothing was sent of the write that asks, so it is a plain no, whatever became of the
    /// lines.
    pub(super) async fn accepted(&mut self) -> Result<(), Failure> {
        if !matches!(self.first, FirstLines::Taken) {
            self.land().await;
        }
        match &self.first {
            FirstLines::Refused(failure) => Err(Failure::Rejected(format!(
                "telling the Port run that it starts: {}",
                describe(failure)
            ))),
            FirstLines::Unsent | FirstLines::Sent | FirstLines::Taken => Ok(()),
        }
    }

    /// Sends what waits, and waits until nothing is under way.
    ///
    /// # Errors
    /// When lines after the first were not taken.
    pub(super) async fn settle(&mut self, live: &Arc<Live>) -> Result<(), Failure> {
        loop {
            self.land().await;
            if self.waiting.is_none() || self.is_held {
                return self.failed.take().map_or(Ok(()), Err);
            }
            self.send(live);
        }
    }

    /// Takes the lines that nobody has sent.
    pub(super) fn take_unsent(&mut self) -> Vec<String> {
        self.waiting
            .take()
            .map_or_else(Vec::new, |waiting| waiting.texts)
    }

    fn send(&mut self, live: &Arc<Live>) {
        if matches!(self.first, FirstLines::Unsent) {
            self.first = FirstLines::Sent;
        }
        let text = self.take_unsent().join("\n");
        let live = Arc::clone(live);
        *self.under_way() = Some(Box::pin(async move { live.port.log(&text).await }));
    }

    fn under_way(&mut self) -> &mut Option<LogRequest> {
        self.under_way
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for what is under way.
    async fn land(&mut self) {
        if let Some(sending) = self.under_way() {
            let sent = sending.await;
            self.sent(sent);
        }
    }

    fn sent(&mut self, result: Result<(), Failure>) {
        *self.under_way() = None;
        match (&self.first, result) {
            (FirstLines::Unsent | FirstLines::Sent, Ok(())) => self.first = FirstLines::Taken,
            (FirstLines::Unsent | FirstLines::Sent, Err(failure)) => {
                self.first = FirstLines::Refused(failure);
            }
            (FirstLines::Taken, Err(failure)) => {
                self.failed.get_or_insert(failure);
            }
            // The run knows already that it cannot write there.
            (FirstLines::Taken, Ok(())) | (FirstLines::Refused(_), _) => {}
        }
    }
}
