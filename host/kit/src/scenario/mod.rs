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
//! Everything that may be expected stands in [`StepExpect`].

mod ask;
mod bench;
mod change;
mod components;
mod defaults;
mod diff;
mod error;
mod expect;
mod file;
mod form;
mod idle;
mod inject;
mod lay;
mod made;
mod model;
mod others;
mod pair;
mod result;
mod run;
mod running;
mod schema;
mod snapshot;
mod together;

pub use ask::{CallName, FileExpect, OutcomeKind, PullWord, RunExpect, StepExpect};
pub use components::PolicyError;
pub use defaults::FILE as DEFAULTS_FILE;
pub use diff::only;
pub use error::ScenarioError;
pub use inject::{CallInjection, CallTrouble, RequestKill};
pub use made::{CallFate, MadeCall};
pub use model::{RunsTogether, Scenario, ScenarioStep, StepAction, StepTrouble};
pub use result::{
    ExpectMismatch, ExpectSnapshot, ReportedRun, ScenarioProblem, ScenarioReport, StepResult,
};
pub use run::{ScenarioBackend, ScenarioRunner};
pub use running::{RunningRuns, SLOW_RUN_LOOK, SlowRun};
pub use schema::SCHEMA;
