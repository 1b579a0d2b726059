//! What Port says of an action run, of the workflow behind it, and of a person.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::contract::EntityKey;

/// An action run, as far as Port's word on it is needed (API reference, "Get an action run's details").
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortRun {
    /// Its identifier.
    pub id: String,
    pub(super) status: String,
    /// An object with an identifier, or the identifier.
    entity: Option<Value>,
    blueprint: Option<Value>,
    action: Option<Value>,
    properties: Option<Map<String, Value>>,
    approval: Option<RunApproval>,
    created_by: Option<String>,
    created_at: Option<String>,
    ended_at: Option<String>,
    status_label: Option<String>,
    summary: Option<String>,
}

/// The decision on a run that needed approval.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunApproval {
    /// The person who decided.
    pub user_id: Option<String>,
    /// Their words.
    pub description: Option<String>,
}

/// The product of Port that a run belongs to. Each has routes and words of its own; the client speaks to those of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// A run of a self-service action.
    Action,
    /// A run of Port's Workflows, or of one of its nodes.
    WorkflowNode,
}

impl RunKind {
    /// Tells the kind of a run by its identifier, as Port's own agent does.
    pub fn of(id: &str) -> Self {
        if id.starts_with("wfnr_") || id.starts_with("wfr_") {
            Self::WorkflowNode
        } else {
            Self::Action
        }
    }
}

/// The status of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// It is under way: it takes log lines and writes.
    InProgress,
    /// It needs an approval that nobody has given yet.
    WaitingForApproval,
    /// The approval was refused.
    Declined,
    /// It has ended: `SUCCESS` or `FAILURE`.
    Ended(String),
    /// A word that this version does not know.
    Other(String),
}

/// The workflow that an action starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionWorkflow {
    /// `owner/name` of its repository.
    pub repository: String,
    /// The name of its file.
    pub file: String,
    /// Port's installation that starts it; none if it is Port's old app.
    pub installation: Option<String>,
    /// What Port does with a run when its workflow is over.
    pub report: WorkflowReport,
}

/// What Port's integration does with a run when its workflow is over, by `reportWorkflowStatus` of the action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkflowReport {
    /// Nothing.
    Off,
    /// It ends the run.
    On,
    /// It is not said. Port's documentation has yes for that, the code of its GitHub integration has no.
    Unsaid,
    /// A text. Port's GitHub integration takes any for yes, also "false".
    Text(String),
}

/// A user of Port.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortUser {
    pub(super) id: String,
    /// Their address.
    pub email: String,
    first_name: Option<String>,
    last_name: Option<String>,
}

impl PortRun {
    /// Returns where the run stands.
    pub fn status(&self) -> RunStatus {
        match self.status.as_str() {
            "IN_PROGRESS" => RunStatus::InProgress,
            "WAITING_FOR_APPROVAL" => RunStatus::WaitingForApproval,
            "DECLINED" => RunStatus::Declined,
            "SUCCESS" | "FAILURE" => RunStatus::Ended(self.status.clone()),
            other => RunStatus::Other(other.to_owned()),
        }
    }

    /// Returns the entity that the run was started on.
    pub fn subject(&self) -> Option<EntityKey> {
        Some(EntityKey {
            blueprint: identifier(self.blueprint.as_ref())?.to_owned(),
            identifier: identifier(self.entity.as_ref())?.to_owned(),
        })
    }

    /// Returns when the run ended, if it has.
    pub(crate) fn ended_at(&self) -> Option<&str> {
        self.ended_at.as_deref()
    }

    /// Returns the identifier of the action, or an empty text.
    pub fn action(&self) -> &str {
        identifier(self.action.as_ref()).unwrap_or_default()
    }

    /// Returns what the user filled in.
    pub fn inputs(&self) -> Map<String, Value> {
        self.properties.clone().unwrap_or_default()
    }

    /// Returns the decision on the run, if it needed one.
    pub fn approval(&self) -> Option<RunApproval> {
        self.approval.clone()
    }

    /// Returns Port's identifier of who started the run, or an empty text.
    pub fn created_by(&self) -> &str {
        self.created_by.as_deref().unwrap_or_default()
    }

    /// Returns the label beside its status.
    pub fn label(&self) -> Option<&str> {
        self.status_label.as_deref()
    }

    /// Returns its summary for people.
    pub fn summary(&self) -> &str {
        self.summary.as_deref().unwrap_or_default()
    }

    /// Returns when the run was started.
    pub fn created_at(&self) -> Option<String> {
        self.created_at.clone()
    }
}

impl ActionWorkflow {
    /// Reads it from the backend of an action.
    pub(super) fn of_method(method: &Value) -> Option<Self> {
        let (work, installation) = match method["type"].as_str()? {
            "GITHUB" => (method, None),
            "INTEGRATION_ACTION" => (
                &method["integrationActionExecutionProperties"],
                method["installationId"].as_str(),
            ),
            _ => return None,
        };
        let text = |name: &str| work[name].as_str();
        let file = text("workflow")?;
        Some(Self {
            repository: format!("{}/{}", text("org")?, text("repo")?),
            file: file.rsplit('/').next().unwrap_or(file).to_owned(),
            installation: installation.map(str::to_owned),
            report: WorkflowReport::of(method),
        })
    }
}

impl WorkflowReport {
    /// Reads it from the backend of an action.
    pub fn of(method: &Value) -> Self {
        let work = method
            .get("integrationActionExecutionProperties")
            .unwrap_or(method);
        match &work["reportWorkflowStatus"] {
            Value::Bool(false) => Self::Off,
            Value::Null if method["type"] != "GITHUB" => Self::Unsaid,
            Value::String(text) => Self::Text(text.clone()),
            _ => Self::On,
        }
    }
}

impl PortUser {
    /// Returns the name for people, if Port knows one.
    pub fn name(&self) -> Option<String> {
        let names = [&self.first_name, &self.last_name];
        let name = names
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ");
        (!name.trim().is_empty()).then_some(name)
    }
}

/// Returns the identifier of a thing that Port names by an object or by the identifier itself.
fn identifier(value: Option<&Value>) -> Option<&str> {
    let value = value?;
    value.as_str().or_else(|| value["identifier"].as_str())
}
