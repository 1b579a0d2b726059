//! Hostile policies: each tries one thing. For each: how the run ends, its exit code, what it says, what it leaves behind,
//! how long it takes, and how much memory. One of each class, and whatever has a file of its own, runs by the program over
//! HTTP; the others, which differ in a name, in process. With `PROMOTE_HOSTILE=all` (`make hostile`) the program runs all.
//!
//! `authority` is about what a policy may touch, `resources` about what it may use up, `files` about what is no policy at
//! all, `words` about what somebody might obey. The table with the outcomes is printed.

mod authority;
mod files;
mod gambler;
pub(crate) mod grafts;
mod resources;
mod words;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use promote_tests::bench::TestRun;
use promote_tests::settings::SampleConfig;
use promote_tests::witness::WorldWitness;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::figures;
use crate::grants::with_a_foreign_pull_request;
use crate::injection::obeyed;
use crate::memory::{self, PeakMemory};
use crate::stage::{PROGRAM, ProgramStage};

/// The number of cases that run side by side.
const MAX_PARALLEL: usize = 4;
/// A case that takes longer hangs: the largest deadline of a case is 8 s, and a busy machine may need many times that.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// One case.
pub(super) struct HostileCase {
    /// The kind of attack.
    class: &'static str,
    /// The very thing that is tried.
    what: String,
    component: HostileComponent,
    deed: String,
    text: String,
    limits: &'static str,
    tier: &'static str,
    /// The kind of the ending, and words of its message.
    ending: &'static str,
    said: &'static str,
    left: ChangeReach,
}

/// The component of a case.
enum HostileComponent {
    /// A component of `tests/guests`.
    Guest(&'static str),
    /// These bytes in a file.
    Bytes(Vec<u8>),
    /// Whatever is at that path.
    Path(&'static str),
}

/// The largest change that a run may leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChangeReach {
    /// No request was made.
    NoRequest,
    /// Neither git nor the catalog has changed.
    Nothing,
    /// A branch and a pull request; production and the catalog are as they were.
    Proposal,
    /// The right change is merged; the catalog is as it was.
    Merge,
    /// All that was to be done.
    Everything,
}

impl HostileCase {
    /// A guest's deed that ends like this and leaves nothing.
    fn of(
        class: &'static str,
        guest: &'static str,
        deed: &str,
        ending: &'static str,
        said: &'static str,
    ) -> Self {
        Self {
            class,
            what: deed.to_owned(),
            component: HostileComponent::Guest(guest),
            deed: deed.to_owned(),
            text: String::new(),
            limits: "",
            tier: "",
            ending,
            said,
            left: ChangeReach::Nothing,
        }
    }

    fn text(mut self, text: &str) -> Self {
        self.what = format!("{} {:.60}", self.deed, format!("{text:?}"));
        self.text = text.to_owned();
        self
    }

    fn limits(self, limits: &'static str) -> Self {
        Self { limits, ..self }
    }

    fn leaves(self, left: ChangeReach) -> Self {
        Self { left, ..self }
    }

    fn settings(&self, component: &str) -> SampleConfig {
        let settings = SampleConfig::default()
            .component(component)
            .order(&self.deed, &self.text);
        let settings = if self.tier.is_empty() {
            settings
        } else {
            settings.tier(self.tier)
        };
        if self.limits.is_empty() {
            settings
        } else {
            settings.limits(self.limits)
        }
    }

    /// Runs it and returns its row of the table.
    async fn run(self, by_program: bool) -> Result<HostileRow, String> {
        match &self.component {
            HostileComponent::Guest(path) if !by_program => self.run_in_process(path).await,
            _ => self.run_by_program().await,
        }
    }

    async fn run_by_program(&self) -> Result<HostileRow, String> {
        let stage = ProgramStage::of(with_a_foreign_pull_request()).await;
        let component = match &self.component {
            HostileComponent::Guest(path) | HostileComponent::Path(path) => (*path).to_owned(),
            HostileComponent::Bytes(bytes) => write(&stage, bytes).display().to_string(),
        };
        // As in a workflow, where most is obeyed of what is printed.
        let stage = stage
            .settings(&self.settings(&component))
            .with("GITHUB_ACTIONS", "true");
        let mut command = Command::new(&*PROGRAM);
        command.args(["run", "--payload", "payload.json", "--format", "json"]);
        let started = Instant::now();
        let running = stage.start(command, "");
        let peak = memory::watch(running.child.id());
        let ended = running.end().await;
        let took = started.elapsed();
        let peak = Some(peak.await.unwrap_or_default());
        let row = self.row(ended.ending(), ended.code(), ended.message(), took, peak);
        match obeyed(&ended).as_slice() {
            [] => self.check(row, &stage.witness),
            found => Err(format!("somebody would obey {found:?}\n{row}\n")),
        }
    }

    async fn run_in_process(&self, path: &str) -> Result<HostileRow, String> {
        let bench = TestRun::guest(path)
            .settings(self.settings(path))
            .world(with_a_foreign_pull_request());
        let started = Instant::now();
        let ended = bench.run().await;
        let ending = &ended.done.ending;
        let took = started.elapsed();
        let message = ended.done.message.clone();
        let row = self.row(
            ending.kind().to_owned(),
            ending.exit_code().into(),
            message,
            took,
            None,
        );
        self.check(row, &ended.witness)
    }

    fn row(
        &self,
        ending: String,
        code: i32,
        message: String,
        took: Duration,
        peak: Option<PeakMemory>,
    ) -> HostileRow {
        HostileRow {
            class: self.class,
            what: self.what.clone(),
            ending,
            code,
            message,
            took,
            peak,
        }
    }

