//! A run as its journal tells it: what it started from, each call with its answer, how it ended.

use jiff::Timestamp;

use promote_core::call::{Call, Reply};
use promote_core::contract::{Failure, Outcome, Request};
use promote_core::journal::record::{self, JournalDamage};
use promote_core::journal::{FactAnswer, JournalEntry, JournalHeader};
use promote_core::policy::sandbox::SandboxSetup;
use promote_core::rule::{AwaitedRules, RuleStep, RuleSubject, RuleVerdict, StoppedByRules};
use promote_core::run::{RunMode, STARTING};

/// A run, read from a journal whose chain holds.
#[derive(Clone, Debug)]
pub struct RunRecording {
    /// Its first line: request, policy, limits, seed.
    pub header: JournalHeader,
    /// Its calls, in order.
    pub steps: Vec<RecordedCall>,
    /// Its ending; none if it was cut off.
    pub footer: Option<RecordedFooter>,
    /// The number of whole lines of the journal.
    pub lines: usize,
}

/// One call.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// Its line in the journal.
    pub line: usize,
    /// When it was made.
    pub at: Timestamp,
    /// The call.
    pub call: Call,
    /// What the host read for the rules before it was made, and after.
    pub facts: Vec<RecordedFact>,
    /// What the rules said before it was made and, of a proposal, after.
    pub inquiries: Vec<RecordedInquiry>,
    /// The answer; none if the run ended before it came.
    pub answer: Option<RecordedAnswer>,
}

impl RecordedCall {
    /// The reply, if one came.
    pub fn reply(&self) -> Option<&Reply> {
        self.answer.as_ref()?.result.as_ref().ok()
    }
}

/// The answer to a call.
#[derive(Clone, Debug)]
pub struct RecordedAnswer {
    /// When it came.
    pub at: Timestamp,
    /// The reply, or the failure that the policy was told.
    pub result: Result<Reply, Failure>,
}

/// A read for the rules.
#[derive(Clone, Debug)]
pub struct RecordedFact {
    /// The read.
    pub call: Call,
    /// What came of it.
    pub answer: RecordedAnswer,
}

/// What the rules were asked, and what they said.
#[derive(Clone, Debug)]
pub struct RecordedInquiry {
    /// The number of the call's facts that were known by then.
    pub facts: usize,
    /// Its line in the journal.
    pub line: usize,
    /// The time that they were told.
    pub at: Timestamp,
    /// What came next.
    pub step: RuleStep,
    /// What they judged.
    pub subject: RuleSubject,
    /// What each said.
    pub verdicts: Vec<RuleVerdict>,
}

impl RecordedCall {
    /// Returns what the rules made of the call; none if it was made, or only asked about.
    pub fn stop(&self, request: &Request) -> Option<StoppedByRules> {
        if matches!(self.call, Call::CheckRules { .. }) || self.answer.is_some() {
            return None;
        }
        let RecordedInquiry {
            verdicts,
            step,
            subject,
            ..
        } = self.inquiries.first()?;
        StoppedByRules::by(verdicts, *step, subject, request)
    }

    /// Returns what the rules told the policy, if it asked, as far as it may be waited for.
    pub fn awaited(&self) -> Option<AwaitedRules> {
        let inquiry = self.inquiries.last()?;
        matches!(self.call, Call::CheckRules { .. })
            .then(|| AwaitedRules::of(&inquiry.verdicts, &inquiry.subject))
    }
}

/// The ending of a run.
#[derive(Clone, Debug)]
pub struct RecordedFooter {
    /// Its line in the journal.
    pub line: usize,
    /// When it was written.
    pub at: Timestamp,
    /// The kind of ending.
    pub ending: String,
    /// The words for it.
    pub message: String,
    /// What the policy decided, if the run came to that.
    pub outcome: Option<Outcome>,
    /// Who approved what of it.
    pub approved_by: Vec<String>,
}

impl RecordedFooter {
    /// Returns whether it says this, perhaps with what was left behind after it.
    pub fn says(&self, message: &str) -> bool {
        let rest = self.message.strip_prefix(message);
        rest.is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with(". State: ")
                || rest.starts_with(". Port could not be told: ")
        })
    }
}

