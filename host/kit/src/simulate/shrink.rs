//! From a script that breaks a law to the smallest one that still does.

use super::deed::Deed;
use super::fault::{RunTroubles, ScriptFault};
use super::law::{BrokenLaw, WorldLaw};
use super::play::{NoHand, play};
use super::script::{Script, ScriptStep};
use crate::scenario::{CallTrouble, ScenarioRunner};

/// The smallest script found, the law that it breaks, and its last step.
pub(super) struct SmallScript {
    pub(super) script: Script,
    pub(super) broken: BrokenLaw,
}

/// Takes away steps, faults and troubles as long as the same law is broken.
///
/// # Errors
/// As [`play`].
pub(super) async fn shrink(
    runner: &ScenarioRunner,
    script: &Script,
    law: WorldLaw,
) -> anyhow::Result<Option<SmallScript>> {
    let Some(mut best) = attempt(runner, script, law).await? else {
        return Ok(None);
    };
    loop {
        let mut smaller = None;
        for candidate in candidates(&best.script) {
            if let Some(found) = attempt(runner, &candidate, law).await? {
                smaller = Some(found);
                break;
            }
        }
        match smaller {
            Some(found) => best = found,
            None => return Ok(Some(best)),
        }
    }
}

/// Plays a script; returns it without what comes after the broken step, if it breaks the law.
async fn attempt(
    runner: &ScenarioRunner,
    script: &Script,
    law: WorldLaw,
) -> anyhow::Result<Option<SmallScript>> {
    let played = play(runner, script, &NoHand).await?;
    Ok(played
        .broken
        .filter(|(_, broken)| broken.law == law)
        .map(|(place, broken)| {
            let mut script = script.clone();
            let after = script.steps.len() - (place + 1);
            // A law about the end is looked at with the steps that come after it.
            if law != WorldLaw::Once && law != WorldLaw::Catalog {
                script.steps.truncate(place + 1);
                script.settling = script.settling.saturating_sub(after);
            }
            SmallScript { script, broken }
        }))
}

/// Scripts that are a little smaller.
fn candidates(script: &Script) -> Vec<Script> {
    let mut all = Vec::new();
    // A scenario needs a step.
    let removable = if script.steps.len() > 1 {
        script.steps.len()
    } else {
        0
    };
    for place in 0..removable {
        let settles = place + script.settling >= script.steps.len();
        // In bad weather nothing has settled, and without these nothing can.
        if settles && is_needed(&script.steps[place]) {
            continue;
        }
        let mut smaller = script.clone();
        smaller.steps.remove(place);
        if settles {
            smaller.settling -= 1;
        }
        all.push(smaller);
    }
    for (place, step) in script.steps.iter().enumerate() {
        let mut with = |step: ScriptStep| {
            let mut smaller = script.clone();
            smaller.steps[place] = step;
            all.push(smaller);
        };
        match step {
            ScriptStep::Run {
                click,
                faults,
                trouble,
            } => {
                for (faults, trouble) in milder(faults, *trouble) {
                    let click = *click;
                    with(ScriptStep::Run {
                        click,
                        faults,
                        trouble,
                    });
                }
            }
            ScriptStep::Resume { faults, trouble } => {
                for (faults, trouble) in milder(faults, *trouble) {
                    with(ScriptStep::Resume { faults, trouble });
                }
            }
            ScriptStep::Together {
                clicks,
                order,
                faults,
            } => {
                for (faults, _) in milder(faults, None) {
                    with(ScriptStep::Together {
                        clicks: clicks.clone(),
                        order: *order,
                        faults,
                    });
                }
                for fewer in (0..clicks.len()).filter(|_| clicks.len() > 2) {
                    let mut clicks = clicks.clone();
                    clicks.remove(fewer);
                    with(ScriptStep::Together {
                        clicks,
                        order: *order,
                        faults: faults.clone(),
                    });
                }
                for click in clicks {
                    with(ScriptStep::Run {
                        click: *click,
                        faults: Vec::new(),
                        trouble: None,
                    });
                }
            }
            ScriptStep::Deed(_) | ScriptStep::Advance(_) | ScriptStep::Heal => {}
        }
    }
    all
}

/// Whether a step of the end has to stay, so that all settles.
fn is_needed(step: &ScriptStep) -> bool {
    matches!(
        step,
        ScriptStep::Heal
            | ScriptStep::Advance(_)
            | ScriptStep::Resume { .. }
            | ScriptStep::Deed(Deed::WorkflowEnds { .. } | Deed::Lock { locked: false, .. })
    )
}

/// What goes wrong in a run, each time without one part of it.
fn milder(faults: &[ScriptFault], trouble: Option<(usize, CallTrouble)>) -> Vec<RunTroubles> {
    let mut all: Vec<_> = (0..faults.len())
        .map(|gone| {
            let mut faults = faults.to_vec();
            faults.remove(gone);
            (faults, trouble)
        })
        .collect();
    if trouble.is_some() {
        all.push((faults.to_vec(), None));
    }
    all
}
