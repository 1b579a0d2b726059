//! The same engine, gate and clients in process: to kill a run is to forget it while a request is under way.

use promote_mock::World;
use promote_tests::bench::{KillPoint, TestRun};

use super::scene::Scene;
use super::state::{State, check_order};
use super::{KillMoment, KillWay, check_journal};

#[derive(Clone, Copy)]
pub(super) struct InProcess;

impl KillWay for InProcess {
    const SIDE_BY_SIDE: usize = 4;

    async fn undisturbed(self, scene: &Scene) -> (State, usize) {
        let left = bench(scene, scene.world()).attempt().await;
        let done = left.done.unwrap();
        assert_eq!(
            i32::from(done.ending.exit_code()),
            scene.code,
            "{}: {}",
            scene.name,
            done.message
        );
        (State::of(&left.witness), left.witness.requests())
    }

    async fn point(
        self,
        scene: &Scene,
        expected: &State,
        strike: KillMoment,
        at: usize,
    ) -> Result<usize, String> {
        let mut world = scene.world();
        strike.cut(&mut world, at);
        let first = bench(scene, world);
        let first = match kill(strike, at) {
            Some(kill) => first.killed(kill),
            None => first,
        };
        let first = first.attempt().await;
        check_order(&first.witness)?;
        check_journal(&first.journal)?;
        let mut expected = expected.clone();
        if let Some(done) = &first.done {
            if i32::from(done.ending.exit_code()) == scene.code {
                return expected.check(&first.witness).map(|()| 1);
            }
            // This attempt had its say in Port; the next corrects what it left, and not what it said.
            expected.run = None;
        }
        let again = bench(scene, first.witness.world.snapshot()).attempt().await;
        let done = again.done.unwrap();
        if i32::from(done.ending.exit_code()) != scene.code {
            return Err(format!("again: {}", done.message));
        }
        check_order(&again.witness)?;
        expected.check(&again.witness).map(|()| 2)
    }
}

fn bench(scene: &Scene, world: World) -> TestRun {
    TestRun::builtin().settings(scene.settings()).world(world)
}

fn kill(strike: KillMoment, at: usize) -> Option<KillPoint> {
    match strike {
        KillMoment::KilledBefore => Some(KillPoint { at, effect: false }),
        KillMoment::KilledUnanswered => Some(KillPoint { at, effect: true }),
        KillMoment::KilledAfter => Some(KillPoint {
            at: at + 1,
            effect: false,
        }),
        KillMoment::CutBefore | KillMoment::CutUnanswered => None,
    }
}
