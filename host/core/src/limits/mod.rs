//! The limits of one run, and the count of what it uses.
//!
//! ```
//! use promote_core::call::Call;
//! use promote_core::limits::{Budget, Limits};
//!
//! let mut budget = Budget::new(Limits { calls: 2, ..Limits::default() });
//! budget.admit(&Call::Now)?;
//! budget.admit(&Call::Now)?;
//! let reached = budget.admit(&Call::Now).unwrap_err();
//! assert_eq!(
//!     reached.to_string(),
//!     "the policy reached its limit of 2 calls; raise `limits.calls` if that is too low for it"
//! );
//! # Ok::<(), promote_core::limits::LimitReached>(())
//! ```
//!
//! Next: [`gate`](crate::gate), which asks for each call.

mod parse;

pub use parse::parse;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::policy::compile::CompileLimits;

/// The most that one run may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Time for the whole run, guest and services together: `5m` unless given.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub wall: Duration,
    /// Linear memory and tables of the policy in bytes: `64MiB` unless given.
    pub memory: usize,
    /// Calls: 200 unless given.
    pub calls: u32,
    /// Calls that write, log lines included: 50 unless given.
    pub writes: u32,
    /// Time for one answer of one rule: `5s` unless given.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub rule: Duration,
    /// Bytes that the policy may send and receive through calls: `16MiB` unless given.
    pub traffic: usize,
    /// How long a promotion may wait for a review, a check or a time before `promote resume` gives it up: `7d` unless given.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub wait: Duration,
    /// The limits of compiling the policy. It is over before the run begins, so a journal does not hold it.
    #[serde(skip)]
    pub compile: CompileLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(300),
            memory: 64 << 20,
            calls: 200,
            writes: 50,
            rule: Duration::from_secs(5),
            traffic: 16 << 20,
            wait: Duration::from_secs(7 * 86_400),
            compile: CompileLimits::default(),
        }
    }
}

impl Limits {
    /// What a policy is told, in effect, that sends or gets too much.
    pub fn traffic_reached(&self) -> LimitReached {
        LimitReached {
            limit: format!("{} bytes in calls and answers", self.traffic),
            key: "traffic",
        }
    }

    /// The limit that a run reaches at its deadline.
    pub fn out_of_time(&self) -> LimitReached {
        LimitReached {
            limit: format!("{:?} of time", self.wall),
            key: "wall",
        }
    }
}

/// A limit that a policy ran into; it ends there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy reached its limit of {limit}; raise `limits.{key}` if that is too low for it")]
pub struct LimitReached {
    /// The limit, for people.
    pub limit: String,
    /// The key in `promote.toml`.
    pub key: &'static str,
}

/// The use of a run so far.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    calls: u32,
    writes: u32,
    traffic: usize,
}

impl Budget {
    /// Nothing used yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            calls: 0,
            writes: 0,
            traffic: 0,
        }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// The first limit that the call is over.
    pub fn admit(&mut self, call: &Call) -> Result<(), LimitReached> {
        self.calls += 1;
        self.writes += u32::from(call.is_write());
        let used = [
            (self.calls, self.limits.calls, "calls"),
            (self.writes, self.limits.writes, "writes"),
        ];
        match used.into_iter().find(|(used, most, _)| used > most) {
            Some((_, most, key)) => Err(LimitReached {
                limit: format!("{most} {key}"),
                key,
            }),
            None => Ok(()),
        }
    }

    /// Counts the bytes of a call or an answer.
    ///
    /// # Errors
    /// When the traffic is over its limit.
    pub fn carry(&mut self, bytes: usize) -> Result<(), LimitReached> {
        self.traffic = self.traffic.saturating_add(bytes);
        if self.traffic > self.limits.traffic {
            Err(self.limits.traffic_reached())
        } else {
            Ok(())
        }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_ends_at_each_limit() {
        let limits = Limits {
            calls: 2,
            writes: 1,
            traffic: 10,
            ..Limits::default()
        };
        let note = Call::DeleteBranch {
            repository: String::new(),
            branch: String::new(),
        };
        let ends_at = |calls: &[(&Call, usize)]| {
            let mut budget = Budget::new(limits.clone());
            calls
                .iter()
                .find_map(|(call, bytes)| {
                    budget.carry(*bytes).and_then(|()| budget.admit(call)).err()
                })
                .map(|reached| reached.key)
        };
        assert_eq!(ends_at(&[(&Call::Now, 5), (&Call::Now, 5)]), None);
        assert_eq!(
            ends_at(&[(&Call::Now, 0), (&Call::Now, 0), (&Call::Now, 0)]),
            Some("calls")
        );
        assert_eq!(ends_at(&[(&note, 0), (&note, 0)]), Some("writes"));
        assert_eq!(
            ends_at(&[(&Call::Now, 5), (&Call::Now, 6)]),
            Some("traffic")
        );
    }
}
