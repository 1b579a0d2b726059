//! One run in process: the real engine, gate and clients, on a world behind no socket, at the world's own time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use promote_core::contract::Workflow;
use promote_core::journal::record;
use promote_core::journal::{Entry, Journal, RunAudit};
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::run::observer::Silent;
use promote_core::run::{RunJob, RunMode, RunOrigin, RunResult, RunTask, run};
use promote_core::service::github;
use promote_core::service::port;
use promote_core::service::secret::Secret;
use promote_core::service::transport::{
    Clock as _, HttpRequest, HttpResponse, Transport, TransportError,
};
use promote_core::source::live::{Live, Setup};
use promote_intake::choice::Policies;
use promote_intake::config::{Config, Report};
use promote_intake::payload::Payload;
use promote_mock::sample::{self, CLIENT_ID, CLIENT_SECRET, GITHUB_TOKEN, RUN};
use promote_mock::{Shared, World, WorldTransport};
use tokio::sync::Notify;

use crate::settings::Settings;
use crate::witness::Witness;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| promote_core::policy::native::engine().unwrap());
static POLICIES: LazyLock<Mutex<HashMap<String, Policy>>> = LazyLock::new(Mutex::default);

/// Sees each request before the world does, with the bytes of the journal at that moment.
pub type Tap = Arc<dyn Fn(&HttpRequest, &[u8]) + Send + Sync>;

/// Where a run is killed: at the how-manieth request, counted from 1.
#[derive(Clone, Copy, Debug)]
pub struct Kill {
    /// The request that is never answered.
    pub at: usize,
    /// Whether it has its effect all the same.
    pub effect: bool,
}

/// What a run is made of.
pub struct Bench {
    component: String,
    settings: Settings,
    world: World,
    payload: String,
    mode: RunMode,
    tap: Tap,
    kill: Option<Kill>,
}

impl Bench {
    /// The default policy in the sample world.
    pub fn builtin() -> Self {
        Self {
            component: String::new(),
            settings: Settings::default(),
            world: World::sample(),
            payload: sample::payload().to_string(),
            mode: RunMode::Run,
            tap: Arc::new(|_, _| {}),
            kill: None,
        }
    }

    /// With this `promote.toml`.
    #[must_use]
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// Killed at a request.
    #[must_use]
    pub fn killed(self, kill: Kill) -> Self {
        Self {
            kill: Some(kill),
            ..self
        }
    }

    /// A guest in the sample world, with all that the default policy is granted there.
    pub fn guest(path: &str) -> Self {
        let settings = Settings::default().component(path);
        let component = path.to_owned();
        Self {
            component,
            settings,
            ..Self::builtin()
        }
    }

    /// With a misdeed for the guest to do.
    #[must_use]
    pub fn deed(self, deed: &str) -> Self {
        let settings = self.settings.deed(deed);
        Self { settings, ..self }
    }

    /// With these limits, as TOML.
    #[must_use]
    pub fn limits(self, limits: &str) -> Self {
        let settings = self.settings.limits(limits);
        Self { settings, ..self }
    }

    /// With these grants alone, as TOML.
    #[must_use]
    pub fn grants(self, grants: &str) -> Self {
        let settings = self.settings.grants(grants);
        Self { settings, ..self }
    }

    /// In another world.
    #[must_use]
    pub fn world(self, world: World) -> Self {
        Self { world, ..self }
    }

    /// With another message of Port.
    #[must_use]
    pub fn payload(self, payload: String) -> Self {
        Self { payload, ..self }
    }

    /// Kept back and shown, instead of made.
    #[must_use]
    pub fn planned(self) -> Self {
        let mode = RunMode::Plan;
        Self { mode, ..self }
    }

    /// Watched.
    #[must_use]
    pub fn tap(self, tap: impl Fn(&HttpRequest, &[u8]) + Send + Sync + 'static) -> Self {
        let tap = Arc::new(tap);
        Self { tap, ..self }
    }

    /// Runs it to its end.
    pub async fn run(self) -> Ended {
        let left = self.attempt().await;
        Ended {
            done: left.done.unwrap(),
            journal: left.journal,
            witness: left.witness,
        }
    }

