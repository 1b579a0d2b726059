//! Starts the program as a workflow or a person does: with a world behind two sockets, a folder, and an environment of
//! which nothing comes from outside.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use promote_core::journal::JournalEntry;
use promote_core::journal::record;
use promote_mock::server::{ServerOptions, WorldServer};
use promote_mock::{SharedWorld, World, sample};
use promote_tests::settings::SampleConfig;
use promote_tests::witness::WorldWitness;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use crate::canary;

/// The program: the one that was built with the tests, or `PROMOTE_PROGRAM`, an optimised build for example.
pub(crate) static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    let built = env!("CARGO_BIN_EXE_promote-under-test").to_owned();
    std::env::var("PROMOTE_PROGRAM").unwrap_or(built)
});

/// A run of a test that takes longer hangs.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// Two services, a folder with `promote.toml` and `payload.json`, and the environment of the program.
pub(crate) struct ProgramStage {
    pub(crate) witness: WorldWitness,
    pub(crate) world: SharedWorld,
    pub(crate) port: String,
    pub(crate) github: String,
    servers: (Option<WorldServer>, WorldServer),
    folder: TempDir,
    environment: BTreeMap<String, String>,
    runs: AtomicU32,
}

impl ProgramStage {
    /// The sample world.
    pub(crate) async fn sample() -> Self {
        Self::of(World::sample()).await
    }

    /// Another world. Port and GitHub have an address of their own each, so that one can go down alone.
    pub(crate) async fn of(world: World) -> Self {
        Self::served(world, ServerOptions::default()).await
    }

    /// The sample world, with every answer this late.
    pub(crate) async fn slow(latency: Duration) -> Self {
        Self::served(
            World::sample(),
            ServerOptions {
                latency,
                ..ServerOptions::default()
            },
        )
        .await
    }

    async fn served(mut world: World, options: ServerOptions) -> Self {
        // Whatever the time of the world is, the program's is today's.
        for repository in &mut world.github.repositories {
            repository.created_at = Timestamp::now();
        }
        let told = world.environment();
        let world = SharedWorld::new(world);
        let serve =
            || WorldServer::start(world.clone(), ([127, 0, 0, 1], 0).into(), options.clone());
        let port = serve().await.unwrap();
        let github = serve().await.unwrap();
        let mut environment: BTreeMap<String, String> = told
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        environment.insert("PORT_API_URL".to_owned(), port.url());
        // One for all tests: it would take a second to compile a policy for each.
        let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled");
        environment.insert("PROMOTE_CACHE_DIR".to_owned(), cache.to_owned());
        environment.insert("GITHUB_API_URL".to_owned(), github.url());
        // Every run of a stage is an attempt of one workflow run: only such may go on after the Port run has ended.
        for (name, value) in [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/gitops"),
            ("GITHUB_RUN_ID", "1"),
            ("GITHUB_RUN_ATTEMPT", "2"),
        ] {
            environment.insert(name.to_owned(), value.to_owned());
        }
        let stage = Self {
            witness: WorldWitness::of(&world),
            world,
            port: port.url(),
            github: github.url(),
            servers: (Some(port), github),
            folder: tempfile::tempdir().unwrap(),
            environment,
            runs: AtomicU32::new(0),
        };
        stage.write("payload.json", &sample::payload().to_string());
        stage.settings(&SampleConfig::default())
    }

    /// With another `promote.toml`.
    pub(crate) fn settings(self, settings: &SampleConfig) -> Self {
        self.write("promote.toml", &settings.text());
        self
    }

    /// With this variable; an empty one is as good as none.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Without this variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Writes a file into the folder that the program is started in.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Returns the path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Reads a file of the folder that the program is started in.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Returns a text without what differs from stage to stage: its folder, and the addresses of its services.
    pub(crate) fn without_places(&self, text: &str) -> String {
        let folder = self.folder.path().display().to_string();
        [
            (&folder, "FOLDER"),
            (&self.port, "PORT"),
            (&self.github, "GITHUB"),
        ]
        .into_iter()
        .fold(text.to_owned(), |text, (place, name)| {
            text.replace(place.as_str(), name)
        })
    }

    /// Returns whether the folder has such a file.
    pub(crate) fn exists(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    /// Takes Port off the network, as if it had been killed.
    pub(crate) fn kill_port(&mut self) {
        self.servers.0 = None;
    }

    /// Returns whether GitHub still answers.
    pub(crate) fn github_is_up(&self) -> bool {
        self.servers.1.url() == self.github
    }

    /// `promote run --payload payload.json`, and more arguments.
    pub(crate) async fn run(&self, more: &[&str]) -> ProgramEnd {
        self.promote(&[&["run", "--payload", "payload.json"], more].concat())
            .await
    }

    /// The program with these arguments, to its end.
    pub(crate) async fn promote(&self, arguments: &[&str]) -> ProgramEnd {
        let mut command = Command::new(&*PROGRAM);
        command.args(arguments);
        self.start(command, "").end().await
    }

    /// Starts a command in the scrubbed environment.
    pub(crate) fn start(&self, mut command: Command, input: &str) -> RunningProgram {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let written = self.folder.path().join(format!("run-{number}"));
        std::fs::create_dir(&written).unwrap();
        let mut environment = self.environment.clone();
        for (name, file) in [
            ("GITHUB_OUTPUT", "outputs"),
            ("GITHUB_STEP_SUMMARY", "summary.md"),
            ("RUNNER_TEMP", ""),
        ] {
            environment.insert(name.to_owned(), written.join(file).display().to_string());
        }
        command
            .env_clear()
            .envs(&environment)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let started = Instant::now();
        RunningProgram {
            child: command.spawn().unwrap(),
            started,
            input: input.to_owned(),
            environment,
            written,
        }
    }
}

/// The program, started.
#[must_use]
pub(crate) struct RunningProgram {
    pub(crate) child: Child,
    started: Instant,
    input: String,
    environment: BTreeMap<String, String>,
    written: PathBuf,
}

impl RunningProgram {
    /// Waits for its end, and looks for secrets in all that it said and wrote.
    pub(crate) async fn end(self) -> ProgramEnd {
        self.end_within(MAX_WAIT).await
    }

