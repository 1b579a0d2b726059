//! Whole processes: started, timed, and watched for the memory that they need.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use promote_mock::server::{ServerOptions, WorldServer};
use promote_mock::{SharedWorld, World, sample};
use tempfile::TempDir;

use crate::recorded::JournalFolder;

/// The number of scenarios and journals that are run at once.
pub(crate) const THOUSAND: usize = 1_000;

/// The pause between two looks at a process: short enough to see the peak of a run of some milliseconds.
const LOOK_INTERVAL: Duration = Duration::from_micros(500);

/// One process that ended well.
pub(crate) struct ProcessSample {
    pub(crate) took: Duration,
    /// The most memory that it held at once.
    pub(crate) peak_mib: f64,
    /// The requests to the mock, in the order of arrival.
    pub(crate) requests: Vec<String>,
}

/// Which policy a start is measured with, and what is known of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProcessStart {
    Builtin,
    Cold,
    Cached,
}

/// A program, and a folder for what it reads and writes.
pub(crate) struct ProcessBench {
    program: PathBuf,
    folder: TempDir,
}

impl ProcessBench {
    pub(crate) fn new(program: &Path) -> anyhow::Result<Self> {
        let program = program
            .canonicalize()
            .with_context(|| format!("{}: `make build` makes it", program.display()))?;
        let folder = TempDir::new()?;
        std::fs::write(
            folder.path().join("payload.json"),
            sample::payload().to_string(),
        )?;
        std::fs::write(
            folder.path().join("promote.toml"),
            promote_kit::demo::CONFIG,
        )?;
        // The same component with another digest, so that what is part of the binary does not fit: a custom section of
        // one byte, its name, at the end (core specification, "Custom section").
        let other = [promote_intake::builtin::POLICY, &[0, 2, 1, b'x']].concat();
        std::fs::write(folder.path().join("other.wasm"), other)?;
        Ok(Self { program, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with a scrubbed environment and a cache of its own.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PROMOTE_CACHE_DIR", self.path("cache"));
        command
            .env("RUNNER_TEMP", self.path("journals"))
            .current_dir(self.folder.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Milliseconds from the start of a process to the end of the first call into a policy.
    pub(crate) fn start(&self, start: ProcessStart, runs: usize) -> anyhow::Result<Vec<f64>> {
        let policy = if start == ProcessStart::Builtin {
            "builtin"
        } else {
            "other.wasm"
        };
        let once = || {
            if start == ProcessStart::Cold {
                // The first time there is nothing to remove.
                let _ = std::fs::remove_dir_all(self.path("cache"));
            }
            Ok(time(self.command().args(["inspect", policy]))?.as_secs_f64() * 1e3)
        };
        // One to warm up.
        std::iter::repeat_with(once)
            .take(runs + 1)
            .skip(1)
            .collect()
    }

    /// Promotions in fresh worlds, after one that fills the cache.
    pub(crate) async fn promote_with(
        &self,
        policy: Option<&str>,
        latency: u64,
        runs: usize,
    ) -> anyhow::Result<Vec<ProcessSample>> {
        let config = match policy {
            None => promote_kit::demo::CONFIG.to_owned(),
            Some(file) => {
                let file = Path::new(file)
                    .canonicalize()
                    .with_context(|| file.to_owned())?;
                configured(&file)?
            }
        };
        std::fs::write(self.path("promote.toml"), config)?;
        let mut all = Vec::new();
        for _ in 0..=runs {
            let mut command = self.command();
            command.args([
                "run",
                "--config",
                "promote.toml",
                "--payload",
                "payload.json",
            ]);
            all.push(self.against_mock(command, latency).await?);
        }
        all.remove(0);
        Ok(all)
    }

    /// Another command, in a world of the same kind.
    pub(crate) async fn baseline(
        &self,
        command: &str,
        latency: u64,
    ) -> anyhow::Result<ProcessSample> {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        shell.env("PROMOTE_BENCH_CONFIG", self.path("promote.toml"));
        shell.env("PROMOTE_BENCH_PAYLOAD", self.path("payload.json"));
        self.against_mock(shell, latency).await
    }

    async fn against_mock(
        &self,
        mut command: Command,
        latency: u64,
    ) -> anyhow::Result<ProcessSample> {
        let world = SharedWorld::new(World::sample());
        let options = ServerOptions {
            latency: Duration::from_millis(latency),
            ..ServerOptions::default()
        };
        let server = WorldServer::start(world.clone(), ([127, 0, 0, 1], 0).into(), options).await?;
        command.envs(world.lock().environment());
        command
            .env("PORT_API_URL", server.url())
            .env("GITHUB_API_URL", server.url());
        let mut ran = tokio::task::spawn_blocking(move || watch(&mut command)).await??;
        let seen = &world.lock().seen;
        ran.requests = seen
            .iter()
            .map(|seen| format!("{} {} {}", seen.service, seen.method, seen.path))
            .collect();
        Ok(ran)
    }

    /// Returns the number of scenarios that the program runs in a second: those of this project, a thousand times altogether.
    pub(crate) fn scenarios(&self, runs: usize) -> anyhow::Result<Vec<f64>> {
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let files: Vec<PathBuf> = std::fs::read_dir(files)?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        let files = files
            .iter()
            .filter(|path| path.extension().is_some_and(|ext| ext == "toml"));
        let folder = self.path("scenarios");
        std::fs::create_dir(&folder)?;
        for (number, file) in files.cycle().take(THOUSAND).enumerate() {
            std::fs::copy(file, folder.join(format!("{number}.toml")))?;
        }
        let command = || {
            let mut command = self.command();
            command.arg("test").arg(&folder);
            command
        };
        a_second(command, runs)
    }

    /// Returns the number of journals that the program replays in a second.
    pub(crate) fn replays(
        &self,
        journals: &JournalFolder,
        more: &[&str],
        runs: usize,
    ) -> anyhow::Result<Vec<f64>> {
        let command = || {
            let mut command = self.command();
            command.arg("replay").args(more).arg(journals.folder());
            command
        };
        a_second(command, runs)
    }
}

/// A configuration for a policy: the one beside it, which a project of `promote new` has, or the sample's.
fn configured(component: &Path) -> anyhow::Result<String> {
    let own = std::fs::read_to_string(component.with_file_name("promote.toml"));
    let mut config: toml::Table =
        toml::from_str(own.as_deref().unwrap_or(promote_kit::demo::CONFIG))?;
    let policy = config
        .entry("policy")
        .or_insert_with(|| toml::Table::new().into());
    let policy = policy.as_table_mut().context("`policy` is no table")?;
    policy.insert(
        "component".to_owned(),
        component.display().to_string().into(),
    );
    Ok(config.to_string())
}

/// Returns the number of things that a command does in a second, of a thousand, after a run to warm up.
fn a_second(command: impl Fn() -> Command, runs: usize) -> anyhow::Result<Vec<f64>> {
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let once = || Ok(THOUSAND as f64 / time(&mut command())?.as_secs_f64());
    std::iter::repeat_with(once)
        .take(runs + 1)
        .skip(1)
        .collect()
}

/// Runs a command to its end, which must be a good one, and looks at its memory meanwhile.
fn watch(command: &mut Command) -> anyhow::Result<ProcessSample> {
    let started = Instant::now();
    let mut child = command.spawn().context("starting it")?;
    let id = child.id().to_string();
    let over = AtomicBool::new(false);
    let (ended, took, peak_mib) = thread::scope(|scope| {
        let peak = scope.spawn(|| peak(&id, &over));
        let ended = child.wait();
        let took = started.elapsed();
        over.store(true, Ordering::Relaxed);
        (
            ended,
            took,
            peak.join().expect("to look at a process does not panic"),
        )
    });
    well(command, ended?)?;
    Ok(ProcessSample {
        took,
        peak_mib,
        requests: Vec::new(),
    })
}

/// Returns the time that a command takes, with nobody looking: that takes part of the processor that is measured.
fn time(command: &mut Command) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let ended = command.status().context("starting it")?;
    let took = started.elapsed();
    well(command, ended)?;
    Ok(took)
}

fn well(command: &Command, ended: ExitStatus) -> anyhow::Result<()> {
    ensure!(ended.success(), "{command:?} ended with {ended}");
    Ok(())
}

/// The most memory that a process and those that it has started are seen to have until it is over.
fn peak(id: &str, over: &AtomicBool) -> f64 {
    let mut peak = 0.0_f64;
    while !over.load(Ordering::Relaxed) {
        peak = peak.max(high_water(id));
        thread::sleep(LOOK_INTERVAL);
    }
    peak
}

/// Returns what Linux says of the most memory that a process has held so far, with those that it has started and that are still
/// there: a baseline is run by a shell, whose own memory says nothing. 0 elsewhere.
fn high_water(id: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    // Those of its first thread, which are all that a shell has.
    let children =
        std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    kib.unwrap_or(0.0) / 1024.0 + children.split_whitespace().map(high_water).sum::<f64>()
}