    /// Runs it to its end, or until it is killed: then nothing of it goes on.
    pub async fn attempt(self) -> Left {
        let world = Shared::new(self.world);
        let witness = Witness::of(&world);
        let config = Config::parse(&self.settings.text()).unwrap();
        let policy = policy(&self.component);
        let policies = Policies::prepare(&config, &ENGINE, &policy).await.unwrap();
        let (journal, bytes) = Journal::in_memory();
        let clock = Arc::new(world.clock());
        let deadline = clock.now().checked_add(config.limits.wall).unwrap();
        let killed = Arc::new(Notify::new());
        let transport = Arc::new(Tapped {
            world: world.transport(),
            journal: bytes.clone(),
            tap: self.tap,
            kill: self.kill,
            killed: killed.clone(),
            sent: AtomicUsize::new(0),
        });
        let seed = 7;
        let payload = Payload::read(&self.payload).unwrap();
        let live = Live::new(setup(transport, &world, deadline, seed)).unwrap();
        let workflow = Workflow {
            repository: None,
            url: None,
            attempt: 1,
        };
        let job = RunJob {
            engine: &ENGINE,
            choice: &policies,
            grants: &config.grants,
            limits: config.limits.clone(),
            sets_status: config.port.report == Report::Host,
            actions: config.port.actions.identifiers(),
            origin: RunOrigin::PortRun(payload.into_claim()),
            workflow,
            audit: RunAudit::default(),
            task: match self.mode {
                RunMode::Run => RunTask::Run,
                RunMode::Plan => RunTask::Plan,
            },
            seed,
            live: Arc::new(live),
            clock,
            deadline,
            journal,
            observer: Arc::new(Silent),
            interpose: None,
        };
        let done = tokio::select! {
            done = run(job, std::future::pending()) => Some(done),
            () = killed.notified() => None,
        };
        let journal = String::from_utf8(bytes.lock().unwrap().clone()).unwrap();
        Left {
            done,
            journal,
            witness,
        }
    }
}

/// The clients of production in a world, without a run around them.
pub fn live(world: &Shared, deadline: jiff::Timestamp) -> Live {
    Live::new(setup(Arc::new(world.transport()), world, deadline, 7)).unwrap()
}

fn setup(
    transport: Arc<dyn Transport>,
    world: &Shared,
    deadline: jiff::Timestamp,
    seed: u64,
) -> Setup {
    let secret = |text| Secret::new("a secret of the sample", text).unwrap();
    Setup {
        transport,
        clock: Arc::new(world.clock()),
        deadline,
        seed,
        port_url: "https://port.mock".to_owned(),
        github_url: "https://github.mock".to_owned(),
        port: port::Credentials {
            client_id: CLIENT_ID.to_owned(),
            client_secret: secret(CLIENT_SECRET),
        },
        github: github::Credentials::Token(secret(GITHUB_TOKEN)),
        run: RUN.to_owned(),
        progress: Arc::new(|_| {}),
        mask: Arc::new(|_| {}),
    }
}

/// Compiled once, however many tests run it.
fn policy(path: &str) -> Policy {
    let mut policies = POLICIES.lock().unwrap_or_else(|held| held.into_inner());
    let compile = || {
        let bytes = match path {
            "" => promote_intake::builtin::POLICY.to_vec(),
            path => std::fs::read(path).unwrap(),
        };
        Policy::compile(&ENGINE, &bytes).unwrap()
    };
    policies
        .entry(path.to_owned())
        .or_insert_with(compile)
        .clone()
}

struct Tapped {
    world: WorldTransport,
    journal: Arc<Mutex<Vec<u8>>>,
    tap: Tap,
    kill: Option<Kill>,
    killed: Arc<Notify>,
    sent: AtomicUsize,
}

#[async_trait]
impl Transport for Tapped {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        (self.tap)(&request, &self.journal.lock().unwrap());
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(kill) = self.kill.filter(|kill| kill.at == number) {
            if kill.effect {
                let _never_told = self.world.send(request).await;
            }
            self.killed.notify_one();
            return std::future::pending().await;
        }
        self.world.send(request).await
    }
}

/// What is left of a run, ended or killed.
#[must_use]
pub struct Left {
    /// How it ended, unless it was killed.
    pub done: Option<RunResult>,
    /// The record.
    pub journal: String,
    /// What it left behind.
    pub witness: Witness,
}

/// What a run came to.
#[must_use]
pub struct Ended {
    /// In the host's words.
    pub done: RunResult,
    /// The record.
    pub journal: String,
    /// What it left behind.
    pub witness: Witness,
}

impl Ended {
    /// It ended in this way, and the words for it hold this text.
    pub fn expect(&self, kind: &str, text: &str) -> &Self {
        let (ending, message) = (&self.done.ending, &self.done.message);
        assert_eq!(ending.kind(), kind, "{message}");
        assert!(message.contains(text), "{text:?} is not in: {message}");
        let code = match kind {
            "promoted" | "unchanged" | "pending" => 0,
            "refused" => 1,
            "unusable" => 2,
            "failed" | "cancelled" => 3,
            _ => 4,
        };
        assert_eq!(ending.exit_code(), code);
        self
    }

    /// Port's run says the same, with this label.
    pub fn expect_said(&self, label: &str) -> &Self {
        let code = self.done.ending.exit_code();
        let status = if code == 0 { "SUCCESS" } else { "FAILURE" };
        self.witness.expect_port_run(status, label);
        self
    }

    /// Neither git nor the catalog has changed.
    pub fn expect_nothing_written(&self) -> &Self {
        self.witness.expect_nothing_written();
        self
    }

    /// The lines of the journal.
    pub fn entries(&self) -> Vec<Entry> {
        record::read(&self.journal).unwrap()
    }
}