    /// Likewise, for what takes longer than a run.
    pub(crate) async fn end_within(mut self, patience: Duration) -> ProgramEnd {
        let mut stdin = self.child.stdin.take().unwrap();
        // Who reads no input may have closed it.
        let _ = stdin.write_all(self.input.as_bytes()).await;
        drop(stdin);
        let output = tokio::time::timeout(patience, self.child.wait_with_output());
        let output = output.await.expect("the program ends in time").unwrap();
        let took = self.started.elapsed();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let stdout = text(&output.stdout);
        let stderr = text(&output.stderr);
        let searched = canary::search(&self.environment, &[&stdout, &stderr], &self.written);
        assert_eq!(searched, Ok(()));
        ProgramEnd {
            code: output.status.code(),
            took,
            stdout,
            stderr,
            written: self.written,
        }
    }
}

/// The outputs of a program that has ended.
#[must_use]
pub(crate) struct ProgramEnd {
    code: Option<i32>,
    /// The time that it ran.
    pub(crate) took: Duration,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    written: PathBuf,
}

impl ProgramEnd {
    /// It ended with this exit code.
    pub(crate) fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stderr, self.stdout);
        self
    }

    /// It said this, to people or to programs.
    pub(crate) fn expect_said(&self, text: &str) -> &Self {
        let said = format!("{}{}", self.stderr, self.stdout);
        assert!(said.contains(text), "{text:?} is not in:\n{said}");
        self
    }

    /// Its exit code; -1 if a signal ended it.
    pub(crate) fn code(&self) -> i32 {
        self.code.unwrap_or(-1)
    }

    /// The kind of its ending, from its standard output as JSON; without one it could not start.
    pub(crate) fn ending(&self) -> String {
        let said: Value = serde_json::from_str(&self.stdout).unwrap_or_default();
        said["outcome"].as_str().unwrap_or("unusable").to_owned()
    }

    /// The words of its ending, from the same place, or what it said instead.
    pub(crate) fn message(&self) -> String {
        let said: Value = serde_json::from_str(&self.stdout).unwrap_or_default();
        said["message"].as_str().unwrap_or(&self.stderr).to_owned()
    }

    /// Its standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The step summary, if there is one: only `run`, `plan` and `resume` write one.
    pub(crate) fn summary_if_any(&self) -> Option<String> {
        std::fs::read_to_string(self.written.join("summary.md")).ok()
    }

    /// The step summary.
    pub(crate) fn summary(&self) -> String {
        self.summary_if_any().unwrap()
    }

    /// The step's outputs, read as the runner reads them.
    pub(crate) fn outputs(&self) -> BTreeMap<String, String> {
        self.outputs_if_any().unwrap()
    }

    /// Likewise, if there are any: only `run` and `plan` write them.
    pub(crate) fn outputs_if_any(&self) -> Option<BTreeMap<String, String>> {
        let text = std::fs::read_to_string(self.written.join("outputs")).ok()?;
        let mut lines = text.lines();
        let mut outputs = BTreeMap::new();
        while let Some((name, delimiter)) = lines.next().map(|line| line.split_once("<<").unwrap())
        {
            let value: Vec<&str> = lines
                .by_ref()
                .take_while(|line| *line != delimiter)
                .collect();
            outputs.insert(name.to_owned(), value.join("\n"));
        }
        Some(outputs)
    }

    /// The journal's text, if there is one: a run may be killed before.
    pub(crate) fn journal_if_any(&self) -> Option<String> {
        let files = std::fs::read_dir(&self.written)
            .unwrap()
            .map(|file| file.unwrap().path());
        files
            .filter(|path| is_journal(path))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .next()
    }

    /// The journal's text.
    pub(crate) fn journal(&self) -> String {
        let files = std::fs::read_dir(&self.written)
            .unwrap()
            .map(|file| file.unwrap().path());
        let journals: Vec<PathBuf> = files.filter(|path| is_journal(path)).collect();
        let [journal] = &journals[..] else {
            panic!("not one journal: {journals:?}");
        };
        std::fs::read_to_string(journal).unwrap()
    }

    /// The journal's entries.
    pub(crate) fn entries(&self) -> Vec<JournalEntry> {
        record::read(self.journal().as_bytes()).unwrap()
    }
}

fn is_journal(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "jsonl")
}
