//! Runs scenarios: compiled policies and the connection pool are shared, worlds are not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use anyhow::Context as _;
use tokio::sync::Notify;

use super::ask::StepExpect;
use super::bench::ScenarioBench;
use super::components::RunnerPolicies;
use super::expect::check;
use super::idle::idle;
use super::inject::{CallInjection, KillingTransport, RequestKill};
use super::model::{Scenario, ScenarioStep, StepAction};
use super::pair::differences;
use super::result::{ExpectMismatch, ReportedRun, ScenarioProblem, ScenarioReport, StepResult};
use super::running::RunningRuns;
use super::snapshot;
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::policy::native;
use promote_core::rule::RuleProgram;
use promote_core::service::http::Pool;
use promote_intake::choice::LoadPolicy;
use promote_intake::settings::SettingsSchema;
use promote_mock::server::{ServerOptions, ServerTime, WorldServer};
use promote_mock::transport::{GITHUB_URL, PORT_URL, REGISTRY_URL};
use promote_mock::{SharedWorld, World};

/// The way of requests to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScenarioBackend {
    /// In the same process.
    Mock,
    /// Through the connection pool of production and a server on loopback.
    Http,
}

/// Runs scenarios.
pub struct ScenarioRunner {
    pub(super) engine: Engine,
    pool: Pool,
    pub(super) named: BTreeMap<String, PathBuf>,
    /// The folder that keeps compiled policies between processes.
    pub(super) cache: Option<PathBuf>,
    /// With the time at which its file was last changed.
    pub(super) policies: Mutex<BTreeMap<PathBuf, (Option<SystemTime>, Policy)>>,
    /// Rules by file, as policies.
    pub(super) rules: Mutex<BTreeMap<PathBuf, (Option<SystemTime>, RuleProgram)>>,
    /// The settings schemas of policies, by digest.
    pub(super) schemas: Mutex<BTreeMap<String, KnownSchema>>,
    running: RunningRuns,
    seed: u64,
}

/// The schema of a policy's settings, or why it has none.
pub(super) type KnownSchema = Result<Arc<SettingsSchema>, String>;

impl ScenarioRunner {
    /// A runner that knows these policies by name; the name `builtin` replaces the default policy.
    ///
    /// # Errors
    /// When wasmtime or TLS cannot be set up on this machine.
    pub fn new(named: BTreeMap<String, PathBuf>) -> anyhow::Result<Self> {
        Ok(Self {
            engine: Engine::new(pooled()).context("starting wasmtime")?,
            pool: Pool::new().context("preparing HTTP")?,
            named,
            cache: None,
            policies: Mutex::default(),
            rules: Mutex::default(),
            schemas: Mutex::default(),
            running: RunningRuns::default(),
            seed: 7,
        })
    }

    /// Returns the engine that compiles the policies.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The same runner with another seed of the guest's random numbers and of the jitter of pauses.
    pub fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same runner, which keeps compiled policies in a folder for the next one, if there is a folder.
    pub fn caching(self, cache: Option<PathBuf>) -> Self {
        Self { cache, ..self }
    }

