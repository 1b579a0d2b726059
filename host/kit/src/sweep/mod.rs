//! The fault sweep: a scenario once for every call and every way in which it can fail, then again, and each time the
//! invariants.
//!
//! It works on the calls of the contract, so it asks nothing of a policy and knows none. What it may not do is to judge by
//! what a run says: only the world counts.

mod gained;
mod invariants;
mod shot;

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::Notify;

use super::coverage::CallCoverage;
use super::scenario::{
    CallFate, CallInjection, CallTrouble, MadeCall, Scenario, ScenarioRunner, ScenarioStep,
    StepAction, StepResult,
};
use promote_core::call::Call;
use promote_core::contract::Failure;
use promote_mock::{ServiceFaults, World};

use gained::AskedChanges;
pub use invariants::{BrokenInvariant, Invariant};
pub use shot::{ShotFilter, SweepShot};

/// The result of one shot.
#[derive(Clone, Debug)]
pub struct ShotResult {
    /// The shot.
    pub shot: SweepShot,
    /// The line of its step.
    pub line: usize,
    /// The invariants that do not hold.
    pub broken: Vec<BrokenInvariant>,
    /// The calls of the run that was hit and of the one after it, if something is broken.
    pub calls: Vec<Vec<MadeCall>>,
    /// The text that the policy printed in these runs, if something is broken.
    pub printed: String,
}

/// The undisturbed run of a step, which every shot at it is held against.
struct CleanStep<'a> {
    /// The step.
    step: &'a ScenarioStep,
    /// From 0.
    index: usize,
    /// The run that nothing hits.
    ran: &'a StepResult,
    /// The run after it.
    again: StepResult,
    /// The calls of the steps before it.
    earlier: &'a [StepResult],
}

/// Fires every shot that is meant at a scenario, and takes note of the calls.
///
/// # Errors
/// When the scenario's policy cannot be used.
pub async fn sweep(
    runner: &ScenarioRunner,
    scenario: &Scenario,
    only: &ShotFilter,
    coverage: &mut CallCoverage,
) -> anyhow::Result<Vec<ShotResult>> {
    let name = scenario.name();
    let mut all = Vec::new();
    let clean = runner
        .run(scenario, super::scenario::ScenarioBackend::Mock)
        .await?;
    for (index, (step, ran)) in scenario.steps.iter().zip(&clean).enumerate() {
        coverage.add(&ran.calls);
        if !matches!(step.act, StepAction::Start(..)) || step.trouble.is_some() {
            continue;
        }
        let again = again(runner, scenario, step, ran.after.clone(), index + 1).await?;
        let clean_step = CleanStep {
            step,
            index,
            ran,
            again,
            earlier: &clean[..index],
        };
        for (at, (call, made)) in reaching(&ran.calls).enumerate() {
            for trouble in CallTrouble::all() {
                let shot = SweepShot {
                    scenario: name.clone(),
                    step: index + 1,
                    call,
                    name: made.call_name(),
                    trouble,
                };
                if only.means(&shot) {
                    all.push(fire(runner, scenario, &clean_step, at, shot, coverage).await?);
                }
            }
        }
    }
    Ok(all)
}

/// The calls that reach a source, with their numbers from 1: time comes from the host, and what the gate stops goes no
/// further.
fn reaching(calls: &[MadeCall]) -> impl Iterator<Item = (usize, &MadeCall)> {
    calls
        .iter()
        .enumerate()
        .filter(|(_, made)| reaches_source(made))
        .map(|(index, made)| (index + 1, made))
}

fn reaches_source(made: &MadeCall) -> bool {
    let is_hosts = matches!(made.call, Call::Now | Call::Sleep { .. });
    let is_stopped = matches!(
        made.answer,
        CallFate::Stopped | CallFate::Failure(Failure::Denied(_))
    );
    !is_hosts && !is_stopped
}

/// Hits one call, starts the step again, and looks at the world after both.
async fn fire(
    runner: &ScenarioRunner,
    scenario: &Scenario,
    clean: &CleanStep<'_>,
    at: usize,
    shot: SweepShot,
    coverage: &mut CallCoverage,
) -> anyhow::Result<ShotResult> {
    let injection = CallInjection {
        trouble: shot.trouble,
        at,
        kill: Arc::new(Notify::new()),
    };
    let before = clean.ran.before.clone();
    let hit = runner.strike(scenario, before, clean.step, clean.index, Some(injection));
    let hit = hit.await.with_context(|| shot.to_string())?;
    let next = again(
        runner,
        scenario,
        clean.step,
        hit.after.clone(),
        clean.index + 1,
    );
    let mut next = next
        .await
        .with_context(|| format!("the run after {shot}"))?;
    coverage.add(&hit.calls);
    coverage.add(&next.calls);
    coverage.hit(&shot.name, shot.trouble);
    let mut broken = invariants::of_run(&scenario.config, clean.ran, &hit);
    // Of both runs together.
    next.before = clean.ran.before.clone();
    broken.extend(invariants::of_run(&scenario.config, &clean.again, &next));
    broken.extend(invariants::other_end(&clean.again.after, &next.after));
    broken.extend(invariants::other_ending([clean.ran, &clean.again], &next));
    let earlier = clean.earlier.iter().flat_map(|step| &step.calls);
    let calls = earlier.chain(&hit.calls).chain(&next.calls);
    let asked = AskedChanges::of(calls);
    broken.extend(invariants::foreign_gain(&asked, &next));
    broken.dedup();
    let (calls, printed) = if broken.is_empty() {
        (Vec::new(), String::new())
    } else {
        (vec![hit.calls, next.calls], hit.printed + &next.printed)
    };
    Ok(ShotResult {
        shot,
        line: clean.step.line,
        broken,
        calls,
        printed,
    })
}

/// Starts a step once more, when nothing goes wrong any longer.
async fn again(
    runner: &ScenarioRunner,
    scenario: &Scenario,
    step: &ScenarioStep,
    mut world: World,
    attempt: usize,
) -> anyhow::Result<StepResult> {
    world.heal();
    let step = ScenarioStep {
        faults: ServiceFaults::default(),
        ..step.clone()
    };
    runner.strike(scenario, world, &step, attempt, None).await
}
