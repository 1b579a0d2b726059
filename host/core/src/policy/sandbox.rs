//! The surroundings of a guest: a door, inert WASI, and not a byte more memory than allowed.
//!
//! Each import of the contract becomes a [`Call`] and goes to the door. Nothing is decided here.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use crate::call::{Call, Fault, Reply};
use crate::contract::{
    Attestations, BranchRules, Candidate, Change, Check, Commit, Comparison, Entity, EntityKey,
    Failure, File, Image, MergeMethod, Merged, Proposal, PullFilter, PullPeople, PullRequest,
    Reason, Severity, env, github_merge, github_propose, github_read, port_read, port_write,
    registry_read, rules, run_log, types,
};
use crate::limits::{LimitReached, Limits};

/// Most bytes that are kept of what a policy prints.
const PRINTED: usize = 64 << 10;

/// Most handles of WASI's that a policy may hold, and most random bytes that it gets at once: both are the host's memory.
const HANDLES: usize = 1_000;
const RANDOM: u64 = 64 << 10;

/// The guest's clock and random numbers: the same again give the same run again.
#[derive(Clone, Debug, Default)]
pub struct SandboxSetup {
    /// The time on WASI's clocks, always.
    pub now: Timestamp,
    /// The seed of WASI's random numbers.
    pub seed: u64,
}

/// The way out for a guest's calls: to the gate, or to a recording, which reaches nothing.
#[async_trait::async_trait]
pub trait Door: Any + Send {
    /// Answers a call: with a reply, a failure that the policy is told, or a trap that ends it.
    async fn call(&mut self, call: Call) -> Result<Reply, Fault>;

    /// The limits of the policy.
    fn limits(&self) -> &Limits;

    /// The time that the policy has when it starts.
    fn time_left(&self) -> Duration {
        self.limits().wall
    }
}

/// The state of one instance.
pub struct Sandbox {
    /// None while a policy describes itself: it can make no call.
    door: Option<Box<dyn Door>>,
    wasi: WasiCtx,
    table: ResourceTable,
    printed: PrintedText,
    pub(super) memory: MemoryMeter,
}

impl Sandbox {
    pub(crate) fn new(
        door: Option<Box<dyn Door>>,
        surroundings: &SandboxSetup,
        limits: &Limits,
    ) -> Self {
        let printed = PrintedText::default();
        let seed = surroundings.seed.to_le_bytes();
        let block = |stream: u8, index: u8| Sha256::digest([&seed[..], &[stream, index]].concat());
        let random =
            |stream| Deterministic::new((0..=31).flat_map(|index| block(stream, index)).collect());
        // No arguments, environment, folders, sockets or names: the builder's defaults, said again where they matter.
        let wasi = WasiCtx::builder()
            .stdout(printed.clone())
            .stderr(printed.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .wall_clock(FrozenClock(surroundings.now))
            .monotonic_clock(FrozenClock(surroundings.now))
            .secure_random(random(0))
            .insecure_random(random(1))
            .insecure_random_seed(surroundings.seed.into())
            .max_random_size(RANDOM)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let memory = MemoryMeter {
            left: limits.memory,
            limit: limits.memory,
            reached: false,
        };
        Self {
            door,
            wasi,
            table,
            printed,
            memory,
        }
    }

    pub(crate) fn memory_limit(&self) -> Option<LimitReached> {
        let bytes = self.memory.limit;
        self.memory.reached.then(|| LimitReached {
            limit: format!("{bytes} bytes of memory"),
            key: "memory",
        })
    }

    /// The door, which is of the type that it was made with, and what the policy printed.
    pub(super) fn into_parts<D: Door>(self) -> (D, String) {
        let printed = self.printed();
        let door: Box<dyn Any> = self.door.expect("a run has a door");
        (*door.downcast().expect("a door keeps its type"), printed)
    }

    /// Returns what the policy has printed so far.
    pub(crate) fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.kept()).into_owned()
    }

    async fn call(&mut self, call: Call) -> Result<Reply, Fault> {
        match &mut self.door {
            Some(door) => door.call(call).await,
            None => Err(Fault::Trap(wasmtime::format_err!(
                "`describe` made a call; it may make none"
            ))),
        }
    }
}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// A clock that stands still: a policy that wants to know the time asks `env.now`, which is in the journal.
struct FrozenClock(Timestamp);

impl HostWallClock for FrozenClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::try_from(self.0.as_duration()).unwrap_or_default()
    }
}

impl HostMonotonicClock for FrozenClock {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Keeps the first [`PRINTED`] bytes and takes the rest without a word: printing is no reason to crash.
#[derive(Clone, Default)]
struct PrintedText(Arc<Mutex<Vec<u8>>>);

impl PrintedText {
    fn kept(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OutputStream for PrintedText {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        let mut kept = self.kept();
        let room = PRINTED - kept.len();
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PRINTED)
    }
}

#[async_trait::async_trait]
impl Pollable for PrintedText {
    async fn ready(&mut self) {}
}

impl IsTerminal for PrintedText {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for PrintedText {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    // Of WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}

/// Counts linear memory and tables of an instance together.
pub(super) struct MemoryMeter {
    left: usize,
    limit: usize,
    reached: bool,
}

impl MemoryMeter {
    fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.reached = true,
        }
        !self.reached
    }
}

/// Most core instances, memories and tables of one policy: each takes memory of the host that no limit of the guest counts.
const MAX_INSTANCES: usize = 200;
const MAX_MEMORIES: usize = 50;
const MAX_TABLES: usize = 200;

impl ResourceLimiter for MemoryMeter {
    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.take(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // A table element is a pointer.
        Ok(self.take(desired.saturating_sub(current).saturating_mul(8)))
    }
}

impl types::Host for Sandbox {
    fn convert_failure(&mut self, fault: Fault) -> wasmtime::Result<Failure> {
        match fault {
            Fault::Failure(failure) => Ok(failure),
            Fault::Trap(trap) => Err(trap),
        }
    }
}

impl env::Host for Sandbox {
    async fn now(&mut self) -> wasmtime::Result<String> {
        match self.call(Call::Now).await {
            Ok(Reply::Time(time)) => Ok(time),
            other => Err(unexpected(other)),
        }
    }

