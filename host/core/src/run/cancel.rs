//! A wish from outside to stop the run: a person's ctrl-c, or the runner that cancels a job.

use std::pin::Pin;
use std::time::Duration;

/// The time that the beginning of a run gets after such a wish, so that a token that is being minted is known and can be given
/// back. With [`LAST_WORD_TIME`] twice it stays below the ten seconds that a runner leaves (actions/runner,
/// ProcessInvoker.cs: 7.5 s after the first signal, 2.5 s after the second).
pub(super) const MINT_TIME: Duration = Duration::from_secs(2);

/// The time that each of the last words gets after such a wish: the revocation, then Port.
pub(super) const LAST_WORD_TIME: Duration = Duration::from_secs(3);

/// The wish to stop, heard once and remembered.
pub(super) struct CancelSignal<'a> {
    wish: Pin<&'a mut (dyn Future<Output = ()> + Send)>,
    is_heard: bool,
}

impl<'a> CancelSignal<'a> {
    /// Listens to a future that is ready once somebody wishes the run to stop.
    pub(super) fn new(wish: Pin<&'a mut (dyn Future<Output = ()> + Send)>) -> Self {
        Self {
            wish,
            is_heard: false,
        }
    }

    /// Waits for the wish.
    pub(super) async fn hear(&mut self) {
        if !self.is_heard {
            self.wish.as_mut().await;
            self.is_heard = true;
        }
    }

    /// Returns whether the wish was heard.
    pub(super) fn is_heard(&self) -> bool {
        self.is_heard
    }
}
