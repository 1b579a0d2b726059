//! Integrations that feed the catalog, some of which also start the work of actions.

use serde_json::{Value, json};

use super::answer::PortResult;
use super::input::PortCall;
use super::{Port, answer::PortReply};

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

impl PortIntegration {
    fn json(&self) -> Value {
        json!({
            "identifier": self.installation_id, "installationId": self.installation_id,
            "installationAppType": self.kind, "title": self.installation_id,
            "actionsProcessingEnabled": self.processes_actions, "config": {},
        })
    }
}
