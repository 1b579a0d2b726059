//! Compiles and runs components, with every limit on.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Store};

use crate::contract::{self, Description, Failure, Outcome, PolicyPre, Request, RulePre};
use crate::journal::{digest, json};
use crate::limits::{LimitReached, Limits};
use crate::policy::compile::{self, CompileError, CompileLimits, StopFlag};
use crate::policy::crash;
use crate::policy::sandbox::{Door, Sandbox, SandboxSetup};

/// Most bytes of what a policy returns: people read it.
const MAX_OUTCOME: usize = 256 << 10;

/// The time after which a running guest lets go of the thread, so that a deadline can be seen.
const TICK: Duration = Duration::from_millis(10);

/// The target that policies are compiled for, as the build script saw it.
const TARGET: &str = env!("PROMOTE_TARGET");

/// A compiler, and everything that a component is linked to.
pub struct Engine {
    engine: wasmtime::Engine,
    linker: Linker<Sandbox>,
    /// For rules: inert WASI, and nothing that can be called.
    rule_linker: Linker<Sandbox>,
    compile_limits: CompileLimits,
    stop: StopFlag,
}

/// A component that is ready to run, and the SHA-256 of exactly its bytes.
#[derive(Clone)]
pub struct Program {
    component: Component,
    digest: String,
    /// Linked with the first use, once for all instances.
    linked: Arc<OnceLock<PolicyPre<Sandbox>>>,
}

/// The result of one run of a policy.
pub enum Verdict {
    /// It returned.
    Returned(Result<Outcome, Failure>),
    /// It ran into a limit.
    Limit(LimitReached),
    /// It was stopped from outside.
    Cancelled,
    /// It trapped, or the host stopped it.
    Trapped(wasmtime::Error),
}

impl Verdict {
    /// Returns whether the policy refused.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Returned(Ok(Outcome::Refused(_))))
    }
}

impl Engine {
    /// An engine with the linked contract and inert WASI. How code is made and kept is the configuration's; what limits a
    /// guest is set here, whatever that says.
    ///
    /// # Errors
    /// When wasmtime does not support this machine.
    pub fn new(config: Config) -> anyhow::Result<Self> {
        Self::link(config).map_err(plain)
    }

