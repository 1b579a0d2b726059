//! Answers from a recording to another policy. A call that it cannot answer ends the policy there, as unknown.
//!
//! A read is answered with what was recorded for the same call, as long as no write lies between then and now that could
//! have changed it. A write that was recorded, in its turn, is answered as it was, also where only its words are others;
//! any other is simulated. None is ever made.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::effects::{changes_something, is_alike};
use super::recording::{RecordedAnswer, RecordedCall, RunRecording};
use super::trial_rules::{NoRuling, TrialRules};
use promote_core::call::{Call, Fault, Reply};
use promote_core::contract::{Entity, EntityKey, Failure, Reason};
use promote_core::journal::json;
use promote_core::limits::{Budget, Limits};
use promote_core::policy::sandbox::Door;
use promote_core::source::dry_run::PlannedWrites;

/// The door of a policy that is tried on a recording.
pub(super) struct RecordedAnswers {
    recording: Arc<RunRecording>,
    /// For each recorded call, how many writes were recorded before it.
    writes_before: Vec<usize>,
    /// The recorded writes.
    recorded: Vec<Call>,
    /// For each recorded read that was given already, the number of pauses that the policy had made by then.
    given: Vec<Option<usize>>,
    /// The writes of this policy.
    pub(super) writes: Vec<Call>,
    /// The number of them, from the first, that are the recorded ones.
    common: usize,
    /// True if a write was answered that was not recorded.
    pub(super) simulated: bool,
    overlay: PlannedWrites,
    budget: Budget,
    now: Timestamp,
    deadline: Timestamp,
    pauses: usize,
    /// The calls, log lines left out.
    pub(super) calls: Vec<Call>,
    /// Denied calls, in words.
    pub(super) violations: Vec<String>,
    /// Denied proposals for which a policy may refuse.
    pub(super) misfits: Vec<String>,
    /// The call that could not be answered, if there was one.
    pub(super) unknown: Option<UnknownAnswer>,
    /// The rules that are asked.
    pub(super) rules: TrialRules,
}

/// A call that the recording cannot answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{why}: {call}")]
pub struct UnknownAnswer {
    /// The call.
    pub call: Box<Call>,
    /// The reason.
    pub why: String,
}

impl RecordedAnswers {
    /// The answers of a recording, under these limits.
    pub(super) fn new(recording: Arc<RunRecording>, limits: Limits, rules: TrialRules) -> Self {
        let is_write = |step: &&RecordedCall| is_made(step, &recording);
        let mut writes = 0;
        let writes_before = recording.steps.iter().map(|step| {
            let before = writes;
            writes += usize::from(is_write(&step));
            before
        });
        let writes_before = writes_before.collect();
        let now = recording.header.started_at;
        Self {
            writes_before,
            recorded: recording
                .steps
                .iter()
                .filter(is_write)
                .map(|step| step.call.clone())
                .collect(),
            given: vec![None; recording.steps.len()],
            writes: Vec::new(),
            common: 0,
            simulated: false,
            overlay: PlannedWrites::default(),
            deadline: now.saturating_add(limits.wall).unwrap_or(Timestamp::MAX),
            budget: Budget::new(limits),
            now,
            pauses: 0,
            calls: Vec::new(),
            violations: Vec::new(),
            misfits: Vec::new(),
            unknown: None,
            rules,
            recording,
        }
    }

    /// The recorded writes.
    pub(super) fn recorded_writes(&self) -> &[Call] {
        &self.recorded
    }

    fn answer(&mut self, call: &Call) -> Result<Reply, Fault> {
        match call {
            Call::Now => Ok(Reply::Time(self.time())),
            Call::Sleep { seconds } => {
                self.pauses += 1;
                let end = self
                    .now
                    .saturating_add(Duration::from_secs((*seconds).into()));
                self.now = end.unwrap_or(Timestamp::MAX);
                if self.now >= self.deadline {
                    return Err(trap(self.budget.limits().out_of_time()));
                }
                Ok(Reply::Done(()))
            }
            Call::Note { .. } => Ok(Reply::Done(())),
            call if call.is_write() => self.write(call),
            call => self.read(call),
        }
    }

