//! The world's time, as a clock for the clients: it stands still between requests, and sleeping moves it on at once.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use promote_core::service::transport::Clock;

use super::SharedWorld;

/// A clock that everybody in one world shares.
#[derive(Clone, Debug)]
pub struct WorldClock(SharedWorld);

impl WorldClock {
    /// The clock of this world.
    pub fn new(world: SharedWorld) -> Self {
        Self(world)
    }
}

#[async_trait]
impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.0.lock().now
    }

    async fn sleep(&self, duration: Duration) {
        self.0.lock().advance(duration);
        // A client that waits in a loop must still let a deadline or another request run.
        tokio::task::yield_now().await;
    }
}
