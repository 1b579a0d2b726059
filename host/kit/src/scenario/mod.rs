//! Scenario files: a world, a policy, what happens, and what must come of it.
//!
//! A scenario runs the clients and the gate that production runs, on the mock world: in the same process, or over HTTP
//! against that world's server. It decides nothing for a policy and reaches no network but loopback. `tests/scenarios`
//! holds examples; the format in short:
//!
//! ```toml
//! title = "a locked service is refused, with the reason"
//!
//! [given]                       # a world file laid over another; missing, the sample as it is
//! world = "sample"              # or the path of a world file
//! without = ["running_service/web-prod#image", "image/web-1.4.2", "acme/gitops:README.md"]
//! [[given.port.entities]]       # found by its names and changed, else added
//! blueprint = "service"
//! identifier = "web"
//! properties = { locked_in_prod = true }
//!
//! [config]                      # a promote.toml laid over another; `grants`, if given, replace the other's
//! file = "sample"               # or "none", or a path
//! policy.component = "builtin"  # or a name that the runner knows, or a path
//!
//! [[step]]                      # without steps, `do`, `payload` and `expect` describe the one run that there is
//! do = "run"                    # or "plan"; in its place `event`, `advance = "10m"` or `heal = true`
//! payload = { set = { context = { runId = "r_2" } } }
//! expect = { outcome = "refused", exit = 1, rules = ["lock"], no-writes = true }
//! ```
//!
//! Everything that may be expected stands in [`Expect`].

mod ask;
mod bench;
mod diff;
mod error;
mod expect;
mod file;
mod inject;
mod lay;
mod made;
mod others;
mod pair;
mod run;
mod schema;
mod snapshot;

use std::path::{Path, PathBuf};
use std::time::Duration;

use promote_core::run::RunMode;
use promote_intake::config::Config;
use promote_mock::{Event, World};

pub use ask::{CallName, Expect, FileExpect, OutcomeKind, PullWord, RunExpect};
pub use error::ScenarioError;
pub use expect::{Mismatch, only};
pub use inject::{Injection, Trouble};
pub use made::{Answered, Made};
pub use run::{Backend, PolicyError, Problem, Ran, Report, Runner};
pub use schema::SCHEMA;
pub use snapshot::Snapshot;

/// A scenario, read and checked; nothing of it has run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What people call it: its title, or its file's name.
    pub title: String,
    /// Its file.
    pub path: PathBuf,
    /// What there is at the beginning.
    pub world: World,
    /// The operator's word.
    pub config: Config,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its line in the file.
    pub line: usize,
    /// What happens.
    pub act: Act,
    /// What must come of it.
    pub expect: Expect,
}

/// What happens in a step.
#[derive(Clone, Debug)]
pub enum Act {
    /// Somebody starts the promotion, or a plan of it, with this payload.
    Start(RunMode, String),
    /// Somebody else does something.
    Event(Box<Event>),
    /// Time passes.
    Advance(Duration),
    /// Nothing goes wrong any more.
    Heal,
}

impl Scenario {
    /// What commands call it: its file's name without the ending.
    pub fn name(&self) -> String {
        self.path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Names the file, and the line and the key that are wrong.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(|why| ScenarioError::Read {
            path: path.to_owned(),
            why,
        })?;
        Self::parse(&text, path)
    }

    /// Reads a text as if it stood in that file, which need not exist.
    ///
    /// # Errors
    /// As [`Scenario::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ScenarioError> {
        file::parse(text, path)
    }
}
