//! Plays a script through the real host, and looks at the world after each step.

use std::path::Path;

use anyhow::Context as _;

use super::judge::Judge;
use super::law::BrokenLaw;
use super::script::Script;
use crate::scenario::{Scenario, ScenarioRunner, StepResult};
use promote_mock::World;

/// What came of a script.
pub(super) struct Played {
    /// The first law that was broken, and the step after which it was.
    pub(super) broken: Option<(usize, BrokenLaw)>,
    /// The steps that were taken, in order.
    pub(super) steps: Vec<StepResult>,
}

impl Played {
    /// The ends of the runs of each step, in words.
    pub(super) fn ends(&self) -> Vec<String> {
        let end = |run: &StepResult| {
            let ending = run.ending.or(run.run.as_ref().map(|_| "killed"));
            ending.map(|ending| format!("{ending}: {}", run.message))
        };
        let of_step = |step: &StepResult| match step.together.as_slice() {
            [] => end(step).unwrap_or_default(),
            runs => runs.iter().filter_map(end).collect::<Vec<_>>().join("\n"),
        };
        self.steps.iter().map(of_step).collect()
    }
}

/// A hand in what a step does to the world. Nobody has one but tests, which plant faults by it.
pub(super) trait StepHand {
    /// Changes the world that a step is to see.
    fn before(&self, _: &Script, _: usize, _: &mut World) {}

    /// Changes what came of a step.
    fn after(&self, _: &Script, _: usize, _: &mut StepResult) {}
}

/// Leaves everything as it is.
pub(super) struct NoHand;

impl StepHand for NoHand {}

/// Plays a script until a law is broken.
///
/// # Errors
/// When the script is no scenario, or its policy cannot be used.
pub(super) async fn play(
    runner: &ScenarioRunner,
    script: &Script,
    hand: &dyn StepHand,
) -> anyhow::Result<Played> {
    let text = script.scenario("simulated", "{ exit = 0 }", &[]);
    let scenario = Scenario::parse(&text, Path::new("simulated.toml"))
        .with_context(|| format!("seed {}: {text}", script.seed))?;
    let mut judge = Judge::default();
    let mut world = scenario.world.clone();
    let mut steps: Vec<StepResult> = Vec::new();
    for (place, step) in scenario.steps.iter().enumerate() {
        let before = world.clone();
        hand.before(script, place, &mut world);
        let mut ran = runner
            .strike(&scenario, world, step, place, None)
            .await
            .with_context(|| format!("seed {}, step {}", script.seed, place + 1))?;
        ran.before = before;
        hand.after(script, place, &mut ran);
        world = ran.after.clone();
        let broken = judge.look(script, place, &ran).into_iter().next();
        steps.push(ran);
        if let Some(broken) = broken {
            let broken = Some((place, broken));
            return Ok(Played { broken, steps });
        }
    }
    Ok(Played {
        broken: None,
        steps,
    })
}
