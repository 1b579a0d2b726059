//! The cost of the parts of a run by themselves, measured by divan. A whole run here has no process, disk or socket around it.

use std::sync::{Arc, LazyLock};

use divan::{Bencher, black_box};
use jiff::Timestamp;
use promote_core::call::Call;
use promote_core::journal::{Journal, JournalEntry};
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_intake::config::Config;
use promote_intake::payload::Payload;
use promote_kit::replay::{PolicyTrial, RuleChoice, RunRecording};
use promote_mock::{SharedWorld, World, sample};
use promote_tests::bench::TestRun;
use tokio::runtime::{Builder, Runtime};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| promote_core::policy::native::engine().unwrap());
static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::compile(&ENGINE, promote_intake::builtin::POLICY).unwrap());

/// Runs every benchmark of this file.
pub(crate) fn run() {
    divan::Divan::default().run_benches();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

#[divan::bench]
fn payload_read() -> Payload {
    static TEXT: LazyLock<String> = LazyLock::new(|| sample::payload().to_string());
    Payload::read(black_box(&TEXT)).unwrap()
}

#[divan::bench]
fn configuration_read() -> Config {
    Config::parse(black_box(promote_kit::demo::CONFIG)).unwrap()
}

#[divan::bench]
fn journal_line(bencher: Bencher<'_, '_>) {
    let entry = || -> JournalEntry {
        JournalEntry::Call {
            number: 1,
            at: Timestamp::UNIX_EPOCH,
            request: Call::Now,
        }
    };
    let with = || (Journal::in_memory().0, entry());
    bencher
        .with_inputs(with)
        .bench_local_values(|(mut journal, entry)| journal.add(&entry).unwrap());
}

#[divan::bench]
fn world_cloned(bencher: Bencher<'_, '_>) {
    let world = World::sample();
    bencher.bench_local(|| SharedWorld::new(world.clone()));
}

#[divan::bench]
fn policy_described(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    bencher.bench_local(|| runtime.block_on(ENGINE.describe(&POLICY.program)).unwrap());
}

#[divan::bench]
fn promotion_on_the_mock(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    bencher.bench_local(|| runtime.block_on(TestRun::builtin().run()).done);
}

#[divan::bench]
fn promotion_tried_again(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let journal: Arc<str> = runtime.block_on(TestRun::builtin().run()).journal.into();
    let trial = PolicyTrial {
        engine: &ENGINE,
        policy: &POLICY,
        settings: None,
        limits: None,
        rules: RuleChoice::Configured(&[]),
    };
    bencher.bench_local(|| trial.on(RunRecording::read(journal.as_bytes()).unwrap(), &runtime));
}
