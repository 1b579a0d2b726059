//! The law that a journal replays exactly, looked at with the journals of a script.

use tokio::runtime::Runtime;

use super::law::{BrokenLaw, WorldLaw};
use super::play::Played;
use crate::replay::{ReplayComparison, RuleShelf, RunRecording, replay};
use crate::scenario::{ScenarioRunner, StepResult};
use promote_core::policy::Policy;

/// One script of so many has its journals replayed.
pub(super) const REPLAY_EVERY: u64 = 16;

/// Replays journals with the policy and the rules that wrote them.
pub(super) struct JournalReplay<'a> {
    pub(super) runner: &'a ScenarioRunner,
    pub(super) policy: &'a Policy,
    pub(super) shelf: &'a RuleShelf<'a>,
    pub(super) runtime: &'a Runtime,
}

impl JournalReplay<'_> {
    /// 9: the first journal of a script that comes out otherwise, with its step. `doctor` has its way with each recording before.
    pub(super) fn unreplayed(
        &self,
        played: &Played,
        doctor: &dyn Fn(&mut RunRecording),
    ) -> Option<(usize, BrokenLaw)> {
        played.steps.iter().enumerate().find_map(|(place, step)| {
            let runs = match step.together.as_slice() {
                [] => std::slice::from_ref(step),
                runs => runs,
            };
            let what = runs.iter().find_map(|run| self.difference(run, doctor))?;
            let expect = "{ exit = 0 }".to_owned();
            Some((place, BrokenLaw::new(WorldLaw::Replayed, what, expect)))
        })
    }

    fn difference(&self, run: &StepResult, doctor: &dyn Fn(&mut RunRecording)) -> Option<String> {
        if run.journal.is_empty() {
            return None;
        }
        let mut recording = match RunRecording::read(run.journal.as_bytes()) {
            Ok(recording) => recording,
            Err(error) => return Some(format!("a journal cannot be read: {error}")),
        };
        doctor(&mut recording);
        let (rules, missing) = self.shelf.rules(&recording);
        if !missing.is_empty() {
            return Some(format!("a rule is not known: {missing:?}"));
        }
        let engine = self.runner.engine();
        let replayed = replay(engine, self.policy, &recording, rules, self.runtime);
        let is_same = match &replayed.verdict {
            ReplayComparison::Same { ending } => Some(ending.as_str()) == run.ending,
            ReplayComparison::Ends => recording.is_cut(),
            ReplayComparison::Diverged(_) => false,
        };
        (!is_same || replayed.calls != recording.steps.len()).then(|| {
            format!(
                "a journal of {} calls comes out otherwise: {:?}",
                recording.steps.len(),
                replayed.verdict
            )
        })
    }
}
