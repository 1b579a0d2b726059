//! Action runs: read, change, approve, start.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::{PortRefusal, PortReply, PortResult};
use super::input::{self, PortCall};
use super::{ActionRun, ChangeStamps, Port, RunApproval, RunStatus};

/// The fields of a run that a caller may change.
const PATCH_KEYS: [&str; 6] = [
    "status",
    "statusLabel",
    "link",
    "summary",
    "externalRunId",
    "message",
];

/// The statuses that a caller may set.
pub(super) const TERMINAL: [&str; 2] = ["SUCCESS", "FAILURE"];

impl Port {
    pub(super) fn route_runs(
        &mut self,
        method: &Method,
        call: &PortCall<'_>,
        rest: &[&str],
    ) -> Option<PortResult> {
        Some(match (method.as_str(), rest) {
            ("GET", []) => self.list_runs(call),
            ("GET", [run]) => self.get_run(call, run),
            ("PATCH", [run]) => self.patch_run(call, run),
            ("GET", [run, "logs"]) => self.list_logs(call, run),
            ("POST", [run, "logs"]) => self.add_log(call, run),
            ("PATCH", [run, "approval"]) => self.approve(call, run),
            ("GET", [run, "approvers"]) => self.approvers(run),
            ("PATCH", [run, "response"]) => self.respond_run(call, run),
            _ => return None,
        })
    }

    /// The run, or 404.
    pub(super) fn run(&self, id: &str) -> Result<&ActionRun, PortRefusal> {
        self.runs
            .get(id)
            .ok_or_else(|| PortRefusal::not_found("run", id))
    }

    pub(super) fn run_mut(&mut self, id: &str) -> Result<&mut ActionRun, PortRefusal> {
        self.runs
            .get_mut(id)
            .ok_or_else(|| PortRefusal::not_found("run", id))
    }

    fn get_run(&self, call: &PortCall<'_>, id: &str) -> PortResult {
        let run = self.run(id)?;
        Ok(PortReply::holding("run", self.show_run(call, run)))
    }

