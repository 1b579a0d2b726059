//! The writes after the seal: which were made, and how each ended, for the journal.

use crate::contract::Failure;
use crate::gate::describe;
use crate::journal::ClosingWrite;
use crate::service::http::CallResult;

/// The state of a write whose end nobody has seen.
const CUT_OFF: &str = "the run was stopped before it was known";

/// The closing writes of a run, of the two services that are told at the same time.
#[derive(Default)]
pub(super) struct ClosingWrites {
    /// In Port.
    pub(super) port: MadeWrites,
    /// At GitHub.
    pub(super) github: MadeWrites,
}

/// Closing writes in the order in which they were begun.
#[derive(Default)]
pub(super) struct MadeWrites(Vec<(ClosingWrite, Result<(), String>)>);

impl ClosingWrites {
    /// Returns the writes in the order in which a journal lists them.
    pub(super) fn in_order(&self) -> Vec<&(ClosingWrite, Result<(), String>)> {
        let mut all: Vec<_> = self.port.0.iter().chain(&self.github.0).collect();
        all.sort_by_key(|(write, _)| write.rank());
        all
    }

    /// Returns why Port does not have the last words, if so.
    pub(super) fn port_failure(&self) -> Option<&str> {
        let mut last = self.port.0.iter();
        let (_, told) = last.find(|(write, _)| *write == ClosingWrite::LastWords)?;
        told.as_ref().err().map(String::as_str)
    }
}

impl MadeWrites {
    /// Makes a write, and keeps how it ended; of one that is dropped on the way nobody knows that.
    pub(super) async fn make(
        &mut self,
        write: ClosingWrite,
        making: impl Future<Output = CallResult<()>>,
    ) -> Result<(), String> {
        let at = self.0.len();
        self.0.push((write, Err(CUT_OFF.to_owned())));
        let made = making
            .await
            .map_err(|failure: Failure| describe(&failure).to_owned());
        self.0[at].1.clone_from(&made);
        made
    }

    /// Ends what time has run out for: the last words, which come last, were not said.
    pub(super) fn cut(&mut self, why: &str) {
        self.0
            .retain(|(write, _)| *write != ClosingWrite::LastWords);
        self.0.push((ClosingWrite::LastWords, Err(why.to_owned())));
    }
}
