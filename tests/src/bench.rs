//! One run in process: the real engine, gate and clients, on a world behind no socket, at the world's own time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use promote_core::contract::Workflow;
use promote_core::journal::record;
use promote_core::journal::{Journal, JournalEntry, RunAudit};
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::run::observer::Silent;
use promote_core::run::{OperatorTerms, RunJob, RunMode, RunOrigin, RunResult, RunTask, run};
use promote_core::service::github;
use promote_core::service::port;
use promote_core::service::secret::Secret;
use promote_core::service::transport::{
    Clock as _, HttpRequest, HttpResponse, Transport, TransportError,
};
use promote_core::source::live::{Live, LiveSetup};
use promote_intake::choice::Policies;
use promote_intake::config::Config;
use promote_intake::payload::Payload;
use promote_mock::sample::{self, CLIENT_ID, CLIENT_SECRET, GITHUB_TOKEN, RUN};
use promote_mock::{SharedWorld, World, WorldTransport};
use tokio::sync::Notify;

use crate::settings::SampleConfig;
use crate::witness::WorldWitness;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| promote_core::policy::native::engine().unwrap());
static POLICIES: LazyLock<Mutex<HashMap<String, Policy>>> = LazyLock::new(Mutex::default);

/// A function that gets each request before the world does, with the bytes of the journal at that moment.
pub type RequestTap = Arc<dyn Fn(&HttpRequest, &[u8]) + Send + Sync>;

/// The request at which a run is killed, counted from 1.
#[derive(Clone, Copy, Debug)]
pub struct KillPoint {
    /// The number of the request, which is never answered.
    pub at: usize,
    /// True if the request has its effect all the same.
    pub effect: bool,
}

/// A run that is yet to be started.
pub struct TestRun {
    component: String,
    settings: SampleConfig,
    world: World,
    payload: String,
    mode: RunMode,
    tap: RequestTap,
    kill: Option<KillPoint>,
}

impl TestRun {
    /// Takes the default policy and the sample world.
    pub fn builtin() -> Self {
        Self {
            component: String::new(),
            settings: SampleConfig::default(),
            world: World::sample(),
            payload: sample::payload().to_string(),
            mode: RunMode::Run,
            tap: Arc::new(|_, _| {}),
            kill: None,
        }
    }

    /// Takes another `promote.toml`.
    #[must_use]
    pub fn settings(self, settings: SampleConfig) -> Self {
        Self { settings, ..self }
    }

    /// Kills the run at a request.
    #[must_use]
    pub fn killed(self, kill: KillPoint) -> Self {
        Self {
            kill: Some(kill),
            ..self
        }
    }

    /// Takes a guest and the sample world, with the grants of the default policy.
    pub fn guest(path: &str) -> Self {
        let settings = SampleConfig::default().component(path);
        let component = path.to_owned();
        Self {
            component,
            settings,
            ..Self::builtin()
        }
    }

    /// Has the guest do a misdeed.
    #[must_use]
    pub fn deed(self, deed: &str) -> Self {
        let settings = self.settings.deed(deed);
        Self { settings, ..self }
    }

    /// Takes other limits, as TOML.
    #[must_use]
    pub fn limits(self, limits: &str) -> Self {
        let settings = self.settings.limits(limits);
        Self { settings, ..self }
    }

    /// Takes other grants, as TOML.
    #[must_use]
    pub fn grants(self, grants: &str) -> Self {
        let settings = self.settings.grants(grants);
        Self { settings, ..self }
    }

    /// Takes another world.
    #[must_use]
    pub fn world(self, world: World) -> Self {
        Self { world, ..self }
    }

    /// Takes another message of Port.
    #[must_use]
    pub fn payload(self, payload: String) -> Self {
        Self { payload, ..self }
    }

    /// Keeps the writes back and shows them.
    #[must_use]
    pub fn planned(self) -> Self {
        let mode = RunMode::Plan;
        Self { mode, ..self }
    }

    /// Calls a function before each request.
    #[must_use]
    pub fn tap(self, tap: impl Fn(&HttpRequest, &[u8]) + Send + Sync + 'static) -> Self {
        let tap = Arc::new(tap);
        Self { tap, ..self }
    }

    /// Runs it to its end.
    pub async fn run(self) -> TestResult {
        let left = self.attempt().await;
        TestResult {
            done: left.done.unwrap(),
            journal: left.journal,
            witness: left.witness,
        }
    }

