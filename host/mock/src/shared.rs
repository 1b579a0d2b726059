//! One world for many holders: transports, clocks, a server, a test that watches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{World, WorldClock, WorldTransport};

/// A world that several holders share.
#[derive(Clone, Debug, Default)]
pub struct SharedWorld(Arc<Mutex<World>>);

impl SharedWorld {
    /// Shares a world.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// Locks the world. A panic of another holder does not matter, since every request leaves the world whole.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a copy of the world as it is now.
    pub fn snapshot(&self) -> World {
        self.lock().clone()
    }

    /// Returns a transport into this world.
    pub fn transport(&self) -> WorldTransport {
        WorldTransport::new(self.clone())
    }

    /// Returns the clock of this world.
    pub fn clock(&self) -> WorldClock {
        WorldClock::new(self.clone())
    }
}
