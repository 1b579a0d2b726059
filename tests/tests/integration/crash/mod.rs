//! Crash everywhere: a run is killed at every request, and run again.
//!
//! Whatever the point, the second run leaves the same state as a run that nothing disturbed: one pull request, the
//! catalog never ahead of git, and of the first run a journal that can be read to its last whole line.
//!
//! All points of all scenes are tried in process, where killing is to forget the run in the middle of a request. The
//! program itself, killed by SIGKILL with its requests on a socket, takes its time: here it is killed between each request and
//! its answer, and whatever else can happen is for `PROMOTE_CRASHES=all` (`make test-crashes`).

mod in_process;
mod program;
mod resumed;
mod scene;
mod state;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use promote_core::journal::record;
use promote_mock::fault::PathGlob;
use promote_mock::{ConnectionCut, FaultEffect, ServiceFault, World};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use scene::Scene;
use state::State;

/// The accident at a request, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum KillMoment {
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

impl KillMoment {
    const ALL: [Self; 5] = [
        Self::KilledBefore,
        Self::KilledUnanswered,
        Self::KilledAfter,
        Self::CutBefore,
        Self::CutUnanswered,
    ];

    fn kills(self) -> bool {
        matches!(
            self,
            Self::KilledBefore | Self::KilledUnanswered | Self::KilledAfter
        )
    }

    /// Prepares the world for a connection that is cut.
    fn cut(self, world: &mut World, at: usize) {
        match self {
            Self::CutBefore => fault(world, at, FaultEffect::Cut(ConnectionCut::Before)),
            Self::CutUnanswered => fault(world, at, FaultEffect::Cut(ConnectionCut::After)),
            _ => {}
        }
    }
}

/// Has this happen to the how-manieth request, whatever it is.
fn fault(world: &mut World, at: usize, then: FaultEffect) {
    world.faults.0.push(ServiceFault {
        service: None,
        method: None,
        path: PathGlob::default(),
        nth: u32::try_from(at).unwrap(),
        times: 1,
        then,
        count: 0,
        until: None,
    });
}

/// The journal holds every whole line, and no line is wrong.
fn check_journal(text: &str) -> Result<(), String> {
    let whole = text.matches('\n').count();
    if whole == 0 {
        return Ok(());
    }
    match record::read(text.as_bytes()) {
        Ok(entries) if entries.len() == whole => Ok(()),
        Ok(entries) => Err(format!(
            "{} of {whole} lines of the journal can be read",
            entries.len()
        )),
        Err(damage) => Err(damage.to_string()),
    }
}

/// A way to run a scene: as it is, and struck at a point.
trait KillWay: Copy + Send + 'static {
    /// The number of points that are tried side by side.
    const SIDE_BY_SIDE: usize;

    /// Returns the state of a scene that nothing disturbs, and the number of its requests.
    fn undisturbed(self, scene: &Scene) -> impl Future<Output = (State, usize)> + Send;
    /// Strikes at a point, runs again, and compares; tells how many runs that took.
    fn point(
        self,
        scene: &Scene,
        expected: &State,
        strike: KillMoment,
        at: usize,
    ) -> impl Future<Output = Result<usize, String>> + Send;
}

/// The results of one scene.
struct KillPoints {
    scene: &'static str,
    /// The number of points for each accident.
    requests: usize,
    /// The number of points that held, for each accident.
    held: BTreeMap<KillMoment, usize>,
    runs: usize,
    broken: Vec<String>,
}

/// All points of a scene, a few side by side.
async fn points(
    way: impl KillWay,
    scene: Scene,
    strikes: &[KillMoment],
    turn: Arc<Semaphore>,
) -> KillPoints {
    let (expected, requests) = way.undisturbed(&scene).await;
    let scene = Arc::new(scene);
    let expected = Arc::new(expected);
    let mut running = JoinSet::new();
    for strike in strikes.iter().copied() {
        for at in 1..=requests {
            let scene = Arc::clone(&scene);
            let expected = Arc::clone(&expected);
            let turn = Arc::clone(&turn);
            running.spawn(async move {
                let _turn = turn.acquire_owned().await.unwrap();
                let result = way.point(&scene, &expected, strike, at).await;
                (
                    strike,
                    result.map_err(|what| {
                        format!("{}, {strike:?} at request {at}: {what}", scene.name)
                    }),
                )
            });
        }
    }
    let mut points = KillPoints {
        scene: scene.name,
        requests,
        held: BTreeMap::new(),
        runs: 1,
        broken: Vec::new(),
    };
    for (strike, result) in running.join_all().await {
        *points.held.entry(strike).or_default() += usize::from(result.is_ok());
        match result {
            Ok(runs) => points.runs += runs,
            Err(what) => points.broken.push(what),
        }
    }
    points
}

#[expect(clippy::print_stdout, reason = "the matrix is there to be read")]
async fn matrix<W: KillWay>(
    name: &str,
    way: W,
    scenes: Vec<Scene>,
    strikes: &'static [KillMoment],
) {
    let started = Instant::now();
    let turn = Arc::new(Semaphore::new(W::SIDE_BY_SIDE));
    // Most of the time is spent on waiting, so the scenes are played side by side too.
    let all: Vec<_> = scenes
        .into_iter()
        .map(|scene| tokio::spawn(points(way, scene, strikes, Arc::clone(&turn))))
        .collect();
    println!(
        "{name}: for each scene its requests, and of the points of each strike those that held"
    );
    let mut count = 0;
    let mut runs = 0;
    let mut broken = Vec::new();
    for scene in all {
        let KillPoints {
            scene,
            requests,
            held,
            runs: ran,
            broken: wrong,
        } = scene.await.unwrap();
        count += requests * strikes.len();
        runs += ran;
        let cells: Vec<String> = strikes
            .iter()
            .map(|strike| format!("{strike:?} {}/{requests}", held[strike]))
            .collect();
        println!("  {scene:<30} {requests:>3}  {}", cells.join("  "));
        broken.extend(wrong);
    }
    let took = started.elapsed().as_secs();
    println!(
        "{name}: {count} points, {runs} runs, {} broken, in {took} s",
        broken.len()
    );
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_run_is_cut_off_the_next_makes_it_good() {
    let scenes = Scene::all()
        .into_iter()
        .filter(|scene| !scene.app)
        .collect();
    matrix(
        "in process",
        in_process::InProcess,
        scenes,
        &KillMoment::ALL,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_program_is_killed_the_next_run_makes_it_good() {
    let is_whole = std::env::var("PROMOTE_CRASHES").is_ok_and(|which| which == "all");
    let moments = if is_whole {
        &KillMoment::ALL[..]
    } else {
        &KillMoment::ALL[1..2]
    };
    matrix("the program", program::Program, Scene::all(), moments).await;
}
