//! The live clients behind a gate that allows everything in the sample: no call reaches them without one.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use promote_core::call::{Call, Fault, Reply};
use promote_core::contract::Failure;
use promote_core::gate::{Gate, RunParts};
use promote_core::grants::{Grants, ResolvedGrants};
use promote_core::journal::Journal;
use promote_core::limits::Limits;
use promote_core::policy::sandbox::Door as _;
use promote_core::run::observer::Silent;
use promote_core::source::Source;
use promote_core::source::live::Live;
use promote_core::source::prefetch::Prefetch;
use promote_intake::config::Config;
use promote_mock::SharedWorld;
use serde_json::json;
use tokio::sync::Mutex;

const GRANTS: &str = r#"
[[grants]]
allow = ["run.note"]
[[grants]]
allow = ["port.get-entity", "port.search"]
blueprint = ["service", "running_service", "image"]
[[grants]]
allow = ["port.update-entity"]
blueprint = "running_service"
entity = ["web-prod", "web-staging", "nobody", "moon", "orphan"]
relations = ["image", "none"]
properties = ["lastDeployedAt"]
[[grants]]
allow = ["github.read", "github.attestations", "github.propose", "github.merge", "github.decorate"]
repository = ["acme/gitops", "acme/none", "acme/web"]
path = "**"
base = ["main", "none"]
head = "**"
changes = "any"
labels = "promotion"
reviewers = ["kim", "nobody"]
"#;

/// The live clients of a world, and a gate before them.
pub struct OpenDoor {
    live: Arc<Live>,
    gate: Mutex<Gate>,
}

impl OpenDoor {
    /// Opens the door of a world to these clients.
    pub fn new(live: Live, world: &SharedWorld) -> Self {
        let live = Arc::new(live);
        Self::before(Box::new(Arc::clone(&live)), live, world)
    }

    /// Opens the door to clients that read ahead, as those of a run do.
    pub fn reading_ahead(live: Live, world: &SharedWorld) -> Self {
        let live = Arc::new(live);
        let grants: Grants = Config::parse(GRANTS).unwrap().grants;
        let ahead = Prefetch::new(Arc::clone(&live), Arc::new(world.clock()), &grants, None);
        Self::before(Box::new(ahead), live, world)
    }

    fn before(source: Box<dyn Source>, live: Arc<Live>, world: &SharedWorld) -> Self {
        let grants: Grants = Config::parse(GRANTS).unwrap().grants;
        let clock = world.clock();
        let deadline = world.lock().now.checked_add(Duration::from_secs(900));
        let parts = RunParts {
            source,
            live: Arc::clone(&live),
            limits: Limits {
                calls: u32::MAX,
                writes: u32::MAX,
                ..Limits::default()
            },
            journal: Journal::in_memory().0,
            clock: Arc::new(clock),
            deadline: deadline.unwrap(),
            observer: Arc::new(Silent),
        };
        let grants = ResolvedGrants::new(&grants, &json!({})).unwrap();
        Self {
            live,
            gate: Mutex::new(Gate::new(parts, grants)),
        }
    }

    /// Makes a call as a policy would.
    ///
    /// # Errors
    /// As the contract says for the call.
    pub async fn call(&self, call: &Call) -> Result<Reply, Failure> {
        match self.gate.lock().await.call(call.clone()).await {
            Ok(reply) => Ok(reply),
            Err(Fault::Failure(failure)) => Err(failure),
            Err(Fault::Trap(trap)) => panic!("{trap:#}"),
        }
    }
}

impl Deref for OpenDoor {
    type Target = Live;

    fn deref(&self) -> &Live {
        &self.live
    }
}
