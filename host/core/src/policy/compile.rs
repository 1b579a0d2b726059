//! Compiling foreign code within limits: a component of a few kilobytes can keep a compiler busy for minutes, and one of a
//! megabyte can ask for gigabytes when it is instantiated.
//!
//! `check_size` refuses before the compiler what no policy needs. The compiler itself cannot be interrupted, so it runs on a
//! thread of its own, which is left behind when the limits are reached: whoever asked ends soon after, and the thread with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use wasmparser::{Parser, Payload};
use wasmtime::component::Component;

/// Most core modules that are instantiated in one component: one of Python has about thirty.
const MAX_INSTANCES: u64 = 200;
/// Most globals of all instances together, estimated from above: each is memory of the host that no limit of the guest counts.
const MAX_GLOBALS: u64 = 1_000_000;
/// How often the limits are looked at while the compiler runs.
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

/// Why a component was not compiled.
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

/// Checks what can be known of a component's demands without compiling it.
///
/// # Errors
/// Says what it has too much of.
pub fn check_size(component: &[u8]) -> Result<(), CompileError> {
    let mut instances: u64 = 0;
    let mut most_globals: u64 = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| CompileError::Invalid(wasmtime::Error::new(error)))? {
            Payload::InstanceSection(section) => instances += u64::from(section.count()),
            Payload::GlobalSection(section) => {
                most_globals = most_globals.max(section.count().into());
            }
            _ => {}
        }
    }
    if instances > MAX_INSTANCES {
        return Err(CompileError::TooMuch(format!(
            "it has {instances} instances of core modules, and a policy may have {MAX_INSTANCES}"
        )));
    }
    if most_globals.saturating_mul(instances) > MAX_GLOBALS {
        return Err(CompileError::TooMuch(format!(
            "its {instances} instances may have {most_globals} globals each, and a policy may have {MAX_GLOBALS} in all"
        )));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_webassembly_is_no_component() {
        assert!(matches!(
            check_size(b"not wasm"),
            Err(CompileError::Invalid(_))
        ));
        assert!(check_size(b"\0asm\x0d\0\x01\0").is_ok());
    }
}
