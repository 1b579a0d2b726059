//! Action routes, as strict as Port's schema: the shape that the guide still shows is refused.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::{PortRefusal, PortReply, PortResult};
use super::input::{self, IdentifierKind, PortCall};
use super::{ChangeStamps, Port};
use crate::CopyOnWrite;

const KEYS: [&str; 10] = [
    "identifier",
    "title",
    "icon",
    "description",
    "trigger",
    "invocationMethod",
    "requiredApproval",
    "approvalNotification",
    "allowAnyoneToViewRuns",
    "publish",
];

/// An action, as it was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortAction {
    /// Everything that it was created with.
    pub definition: CopyOnWrite<Map<String, Value>>,
    /// When and by whom it was created and changed.
    pub stamps: ChangeStamps,
}

impl Port {
    pub(super) fn route_actions(
        &mut self,
        method: &Method,
        call: &PortCall<'_>,
        rest: &[&str],
    ) -> Option<PortResult> {
        Some(match (method.as_str(), rest) {
            ("GET", []) => self.list_actions(call),
            ("POST", []) => self.create_action(call),
            ("GET", [action]) => self
                .action(action)
                .map(|it| self.shown_action(StatusCode::OK, &it)),
            ("PUT", [action]) => self.replace_action(call, action),
            ("DELETE", [action]) => self.delete_action(call, action),
            ("GET", [action, "permissions"]) => self.permissions(action),
            _ => return None,
        })
    }

    /// The action, or 404.
    pub(super) fn action(&self, identifier: &str) -> Result<Arc<PortAction>, PortRefusal> {
        self.actions
            .get(identifier)
            .cloned()
            .ok_or_else(|| PortRefusal::not_found("action", identifier))
    }

    fn list_actions(&self, call: &PortCall<'_>) -> PortResult {
        let blueprint = call.query.text("blueprint_identifier");
        let actions = self.actions.values().filter(|action| {
            let trigger = action.definition.get("trigger");
            let own = trigger.and_then(|trigger| trigger.get("blueprintIdentifier"));
            blueprint.is_none_or(|blueprint| own.and_then(Value::as_str) == Some(blueprint))
        });
        let actions: Vec<Value> = actions.map(|action| self.show_action(action)).collect();
        Ok(PortReply::ok(json!({"ok": true, "actions": actions})))
    }

    /// `POST /v1/actions`. Its success status is not in Port's specification; 201 is what its other creations answer.
    pub(super) fn create_action(&mut self, call: &PortCall<'_>) -> PortResult {
        let definition = call.object()?;
        let identifier = self.check_action(&definition)?;
        if self.actions.contains_key(&identifier) {
            return Err(PortRefusal::taken("action", &identifier));
        }
        let action = PortAction {
            definition: definition.into(),
            stamps: ChangeStamps::new(call.now, &call.actor),
        };
        let reply = self.shown_action(StatusCode::CREATED, &action);
        self.record(call, "CREATE", "action", &identifier);
        self.actions.insert(identifier, Arc::new(action));
        Ok(reply)
    }

    fn replace_action(&mut self, call: &PortCall<'_>, identifier: &str) -> PortResult {
        let before = self.action(identifier)?;
        let definition = call.object()?;
        let renamed = self.check_action(&definition)?;
        if renamed != identifier && self.actions.contains_key(&renamed) {
            return Err(PortRefusal::taken("action", &renamed));
        }
        let mut stamps = before.stamps.clone();
        stamps.touch(call.now, &call.actor);
        let action = PortAction {
            definition: definition.into(),
            stamps,
        };
        let reply = self.shown_action(StatusCode::OK, &action);
        self.record(call, "UPDATE", "action", &renamed);
        self.actions.remove(identifier);
        self.actions.insert(renamed, Arc::new(action));
        Ok(reply)
    }

    fn delete_action(&mut self, call: &PortCall<'_>, identifier: &str) -> PortResult {
        self.action(identifier)?;
        self.actions.remove(identifier);
        self.record(call, "DELETE", "action", identifier);
        Ok(PortReply::ok(json!({"ok": true})))
    }

    fn permissions(&self, identifier: &str) -> PortResult {
        self.action(identifier)?;
        Ok(PortReply::ok(json!({"ok": true, "permissions": {
            "execute": {"roles": ["Member"], "users": [], "teams": [], "ownedByTeam": false},
            "approve": {"roles": [], "users": [], "teams": []},
        }})))
    }

