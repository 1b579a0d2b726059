//! Limits that hold, measured on the program: how long after its deadline a run has ended, and how much memory it takes
//! beyond the policy's own.
//!
//! The promises are those of an optimised build on a machine with nothing else to do: `make figures` measures each case
//! and prints the tables. With the other tests, one case of each kind is run on the build that they have, and only shown to
//! end at all and not to grow without end: how fast a busy machine is says nothing about `promote`.

use std::time::Duration;

use promote_mock::{FaultEffect, ServiceName, World};
use promote_tests::guests::{FLOODER, GLUTTON, OBSERVER};
use promote_tests::settings::SampleConfig;
use tokio::process::Command;

use crate::hostile::grafts::{self, graft};
use crate::memory::{self, PeakMemory};
use crate::stage::{PROGRAM, ProgramStage};

const MIB: usize = 1 << 20;

/// Returns whether the promises are measured, and not only held to wide bounds.
fn is_exact() -> bool {
    std::env::var("PROMOTE_FIGURES").is_ok_and(|which| which == "all")
}

/// The longest time between the deadline of a run and its end.
fn patience() -> Duration {
    Duration::from_millis(if is_exact() { 200 } else { 60_000 })
}

/// The bytes that the process may have beyond the policy's limit. Of a debug build this is only a sign that something grows
/// without end: its compiler takes twice as much where the kernel has huge pages to give.
pub(crate) fn margin() -> usize {
    MIB * if is_exact() { 40 } else { 1_024 }
}

/// Returns how much longer than `wall` the program ran, from its very start to its very end, and its peak of memory.
async fn measure(stage: &ProgramStage, wall: Duration, code: i32) -> (Duration, PeakMemory) {
    let mut command = Command::new(&*PROGRAM);
    command.args(["run", "--payload", "payload.json"]);
    let running = stage.start(command, "");
    let peak = memory::watch(running.child.id());
    let ended = running.end().await;
    ended.expect(code);
    (ended.took.saturating_sub(wall), peak.await.unwrap())
}

fn guest(deed: &str) -> SampleConfig {
    SampleConfig::default().component(GLUTTON).deed(deed)
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figures are there to be read")]
async fn a_run_has_ended_soon_after_its_deadline() {
    let slow = || {
        let mut world = World::sample();
        let late = FaultEffect::Delay(jiff::SignedDuration::from_secs(60));
        world
            .faults
            .next(ServiceName::GitHub, "POST", "/**", late)
            .unwrap()
            .times = 100;
        world
    };
    let wall = Duration::from_secs(4);
    let limits = "wall = \"4s\"\ncalls = 10000\ntraffic = \"100GiB\"";
    let cases = [
        ("the guest computes", World::sample(), guest("loop")),
        ("the guest prints", World::sample(), guest("print")),
        (
            "the host waits for the guest",
            World::sample(),
            guest("naps"),
        ),
        (
            "the guest waits by itself",
            World::sample(),
            guest("nap of the machine"),
        ),
        ("the host waits for GitHub", slow(), SampleConfig::default()),
    ];
    // What compiling takes is no part of a run's time: it is done once for each policy, before anything is asked.
    ProgramStage::sample()
        .await
        .promote(&["inspect", GLUTTON])
        .await
        .expect(0);
    let count = if is_exact() { cases.len() } else { 1 };
    for (what, world, settings) in cases.into_iter().take(count) {
        let mut over = Vec::new();
        while over.len() < if is_exact() { 3 } else { 1 } {
            let stage = ProgramStage::of(world.clone())
                .await
                .settings(&settings.clone().limits(limits));
            over.push(measure(&stage, wall, 4).await.0);
        }
        let shown: Vec<String> = over
            .iter()
            .map(|over| format!("{:>4}", over.as_millis()))
            .collect();
        println!(
            "deadline: {what:<30} ended {} ms after it",
            shown.join(", ")
        );
        let best = over.into_iter().min().unwrap();
        assert!(best <= patience(), "{what}: {best:?}");
    }
}

/// A component that keeps the compiler busy for longer than it may, or would fill the host's memory when it starts.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figures are there to be read")]
async fn a_hostile_component_is_given_up_in_time_and_within_memory() {
    let observer = std::fs::read(OBSERVER).unwrap();
    let compile_time = Duration::from_secs(2);
    let cases = [
        (
            "a compile bomb",
            graft(&observer, &grafts::compile_bomb(700), 0),
            "compile = { time = \"2s\" }",
            compile_time,
            2,
            None,
        ),
        (
            "globals in instances",
            graft(&observer, &grafts::globals(4_000), 150),
            "",
            Duration::ZERO,
            2,
            Some(0),
        ),
        (
            "functions in instances",
            graft(&observer, &grafts::functions(100_000), 100),
            "",
            Duration::ZERO,
            2,
            Some(0),
        ),
        (
            "a flood of patterns",
            std::fs::read(FLOODER).unwrap(),
            "",
            Duration::from_secs(5),
            2,
            Some(64),
        ),
    ];
    for (what, bytes, limits, time, code, memory) in cases {
        let stage = ProgramStage::sample().await;
        let path = stage.path("hostile.wasm");
        std::fs::write(&path, &bytes).unwrap();
        let settings = SampleConfig::default().component("hostile.wasm");
        let stage = stage.settings(&settings.limits(limits));
        let (over, PeakMemory(peak)) = measure(&stage, time, code).await;
        let peak = peak.unwrap_or_default().div_ceil(1024);
        println!(
            "hostile component: {what:<24} {:>4} ms after its limit, peak {peak} MiB",
            over.as_millis()
        );
        assert!(over <= patience(), "{what}: {over:?}");
        if let Some(limit) = memory {
            // The component's own bytes are read, and nothing of it is made.
            let most = limit + margin() / MIB;
            assert!(peak <= most, "{what}: {peak} MiB");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figures are there to be read")]
async fn memory_stays_within_the_policy_s_limit_and_a_little() {
    let cases = [
        ("a memory bomb", guest("memory"), 64, 4),
        ("a promotion", SampleConfig::default(), 64, 0),
        (
            "the smallest guest",
            SampleConfig::default().component(OBSERVER),
            64,
            1,
        ),
        (
            "a small memory bomb",
            guest("memory").limits("memory = \"16MiB\""),
            16,
            4,
        ),
        ("a long text", guest("a long text"), 64, 4),
        ("a text to escape", guest("a text to escape"), 64, 4),
        ("a long list", guest("a long list"), 64, 4),
        ("one text many times", guest("one text many times"), 64, 4),
        ("a long file", guest("a long file"), 64, 4),
        (
            "as many calls as can be",
            guest("clock").limits("calls = 10000"),
            64,
            4,
        ),
        ("endless long notes", guest("long notes"), 64, 4),
        (
            "printing without end",
            guest("print").limits("wall = \"4s\""),
            64,
            4,
        ),
    ];
    let count = if is_exact() { cases.len() } else { 2 };
    for (what, settings, limit, code) in cases.into_iter().take(count) {
        let stage = ProgramStage::sample().await.settings(&settings);
        let (_, PeakMemory(peak)) = measure(&stage, Duration::ZERO, code).await;
        let Some(peak) = peak else {
            println!("memory is not measured here: there is no /proc");
            return;
        };
        let peak = peak * 1024;
        let beyond = peak.div_ceil(MIB).saturating_sub(limit);
        println!(
            "memory: {what:<22} limit {limit:>3} MiB, peak {:>4} MiB, {beyond} beyond",
            peak.div_ceil(MIB)
        );
        assert!(peak <= limit * MIB + margin(), "{what}: {} MiB", peak / MIB);
    }
}
