//! The form of a scenario file: its tables and keys, so that whatever has no meaning is found where it stands.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use super::ask::StepExpect;
use super::inject::CallTrouble;
use promote_core::grants::Grants;
use promote_core::limits::Limits;
use promote_intake::attestations::AttestationConfig;
use promote_intake::baseline::BaselineRef;
use promote_intake::config::{PolicyConfig, PortConfig, WorkflowConfig};
use promote_intake::rule::RuleConfig;
use promote_mock::file::{EventFile, GitHubFile, PortFile, RegistryFile};
use promote_mock::{ServiceFaults, WorldEvent};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ScenarioFile {
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) given: GivenFile,
    #[serde(default)]
    pub(super) config: ConfigFile,
    #[serde(rename = "do")]
    pub(super) act: Option<Spanned<StartMode>>,
    pub(super) payload: Option<Spanned<PayloadFile>>,
    pub(super) expect: Option<Spanned<StepExpect>>,
    #[serde(default)]
    pub(super) step: Vec<Spanned<StepFile>>,
}

/// A world file, which one it is laid over, and what is taken away from that.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct GivenFile {
    pub(super) world: Option<Spanned<String>>,
    pub(super) without: Vec<Spanned<String>>,
    #[serde(rename = "start")]
    pub(super) _start: Option<Timestamp>,
    #[serde(rename = "port")]
    pub(super) _port: PortFile,
    #[serde(rename = "github")]
    pub(super) _github: GitHubFile,
    #[serde(rename = "registry")]
    pub(super) _registry: RegistryFile,
    #[serde(rename = "faults")]
    pub(super) _faults: ServiceFaults,
    #[serde(rename = "events")]
    pub(super) _events: Vec<Spanned<EventFile>>,
}

/// A `promote.toml`, and which one it is laid over.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConfigFile {
    pub(super) file: Option<Spanned<String>>,
    #[serde(rename = "policy")]
    pub(super) _policy: PolicyConfig,
    #[serde(rename = "port")]
    pub(super) _port: PortConfig,
    #[serde(rename = "workflow")]
    pub(super) _workflow: WorkflowConfig,
    #[serde(rename = "attestations")]
    pub(super) _attestations: AttestationConfig,
    #[serde(rename = "baseline")]
    pub(super) _baseline: Option<BaselineRef>,
    #[serde(rename = "rule")]
    pub(super) _rules: Vec<RuleConfig>,
    #[serde(rename = "grants")]
    pub(super) _grants: Grants,
    #[serde(rename = "limits", deserialize_with = "promote_core::limits::parse")]
    pub(super) _limits: Limits,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct StepFile {
    #[serde(rename = "do")]
    pub(super) act: Option<StartMode>,
    pub(super) event: Option<WorldEvent>,
    pub(super) advance: Option<SignedDuration>,
    #[serde(default)]
    pub(super) heal: bool,
    pub(super) payload: Option<Spanned<PayloadFile>>,
    pub(super) together: Option<Vec<Spanned<PayloadFile>>>,
    pub(super) order: Option<u64>,
    #[serde(default)]
    pub(super) faults: ServiceFaults,
    pub(super) trouble: Option<TroubleFile>,
    #[serde(default)]
    pub(super) expect: StepExpect,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StartMode {
    #[default]
    Run,
    Plan,
    /// `promote run --plan`.
    Approved,
    /// `promote resume`.
    Resume,
}

/// A trouble that one call of a run meets, by its name in the sweep.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TroubleFile {
    pub(super) call: usize,
    pub(super) is: CallTrouble,
}

/// Port's message: one of the sample's shapes or a file, with changes; or any text.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct PayloadFile {
    pub(super) shape: PayloadShape,
    pub(super) file: Option<String>,
    pub(super) text: Option<String>,
    pub(super) set: Map<String, Value>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PayloadShape {
    /// The old message.
    #[default]
    Sample,
    /// The message as the sample's action makes it.
    Action,
    /// The templated message.
    Templated,
}