    fn check(&self, row: HostileRow, witness: &WorldWitness) -> Result<HostileRow, String> {
        let left = left_behind(witness);
        let expected = (self.ending, code(self.ending), self.left);
        if (row.ending.as_str(), row.code, left) != expected || !row.message.contains(self.said) {
            return Err(format!(
                "expected {expected:?} with {:?}, got {left:?} and\n{row}\n",
                self.said
            ));
        }
        if let Some(seen) = climbed(witness) {
            return Err(format!(
                "a request climbed out of its place: {seen}\n{row}\n"
            ));
        }
        if row.took > MAX_WAIT {
            return Err(format!("took too long:\n{row}\n"));
        }
        match row.peak {
            Some(PeakMemory(Some(kib))) if kib << 10 > self.memory() + figures::margin() => {
                Err(format!("took too much memory:\n{row}\n"))
            }
            _ => Ok(row),
        }
    }

    /// Returns the bytes of memory that the policy may have.
    fn memory(&self) -> usize {
        let set = self
            .limits
            .split_once("memory = \"")
            .and_then(|(_, rest)| rest.split_once("MiB\""));
        set.map_or(64, |(size, _)| size.parse().unwrap()) << 20
    }
}

fn left_behind(witness: &WorldWitness) -> ChangeReach {
    let before = witness.before();
    let now = witness.world.snapshot();
    let catalog_is_same = now.port.entities == before.port.entities;
    match (
        now.github.fingerprint() == before.github.fingerprint(),
        catalog_is_same,
    ) {
        (true, true) if witness.requests() == 0 => ChangeReach::NoRequest,
        (true, true) => ChangeReach::Nothing,
        (false, true) if witness.manifest().contains("web:1.4.1") => ChangeReach::Proposal,
        (false, true) => ChangeReach::Merge,
        _ => {
            // More than the one right update would be no ending that a case can expect.
            assert_eq!(witness.recorded(), ["web-1.4.2"]);
            assert!(witness.manifest().contains("web:1.4.2"));
            ChangeReach::Everything
        }
    }
}

/// A request whose path a lenient server would take for another.
fn climbed(witness: &WorldWitness) -> Option<String> {
    let world = witness.world.lock();
    let climbs = |path: &str| path.split('/').any(|part| matches!(part, "" | "." | ".."));
    world
        .seen
        .iter()
        .map(|seen| &seen.path)
        .find(|path| climbs(&path[1..]))
        .cloned()
}

fn write(stage: &ProgramStage, bytes: &[u8]) -> PathBuf {
    let path = stage.write("hostile.wasm", "");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The exit code that each ending has.
fn code(ending: &str) -> i32 {
    match ending {
        "promoted" | "unchanged" | "waiting" => 0,
        "refused" => 1,
        "unusable" => 2,
        "failed" | "cancelled" => 3,
        _ => 4,
    }
}

/// The result of a case.
struct HostileRow {
    class: &'static str,
    what: String,
    ending: String,
    code: i32,
    message: String,
    took: Duration,
    peak: Option<PeakMemory>,
}

impl fmt::Display for HostileRow {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            class,
            what,
            ending,
            code,
            message,
            took,
            peak,
        } = self;
        let message: String = message.chars().take(110).collect();
        let peak = peak.map_or_else(|| "in process".to_owned(), |peak| peak.to_string());
        write!(
            to,
            "{class:<18} {what:<64.64} {ending:<9} {code} {:>6} ms {peak:>10} {message:?}",
            took.as_millis()
        )
    }
}

/// Returns whether the program runs every case.
fn is_whole() -> bool {
    std::env::var("PROMOTE_HOSTILE").is_ok_and(|which| which == "all")
}

/// Runs cases, a few side by side, and prints their table.
#[expect(clippy::print_stdout, reason = "the table is there to be read")]
async fn all(name: &str, cases: Vec<HostileCase>) {
    let count = cases.len();
    let started = Instant::now();
    let turn = Arc::new(Semaphore::new(MAX_PARALLEL));
    let mut running = JoinSet::new();
    let mut classes = BTreeSet::new();
    let whole = is_whole();
    for (index, case) in cases.into_iter().enumerate() {
        let turn = Arc::clone(&turn);
        let first = classes.insert(case.class);
        running.spawn(async move {
            let _turn = turn.acquire_owned().await.unwrap();
            (index, case.run(first || whole).await)
        });
    }
    let mut rows = running.join_all().await;
    rows.sort_by_key(|(index, _)| *index);
    let (rows, wrong): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .map(|(_, row)| row)
        .partition(Result::is_ok);
    for row in rows.iter().flatten() {
        println!("{row}");
    }
    let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
    println!(
        "{name}: {count} hostile cases of {} kinds, {} not as expected, in {} s",
        classes.len(),
        wrong.len(),
        started.elapsed().as_secs()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_may_not_touch_it_does_not_touch() {
    all("authority", authority::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_may_not_use_up_it_does_not_use_up() {
    all("resources", resources::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_policy_is_not_run() {
    all("files", files::cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_says_nobody_obeys() {
    all("words", words::cases()).await;
}

#[test]
fn there_are_enough() {
    let cases = [
        authority::cases(),
        resources::cases(),
        files::cases(),
        words::cases(),
    ];
    let count: usize = cases.iter().map(Vec::len).sum();
    assert!(count >= 190, "{count}");
}
