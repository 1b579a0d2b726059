//! JournalFolder to replay: of promotions, refusals and failures, at as many times of a week.

use std::path::Path;

use promote_mock::{World, sample};
use promote_tests::bench::TestRun;
use tempfile::TempDir;

use crate::process::THOUSAND;

/// A folder of [`THOUSAND`] journals.
pub(crate) struct JournalFolder(TempDir);

impl JournalFolder {
    /// Runs the built-in policy as often, on the mock.
    pub(crate) async fn record() -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let start: jiff::Timestamp = START.parse()?;
        for number in 0..THOUSAND {
            let later = jiff::SignedDuration::from_mins(i64::try_from(number)? * 10);
            let text = sample::SAMPLE.replace(START, &(start + later).to_string());
            let text = match number % 10 {
                7 => text.replace("locked_in_prod = false", "locked_in_prod = true"),
                8 => text.replacen("\"Healthy\"", "\"Degraded\"", 1),
                9 => text.replace("acme/web:1.4.1 # set", "acme/web:1.4.2 # set"),
                _ => text,
            };
            let world = World::from_toml(&text, Path::new("")).map_err(anyhow::Error::msg)?;
            let ended = TestRun::builtin().world(world).run().await;
            std::fs::write(folder.path().join(format!("{number}.jsonl")), ended.journal)?;
        }
        Ok(Self(folder))
    }

    /// Returns their folder.
    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }
}

/// When the sample begins.
const START: &str = "2026-01-06T10:00:00Z";
