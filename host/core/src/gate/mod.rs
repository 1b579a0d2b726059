//! The only way out of the sandbox: journal, then limits, then grants, then the source.
//!
//! Every call of a policy passes [`Gate::call`], whatever answers it: the live services, a plan, the mock world. Nothing
//! else in this crate hands a call to a source: a source takes an [`Admitted`] call, and only this module makes one.
//!
//! In reading order: `admit`, the decision about one call; [`evidence`], what a run has seen in Port and GitHub, and [`values`],
//! whether a file changes in nothing but the granted places; `candidate` and `rules`, what the rules are asked; `hold`, the
//! status that keeps others from merging; `lag` and `late`, answers that come too early or too late. Next:
//! [`journal`](crate::journal).

mod admit;
mod admitted;
mod candidate;
pub mod context;
pub mod evidence;
mod foresight;
mod hold;
mod known;
mod lag;
mod late;
mod rules;
mod tokens;
pub mod values;

pub use admitted::Admitted;
pub use candidate::derive_candidate;
pub use rules::RuleBench;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::call::{Call, Fault, Reply};
use crate::contract::Failure;
use crate::gate::admit::Denial;
use crate::gate::evidence::Evidence;
use crate::grants::ResolvedGrants;
use crate::journal::{Journal, JournalEntry, RawEntry, json};
use crate::limits::{Budget, Limits};
use crate::policy::sandbox::Door;
use crate::rule::AwaitedRules;
use crate::run::observer::Observer;
use crate::service::transport::Clock;
use crate::source::Source;
use crate::source::live::Live;

/// The door, and what it remembers of the run. Its grants are fixed when it is made.
pub struct Gate {
    run: RunParts,
    grants: ResolvedGrants,
    budget: Budget,
    /// The facts that the calls so far have shown.
    evidence: Evidence,
    /// Denied calls, in words.
    violations: Vec<String>,
    /// Denied proposals for which a policy may refuse, in words.
    misfits: Vec<String>,
    timeline: Vec<CallRecord>,
    /// The rules of the run; none unless given.
    bench: RuleBench,
    /// What people were told of the rules.
    told: Vec<String>,
    /// The status that was set last.
    kept: hold::KeptStatus,
}

/// The parts of one run that its calls need.
pub struct RunParts {
    /// Answers what is allowed.
    pub source: Box<dyn Source>,
    /// The clients of both services, for the host's own last words.
    pub live: Arc<Live>,
    /// The most that the run may use.
    pub limits: Limits,
    /// Holds every call and its answer.
    pub journal: Journal,
    /// The time, for the policy and for the deadline.
    pub clock: Arc<dyn Clock>,
    /// When the run ends at the latest.
    pub deadline: Timestamp,
    /// Shows people what happens.
    pub observer: Arc<dyn Observer>,
}

/// Everything that a gate knows when its policy has ended.
pub struct GateRecord {
    /// The parts that it was made of.
    pub run: RunParts,
    /// The grants of the run.
    pub grants: ResolvedGrants,
    /// The facts that the calls have shown.
    pub evidence: Evidence,
    /// Denied calls, in words.
    pub violations: Vec<String>,
    /// Denied proposals for which a policy may refuse, in words; for one that does not, they are violations.
    pub misfits: Vec<String>,
    /// Every call with its answer, in order.
    pub timeline: Vec<CallRecord>,
    /// What the rules told the policy, as far as it may be waited for.
    pub awaited: AwaitedRules,
}

/// One call, as the summary shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// The call.
    pub call: Call,
    /// Its answer.
    pub answer: CallAnswer,
    /// Its duration.
    pub took: Duration,
}

/// The end of a call: its answer, its failure, the end of the policy, or none yet.
#[derive(Clone, Debug, PartialEq)]
pub enum CallAnswer {
    /// Nothing: the run was stopped before there was an answer.
    NotYet,
    /// It was answered.
    Reply(Reply),
    /// It failed, and the policy was told.
    Failure(Failure),
    /// It ended the policy, for this reason.
    Trap(String),
}

/// A journal that cannot be written: no call is made without its trace.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be written, so no call is made: {0}")]
pub struct NoJournal(std::io::Error);

impl RunParts {
    /// Adds a line to the journal; what announces a write is on the disk before this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&mut self, entry: &RawEntry<'_>, durable: bool) -> Result<(), NoJournal> {
        self.journal.add(entry).map_err(NoJournal)?;
        if durable {
            self.journal.flush().map_err(NoJournal)?;
        }
        Ok(())
    }

    /// Waits until Port has every line so far. One that it does not take is told to people and stops nothing.
    pub(crate) async fn settle(&mut self) {
        if let Err(failure) = self.source.settle().await {
            self.observer.say(&format!(
                "a line for the log of the Port run was not taken: {}",
                describe(&failure)
            ));
        }
    }

    /// Returns the time that is left until the deadline.
    pub(crate) fn time_left(&self) -> Duration {
        Duration::try_from(self.deadline.duration_since(self.clock.now())).unwrap_or_default()
    }
}

impl Gate {
    /// Makes the door of a run, which allows what the grants allow and nothing else.
    pub fn new(run: RunParts, grants: ResolvedGrants) -> Self {
        Self {
            budget: Budget::new(run.limits.clone()),
            run,
            grants,
            evidence: Evidence::default(),
            violations: Vec::new(),
            misfits: Vec::new(),
            timeline: Vec::new(),
            bench: RuleBench::default(),
            told: Vec::new(),
            kept: None,
        }
    }

    /// Puts rules before every proposal and every merge.
    #[must_use]
    pub fn with_rules(self, bench: RuleBench) -> Self {
        Self { bench, ..self }
    }

