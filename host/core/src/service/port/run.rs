//! The action run: its log, its end.

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::contract::{EntityKey, Failure};
use crate::service::http::{Request, Sent, Told, seg};
use crate::service::port::Client;
use crate::service::retry::once;

/// What is left for the last report when the run's own time is up.
const GRACE: Duration = Duration::from_secs(30);

/// An action run.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// Its identifier.
    pub id: String,
    /// `IN_PROGRESS`, `SUCCESS`, `FAILURE`, `WAITING_FOR_APPROVAL` or `DECLINED`.
    pub status: String,
    /// An object with an identifier, or the identifier (API reference, "Get an action run's details").
    entity: Option<Value>,
    blueprint: Option<Value>,
}

impl Run {
    /// Whether it still takes log lines and writes.
    pub fn is_open(&self) -> bool {
        self.status == "IN_PROGRESS"
    }

    /// Whether it was started on this entity.
    pub fn is_about(&self, key: &EntityKey) -> bool {
        let named = |value: &Option<Value>, name: &str| {
            let value = value.as_ref().unwrap_or_default();
            value.as_str().or(value["identifier"].as_str()) == Some(name)
        };
        named(&self.entity, &key.identifier) && named(&self.blueprint, &key.blueprint)
    }
}

impl Client {
    /// The run.
    pub async fn run(&self) -> Told<Run> {
        let answer = self.get(format!("{}?version=v2", self.run_path())).await?;
        Ok(answer.field("run")?)
    }

    /// Adds a line to the run's log, once: a lost answer is resolved by reading the log.
    pub async fn log(&self, message: &str) -> Told<()> {
        match self.is_tied() {
            true => self.log_once(&json!({ "message": message })).await,
            false => Ok(()),
        }
    }

    /// Writes the last line, the label and the status in one call, and leaves time for it even after the deadline. The status
    /// is `SUCCESS` or `FAILURE`; none leaves it to Port's own integration, which reads the workflow's exit code
    /// (`reportWorkflowStatus`).
    ///
    /// Fails with `conflict` if the run has ended in another way.
    pub async fn end(&self, message: &str, label: &str, status: Option<&str>) -> Told<()> {
        if !self.is_tied() {
            return Ok(());
        }
        self.http.session.grace(GRACE);
        let mut body = json!({ "message": message, "statusLabel": label });
        let Some(status) = status else {
            return self.log_once(&body).await;
        };
        body["terminationStatus"] = status.into();
        let is_ended = || async { Ok(self.run().await?.status == status) };
        match once(|| self.post_log(&body), is_ended).await {
            // It is over; an earlier copy of this may have ended it.
            Err(Failure::Conflict(why)) => match self.run().await?.status {
                is if is == status => Ok(()),
                is => Err(Failure::Conflict(format!(
                    "{why}: the run is {is}, not {status}"
                ))),
            },
            other => other,
        }
    }

    async fn post_log(&self, body: &Value) -> Sent<()> {
        let target = format!("{}/logs", self.run_path());
        self.send(Request::once(Method::POST, target, body.clone()))
            .await
            .map(drop)
    }

    async fn log_once(&self, body: &Value) -> Told<()> {
        once(|| self.post_log(body), || self.has_line(&body["message"])).await
    }

    /// Whether the log holds a line. Its order is not documented, so all of it is read.
    async fn has_line(&self, message: &Value) -> Told<bool> {
        for page in 0..20 {
            let target = format!("{}/logs?limit=50&offset={}", self.run_path(), page * 50);
            let lines: Vec<Value> = self.get(target).await?.field("runLogs")?;
            let is_there = lines.iter().any(|line| line["message"] == *message);
            if is_there || lines.len() < 50 {
                return Ok(is_there);
            }
        }
        Ok(false)
    }

    fn run_path(&self) -> String {
        format!("/v1/actions/runs/{}", seg(&self.run))
    }
}