    /// Runs it until it ends or is killed.
    pub async fn attempt(self) -> AttemptResult {
        let world = SharedWorld::new(self.world);
        let witness = WorldWitness::of(&world);
        let config = Config::parse(&self.settings.text()).unwrap();
        let policy = policy(&self.component);
        let policies = Policies::prepare(&config, &ENGINE, &policy).await.unwrap();
        let (journal, bytes) = Journal::in_memory();
        let clock = Arc::new(world.clock());
        let deadline = clock.now().checked_add(config.limits.wall).unwrap();
        let killed = Arc::new(Notify::new());
        let transport = Arc::new(TappedTransport {
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
            repository: Some("acme/gitops".to_owned()),
            url: Some("https://github.com/acme/gitops/actions/runs/1".to_owned()),
            // Only another attempt of the same workflow run may go on after the Port run has ended.
            attempt: 2,
        };
        let job = RunJob {
            engine: &ENGINE,
            choice: &policies,
            terms: OperatorTerms {
                environment: None,
                ..config.terms()
            },
            origin: RunOrigin::PortRun(payload.into_claim()),
            workflow,
            workflows: None,
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
        AttemptResult {
            done,
            journal,
            witness,
        }
    }
}

/// Makes the clients of production in a world, without a run around them.
pub fn live(world: &SharedWorld, deadline: jiff::Timestamp) -> Live {
    Live::new(setup(Arc::new(world.transport()), world, deadline, 7)).unwrap()
}

/// Returns all that the clients of a world need, with the credentials of the sample.
pub fn setup(
    transport: Arc<dyn Transport>,
    world: &SharedWorld,
    deadline: jiff::Timestamp,
    seed: u64,
) -> LiveSetup {
    let secret = |text| Secret::new("a secret of the sample", text).unwrap();
    LiveSetup {
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
        registry: promote_core::service::registry::RegistrySetup {
            mirror: Some(promote_mock::transport::REGISTRY_URL.to_owned()),
            ..Default::default()
        },
        verifier: Arc::new(promote_attest::AttestationVerifier::embedded()),
        run: RUN.to_owned(),
        progress: Arc::new(|_| {}),
        mask: Arc::new(|_| {}),
    }
}

/// Compiles a component once, however many tests run it.
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

struct TappedTransport {
    world: WorldTransport,
    journal: Arc<Mutex<Vec<u8>>>,
    tap: RequestTap,
    kill: Option<KillPoint>,
    killed: Arc<Notify>,
    sent: AtomicUsize,
}

#[async_trait]
impl Transport for TappedTransport {
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

/// The result of a run that may have been killed.
#[must_use]
pub struct AttemptResult {
    /// The end of the run, unless it was killed.
    pub done: Option<RunResult>,
    /// The journal.
    pub journal: String,
    /// The world after the run.
    pub witness: WorldWitness,
}

/// The result of a run that has ended.
#[must_use]
pub struct TestResult {
    /// The result of the host.
    pub done: RunResult,
    /// The journal.
    pub journal: String,
    /// The world after the run.
    pub witness: WorldWitness,
}

impl TestResult {
    /// Checks the kind of ending, its exit code and a part of its message.
    pub fn expect(&self, kind: &str, text: &str) -> &Self {
        let ending = &self.done.ending;
        let message = &self.done.message;
        assert_eq!(ending.kind(), kind, "{message}");
        assert!(message.contains(text), "{text:?} is not in: {message}");
        let code = match kind {
            "promoted" | "unchanged" | "waiting" => 0,
            "refused" => 1,
            "unusable" => 2,
            "failed" | "cancelled" => 3,
            _ => 4,
        };
        assert_eq!(ending.exit_code(), code);
        self
    }

    /// Checks that Port's run says the same, with this label.
    pub fn expect_said(&self, label: &str) -> &Self {
        let code = self.done.ending.exit_code();
        let status = if code == 0 { "SUCCESS" } else { "FAILURE" };
        self.witness.expect_port_run(status, label);
        self
    }

    /// Checks that neither git nor the catalog has changed.
    pub fn expect_nothing_written(&self) -> &Self {
        self.witness.expect_nothing_written();
        self
    }

    /// Returns the entries of the journal.
    pub fn entries(&self) -> Vec<JournalEntry> {
        record::read(self.journal.as_bytes()).unwrap()
    }
}