    /// Closes the door and returns everything that it knows.
    pub fn close(self) -> GateRecord {
        GateRecord {
            run: self.run,
            grants: self.grants,
            evidence: self.evidence,
            violations: self.violations,
            misfits: self.misfits,
            timeline: self.timeline,
            awaited: self.bench.awaited,
        }
    }

    async fn answer(&mut self, call: &Call, began: Timestamp) -> Result<Reply, Fault> {
        self.budget.admit(call).map_err(trap)?;
        self.check_deadline()?;
        if matches!(call, Call::UpdateEntity { .. }) {
            self.read_merged_files().await?;
        }
        match self.admit(call) {
            Ok(()) => {}
            Err(Denial::Misfit(what)) => {
                self.misfits.push(what.clone());
                return Err(Failure::Denied(what).into());
            }
            Err(Denial::Breach(what)) => {
                self.violations.push(what.clone());
                return Err(Failure::Denied(what).into());
            }
        }
        let reply = match call {
            Call::Now => Reply::Time(self.run.clock.now().to_string()),
            Call::CheckRules { candidate } => Reply::Reasons(self.ask_early(candidate).await?),
            Call::IsGranted { reference } => Reply::Granted(self.is_granted(reference)?),
            Call::Sleep { seconds } => {
                self.run.settle().await;
                // Somebody may change the pull request meanwhile.
                self.run.source.live().github.forget_fresh();
                self.run
                    .clock
                    .sleep(self.time_left().min(Duration::from_secs((*seconds).into())))
                    .await;
                self.check_deadline()?;
                Reply::Done(())
            }
            call => {
                self.ask_before(call).await?;
                let proposal = self.evidence.merged_by(call).map(|record| &record.proposal);
                self.run.source.call(Admitted::new(call, proposal)).await?
            }
        };
        let reply = self.without_status(call, reply);
        self.check_lag(call, &reply).await?;
        self.check_late_update(call).await?;
        self.bench.observe(call, &reply, self.run.clock.now());
        self.evidence.observe(call, &reply, began);
        // A failure here is met again when evidence is asked for.
        let _ = self.read_merged_files().await;
        Ok(reply)
    }

    /// Reads what this run has merged, at the commits of the merges: evidence is what git holds, not what was proposed.
    async fn read_merged_files(&mut self) -> Result<(), Failure> {
        let mut commits = Vec::new();
        for (file, merge) in self.evidence.unread_merges() {
            let text = self.run.source.read_merged(&file, &merge.commit).await?;
            self.evidence.add_merged_file(file, text, &merge);
            commits.push(merge.commit);
        }
        for commit in commits {
            self.evidence.end_merge_reading(&commit);
        }
        Ok(())
    }

    fn check_deadline(&self) -> Result<(), Fault> {
        if self.run.clock.now() >= self.run.deadline {
            return Err(trap(self.budget.limits().out_of_time()));
        }
        Ok(())
    }
}

#[async_trait]
impl Door for Gate {
    /// Makes one call for the policy; what ends it is a limit, or a journal that cannot be written.
    async fn call(&mut self, call: Call) -> Result<Reply, Fault> {
        // A call that is too large is not made, and not copied into the journal either.
        let text = json(&call);
        self.budget.carry(text.get().len()).map_err(trap)?;
        let number = u32::try_from(self.timeline.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let started = self.run.clock.now();
        self.run
            .write(
                &JournalEntry::Call {
                    number,
                    at: started,
                    request: &text,
                },
                call.is_write(),
            )
            .map_err(trap)?;
        // What a run that is stopped in the middle of a call leaves behind.
        self.timeline.push(CallRecord {
            call: call.clone(),
            answer: CallAnswer::NotYet,
            took: Duration::ZERO,
        });
        let answer = self.answer(&call, started).await;
        let at = self.run.clock.now();
        if let Some(step) = self.timeline.last_mut() {
            step.took = Duration::try_from(at.duration_since(started)).unwrap_or_default();
            step.answer = match &answer {
                Ok(reply) => CallAnswer::Reply(reply.clone()),
                Err(Fault::Failure(failure)) => CallAnswer::Failure(failure.clone()),
                Err(Fault::Trap(trap)) => CallAnswer::Trap(trap.to_string()),
            };
            self.run.observer.step(step);
        }
        match &answer {
            Ok(reply) => {
                let text = json(reply);
                self.run
                    .write(
                        &JournalEntry::Reply {
                            number,
                            at,
                            reply: &text,
                        },
                        false,
                    )
                    .map_err(trap)?;
                self.budget.carry(text.get().len()).map_err(trap)?;
                self.hold_proposal(&call, reply).await?;
            }
            Err(Fault::Failure(failure)) => {
                self.run
                    .write(
                        &JournalEntry::Failure {
                            number,
                            at,
                            failure: &json(failure),
                        },
                        false,
                    )
                    .map_err(trap)?;
            }
            Err(Fault::Trap(_)) => {}
        }
        answer
    }

    fn limits(&self) -> &Limits {
        self.budget.limits()
    }

    fn time_left(&self) -> Duration {
        self.run.time_left()
    }
}

/// The words of a failure.
pub fn describe(failure: &Failure) -> &str {
    match failure {
        Failure::Denied(text)
        | Failure::NotFound(text)
        | Failure::Conflict(text)
        | Failure::Rejected(text)
        | Failure::RateLimited(text)
        | Failure::Unavailable(text)
        | Failure::Other(text) => text,
    }
}

fn trap(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::Trap(wasmtime::Error::new(error))
}
