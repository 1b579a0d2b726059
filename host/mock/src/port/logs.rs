//! The log of a run. Its last line may end the run in the same call.

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{PortReply, PortResult};
use super::catalog::time;
use super::input::{self, PortCall};
use super::run::exhausted;
use super::runs::TERMINAL;
use super::{LogLine, Port, RunStatus};

impl Port {
    /// `POST /v1/actions/runs/{id}/logs` (Port API reference, "Create an action run log").
    pub(super) fn add_log(&mut self, call: &PortCall<'_>, id: &str) -> PortResult {
        self.run(id)?;
        let body = call.object()?;
        input::only(
            &body,
            "body",
            &["message", "terminationStatus", "statusLabel"],
        )?;
        let message = input::required(&body, "body", "message")?.to_owned();
        let end = input::word(&body, "terminationStatus", &TERMINAL)?.and_then(RunStatus::parse);
        let label = input::optional(&body, "body", "statusLabel")?;
        let line = LogLine {
            id: self.generate("rl_"),
            message,
            created_by: call.actor.clone(),
            created_at: call.now,
        };
        let run = self.run_mut(id)?;
        if run.status.is_over() {
            return Err(exhausted(run));
        }
        if let Some(label) = label {
            run.label = Some(label.to_owned());
        }
        if let Some(status) = end {
            run.end(status, call);
        }
        let shown = show(id, &line);
        run.logs.push(line);
        Ok(PortReply::with(
            StatusCode::CREATED,
            json!({"ok": true, "runLog": shown}),
        ))
    }

    pub(super) fn list_logs(&self, call: &PortCall<'_>, id: &str) -> PortResult {
        let run = self.run(id)?;
        let limit = call.query.number("limit", 1..=50, 50)?;
        let offset = call.query.number("offset", 0..=usize::MAX, 0)?;
        let lines = run.logs.iter().skip(offset).take(limit);
        let lines: Vec<Value> = lines.map(|line| show(id, line)).collect();
        Ok(PortReply::ok(json!({"ok": true, "runLogs": lines})))
    }
}

fn show(run: &str, line: &LogLine) -> Value {
    json!({
        "id": line.id, "runId": run, "message": line.message, "createdBy": line.created_by,
        "createdAt": time(line.created_at),
    })
}
