//! Crash everywhere: the program is killed at every request of a run, and run again.
//!
//! Whatever the point, the second run leaves the same state as a run that nothing disturbed: one pull request, the
//! catalog never ahead of git, and of the first run a journal that can be read to its last whole line. All points of all
//! scenes with `PROMOTE_CRASHES=all` (`make test-crashes`), those of one scene otherwise.

mod scene;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use promote::core::journal;
use promote::world::fault::PathGlob;
use promote::world::{Cut, Effect, Fault, World};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::stage::{Ended, PROGRAM, Stage};
use scene::Scene;
use state::State;

/// How many points are tried side by side.
const SIDE_BY_SIDE: usize = 4;
/// Longer than any run: an answer that never comes.
const NEVER: jiff::SignedDuration = jiff::SignedDuration::from_secs(600);

/// What happens at a request, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strike {
    /// Killed when it arrives, before it has an effect.
    KilledBefore,
    /// Killed when it has had its effect, before the answer.
    KilledUnanswered,
    /// Killed when the answer is there.
    KilledAfter,
    /// Not killed: the connection is cut before the request has an effect.
    CutBefore,
    /// Not killed: the request has its effect, the answer is lost.
    CutUnanswered,
}

impl Strike {
    const ALL: [Self; 5] =
        [Self::KilledBefore, Self::KilledUnanswered, Self::KilledAfter, Self::CutBefore, Self::CutUnanswered];

    fn kills(self) -> bool {
        matches!(self, Self::KilledBefore | Self::KilledUnanswered | Self::KilledAfter)
    }

    /// Prepares the world for it.
    fn arm(self, world: &mut World, at: usize) {
        let effects = match self {
            Self::KilledUnanswered => vec![(at, Effect::Delay(NEVER))],
            Self::KilledBefore => vec![(at, Effect::Delay(NEVER)), (at, Effect::Cut(Cut::Before))],
            Self::KilledAfter => vec![(at + 1, Effect::Delay(NEVER)), (at + 1, Effect::Cut(Cut::Before))],
            Self::CutBefore => vec![(at, Effect::Cut(Cut::Before))],
            Self::CutUnanswered => vec![(at, Effect::Cut(Cut::After))],
        };
        world.faults.0.extend(effects.into_iter().map(|(nth, then)| Fault {
            service: None,
            method: None,
            path: PathGlob::default(),
            nth: u32::try_from(nth).unwrap(),
            times: 1,
            then,
            count: 0,
            until: None,
        }));
    }
}

fn run(stage: &Stage) -> crate::stage::Running {
    let mut command = Command::new(PROGRAM);
    command.args(["run", "--payload", "payload.json"]);
    stage.start(command, "")
}

/// What a scene comes to when nothing disturbs it: its state, its exit code, its requests.
async fn undisturbed(scene: &Scene) -> (State, i32, usize) {
    let stage = scene.stage().await;
    let ended = run(&stage).end().await;
    ended.expect(scene.code);
    (State::of(&stage), ended.code(), stage.witness.requests())
}

/// One point: strikes there, runs again, compares.
async fn point(scene: &Scene, expected: &State, strike: Strike, at: usize) -> Result<(), String> {
    let stage = scene.stage().await;
    strike.arm(&mut stage.witness.world.lock(), at);
    let mut running = run(&stage);
    while strike.kills() && running.child.try_wait().unwrap().is_none() {
        if stage.witness.requests() >= at {
            running.child.start_kill().unwrap();
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let first = running.end().await;
    state::check_order(&stage)?;
    check_journal(&first)?;
    let mut expected = expected.clone();
    if !strike.kills() && first.code() != scene.code {
        // This attempt had its say in Port; the next corrects what it left, and not what it said.
        expected.run = None;
    } else if !strike.kills() {
        return expected.check(&stage);
    }
    let again = run(&stage).end().await;
    if again.code() != scene.code {
        return Err(format!("again: exit code {}\n{}", again.code(), again.stderr));
    }
    state::check_order(&stage)?;
    expected.check(&stage)
}

/// The journal holds every whole line, and no line is wrong.
fn check_journal(ended: &Ended) -> Result<(), String> {
    let Some(text) = ended.journal_if_any() else {
        return Ok(());
    };
    let whole = text.matches('\n').count();
    if whole == 0 {
        return Ok(());
    }
    match journal::read(&text) {
        Ok(entries) if entries.len() == whole => Ok(()),
        Ok(entries) => Err(format!("{} of {whole} lines of the journal can be read", entries.len())),
        Err(damage) => Err(damage.to_string()),
    }
}

/// All points of a scene; returns how many there are for each strike, and what went wrong.
async fn matrix(scene: Scene, strikes: &[Strike]) -> (usize, BTreeMap<Strike, usize>, Vec<String>) {
    let (expected, _, requests) = undisturbed(&scene).await;
    let (scene, expected) = (Arc::new(scene), Arc::new(expected));
    let turn = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let mut running = JoinSet::new();
    for strike in strikes.iter().copied() {
        for at in 1..=requests {
            let (scene, expected, turn) = (Arc::clone(&scene), Arc::clone(&expected), Arc::clone(&turn));
            running.spawn(async move {
                let _turn = turn.acquire_owned().await.unwrap();
                let result = point(&scene, &expected, strike, at).await;
                (strike, result.map_err(|what| format!("{}, {strike:?} at request {at}: {what}", scene.name)))
            });
        }
    }
    let (mut counts, mut broken) = (BTreeMap::new(), Vec::new());
    for (strike, result) in running.join_all().await {
        *counts.entry(strike).or_default() += usize::from(result.is_ok());
        broken.extend(result.err());
    }
    (requests, counts, broken)
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the matrix is there to be read")]
async fn wherever_it_is_killed_the_next_run_makes_it_good() {
    let whole = std::env::var("PROMOTE_CRASHES").is_ok_and(|which| which == "all");
    let (scenes, strikes) = match whole {
        true => (Scene::all(), &Strike::ALL[..]),
        false => (vec![Scene::happy()], &Strike::ALL[1..2]),
    };
    println!("{:<28} requests  held, of the points of each strike", "scene");
    let (started, mut points, mut broken) = (Instant::now(), 0, Vec::new());
    for scene in scenes {
        let name = scene.name;
        let (requests, held, wrong) = matrix(scene, strikes).await;
        points += requests * strikes.len();
        let cells = strikes.iter().map(|strike| format!("{strike:?} {}/{requests}", held[strike]));
        println!("{name:<28} {requests:>8}  {}", cells.collect::<Vec<_>>().join("  "));
        broken.extend(wrong);
    }
    println!("{points} points, {} broken, in {} s", broken.len(), started.elapsed().as_secs());
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}