    /// Checks a definition against the schema of "Create an action/automation"; returns its identifier.
    fn check_action(&self, definition: &Map<String, Value>) -> Result<String, PortRefusal> {
        input::only(definition, "body", &KEYS)?;
        for key in ["title", "icon", "description"] {
            if definition.contains_key(key) {
                input::required(definition, "body", key)?;
            }
        }
        let identifier = input::required(definition, "body", "identifier")?;
        IdentifierKind::Action.check("body/identifier", identifier)?;
        let trigger = part(definition, "trigger")?;
        match input::required(trigger, "body/trigger", "type")? {
            "self-service" => self.check_self_service(trigger)?,
            "automation" => {}
            _ => return Err(PortRefusal::invalid("body/trigger/type is not supported")),
        }
        check_invocation(part(definition, "invocationMethod")?)?;
        match definition.get("requiredApproval") {
            None | Some(Value::Bool(_) | Value::Object(_)) => Ok(identifier.to_owned()),
            Some(_) => Err(PortRefusal::invalid(
                "body/requiredApproval must be boolean or object",
            )),
        }
    }

    fn check_self_service(&self, trigger: &Map<String, Value>) -> Result<(), PortRefusal> {
        let at = "body/trigger";
        input::only(
            trigger,
            at,
            &[
                "type",
                "operation",
                "blueprintIdentifier",
                "userInputs",
                "condition",
                "actionCardButtonText",
                "executeActionButtonText",
            ],
        )?;
        let operation = input::required(trigger, at, "operation")?;
        if !matches!(operation, "CREATE" | "DAY-2" | "DELETE") {
            return Err(PortRefusal::invalid(format!(
                "{at}/operation must be equal to one of the allowed values: CREATE, DAY-2, DELETE"
            )));
        }
        let Some(Value::Object(inputs)) = trigger.get("userInputs") else {
            return Err(PortRefusal::invalid(format!(
                "{at} must have required property 'userInputs'"
            )));
        };
        let known = ["properties", "required", "order", "steps", "titles"];
        input::only(inputs, &format!("{at}/userInputs"), &known)?;
        match input::optional(trigger, at, "blueprintIdentifier")? {
            Some(blueprint) => self.blueprint(blueprint).map(drop),
            None => Ok(()),
        }
    }
}

fn check_invocation(method: &Map<String, Value>) -> Result<(), PortRefusal> {
    let at = "body/invocationMethod";
    match input::required(method, at, "type")? {
        "GITHUB" => {
            let mut work = method.clone();
            work.remove("type");
            check_dispatch(&work, at)
        }
        "INTEGRATION_ACTION" => {
            let key = "integrationActionExecutionProperties";
            input::only(
                method,
                at,
                &["type", "installationId", "integrationActionType", key],
            )?;
            input::required(method, at, "installationId")?;
            if input::required(method, at, "integrationActionType")? != "dispatch_workflow" {
                return Err(PortRefusal::invalid(format!(
                    "{at}/integrationActionType must be equal to one of the allowed values: dispatch_workflow"
                )));
            }
            if !method.contains_key(key) {
                return Err(PortRefusal::invalid(format!(
                    "{at} must have required property '{key}'"
                )));
            }
            check_dispatch(&input::map(method, at, key)?, &format!("{at}/{key}"))
        }
        "WEBHOOK" | "KAFKA" | "GITLAB" | "AZURE_DEVOPS" | "UPSERT_ENTITY" => Ok(()),
        _ => Err(PortRefusal::invalid(format!("{at}/type is not supported"))),
    }
}

/// What starts a workflow: which one, and with which inputs.
fn check_dispatch(work: &Map<String, Value>, at: &str) -> Result<(), PortRefusal> {
    let keys = [
        "org",
        "repo",
        "workflow",
        "workflowInputs",
        "reportWorkflowStatus",
    ];
    input::only(work, at, &keys)?;
    for key in ["org", "repo", "workflow"] {
        input::required(work, at, key)?;
    }
    match work.get("reportWorkflowStatus") {
        None | Some(Value::Bool(_) | Value::String(_)) => Ok(()),
        Some(_) => Err(PortRefusal::invalid(format!(
            "{at}/reportWorkflowStatus must be boolean or string"
        ))),
    }
}

fn part<'a>(
    definition: &'a Map<String, Value>,
    key: &str,
) -> Result<&'a Map<String, Value>, PortRefusal> {
    match definition.get(key) {
        Some(Value::Object(part)) => Ok(part),
        Some(_) => Err(PortRefusal::invalid(format!("body/{key} must be object"))),
        None => Err(PortRefusal::invalid(format!(
            "body must have required property '{key}'"
        ))),
    }
}

impl Port {
    fn show_action(&self, action: &PortAction) -> Value {
        let mut shown = (*action.definition).clone();
        if self.unset_as_null {
            for key in KEYS {
                shown.entry(key).or_insert(Value::Null);
            }
        }
        action.stamps.write(&mut shown);
        Value::Object(shown)
    }

    fn shown_action(&self, status: StatusCode, action: &PortAction) -> PortReply {
        PortReply::with(
            status,
            json!({"ok": true, "action": self.show_action(action)}),
        )
    }
}