    /// The time that was recorded for the next question about it, and never an earlier one than before.
    fn time(&mut self) -> String {
        let mut steps = self.recording.steps.iter().enumerate();
        let found =
            steps.find(|(index, step)| step.call == Call::Now && self.given[*index].is_none());
        let time = found.and_then(|(index, step)| match step.reply() {
            Some(Reply::Time(time)) => Some((index, time.parse::<Timestamp>().ok()?)),
            _ => None,
        });
        if let Some((index, time)) = time {
            self.given[index] = Some(self.pauses);
            self.now = self.now.max(time);
        }
        self.now.to_string()
    }

    fn read(&mut self, call: &Call) -> Result<Reply, Fault> {
        if let Some(index) = self.find(call) {
            return self.give(index);
        }
        if let Some(reply) = self.gathered(call) {
            return Ok(reply);
        }
        // What was simulated is read back; nothing else is made up.
        if let Some(reply) = self.overlay.answer(call) {
            return Ok(reply);
        }
        let why = if self.recording.steps.iter().any(|step| step.call == *call) {
            "the recording has it before or after other writes, or fewer times"
        } else {
            "the recording has no answer to it"
        };
        Err(self.unknown(call, why))
    }

    /// The recorded read that answers: the first that was not given, or the last that was if time has not passed since.
    fn find(&self, call: &Call) -> Option<usize> {
        let all: Vec<usize> = (0..self.recording.steps.len())
            .filter(|index| {
                self.recording.steps[*index].call == *call
                    && self.is_untouched(call, self.writes_before[*index])
            })
            .collect();
        let fresh = all.iter().find(|index| self.given[**index].is_none());
        let again = all
            .iter()
            .rev()
            .find(|index| self.given[**index] == Some(self.pauses));
        fresh.or(again).copied()
    }

    /// The answer to a read of entities that were read in other company, before any pause.
    fn gathered(&self, call: &Call) -> Option<Reply> {
        let known = |key: &EntityKey| {
            let steps = self.recording.steps.iter().zip(&self.writes_before);
            let mut untouched = steps.filter(|(_, writes)| self.is_untouched(call, **writes));
            untouched.find_map(|(step, _)| match (&step.call, step.reply()?) {
                (Call::GetEntity { key: one }, Reply::Entity(entity)) => {
                    (one == key).then(|| entity.clone())
                }
                (Call::GetEntities { keys }, Reply::Entities(entities)) => entities
                    .get(keys.iter().position(|one| one == key)?)
                    .cloned(),
                _ => None,
            })
        };
        match call {
            _ if self.pauses > 0 => None,
            Call::GetEntity { key } => Some(Reply::Entity(known(key)?)),
            Call::GetEntities { keys } => Some(Reply::Entities(
                keys.iter().map(known).collect::<Option<Vec<_>>>()?,
            )),
            _ => None,
        }
    }

    /// Returns whether an answer that was recorded after so many writes still holds: no write that happened only there, or only
    /// here, can have changed it.
    fn is_untouched(&self, read: &Call, writes: usize) -> bool {
        let there = if writes >= self.common {
            &self.recorded[self.common..writes]
        } else {
            &self.recorded[writes..self.common]
        };
        there
            .iter()
            .chain(&self.writes[self.common..])
            .all(|write| !write.touches(read))
    }

    /// Asks the rules: for a policy that wants to know early, and before a proposal or a merge. Returns the reasons that a
    /// policy is told.
    async fn ask_rules(&mut self, call: &Call) -> Result<Vec<Reason>, Fault> {
        let last = self.given.iter().rposition(Option::is_some).unwrap_or(0);
        match self.rules.ask(&self.recording, last, call, self.now).await {
            Ok(reasons) => Ok(reasons),
            Err(NoRuling::Stopped(stopped)) => Err(trap(stopped)),
            Err(NoRuling::Unknown(why)) => Err(self.unknown(call, &why)),
        }
    }

    /// Gives a recorded answer.
    fn give(&mut self, index: usize) -> Result<Reply, Fault> {
        self.given[index] = Some(self.pauses);
        let step = &self.recording.steps[index];
        match step.answer.clone() {
            None => {
                let call = step.call.clone();
                Err(self.unknown(&call, "the recording ends before its answer"))
            }
            Some(RecordedAnswer { at, result }) => {
                self.now = self.now.max(at);
                if let Err(Failure::Denied(what)) = &result {
                    // The run that was denied something and could refuse had met a proposal that did not fit its grant.
                    let footer = self.recording.footer.as_ref();
                    if footer.is_some_and(|footer| footer.ending == "refused") {
                        self.misfits.push(what.clone());
                    } else {
                        self.violations.push(what.clone());
                    }
                }
                Ok(result?)
            }
        }
    }