    /// Newest first.
    fn list_runs(&self, call: &PortCall<'_>) -> PortResult {
        let limit = call.query.number("limit", 1..=1000, 1000)?;
        let active = call.query.flag("active")?;
        let asked = |key: &str, value: Option<&str>| {
            call.query
                .text(key)
                .is_none_or(|asked| value == Some(asked))
        };
        let mut runs: Vec<&ActionRun> = self
            .runs
            .values()
            .filter(|run| asked("external_run_id", run.external_run_id.as_deref()))
            .filter(|run| asked("entity", run.entity.as_deref()))
            .filter(|run| asked("blueprint", run.blueprint.as_deref()))
            .filter(|run| asked("action", Some(&run.action)))
            .filter(|run| asked("source", Some(&run.source)))
            .filter(|run| asked("user_id", Some(&run.stamps.created_by)))
            .filter(|run| asked("user_email", Some(&run.stamps.created_by)))
            .filter(|run| !active || !run.status.is_over())
            .collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.stamps.created_at));
        let runs = runs.into_iter().take(limit);
        let runs: Vec<Value> = runs.map(|run| self.show_run(call, run)).collect();
        Ok(PortReply::holding("runs", runs))
    }

    /// `PATCH /v1/actions/runs/{id}`. The stray query `runId` that Port's own action sends is ignored.
    fn patch_run(&mut self, call: &PortCall<'_>, id: &str) -> PortResult {
        self.run(id)?;
        let body = call.object()?;
        input::only(&body, "body", &PATCH_KEYS)?;
        let status = input::word(&body, "status", &TERMINAL)?.and_then(RunStatus::parse);
        let link = body.get("link").map(links).transpose()?;
        let label = input::optional(&body, "body", "statusLabel")?;
        let summary = input::optional(&body, "body", "summary")?;
        let external = input::optional(&body, "body", "externalRunId")?;
        input::map(&body, "body", "message")?;
        if status.is_some() {
            self.check_asynchronous(id)?;
        }
        let run = self.run_mut(id)?;
        // A run that ended "can no longer be modified". Port's table of codes for this route has no `run_exhausted`.
        if run.status.is_over() {
            let message = format!("run \"{id}\" has ended and can no longer be modified");
            return Err(PortRefusal::invalid(message));
        }
        if let Some(label) = label {
            run.label = Some(label.to_owned());
        }
        if let Some(link) = link {
            run.link = link;
        }
        if let Some(summary) = summary {
            summary.clone_into(&mut run.summary);
        }
        if let Some(external) = external {
            run.external_run_id = Some(external.to_owned());
        }
        if let Some(status) = status {
            run.end(status, call);
        }
        run.stamps.touch(call.now, &call.actor);
        self.record(call, "UPDATE", "run", id);
        self.get_run(call, id)
    }

    /// Refuses to end a run whose backend answers at once, since Port itself ends it.
    fn check_asynchronous(&self, id: &str) -> Result<(), PortRefusal> {
        let action = self.actions.get(&self.run(id)?.action);
        let method = action.and_then(|action| action.definition.get("invocationMethod"));
        let synchronized = method.and_then(|method| method.get("synchronized"));
        if synchronized != Some(&json!(true)) {
            return Ok(());
        }
        Err(unprocessable(
            "run_synchronized_error",
            format!("the status of run \"{id}\" is set by its synchronous backend"),
        ))
    }

    fn approve(&mut self, call: &PortCall<'_>, id: &str) -> PortResult {
        self.run(id)?;
        let body = call.object()?;
        input::only(&body, "body", &["status", "description"])?;
        let decision = input::word(&body, "status", &["APPROVE", "DECLINE"])?
            .ok_or_else(|| PortRefusal::invalid("body must have required property 'status'"))?;
        let description = input::optional(&body, "body", "description")?;
        let run = self.run_mut(id)?;
        if run.status != RunStatus::WaitingForApproval {
            return Err(unprocessable(
                "run_not_waiting_for_approval",
                format!("run \"{id}\" is not waiting for approval"),
            ));
        }
        run.approval = Some(RunApproval {
            user: call.actor.clone(),
            state: decision.to_owned(),
            description: description.map(str::to_owned),
        });
        if decision == "APPROVE" {
            run.status = RunStatus::InProgress;
        } else {
            run.end(RunStatus::Declined, call);
        }
        run.stamps.touch(call.now, &call.actor);
        self.record(call, "UPDATE", "run", id);
        let run = self.show_run(call, self.run(id)?);
        Ok(PortReply::with(
            StatusCode::CREATED,
            json!({"ok": true, "run": run}),
        ))
    }

    fn approvers(&self, id: &str) -> PortResult {
        let decided = self.run(id)?.approval.iter().map(RunApproval::json);
        Ok(PortReply::ok(
            json!({"ok": true, "approvers": decided.collect::<Vec<_>>()}),
        ))
    }

    fn respond_run(&mut self, call: &PortCall<'_>, id: &str) -> PortResult {
        self.run(id)?;
        let body = call.object()?;
        input::only(&body, "body", &["response"])?;
        let response = input::map(&body, "body", "response")?;
        let run = self.run_mut(id)?;
        run.response = Value::Object(response);
        run.stamps.touch(call.now, &call.actor);
        self.get_run(call, id)
    }

    /// `POST /v1/actions/{action}/runs`: somebody starts the action.
    pub(super) fn start_run(&mut self, call: &PortCall<'_>, action: &str) -> PortResult {
        let definition = self.action(action)?.definition.clone();
        let body = call.object()?;
        input::only(&body, "body", &["properties", "entity"])?;
        let properties = input::map(&body, "body", "properties")?;
        let entity = input::optional(&body, "body", "entity")?;
        let trigger = definition.get("trigger").unwrap_or(&Value::Null);
        self.check_start(call, trigger, entity, &properties)?;
        let required_approval = definition.get("requiredApproval").cloned();
        let user = call.query.text("run_as").unwrap_or(&call.actor);
        let mut run = ActionRun::new(
            self.generate("r_"),
            action,
            ChangeStamps::new(call.now, user),
        );
        let blueprint = trigger.get("blueprintIdentifier").and_then(Value::as_str);
        run.blueprint = blueprint.map(str::to_owned);
        run.entity = entity.map(str::to_owned);
        run.properties = properties;
        run.source = "API".to_owned();
        run.required_approval = required_approval.unwrap_or(json!(false));
        if run.required_approval != json!(false) {
            run.status = RunStatus::WaitingForApproval;
        }
        let shown = self.show_run(call, &run);
        self.record(call, "CREATE", "run", &run.id);
        self.runs.insert(run.id.clone(), run);
        Ok(PortReply::with(
            StatusCode::ACCEPTED,
            json!({"ok": true, "run": shown}),
        ))
    }

    /// Refuses to start an action on an entity, or with inputs, that it does not take.
    fn check_start(
        &self,
        call: &PortCall<'_>,
        trigger: &Value,
        entity: Option<&str>,
        properties: &Map<String, Value>,
    ) -> Result<(), PortRefusal> {
        if trigger.get("type") != Some(&json!("self-service")) {
            return Err(unprocessable(
                "run_non_self_service_error",
                "only self-service actions can be started",
            ));
        }
        check_inputs(trigger, properties)?;
        let Some(identifier) = entity else {
            if trigger.get("operation") == Some(&json!("CREATE")) {
                return Ok(());
            }
            return Err(unprocessable(
                "missing_self_service_action_entity",
                "the action needs an entity to run on",
            ));
        };
        let blueprint = trigger.get("blueprintIdentifier").and_then(Value::as_str);
        let entity = blueprint.and_then(|blueprint| self.entity(blueprint, identifier));
        let entity = entity.ok_or_else(|| PortRefusal::not_found("entity", identifier))?;
        match trigger.get("condition") {
            Some(condition) if !self.meets(call, entity, condition)? => Err(unprocessable(
                "entity_does_not_pass_condition",
                format!("entity \"{identifier}\" does not pass the condition of the action"),
            )),
            _ => Ok(()),
        }
    }
}

fn unprocessable(code: &'static str, message: impl Into<String>) -> PortRefusal {
    PortRefusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
}

fn links(sent: &Value) -> Result<Vec<String>, PortRefusal> {
    let wrong = || PortRefusal::invalid("body/link must be string or array of strings");
    match sent {
        Value::String(link) => Ok(vec![link.clone()]),
        Value::Array(links) => links
            .iter()
            .map(|link| link.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        _ => Err(wrong()),
    }
}

/// User inputs: unknown ones and missing required ones are refused.
fn check_inputs(trigger: &Value, properties: &Map<String, Value>) -> Result<(), PortRefusal> {
    let refuse = |message: String| Err(unprocessable("user_inputs_schema_invalid", message));
    let inputs = trigger.get("userInputs").unwrap_or(&Value::Null);
    let known = inputs.get("properties").and_then(Value::as_object);
    if let Some(name) = properties
        .keys()
        .find(|name| !known.is_some_and(|known| known.contains_key(*name)))
    {
        return refuse(format!("the action has no user input \"{name}\""));
    }
    let required = inputs.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    match required
        .into_iter()
        .find(|name| !properties.contains_key(*name))
    {
        Some(name) => refuse(format!("user input \"{name}\" is required")),
        None => Ok(()),
    }
}