impl RunRecording {
    /// Reads a journal, up to its last whole line.
    ///
    /// # Errors
    /// Names the first line that is damaged or that no run writes there.
    pub fn read(bytes: &[u8]) -> Result<Self, JournalDamage> {
        let mut entries = record::read(bytes)?.into_iter();
        let Some(JournalEntry::Header(header)) = entries.next() else {
            return Err(JournalDamage::Headless);
        };
        let mut recording = Self {
            header: *header,
            steps: Vec::new(),
            footer: None,
            lines: 1,
        };
        for entry in entries {
            recording.lines += 1;
            if !recording.take(entry) {
                return Err(JournalDamage::Broken {
                    line: recording.lines,
                });
            }
        }
        Ok(recording)
    }

    /// Adds an entry; false if no run writes it there.
    fn take(&mut self, entry: JournalEntry) -> bool {
        let line = self.lines;
        let Ok(calls) = u32::try_from(self.steps.len()) else {
            return false;
        };
        let last = self.steps.last_mut();
        let is_open = last.as_ref().is_some_and(|step| step.answer.is_none());
        match (entry, last) {
            (JournalEntry::Closing { .. }, _) => return self.footer.is_some(),
            _ if self.footer.is_some() => return false,
            (JournalEntry::Status { number, .. }, Some(_)) if number == calls => {}
            (
                JournalEntry::Call {
                    number,
                    at,
                    request: call,
                },
                _,
            ) if !is_open && number == calls + 1 => {
                self.steps.push(RecordedCall {
                    line,
                    at,
                    call,
                    answer: None,
                    facts: Vec::new(),
                    inquiries: Vec::new(),
                });
            }
            (
                JournalEntry::Fact {
                    number,
                    at,
                    request: call,
                    answer,
                },
                Some(step),
            ) if number == calls => {
                let result = match answer {
                    FactAnswer::Reply(reply) => Ok(reply),
                    FactAnswer::Failure(failure) => Err(failure),
                };
                let answer = RecordedAnswer { at, result };
                step.facts.push(RecordedFact { call, answer });
            }
            (
                JournalEntry::Rules {
                    number,
                    at,
                    step: next,
                    subject,
                    verdicts,
                },
                Some(step),
            ) if number == calls => step.inquiries.push(RecordedInquiry {
                facts: step.facts.len(),
                line,
                at,
                step: next,
                subject,
                verdicts,
            }),
            (JournalEntry::Reply { number, at, reply }, Some(step))
                if is_open && number == calls =>
            {
                let result = Ok(reply);
                step.answer = Some(RecordedAnswer { at, result });
            }
            (
                JournalEntry::Failure {
                    number,
                    at,
                    failure,
                },
                Some(step),
            ) if is_open && number == calls => {
                let result = Err(failure);
                step.answer = Some(RecordedAnswer { at, result });
            }
            (
                JournalEntry::Footer {
                    at,
                    ending,
                    message,
                    outcome,
                    approved_by,
                },
                _,
            ) => {
                self.footer = Some(RecordedFooter {
                    line,
                    at,
                    ending,
                    message,
                    outcome,
                    approved_by,
                })
            }
            _ => return false,
        }
        true
    }

    /// The policy's clock and random numbers.
    pub fn surroundings(&self) -> SandboxSetup {
        SandboxSetup {
            now: self.header.started_at,
            seed: self.header.seed,
        }
    }

    /// Returns its mode: with writes or without.
    pub fn mode(&self) -> RunMode {
        if self.header.mode == RunMode::Plan.name() {
            RunMode::Plan
        } else {
            RunMode::Run
        }
    }

    /// Returns whether the policy did not come to its own end: the run was killed, or stopped by its deadline or by somebody, or
    /// failed before the policy started.
    pub fn is_cut(&self) -> bool {
        let out_of_time = self.header.limits.out_of_time().to_string();
        self.footer
            .as_ref()
            .is_none_or(|footer| match footer.ending.as_str() {
                "cancelled" => true,
                "failed" if footer.message.contains(STARTING) => self.steps.is_empty(),
                "limit" => footer.message.starts_with(&out_of_time),
                _ => self.steps.last().is_some_and(|step| {
                    step.answer.is_none() && step.stop(&self.header.request).is_none()
                }),
            })
    }

    /// Describes the end of the recording, for people.
    pub fn end(&self) -> String {
        match &self.footer {
            Some(footer) => format!(
                "line {}, {}: {}",
                footer.line, footer.ending, footer.message
            ),
            None => {
                format!(
                    "line {}, without an ending: the run was killed, or the rest was removed",
                    self.lines
                )
            }
        }
    }
}
