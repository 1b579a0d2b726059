//! The same engine, gate and clients in process: to kill a run is to forget it while a request is under way.

use promote_mock::World;
use promote_tests::bench::{Bench, Kill};

use super::scene::Scene;
use super::state::{State, check_order};
use super::{Strike, Way, check_journal};

#[derive(Clone, Copy)]
pub(super) struct InProcess;

impl Way for InProcess {
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
        strike: Strike,
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

fn bench(scene: &Scene, world: World) -> Bench {
    Bench::builtin().settings(scene.settings()).world(world)
}

fn kill(strike: Strike, at: usize) -> Option<Kill> {
    match strike {
        Strike::KilledBefore => Some(Kill { at, effect: false }),
        Strike::KilledUnanswered => Some(Kill { at, effect: true }),
        Strike::KilledAfter => Some(Kill {
            at: at + 1,
            effect: false,
        }),
        Strike::CutBefore | Strike::CutUnanswered => None,
    }
}
