//! The calls that a run made, with their answers: as it remembers them, or, if it was killed, from its journal.

use std::collections::BTreeMap;

use crate::failure::failure_name;
use promote_core::call::{Call, Reply};
use promote_core::contract::Failure;
use promote_core::gate::{self, CallRecord, describe};
use promote_core::journal::JournalEntry;
use promote_core::journal::record::{self, JournalDamage};

/// A call that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeCall {
    /// The call.
    pub call: Call,
    /// The end that it met.
    pub answer: CallFate,
}

/// The end that a call met.
#[derive(Clone, Debug, PartialEq)]
pub enum CallFate {
    /// It was answered.
    Reply(Box<Reply>),
    /// It failed, and the policy was told.
    Failure(Failure),
    /// The run ended with it: a limit.
    Stopped,
}

impl From<CallRecord> for MadeCall {
    fn from(step: CallRecord) -> Self {
        let answer = match step.answer {
            gate::CallAnswer::Reply(reply) => CallFate::Reply(Box::new(reply)),
            gate::CallAnswer::Failure(failure) => CallFate::Failure(failure),
            gate::CallAnswer::NotYet | gate::CallAnswer::Trap(_) => CallFate::Stopped,
        };
        Self {
            call: step.call,
            answer,
        }
    }
}

impl MadeCall {
    /// The calls of a journal, in order.
    ///
    /// # Errors
    /// When the journal is damaged.
    pub fn of_journal(text: &str) -> Result<Vec<Self>, JournalDamage> {
        let entries = match record::read(text.as_bytes()) {
            // A run that could not begin has no header to write.
            Err(JournalDamage::Headless) => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut made = BTreeMap::new();
        for entry in entries {
            match entry {
                JournalEntry::Call {
                    number, request, ..
                } => {
                    let answer = CallFate::Stopped;
                    made.insert(
                        number,
                        Self {
                            call: request,
                            answer,
                        },
                    );
                }
                JournalEntry::Reply { number, reply, .. } => {
                    if let Some(made) = made.get_mut(&number) {
                        made.answer = CallFate::Reply(Box::new(reply));
                    }
                }
                JournalEntry::Failure {
                    number, failure, ..
                } => {
                    if let Some(made) = made.get_mut(&number) {
                        made.answer = CallFate::Failure(failure);
                    }
                }
                JournalEntry::Header(_)
                | JournalEntry::Fact { .. }
                | JournalEntry::Rules { .. }
                | JournalEntry::Status { .. }
                | JournalEntry::Footer { .. }
                | JournalEntry::Closing { .. } => {}
            }
        }
        Ok(made.into_values().collect())
    }

    /// The name of the call in the journal.
    pub fn call_name(&self) -> String {
        let call = serde_json::to_value(&self.call).unwrap_or_default();
        call["call"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns the name of its failure: `stopped` if the run ended with it, none if it was answered.
    pub fn failed(&self) -> Option<&'static str> {
        match &self.answer {
            CallFate::Reply(_) => None,
            CallFate::Failure(failure) => Some(failure_name(failure)),
            CallFate::Stopped => Some("stopped"),
        }
    }

    /// The name as a scenario has it: that of the journal, with the failure if there was one.
    pub fn name(&self) -> String {
        match self.failed() {
            None => self.call_name(),
            Some(failure) => format!("{}: {failure}", self.call_name()),
        }
    }

    /// Returns whether the call may have changed something other than the log of the Port run.
    pub fn changes_something(&self) -> bool {
        self.call.is_write() && !matches!(self.call, Call::Note { .. })
    }

    /// A line for people: the call with its object, and why it failed. Foreign text in it is not neutralised.
    pub fn line(&self) -> String {
        match &self.answer {
            CallFate::Reply(_) => self.call.to_string(),
            CallFate::Failure(failure) => {
                format!(
                    "{} -> {}: {}",
                    self.call,
                    failure_name(failure),
                    describe(failure)
                )
            }
            CallFate::Stopped => format!("{} -> stopped", self.call),
        }
    }
}
