//! Compiling foreign code within limits: a component of a few kilobytes can keep a compiler busy for minutes, and one of a
//! megabyte can ask for gigabytes when it is instantiated.
//!
//! `check_size` refuses before the compiler what no policy needs. The compiler itself cannot be interrupted, so it runs on a
//! thread of its own, which is left behind when the limits are reached: whoever asked ends soon after, and the thread with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use wasmtime::component::Component;

use super::demand::check_size;

/// The time between two looks at the limits while the compiler runs.
const LOOK: Duration = Duration::from_millis(20);

/// The most that compiling one component may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Time: `60s` unless given.
    pub time: Duration,
    /// Memory beyond what the process has before, in bytes: `2GiB` unless given. Measured where the system tells (Linux).
    pub memory: usize,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(60),
            memory: 2 << 30,
        }
    }
}

/// Tells a compiler that nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Raises the flag.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether it was raised.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The reason why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// It is not a valid component.
    #[error("not a valid component: {0:#}")]
    Invalid(wasmtime::Error),
    /// It asks for more than any policy needs.
    #[error("{0}")]
    TooMuch(String),
    /// The compiler took more than it may.
    #[error("compiling it took more than {limit}; raise `limits.compile.{key}` if it needs that")]
    Limit {
        /// The limit, for people.
        limit: String,
        /// Its key in `promote.toml`.
        key: &'static str,
    },
    /// Somebody stopped it from outside.
    #[error("stopped while it was compiled")]
    Stopped,
}

/// Compiles a component within limits.
///
/// # Errors
/// When it is no component, asks for too much, or when the compiler takes too much.
pub(super) fn compile(
    engine: &wasmtime::Engine,
    component: &[u8],
    limits: &CompileLimits,
    stop: &StopFlag,
) -> Result<Component, CompileError> {
    check_size(component)?;
    let (sender, receiver) = channel();
    let bytes = component.to_vec();
    let compiler = engine.clone();
    std::thread::Builder::new()
        .name("compiler".to_owned())
        .spawn(move || {
            // Nobody may be listening any more.
            let _ = sender.send(Component::from_binary(&compiler, &bytes));
        })
        .map_err(|error| CompileError::Invalid(wasmtime::Error::new(error)))?;
    let started = Instant::now();
    let memory_before = resident_memory();
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(compiled) => return compiled.map_err(CompileError::Invalid),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(CompileError::TooMuch(
                    "the compiler gave up on it".to_owned(),
                ));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if stop.is_raised() {
            return Err(CompileError::Stopped);
        }
        if started.elapsed() > limits.time {
            return Err(CompileError::Limit {
                limit: format!("{:?}", limits.time),
                key: "time",
            });
        }
        if let (Some(before), Some(now)) = (memory_before, resident_memory())
            && now.saturating_sub(before) > limits.memory
        {
            return Err(CompileError::Limit {
                limit: format!("{} bytes of memory", limits.memory),
                key: "memory",
            });
        }
    }
}

/// Returns the resident memory of this process in bytes, where the system tells (proc(5), `statm`).
fn resident_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(4096))
}
