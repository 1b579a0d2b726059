//! The cost of one call without a process around it: gate, journal on the disk, client and mock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use promote_core::call::Call;
use promote_core::contract::EntityKey;
use promote_core::gate::{Gate, RunParts};
use promote_core::grants::ResolvedGrants;
use promote_core::journal::Journal;
use promote_core::limits::Limits;
use promote_core::policy::sandbox::Door;
use promote_core::run::observer::Silent;
use promote_core::service::transport::Clock as _;
use promote_intake::config::Config;
use promote_mock::{SharedWorld, World};
use serde_json::json;
use tempfile::TempDir;

/// Calls in one measurement.
const CALL_COUNT: u32 = 2_000;

/// Microseconds a call, once for each run.
pub(crate) async fn calls(runs: usize) -> anyhow::Result<Vec<f64>> {
    let mut sample = Vec::new();
    for _ in 0..=runs {
        sample.push(once().await?);
    }
    sample.remove(0);
    Ok(sample)
}

async fn once() -> anyhow::Result<f64> {
    let world = SharedWorld::new(World::sample());
    let config = Config::parse(promote_kit::demo::CONFIG).map_err(anyhow::Error::msg)?;
    let clock = Arc::new(world.clock());
    let deadline = clock.now().checked_add(Duration::from_secs(600))?;
    let live = Arc::new(promote_tests::bench::live(&world, deadline));
    let folder = TempDir::new()?;
    let journal = Journal::create(&folder.path().join("journal.jsonl"))?;
    let limits = Limits {
        calls: u32::MAX,
        traffic: usize::MAX,
        ..config.limits.clone()
    };
    let parts = RunParts {
        source: Box::new(Arc::clone(&live)),
        live,
        limits,
        journal,
        clock,
        deadline,
        observer: Arc::new(Silent),
    };
    let grants = ResolvedGrants::new(&config.grants, &json!({})).map_err(anyhow::Error::msg)?;
    let mut gate = Gate::new(parts, grants);
    let key = EntityKey {
        blueprint: "running_service".into(),
        identifier: "web-prod".into(),
    };
    let started = Instant::now();
    for _ in 0..CALL_COUNT {
        let answer = Door::call(&mut gate, Call::GetEntity { key: key.clone() }).await;
        anyhow::ensure!(answer.is_ok(), "the sample is there to be read");
    }
    Ok(started.elapsed().as_secs_f64() * 1e6 / f64::from(CALL_COUNT))
}