    /// Returns the folder that keeps compiled policies, if there is one.
    pub fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// The runs that go on now.
    pub fn running(&self) -> &RunningRuns {
        &self.running
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The files of the policies that scenarios have named.
    pub fn policy_files(&self) -> Vec<PathBuf> {
        let policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        policies.keys().cloned().collect()
    }

    /// Runs a scenario on one backend and returns what came of each step.
    ///
    /// # Errors
    /// When its policy cannot be used, or the world cannot be served.
    pub async fn run(
        &self,
        scenario: &Scenario,
        backend: ScenarioBackend,
    ) -> anyhow::Result<Vec<StepResult>> {
        let load = RunnerPolicies {
            runner: self,
            scenario,
        };
        let world = SharedWorld::new(scenario.world.clone());
        let server = match backend {
            ScenarioBackend::Mock => None,
            ScenarioBackend::Http => {
                let options = ServerOptions {
                    time: ServerTime::World,
                    ..ServerOptions::default()
                };
                Some(WorldServer::start(world.clone(), ([127, 0, 0, 1], 0).into(), options).await?)
            }
        };
        let mut bench = self.bench(scenario, &load, world);
        if let Some(server) = &server {
            // There the path tells the services apart.
            (bench.transport, bench.urls) =
                (Arc::new(self.pool.clone()), [(); 3].map(|()| server.url()));
        }
        let mut all = Vec::new();
        for (index, step) in scenario.steps.iter().enumerate() {
            let _running = self.running.start(scenario, step);
            all.push(bench.step(step, index, None).await?);
        }
        if let Some(server) = server {
            server.stop().await;
        }
        Ok(all)
    }

    /// Takes one step of a scenario in the process, on another world than the scenario's own, as this attempt (from 0)
    /// and with a call that goes wrong if there is an injection.
    ///
    /// # Errors
    /// When the policy cannot be used.
    pub async fn strike(
        &self,
        scenario: &Scenario,
        world: World,
        step: &ScenarioStep,
        attempt: usize,
        injection: Option<CallInjection>,
    ) -> anyhow::Result<StepResult> {
        let load = RunnerPolicies {
            runner: self,
            scenario,
        };
        let _running = self.running.start(scenario, step);
        self.bench(scenario, &load, SharedWorld::new(world))
            .step(step, attempt, injection)
            .await
    }

    /// Takes one step as [`ScenarioRunner::strike`] does, and kills it at a request. Returns the world that it leaves behind, and
    /// whether it was killed: a step that sends fewer requests was not.
    ///
    /// # Errors
    /// When the policy cannot be used.
    pub async fn kill(
        &self,
        scenario: &Scenario,
        world: World,
        step: &ScenarioStep,
        kill: RequestKill,
    ) -> anyhow::Result<(World, bool)> {
        let load = RunnerPolicies {
            runner: self,
            scenario,
        };
        let world = SharedWorld::new(world);
        let mut bench = self.bench(scenario, &load, world.clone());
        let killed = Arc::new(Notify::new());
        bench.transport = Arc::new(KillingTransport {
            transport: Arc::clone(&bench.transport),
            kill,
            sent: AtomicUsize::new(0),
            killed: Arc::clone(&killed),
        });
        // Dropped where it stands, as a killed process is.
        let is_killed = tokio::select! {
            ran = bench.step(step, 0, None) => ran.map(|_| false)?,
            () = killed.notified() => true,
        };
        Ok((world.snapshot(), is_killed))
    }

    /// A bench on the mock.
    fn bench<'a>(
        &'a self,
        scenario: &'a Scenario,
        load: &'a dyn LoadPolicy,
        world: SharedWorld,
    ) -> ScenarioBench<'a> {
        ScenarioBench {
            engine: &self.engine,
            load,
            scenario,
            transport: Arc::new(world.transport()),
            // The host of the in-process transport tells the services apart.
            urls: [PORT_URL, GITHUB_URL, REGISTRY_URL].map(str::to_owned),
            world,
            seed: self.seed,
        }
    }

    /// Runs a scenario, over HTTP as well if `http`, and holds what came of it against what it expects, and what the two
    /// backends came to against each other.
    ///
    /// # Errors
    /// As [`ScenarioRunner::run`].
    pub async fn test(&self, scenario: &Scenario, http: bool) -> anyhow::Result<ScenarioReport> {
        let started = Instant::now();
        let mock = self.run(scenario, ScenarioBackend::Mock).await?;
        let mut problems = Vec::new();
        judge(scenario, "on the mock", &mut problems, |index, expect| {
            check(expect, &mock[index])
        });
        for (index, mismatch) in idle(scenario, &mock) {
            problems.push(ScenarioProblem {
                line: scenario.steps[index].line,
                step: index + 1,
                at: "on the mock",
                mismatch,
                snapshot: None,
            });
        }
        for problem in &mut problems {
            let index = problem.step - 1;
            problem.snapshot = snapshot::of(
                &scenario.steps[index].expect,
                &mock[index],
                &problem.mismatch.key,
            );
        }
        if http {
            let http = self.run(scenario, ScenarioBackend::Http).await?;
            judge(
                scenario,
                "over HTTP, unlike on the mock",
                &mut problems,
                |index, expect| match first_together(scenario) {
                    Some(first) if first <= index => check(expect, &http[index]),
                    _ => differences(&mock[index], &http[index]),
                },
            );
        }
        Ok(ScenarioReport {
            title: scenario.title.clone(),
            path: scenario.path.clone(),
            took: started.elapsed(),
            problems,
            runs: ReportedRun::of(mock),
        })
    }
}

/// Memory and stacks of one instance are given to the next, as far as a small policy needs them: runs follow one another
/// by the thousand here, and half of what an instance costs is the kernel's work.
fn pooled() -> wasmtime::Config {
    let mut config = native::quick();
    let mut pool = wasmtime::PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(2 << 20)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10);
    config.allocation_strategy(pool);
    config
}

/// The first step in which runs begin at the same time: sockets have an order of their own, so from there on the two backends
/// need not agree in more than what the scenario expects.
fn first_together(scenario: &Scenario) -> Option<usize> {
    let mut steps = scenario.steps.iter();
    steps.position(|step| matches!(step.act, StepAction::Together(_)))
}

fn judge(
    scenario: &Scenario,
    at: &'static str,
    problems: &mut Vec<ScenarioProblem>,
    look: impl Fn(usize, &StepExpect) -> Vec<ExpectMismatch>,
) {
    for (index, step) in scenario.steps.iter().enumerate() {
        for mismatch in look(index, &step.expect) {
            problems.push(ScenarioProblem {
                line: step.line,
                step: index + 1,
                at,
                mismatch,
                snapshot: None,
            });
        }
    }
}