    fn write(&mut self, call: &Call) -> Result<Reply, Fault> {
        let next = if self.common == self.writes.len() {
            self.recorded.get(self.common)
        } else {
            None
        };
        let in_turn = next.is_some_and(|next| is_alike(next, call));
        self.simulated |= next != Some(call);
        let has_denied = !self.violations.is_empty() || !self.misfits.is_empty();
        if has_denied && !in_turn {
            let what = format!(
                "{call} after a denied call: a run that broke its grants changes nothing more"
            );
            self.violations.push(what.clone());
            return Err(Failure::Denied(what).into());
        }
        let simulated = if in_turn {
            None
        } else {
            Some(self.simulate(call)?)
        };
        self.writes.push(call.clone());
        if let Some(reply) = simulated {
            return Ok(reply);
        }
        let index = (0..self.recording.steps.len()).find(|index| {
            self.writes_before[*index] == self.common
                && is_made(&self.recording.steps[*index], &self.recording)
        });
        self.common += 1;
        let reply = index.map_or(Ok(Reply::Done(())), |index| self.give(index))?;
        if let (Call::Propose { proposal }, Reply::PullRequest(pull)) = (call, &reply) {
            self.overlay.take_over(proposal, pull);
        }
        Ok(reply)
    }

    /// Answers a write that was not recorded as a plan does: with its most likely reply.
    fn simulate(&mut self, call: &Call) -> Result<Reply, Fault> {
        Ok(match call {
            Call::Propose { proposal } => Reply::PullRequest(self.overlay.open(proposal)),
            Call::Merge {
                repository, number, ..
            }
            | Call::MergeWhenReady {
                repository, number, ..
            } => self.overlay.merge(repository, *number)?,
            Call::UpdateEntity { key, change } => {
                let planned = self.overlay.entity(key).cloned();
                let Some(entity) = planned.or_else(|| self.recorded_entity(key)) else {
                    return Err(
                        self.unknown(call, "the recording does not tell what the entity is")
                    );
                };
                self.overlay.update(entity, change)?
            }
            _ => Reply::Done(()),
        })
    }

    /// An entity, as the recording had it last.
    fn recorded_entity(&self, key: &EntityKey) -> Option<Entity> {
        let replies = self
            .recording
            .steps
            .iter()
            .rev()
            .filter_map(RecordedCall::reply);
        let mut entities = replies.flat_map(|reply| match reply {
            Reply::Entity(Some(entity)) => vec![entity],
            Reply::Entities(entities) => entities.iter().flatten().collect(),
            Reply::Found(entities) => entities.iter().collect(),
            _ => Vec::new(),
        });
        entities.find(|entity| entity.key == *key).cloned()
    }

    fn unknown(&mut self, call: &Call, why: &str) -> Fault {
        let unknown = UnknownAnswer {
            call: Box::new(call.clone()),
            why: why.to_owned(),
        };
        self.unknown = Some(unknown.clone());
        trap(unknown)
    }
}

#[async_trait]
impl Door for RecordedAnswers {
    async fn call(&mut self, call: Call) -> Result<Reply, Fault> {
        if !matches!(call, Call::Note { .. }) {
            self.calls.push(call.clone());
        }
        self.budget
            .carry(json(&call).get().len())
            .and_then(|()| self.budget.admit(&call))
            .map_err(trap)?;
        let told = self.ask_rules(&call).await?;
        let reply = match &call {
            Call::CheckRules { .. } => Reply::Reasons(told),
            call => self.answer(call)?,
        };
        self.rules.observe(&call, &reply);
        self.budget.carry(json(&reply).get().len()).map_err(trap)?;
        Ok(reply)
    }

    fn limits(&self) -> &Limits {
        self.budget.limits()
    }
}

/// Returns whether a recorded call is a write that was made: the rules had nothing against it.
fn is_made(step: &RecordedCall, recording: &RunRecording) -> bool {
    changes_something(&step.call) && step.stop(&recording.header.request).is_none()
}

fn trap(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::Trap(wasmtime::Error::new(error))
}