    async fn sleep(&mut self, seconds: u32) -> wasmtime::Result<()> {
        self.call(Call::Sleep { seconds })
            .await
            .map(drop)
            .map_err(|fault| unexpected(Err(fault)))
    }
}

impl run_log::Host for Sandbox {
    async fn note(&mut self, severity: Severity, message: String) -> wasmtime::Result<()> {
        // A line that Port did not take, or that was denied, is in the journal: the policy has nothing to decide.
        match self.call(Call::Note { severity, message }).await {
            Err(Fault::Trap(trap)) => Err(trap),
            _ => Ok(()),
        }
    }
}

impl rules::Host for Sandbox {
    async fn check(&mut self, candidate: Candidate) -> wasmtime::Result<Vec<Reason>> {
        match self.call(Call::CheckRules { candidate }).await {
            Ok(Reply::Reasons(reasons)) => Ok(reasons),
            other => Err(unexpected(other)),
        }
    }
}

/// What ends the policy where it can be told of no failure.
fn unexpected(answer: Result<Reply, Fault>) -> wasmtime::Error {
    match answer {
        Err(Fault::Trap(trap)) => trap,
        other => wasmtime::format_err!("a source answered {other:?}"),
    }
}

/// Implements interfaces of the contract: a row for each function, with the call that it becomes and the variant of
/// [`Reply`] that answers it.
macro_rules! interfaces {
    ($($interface:ident { $($function:ident($($name:ident: $kind:ty),*) => $call:ident -> $reply:ident($answer:ty);)* })*) => {$(
        impl $interface::Host for Sandbox {$(
            async fn $function(&mut self, $($name: $kind),*) -> Result<$answer, Fault> {
                match self.call(Call::$call { $($name),* }).await? {
                    Reply::$reply(value) => Ok(value),
                    other => Err(Fault::Trap(unexpected(Ok(other)))),
                }
            }
        )*}
    )*};
}

interfaces! {
    port_read {
        get_entity(key: EntityKey) => GetEntity -> Entity(Option<Entity>);
        get_entities(keys: Vec<EntityKey>) => GetEntities -> Entities(Vec<Option<Entity>>);
        search(blueprint: String, query: String) => Search -> Found(Vec<Entity>);
    }
    port_write {
        update_entity(key: EntityKey, change: Change) => UpdateEntity -> Updated(Entity);
    }
    github_read {
        read_file(repository: String, path: String, revision: String) => ReadFile -> File(Option<File>);
        get_pull_request(repository: String, number: u32) => GetPullRequest -> PullRequest(PullRequest);
        get_pull_people(repository: String, number: u32) => GetPullPeople -> PullPeople(PullPeople);
        find_pull_requests(repository: String, head: String, base: String, filter: PullFilter)
            => FindPullRequests -> PullRequests(Vec<PullRequest>);
        get_commit_pulls(repository: String, commit: String) => GetCommitPulls -> PullRequests(Vec<PullRequest>);
        get_file_pulls(repository: String, path: String, branch: String)
            => GetFilePulls -> PullRequests(Vec<PullRequest>);
        get_checks(repository: String, commit: String, base: String) => GetChecks -> Checks(Vec<Check>);
        get_branch_rules(repository: String, branch: String) => GetBranchRules -> BranchRules(BranchRules);
        get_commit(repository: String, revision: String) => GetCommit -> Commit(Option<Commit>);
        compare(repository: String, base: String, head: String) => Compare -> Comparison(Comparison);
        get_attestations(repository: String, digest: String) => GetAttestations -> Attestations(Attestations);
    }
    registry_read {
        is_granted(reference: String) => IsGranted -> Granted(bool);
        get_digest(reference: String) => GetDigest -> Digest(Option<String>);
        get_image(reference: String) => GetImage -> Image(Option<Image>);
        get_image_attestations(reference: String) => GetImageAttestations -> Attestations(Attestations);
    }
    github_propose {
        propose(proposal: Proposal) => Propose -> PullRequest(PullRequest);
        delete_branch(repository: String, branch: String) => DeleteBranch -> Done(());
        close_pull_request(repository: String, number: u32) => ClosePullRequest -> Done(());
        comment(repository: String, number: u32, marker: String, body: String) => Comment -> Done(());
        add_labels(repository: String, number: u32, labels: Vec<String>) => AddLabels -> Done(());
        request_reviewers(repository: String, number: u32, users: Vec<String>, teams: Vec<String>)
            => RequestReviewers -> Done(());
    }
    github_merge {
        merge(repository: String, number: u32, expected_head: String, method: MergeMethod) => Merge -> Merged(Merged);
        merge_when_ready(repository: String, number: u32, expected_head: String, method: MergeMethod)
            => MergeWhenReady -> Merged(Merged);
    }
}
