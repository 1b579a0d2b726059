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
pub mod rollback;
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
    /// When it is over, if that is known.
    pub until: Option<UnixSeconds>,
    /// What is awaited, for people.
    pub message: String,
    /// The same as reasons, should the promotion be refused for others.
    pub reasons: Vec<Reason>,
}

impl GateVerdict {
    /// Returns the wait that lasts longest, as far as that is known.
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
        wait: Option<(Awaited, Option<UnixSeconds>, String)>,
    ) {
        match wait {
            Some((awaited, until, message)) if on_no == OnNo::Wait && !reasons.is_empty() => {
                self.waits.push(GateWait {
                    awaited,
                    until,
                    message,
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
    let unwell = health::check(facts, settings);
    let (refused_health, awaited_health) = match settings.health.on_no {
        OnNo::Refuse => (unwell, Vec::new()),
        OnNo::Wait => (Vec::new(), unwell),
    };
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
            refused_health,
            image::check(facts, settings),
            rollback::check(facts, &settings.rollback),
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
        let wait = ends.map(|at| {
            let clock = freeze::local_clock(at, &settings.freeze);
            let message = format!("the end of the freeze{clock}");
            (Awaited::Window, Some(at), message)
        });
        verdict.add_curable(reasons, settings.freeze.on_no, wait);
    }
    let reasons = soak::check(facts, &settings.soak);
    let ends = soak::end(facts, &settings.soak);
    let wait = ends.map(|at| {
        let clock = freeze::local_clock(at, &settings.freeze);
        let message = format!("the image to soak{clock}");
        (Awaited::Soak, Some(at), message)
    });
    verdict.add_curable(reasons, settings.soak.on_no, wait);
    // Nobody knows when that ends: each resume looks.
    let wait = (Awaited::Rule, None, "staging to be well".to_owned());
    verdict.add_curable(awaited_health, settings.health.on_no, Some(wait));
    match settings.freshness {
        Freshness::Ignore => {}
        Freshness::Report => verdict.warnings.extend(freshness::check(facts)),
        Freshness::Refuse => verdict.reasons.extend(freshness::check(facts)),
    }
    verdict
}

#[cfg(test)]
mod tests;
