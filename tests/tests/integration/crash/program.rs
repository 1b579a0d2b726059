//! The program, its requests on a socket, killed by SIGKILL.

use std::time::Duration;

use promote_mock::{ConnectionCut, FaultEffect, World};
use tokio::process::Command;

use super::scene::Scene;
use super::state::{State, check_order};
use super::{KillMoment, KillWay, check_journal, fault};
use crate::stage::{PROGRAM, ProgramStage, RunningProgram};

/// Longer than any run: an answer that never comes.
const NEVER: jiff::SignedDuration = jiff::SignedDuration::from_secs(600);

#[derive(Clone, Copy)]
pub(super) struct Program;

impl KillWay for Program {
    /// A run waits more than it computes: for a run that made a branch a moment ago, and after each failure.
    const SIDE_BY_SIDE: usize = 16;

    async fn undisturbed(self, scene: &Scene) -> (State, usize) {
        let stage = scene.stage().await;
        run(&stage).end().await.expect(scene.code);
        (State::of(&stage.witness), stage.witness.requests())
    }

    async fn point(
        self,
        scene: &Scene,
        expected: &State,
        strike: KillMoment,
        at: usize,
    ) -> Result<usize, String> {
        let stage = scene.stage().await;
        arm(strike, &mut stage.witness.world.lock(), at);
        let mut running = run(&stage);
        // The answer is there when the next request is.
        let seen = at + usize::from(strike == KillMoment::KilledAfter);
        while strike.kills() && running.child.try_wait().unwrap().is_none() {
            if stage.witness.requests() >= seen {
                running.child.start_kill().unwrap();
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let first = running.end().await;
        check_order(&stage.witness)?;
        check_journal(&first.journal_if_any().unwrap_or_default())?;
        let mut expected = expected.clone();
        if !strike.kills() {
            if first.code() == scene.code {
                return expected.check(&stage.witness).map(|()| 1);
            }
            // This attempt had its say in Port; the next corrects what it left, and not what it said.
            expected.run = None;
        }
        let again = run(&stage).end().await;
        if again.code() != scene.code {
            return Err(format!(
                "again: exit code {}\n{}",
                again.code(),
                again.stderr
            ));
        }
        check_order(&stage.witness)?;
        expected.check(&stage.witness).map(|()| 2)
    }
}

fn run(stage: &ProgramStage) -> RunningProgram {
    let mut command = Command::new(&*PROGRAM);
    command.args(["run", "--payload", "payload.json"]);
    stage.start(command, "")
}

/// Holds the request at which the program is killed, so that it is there when it is killed, and nowhere else.
fn arm(strike: KillMoment, world: &mut World, at: usize) {
    strike.cut(world, at);
    match strike {
        KillMoment::KilledUnanswered => fault(world, at, FaultEffect::Delay(NEVER)),
        KillMoment::KilledBefore | KillMoment::KilledAfter => {
            let at = at + usize::from(strike == KillMoment::KilledAfter);
            fault(world, at, FaultEffect::Delay(NEVER));
            fault(world, at, FaultEffect::Cut(ConnectionCut::Before));
        }
        KillMoment::CutBefore | KillMoment::CutUnanswered => {}
    }
}
