//! Integrations that feed the catalog, some of which also start the work of actions.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::PortResult;
use super::input::PortCall;
use super::{Port, RunStatus, answer::PortReply};

/// An installed integration (API reference, "Get all integrations").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortIntegration {
    /// The id that actions name it by.
    pub installation_id: String,
    /// What it is, such as `github-ocean`.
    pub kind: String,
    /// Whether it starts the work of actions; one that is hosted by its user does not unless told to.
    pub processes_actions: bool,
}

impl Port {
    /// `GET /v1/integration`, for credentials that may administer.
    pub(super) fn list_integrations(&self, call: &PortCall<'_>) -> PortResult {
        self.writable(&call.actor)?;
        let only_processing = call.query.flag("actionsProcessingEnabled")?;
        let integrations = self.integrations.iter();
        let shown: Vec<Value> = integrations
            .filter(|it| it.processes_actions || !only_processing)
            .map(PortIntegration::json)
            .collect();
        Ok(PortReply::ok(json!({"ok": true, "integrations": shown})))
    }
}

impl Port {
    /// Does what Port's GitHub integration does when the workflow of a run is over: it ends the run unless it has ended, if
    /// the action's `reportWorkflowStatus` is there and not false. It is Python, so any text counts as true
    /// (port-labs/ocean, dispatch_workflow_executor.py).
    pub fn report_workflow(&mut self, now: Timestamp, run: &str, is_success: bool) {
        let Some(run) = self.runs.get_mut(run) else {
            return;
        };
        let action = self.actions.get(&run.action);
        let reports = action
            .and_then(|it| {
                let method = it.definition.get("invocationMethod")?;
                method.pointer("/integrationActionExecutionProperties/reportWorkflowStatus")
            })
            .is_some_and(|value| *value != json!(false) && *value != json!(""));
        if !reports || run.status != RunStatus::InProgress {
            return;
        }
        run.status = if is_success {
            RunStatus::Success
        } else {
            RunStatus::Failure
        };
        run.ended_at = Some(now);
    }
}

impl PortIntegration {
    fn json(&self) -> Value {
        json!({
            "identifier": self.installation_id, "installationId": self.installation_id,
            "installationAppType": self.kind, "title": self.installation_id,
            "actionsProcessingEnabled": self.processes_actions, "config": {},
        })
    }
}
