//! The rules. Each is a pure function of the facts and the settings; all are asked, so a refusal lists every reason.
//!
//! A rule whose facts are missing says nothing: that they are missing is a reason of its own, found while gathering.

pub mod approvals;
pub mod built_by;
pub mod freeze;
pub mod freshness;
pub mod health;
pub mod image;
pub mod lock;
pub mod people;
pub mod provenance;
pub mod registry;
pub mod soak;

pub use promote_guest::reason;

use crate::facts::Facts;
use crate::settings::{Freshness, OnNo, RollbackRule, Settings};
use crate::time::UnixSeconds;
use crate::types::{Awaited, Reason};

/// The verdict of the rules.
#[derive(Debug, Default)]
pub struct GateVerdict {
    /// Every reason against the promotion.
    pub reasons: Vec<Reason>,
    /// Reasons that people should know, although they do not refuse.
    pub warnings: Vec<Reason>,
    /// What time alone cures, where the settings let a promotion wait for it.
    pub waits: Vec<GateWait>,
}

/// A no that ends by itself.
#[derive(Clone, Debug)]
pub struct GateWait {
    /// What kind of thing is awaited.
    pub awaited: Awaited,
    /// When it is over.
    pub until: UnixSeconds,
    /// What is awaited, for people.
    pub message: String,
    /// The same as reasons, should the promotion be refused for others.
    pub reasons: Vec<Reason>,
}

impl GateVerdict {
    /// Returns the wait that lasts longest.
    pub fn latest_wait(&self) -> Option<&GateWait> {
        self.waits.iter().max_by_key(|wait| wait.until)
    }

    /// Takes every reason, also those that time would cure.
    pub fn take_reasons(&mut self) -> Vec<Reason> {
        let mut reasons = std::mem::take(&mut self.reasons);
        for wait in self.waits.drain(..) {
            reasons.extend(wait.reasons);
        }
        reasons
    }

    /// Takes reasons that may end by themselves: a wait if the settings and the calendar say so.
    fn add_curable(
        &mut self,
        reasons: Vec<Reason>,
        on_no: OnNo,
        wait: Option<(Awaited, UnixSeconds, &str)>,
    ) {
        match wait {
            Some((awaited, until, message)) if on_no == OnNo::Wait && !reasons.is_empty() => {
                self.waits.push(GateWait {
                    awaited,
                    until,
                    message: message.to_owned(),
                    reasons,
                });
            }
            _ => self.reasons.extend(reasons),
        }
    }
}

/// Asks every rule.
pub fn all(facts: &Facts, settings: &Settings) -> GateVerdict {
    // What keeps a promotion away for a while must not keep production on an image that is broken.
    let asks = |rule| !facts.is_rollback || settings.rollback.rules.contains(&rule);
    let mut verdict = GateVerdict {
        reasons: [
            if asks(RollbackRule::Lock) {
                lock::check(facts, &settings.lock)
            } else {
                Vec::new()
            },
            freeze::stopped_line(facts, &settings.freeze),
            people::check(facts, &settings.people),
            approvals::check(facts, &settings.approvals),
            health::check(facts, settings),
            image::check(facts, settings),
            provenance::check(facts),
            built_by::check(facts),
            registry::check(facts),
        ]
        .concat(),
        warnings: image::left_behind(facts),
        waits: Vec::new(),
    };
    if asks(RollbackRule::Freeze) {
        let reasons = freeze::check(facts, &settings.freeze);
        let ends = freeze::end(facts, &settings.freeze);
        let wait = ends.map(|at| (Awaited::Window, at, "the end of the freeze"));
        verdict.add_curable(reasons, settings.freeze.on_no, wait);
    }
    let reasons = soak::check(facts, &settings.soak);
    let ends = soak::end(facts, &settings.soak);
    let wait = ends.map(|at| (Awaited::Soak, at, "the image to soak"));
    verdict.add_curable(reasons, settings.soak.on_no, wait);
    match settings.freshness {
        Freshness::Ignore => {}
        Freshness::Report => verdict.warnings.extend(freshness::check(facts)),
        Freshness::Refuse => verdict.reasons.extend(freshness::check(facts)),
    }
    verdict
}

#[cfg(test)]
mod tests;
