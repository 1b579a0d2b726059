//! The session of one run, which both clients share: transport, time, deadline, secrets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::service::secret::Secret;
use crate::service::transport::{Clock, Transport};

/// How long is waited for a service to catch up with itself, look by look, in milliseconds. GitHub has been seen to lag
/// behind its own writes for half a minute.
const PATIENCE: [u64; 6] = [500, 1_000, 2_000, 4_000, 8_000, 8_000];

/// Told what a person who waits may want to know.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;
/// Told each secret that this run makes, before it is used, so that it can be masked.
pub type Mask = Arc<dyn Fn(&Secret) + Send + Sync>;

/// The parts of a session.
pub struct SessionSetup {
    /// The way to the services.
    pub transport: Arc<dyn Transport>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Told why the run is waiting.
    pub progress: Progress,
    /// Told each secret that the run makes, before its first use.
    pub mask: Mask,
}

/// One run's connection to the outside.
pub struct Session {
    pub(super) outside: SessionSetup,
    deadline: Mutex<Timestamp>,
    secrets: Mutex<Vec<Secret>>,
    jitter: AtomicU64,
}

impl Session {
    /// Starts a session. No pause lasts beyond `deadline`; `seed` decides the jitter of pauses.
    pub fn new(outside: SessionSetup, deadline: Timestamp, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            outside,
            deadline: Mutex::new(deadline),
            secrets: Mutex::default(),
            jitter: AtomicU64::new(seed),
        })
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.outside.clock.now()
    }

    /// Tells people.
    pub fn say(&self, message: &str) {
        (self.outside.progress)(message);
    }

    /// Waits, unless the deadline comes first: then it returns `false` at once.
    pub async fn wait(&self, pause: Duration) -> bool {
        let deadline = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = self
            .now()
            .checked_add(pause)
            .is_ok_and(|end| end <= deadline);
        if fits {
            self.outside.clock.sleep(pause).await;
        }
        fits
    }

    /// Looks again, after longer and longer pauses, until what is seen will do or the patience is used up, and returns
    /// what was seen last.
    pub async fn poll<T, E, F: Future<Output = Result<T, E>>>(
        &self,
        look: impl Fn() -> F,
        will_do: impl Fn(&T) -> bool,
    ) -> Result<T, E> {
        let mut seen = look().await?;
        for pause in PATIENCE.map(Duration::from_millis) {
            if will_do(&seen) || !self.wait(pause).await {
                break;
            }
            seen = look().await?;
        }
        Ok(seen)
    }

    /// Leaves at least this much time for what must still be said after the deadline: how the run ended.
    pub fn grace(&self, time: Duration) {
        let mut deadline = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        *deadline = self
            .now()
            .checked_add(time)
            .map_or(*deadline, |end| end.max(*deadline));
    }

    /// Stretches a pause by up to a quarter, so that runs that failed together do not come back together.
    pub fn jittered(&self, pause: Duration) -> Duration {
        // SplitMix64 (Steele, Lea, Flood 2014): one step of a generator that any seed will do for.
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        let mut z = self
            .jitter
            .fetch_add(step, Ordering::Relaxed)
            .wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        pause + pause * u32::try_from((z ^ (z >> 31)) % 256).unwrap_or_default() / 1024
    }

    /// Remembers a secret that was given to this run.
    pub fn keep(&self, secret: &Secret) {
        self.secrets().push(secret.clone());
    }

    /// Remembers a secret that this run made, and has it masked.
    pub fn minted(&self, secret: &Secret) {
        (self.outside.mask)(secret);
        self.keep(secret);
    }

    /// The text with every known secret blotted out: a service may repeat what it was sent.
    pub fn redacted(&self, text: String) -> String {
        let mut redacted = text;
        for secret in self.secrets().iter() {
            redacted = redacted.replace(secret.expose(), "***");
        }
        redacted
    }

    fn secrets(&self) -> std::sync::MutexGuard<'_, Vec<Secret>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
