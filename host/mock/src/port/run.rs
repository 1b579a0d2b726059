//! The state of an action run, and its views in both versions of the API.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::PortRefusal;
use super::catalog::{ChangeStamps, time};
use super::input::PortCall;
use super::{CatalogEntity, Port};

/// Where an action run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// It runs; it takes logs, changes and tied writes.
    InProgress,
    /// It ended well.
    Success,
    /// It ended badly.
    Failure,
    /// It waits for an approval.
    WaitingForApproval,
    /// An approver declined it.
    Declined,
}

impl RunStatus {
    /// Port's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::WaitingForApproval => "WAITING_FOR_APPROVAL",
            Self::Declined => "DECLINED",
        }
    }

    /// The status that Port's word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::InProgress,
            Self::Success,
            Self::Failure,
            Self::WaitingForApproval,
            Self::Declined,
        ]
        .into_iter()
        .find(|status| status.as_str() == word)
    }

    /// Returns true if it can still change.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Declined)
    }
}

/// A run of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRun {
    /// Its id.
    pub id: String,
    /// The action that it runs.
    pub action: String,
    /// Where it stands.
    pub status: RunStatus,
    /// A few words beside the status.
    pub label: Option<String>,
    /// The blueprint that the action works on.
    pub blueprint: Option<String>,
    /// The entity that it was started on.
    pub entity: Option<String>,
    /// The inputs that the user filled in.
    pub properties: Map<String, Value>,
    /// Links for people.
    pub link: Vec<String>,
    /// A summary for people.
    pub summary: String,
    /// The id by which the integration that started the work finds the run again.
    pub external_run_id: Option<String>,
    /// The answer of the backend.
    pub response: Value,
    /// `UI`, `API` or `AUTOMATION`.
    pub source: String,
    /// The approval that it needs: a boolean or `{"type": …}`.
    pub required_approval: Value,
    /// The decision about it, once there is one.
    pub approval: Option<RunApproval>,
    /// Its log, oldest first.
    pub logs: Vec<LogLine>,
    /// The entities that it changed, as blueprint and identifier, in order.
    pub affected: Vec<(String, String)>,
    /// When and by whom it was created and changed.
    pub stamps: ChangeStamps,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A decision about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunApproval {
    /// The user who decided.
    pub user: String,
    /// `APPROVE` or `DECLINE`.
    pub state: String,
    /// The reason, in words.
    pub description: Option<String>,
}

impl RunApproval {
    pub(super) fn json(&self) -> Value {
        json!({"userId": self.user, "state": self.state, "description": self.description})
    }
}

/// A line of a run's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its id.
    pub id: String,
    /// The text.
    pub message: String,
    /// The user or client id that wrote it.
    pub created_by: String,
    /// The time at which it was written.
    pub created_at: Timestamp,
}

impl ActionRun {
    /// A run that has just been started from the user interface.
    pub fn new(id: String, action: &str, stamps: ChangeStamps) -> Self {
        Self {
            id,
            action: action.to_owned(),
            status: RunStatus::InProgress,
            label: None,
            blueprint: None,
            entity: None,
            properties: Map::new(),
            link: Vec::new(),
            summary: String::new(),
            external_run_id: None,
            response: Value::Null,
            source: "UI".to_owned(),
            required_approval: json!(false),
            approval: None,
            logs: Vec::new(),
            affected: Vec::new(),
            stamps,
            ended_at: None,
        }
    }

    pub(super) fn end(&mut self, status: RunStatus, call: &PortCall<'_>) {
        self.status = status;
        self.ended_at = Some(call.now);
        self.stamps.touch(call.now, &call.actor);
    }
}

/// 422 of a run that ended.
pub(super) fn exhausted(run: &ActionRun) -> PortRefusal {
    PortRefusal::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "run_exhausted",
        format!(
            "run \"{}\" is {} and can no longer be modified",
            run.id,
            run.status.as_str()
        ),
    )
}

impl Port {
    /// A run as the API shows it: `version=v2`, or the older shape in which `action` is a plain string.
    pub(super) fn show_run(&self, call: &PortCall<'_>, run: &ActionRun) -> Value {
        let approval = run.approval.as_ref().map(RunApproval::json);
        let method = self.of_action(run, "invocationMethod");
        let mut shown = json!({
            "id": run.id, "status": run.status.as_str(), "statusLabel": run.label,
            "properties": run.properties, "source": run.source, "requiredApproval": run.required_approval,
            "approval": approval, "link": run.link, "summary": run.summary,
            "externalRunId": run.external_run_id, "payload": method, "response": run.response,
            "endedAt": run.ended_at.map(time),
        });
        let about = if call.query.text("version") == Some("v2") {
            self.about(run)
        } else {
            self.about_of_old(run)
        };
        if let (Value::Object(shown), Value::Object(about)) = (&mut shown, about) {
            run.stamps.write(shown);
            shown.extend(about);
        }
        shown
    }

    /// Returns the action, blueprint and entity of the run, each with identifier, title and icon.
    fn about(&self, run: &ActionRun) -> Value {
        let blueprint = run.blueprint.as_ref().map(|identifier| {
            let blueprint = self.blueprints.get(identifier);
            json!({
                "identifier": identifier,
                "title": blueprint.map(|blueprint| blueprint.title()),
                "icon": blueprint.and_then(|blueprint| blueprint.definition.get("icon")),
            })
        });
        let entity = run.entity.as_ref().map(|identifier| {
            let entity = self.subject(run);
            json!({
                "identifier": identifier,
                "title": entity.and_then(|entity| entity.title.as_deref()),
                "icon": entity.and_then(|entity| entity.icon.as_deref()),
            })
        });
        let action = json!({
            "identifier": run.action,
            "title": self.of_action(run, "title"),
            "icon": self.of_action(run, "icon"),
            "deleted": !self.actions.contains_key(&run.action),
        });
        json!({"action": action, "blueprint": blueprint, "entity": entity})
    }

    fn about_of_old(&self, run: &ActionRun) -> Value {
        let blueprint = run.blueprint.as_ref();
        json!({
            "action": run.action, "blueprint": run.blueprint, "entity": run.entity,
            "relatedEntityExists": self.subject(run).is_some(),
            "relatedBlueprintExists": blueprint.is_some_and(|it| self.blueprints.contains_key(it)),
        })
    }

    fn of_action(&self, run: &ActionRun, key: &str) -> Option<&Value> {
        self.actions.get(&run.action)?.definition.get(key)
    }

    fn subject(&self, run: &ActionRun) -> Option<&CatalogEntity> {
        self.entity(run.blueprint.as_ref()?, run.entity.as_ref()?)
    }
}
