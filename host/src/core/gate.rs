//! The only way out of the sandbox: journal, then limits, then grants, then the source.
//!
//! Every call of a policy passes [`Gate::call`], whatever answers it: the live services, a plan, the mock world. Nothing
//! else in this crate hands a call to a source.

mod admit;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::call::{Call, Fault, Reply};
use super::contract::Failure;
use super::ending::Ending;
use super::grants::{Operation, Resolved, Target};
use super::journal::{Entry, Journal, Written, json};
use super::limits::{Budget, Limits};
use super::observer::Observer;
use super::run::Mode;
use super::sandbox::Door;
use super::seen::Seen;
use super::source::Source;
use super::transport::Clock;

/// The door, and what it remembers of the run.
pub struct Gate {
    /// Answers what is allowed.
    pub source: Box<dyn Source>,
    /// What is allowed.
    pub grants: Resolved,
    /// What may be used.
    pub budget: Budget,
    /// Where it is written down.
    pub journal: Journal,
    /// The time, for the policy and for the deadline.
    pub clock: Arc<dyn Clock>,
    /// When the run ends at the latest.
    pub deadline: Timestamp,
    /// Shows people what happens.
    pub observer: Arc<dyn Observer>,
    /// Says it.
    pub words: Words,
    /// What the calls so far have shown.
    pub seen: Seen,
    /// Denied calls, in words.
    pub violations: Vec<String>,
    /// The calls that were made, for the summary.
    pub timeline: Vec<Step>,
}

/// What is said to people and policies, from outside the core: nothing is decided on it, and foreign text in it is not
/// neutralised yet.
#[derive(Clone, Copy)]
pub struct Words {
    /// What a call is about.
    pub target: fn(&Target<'_>) -> String,
    /// That no grant allows a call, and which would.
    pub denied: fn(Operation, &Target<'_>) -> String,
    /// How a run ended, from what it did.
    pub last_word: fn(&Ending, Mode, &[Step]) -> String,
    /// What an ending is called: by machines, and by the label beside the status of the Port run.
    pub names: fn(&Ending) -> [&'static str; 2],
    /// Foreign text, neutralised, on one line.
    pub line: fn(&str) -> String,
}

/// One call, as the summary shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The call.
    pub call: Call,
    /// What it came to.
    pub answer: Answered,
    /// How long it took.
    pub took: Duration,
}

/// What a call came to; what that says of the world, and how, stands in `words`.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
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

impl Gate {
    /// A gate that allows nothing yet.
    pub fn new(
        source: Box<dyn Source>,
        limits: Limits,
        journal: Journal,
        clock: Arc<dyn Clock>,
        deadline: Timestamp,
        observer: Arc<dyn Observer>,
        words: Words,
    ) -> Self {
        Self {
            source,
            grants: Resolved::default(),
            budget: Budget::new(limits),
            journal,
            clock,
            deadline,
            observer,
            words,
            seen: Seen::default(),
            violations: Vec::new(),
            timeline: Vec::new(),
        }
    }

    /// Adds a line to the journal; what announces a write is on the disk before this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, entry: &Written<'_>, durable: bool) -> Result<(), NoJournal> {
        let written = self.journal.add(entry).and_then(|()| {
            if durable {
                self.journal.flush()
            } else {
                Ok(())
            }
        });
        written.map_err(NoJournal)
    }

    async fn answer(&mut self, call: &Call) -> Result<Reply, Fault> {
        self.budget.admit(call).map_err(trap)?;
        self.check_deadline()?;
        if let Err(denial) = self.admit(call) {
            self.violations.push(denial.clone());
            return Err(Failure::Denied(denial).into());
        }
        let reply = match call {
            Call::Now => Reply::Time(self.clock.now().to_string()),
            Call::Sleep { seconds } => {
                self.settle().await;
                self.clock
                    .sleep(self.time_left().min(Duration::from_secs((*seconds).into())))
                    .await;
                self.check_deadline()?;
                Reply::Done(())
            }
            call => self.source.call(call).await?,
        };
        self.seen.observe(&self.grants, call, &reply);
        Ok(reply)
    }

    /// Waits until Port has every line so far. One that it does not take is told to people and stops nothing.
    pub async fn settle(&mut self) {
        if let Err(failure) = self.source.settle().await {
            let why = describe(&failure);
            self.observer.say(&format!(
                "a line for the log of the Port run was not taken: {why}"
            ));
        }
    }

    fn check_deadline(&self) -> Result<(), Fault> {
        if self.clock.now() >= self.deadline {
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
        let started = self.clock.now();
        self.write(
            &Entry::Call {
                number,
                at: started,
                request: &text,
            },
            call.is_write(),
        )
        .map_err(trap)?;
        // What a run that is stopped in the middle of a call leaves behind.
        self.timeline.push(Step {
            call: call.clone(),
            answer: Answered::NotYet,
            took: Duration::ZERO,
        });
        let answer = self.answer(&call).await;
        let at = self.clock.now();
        if let Some(step) = self.timeline.last_mut() {
            step.took = Duration::try_from(at.duration_since(started)).unwrap_or_default();
            step.answer = match &answer {
                Ok(reply) => Answered::Reply(reply.clone()),
                Err(Fault::Failure(failure)) => Answered::Failure(failure.clone()),
                Err(Fault::Trap(trap)) => Answered::Trap(trap.to_string()),
            };
            self.observer.step(step);
        }
        match &answer {
            Ok(reply) => {
                let text = json(reply);
                self.write(
                    &Entry::Reply {
                        number,
                        at,
                        reply: &text,
                    },
                    false,
                )
                .map_err(trap)?;
                self.budget.carry(text.get().len()).map_err(trap)?;
            }
            Err(Fault::Failure(failure)) => {
                self.write(
                    &Entry::Failure {
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
        Duration::try_from(self.deadline.duration_since(self.clock.now())).unwrap_or_default()
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