    fn link(mut config: Config) -> wasmtime::Result<Self> {
        config
            .wasm_component_model(true)
            .epoch_interruption(true)
            .max_wasm_stack(512 << 10);
        // Named, so that no feature of this processor is used: what one machine compiles, all of its kind can load.
        config.target(TARGET)?;
        let engine = wasmtime::Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        contract::Policy::add_to_linker::<_, HasSelf<_>>(&mut linker, |sandbox| sandbox)?;
        let mut rule_linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut rule_linker)?;
        tick(&engine)?;
        Ok(Self {
            engine,
            linker,
            rule_linker,
            compile_limits: CompileLimits::default(),
            stop: StopFlag::default(),
        })
    }

    /// wasmtime's own engine.
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// Returns the same engine with other limits for its compiler, which a flag stops.
    #[must_use]
    pub fn with_compile_limits(self, limits: CompileLimits, stop: StopFlag) -> Self {
        Self {
            compile_limits: limits,
            stop,
            ..self
        }
    }

    /// Compiles a component within the engine's limits. Nothing of it runs.
    ///
    /// # Errors
    /// When it is not a valid component, or takes more than it may.
    pub fn compile(&self, bytes: &[u8]) -> Result<Program, CompileError> {
        let component = compile::compile(&self.engine, bytes, &self.compile_limits, &self.stop)?;
        Ok(self.adopt(component, bytes))
    }

    /// Takes what exactly these bytes were compiled to before, for an engine of the same settings.
    pub fn adopt(&self, component: Component, bytes: &[u8]) -> Program {
        Program {
            component,
            digest: digest(bytes),
            linked: Arc::default(),
        }
    }

    /// Checks that a component's imports and exports have the contract's types; their names alone say little.
    ///
    /// # Errors
    /// Names the import or export that does not fit.
    pub fn check_types(&self, program: &Program) -> wasmtime::Result<()> {
        self.linked(program).map(drop)
    }

    /// Asks a policy what it is, in an instance that can make no call.
    ///
    /// # Errors
    /// When it traps, or takes longer than five seconds.
    pub async fn describe(&self, program: &Program) -> anyhow::Result<Description> {
        let limits = Limits {
            wall: Duration::from_secs(5),
            ..Limits::default()
        };
        let mut store = self.store(
            Sandbox::new(None, &SandboxSetup::default(), &limits),
            limits.traffic,
        );
        let asked = async {
            let instance = self.linked(program)?.instantiate_async(&mut store).await?;
            instance
                .promote_policy_about()
                .call_describe(&mut store)
                .await
        };
        let (why, places) = match tokio::time::timeout(limits.wall, asked).await {
            Ok(Ok(described)) => return Ok(described),
            Ok(Err(trap)) if trap.is::<wasmtime::Trap>() => (
                anyhow::anyhow!("`describe` crashed: {}", trap.root_cause()),
                crash::places(&trap),
            ),
            Ok(Err(error)) => (plain(error), String::new()),
            Err(_) => (
                anyhow::anyhow!("`describe` took longer than {:?}", limits.wall),
                String::new(),
            ),
        };
        // A policy says in its own words what went wrong, if it says anything.
        let printed = store.data().printed() + &places;
        match printed.trim() {
            "" => Err(why),
            printed => Err(why.context(format!("it printed:\n{printed}"))),
        }
    }

    /// Runs a policy once; its door comes back with everything that it has seen, and what the policy printed.
    pub async fn run<D: Door>(
        &self,
        program: &Program,
        request: &Request,
        door: D,
        surroundings: &SandboxSetup,
        cancel: impl Future<Output = ()>,
    ) -> (Verdict, D, String) {
        let limits = door.limits().clone();
        // The host's own calls before this have used some of the time.
        let left = door.time_left();
        let mut store = self.store(
            Sandbox::new(Some(Box::new(door)), surroundings, &limits),
            limits.traffic,
        );
        let run = async {
            let instance = self.linked(program)?.instantiate_async(&mut store).await?;
            instance
                .promote_policy_promotion()
                .call_promote(&mut store, request)
                .await
        };
        let verdict = tokio::select! {
            ended = run => match ended {
                Ok(returned) => counted(returned, &limits),
                Err(trap) => stopped(trap, store.data().memory_limit(), &limits),
            },
            () = tokio::time::sleep(left) => Verdict::Limit(limits.out_of_time()),
            () = cancel => Verdict::Cancelled,
        };
        let (door, mut printed) = store.into_data().into_parts();
        if let Verdict::Trapped(trap) = &verdict {
            printed.push_str(&crash::places(trap));
        }
        (verdict, door, printed)
    }

    fn linked<'a>(&self, program: &'a Program) -> wasmtime::Result<&'a PolicyPre<Sandbox>> {
        if let Some(linked) = program.linked.get() {
            return Ok(linked);
        }
        let linked = PolicyPre::new(self.linker.instantiate_pre(&program.component)?)?;
        Ok(program.linked.get_or_init(|| linked))
    }

    /// Links a rule, which finds nothing to call.
    pub(crate) fn link_rule(&self, program: &Program) -> wasmtime::Result<RulePre<Sandbox>> {
        RulePre::new(self.rule_linker.instantiate_pre(&program.component)?)
    }

    fn store(&self, sandbox: Sandbox, traffic: usize) -> Store<Sandbox> {
        new_store(&self.engine, sandbox, traffic)
    }
}

/// Makes the store of one instance, with every limit on.
pub(crate) fn new_store(
    engine: &wasmtime::Engine,
    sandbox: Sandbox,
    traffic: usize,
) -> Store<Sandbox> {
    let mut store = Store::new(engine, sandbox);
    store.limiter(|sandbox| &mut sandbox.memory);
    // What a guest passes in one call is copied before anything can count it, and one piece of its memory may be
    // passed a thousand times.
    store.set_hostcall_fuel(traffic);
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    store
}

impl Program {
    /// Its compiled code.
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// SHA-256 of the component in hex, by which a journal names it.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// Counts the outcome of a policy like what a call carries: it goes into the journal and to people.
fn counted(returned: Result<Outcome, Failure>, limits: &Limits) -> Verdict {
    let size = match &returned {
        Ok(outcome) => json(outcome).get().len(),
        Err(failure) => json(failure).get().len(),
    };
    if size > limits.traffic.min(MAX_OUTCOME) {
        return Verdict::Limit(LimitReached {
            limit: format!("{} bytes in its outcome", limits.traffic.min(MAX_OUTCOME)),
            key: "traffic",
        });
    }
    Verdict::Returned(returned)
}

/// wasmtime's error is not a standard one.
fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}

/// The beginning of wasmtime's error for a call that passes more than [`Store::set_hostcall_fuel`] allows; its type is private.
const TOO_MUCH: &str = "too much data is being copied";

fn stopped(trap: wasmtime::Error, memory: Option<LimitReached>, limits: &Limits) -> Verdict {
    if trap.root_cause().to_string().starts_with(TOO_MUCH) {
        return Verdict::Limit(limits.traffic_reached());
    }
    match trap.downcast_ref::<LimitReached>().cloned().or(memory) {
        Some(limit) => Verdict::Limit(limit),
        None => Verdict::Trapped(trap),
    }
}

/// Raises the engine's epoch until the engine is gone.
fn tick(engine: &wasmtime::Engine) -> wasmtime::Result<()> {
    let weak = engine.weak();
    thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })
        .map(drop)
        .map_err(wasmtime::Error::from)
}
