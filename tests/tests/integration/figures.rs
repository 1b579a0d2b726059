//! Limits that hold, measured on the program: how long after its deadline a run has ended, and how much memory it takes
//! beyond the policy's own.
//!
//! The promises are those of an optimised build: `PROMOTE_PROGRAM=target/release/promote cargo test --workspace figures`.
//! One without optimisation spends more on compiling the policy, and gets a margin for that.

use std::time::{Duration, Instant};

use promote::world::{Effect, Service, World};
use promote_tests::guests::{GLUTTON, OBSERVER};
use promote_tests::settings::Settings;
use tokio::process::Command;

use crate::memory::{self, Peak};
use crate::stage::{PROGRAM, Stage};

const MIB: usize = 1 << 20;

fn is_optimised() -> bool {
    !cfg!(debug_assertions) || std::env::var("PROMOTE_PROGRAM").is_ok()
}

/// How long the program ran longer than `wall`, from its very start to its very end, and its peak of memory.
async fn measure(stage: &Stage, wall: Duration, code: i32) -> (Duration, Peak) {
    let mut command = Command::new(&*PROGRAM);
    command.args(["run", "--payload", "payload.json"]);
    let started = Instant::now();
    let running = stage.start(command, "");
    let peak = memory::watch(running.child.id());
    let ended = running.end().await;
    let over = started.elapsed().saturating_sub(wall);
    ended.expect(code);
    (over, peak.await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, for a machine with nothing else to do: --ignored --nocapture"]
#[expect(clippy::print_stdout, reason = "the figures are there to be read")]
async fn a_run_has_ended_soon_after_its_deadline() {
    let slow = || {
        let mut world = World::sample();
        let late = Effect::Delay(jiff::SignedDuration::from_secs(60));
        world.faults.next(Service::GitHub, "POST", "/**", late).unwrap().times = 100;
        world
    };
    let guest = |deed| Settings::default().component(GLUTTON).deed(deed);
    let wall = Duration::from_secs(4);
    for (what, world, settings) in [
        ("the guest computes", World::sample(), guest("loop")),
        ("the guest prints", World::sample(), guest("print")),
        ("the host waits for the guest", World::sample(), guest("naps")),
        ("the guest waits by itself", World::sample(), guest("nap of the machine")),
        ("the host waits for GitHub", slow(), Settings::default()),
    ] {
        // A busy machine makes a run late, but not each of three.
        let mut over = Duration::MAX;
        for _ in 0..3 {
            let stage = Stage::of(world.clone()).await.settings(&settings.clone().limits("wall = \"4s\""));
            over = over.min(measure(&stage, wall, 4).await.0);
        }
        println!("{what:<30} ended {:>4} ms after its deadline", over.as_millis());
        let allowed = Duration::from_millis(if is_optimised() { 200 } else { 1_000 });
        assert!(over <= allowed, "{what}: {over:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, for a machine with nothing else to do: --ignored --nocapture"]
#[expect(clippy::print_stdout, reason = "the figures are there to be read")]
async fn memory_stays_within_the_policy_s_limit_and_a_little() {
    let guest = |deed| Settings::default().component(GLUTTON).deed(deed);
    for (what, settings, limit, code) in [
        ("a promotion", Settings::default(), 64, 0),
        ("the smallest guest", Settings::default().component(OBSERVER), 64, 1),
        ("a memory bomb", guest("memory"), 64, 4),
        ("a memory bomb", guest("memory").limits("memory = \"16MiB\""), 16, 4),
        ("a long text", guest("a long text"), 64, 4),
        ("a text to escape", guest("a text to escape"), 64, 4),
        ("a long list", guest("a long list"), 64, 4),
        ("one text many times", guest("one text many times"), 64, 4),
        ("a long file", guest("a long file"), 64, 4),
        ("endless long notes", guest("long notes"), 64, 4),
        ("printing without end", guest("print").limits("wall = \"4s\""), 64, 4),
    ] {
        let stage = Stage::sample().await.settings(&settings);
        let (_, Peak(peak)) = measure(&stage, Duration::ZERO, code).await;
        let Some(peak) = peak else {
            println!("memory is not measured here: there is no /proc");
            return;
        };
        let peak = peak * 1024;
        println!("{what:<22} limit {limit:>3} MiB, peak {:>4} MiB", peak.div_ceil(MIB));
        let margin = if is_optimised() { 40 } else { 80 };
        assert!(peak <= (limit + margin) * MIB, "{what}: {} MiB", peak / MIB);
    }
}
