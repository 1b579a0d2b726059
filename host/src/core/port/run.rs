//! The action run: its log, its end.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Client;
use crate::core::contract::{EntityKey, Failure};
use crate::core::http::{Sent, Told, seg};
use crate::core::retry::Effect;

/// How often a line is written again after its answer was lost and the line is not there.
const TRIES: usize = 3;
/// What is left for the last report when the run's own time is up.
const GRACE: Duration = Duration::from_secs(30);

/// How a run ends, in Port's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Termination {
    /// `SUCCESS`
    Success,
    /// `FAILURE`
    Failure,
}

impl Termination {
    /// The word that Port uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
        }
    }
}

/// The last word to a run.
#[derive(Clone, Debug)]
pub struct End<'a> {
    /// The last line of the log.
    pub message: &'a str,
    /// The label beside the status.
    pub label: &'a str,
    /// How the run ends. None leaves that to Port's own integration, which reads the workflow's exit code
    /// (`reportWorkflowStatus`).
    pub termination: Option<Termination>,
}

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
        #[derive(Deserialize)]
        struct One {
            run: Run,
        }
        let answer = self.get(format!("{}?version=v2", self.run_path())).await?;
        Ok(answer.json::<One>()?.run)
    }

    /// Adds a line to the run's log, once: a lost answer is resolved by reading the log.
    pub async fn log(&self, message: &str) -> Told<()> {
        if !self.is_tied() {
            return Ok(());
        }
        self.log_once(json!({ "message": message })).await
    }

    /// Writes the last line, the label and the status in one call, and leaves time for it even after the deadline.
    ///
    /// Fails with `conflict` if the run has ended in another way.
    pub async fn end(&self, end: &End<'_>) -> Told<()> {
        if !self.is_tied() {
            return Ok(());
        }
        self.http.session.grace(GRACE);
        let mut body = json!({ "message": end.message, "statusLabel": end.label });
        let Some(termination) = end.termination.map(Termination::as_str) else {
            return self.log_once(body).await;
        };
        body["terminationStatus"] = termination.into();
        let mut tries = 1..TRIES;
        loop {
            let error = match self.post_log(&body).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_uncertain() || error.says(422, "run_exhausted") => error,
                Err(error) => return Err(error.into()),
            };
            match self.run().await?.status {
                status if status == termination => return Ok(()),
                status if status != "IN_PROGRESS" => {
                    return Err(Failure::Conflict(format!(
                        "{error}: the run is {status}, not {termination}"
                    )));
                }
                _ if error.is_uncertain() && tries.next().is_some() => {}
                _ => return Err(error.into()),
            }
        }
    }

    async fn post_log(&self, body: &Value) -> Sent<()> {
        let target = format!("{}/logs", self.run_path());
        let answer = self.post(Effect::Once, target, body.clone()).await;
        answer.map(drop)
    }

    async fn log_once(&self, body: Value) -> Told<()> {
        for _ in 1..TRIES {
            match self.post_log(&body).await {
                Err(error) if error.is_uncertain() => {
                    if self.has_line(&body["message"]).await? {
                        return Ok(());
                    }
                }
                other => return Ok(other?),
            }
        }
        Ok(self.post_log(&body).await?)
    }

    /// Whether the log holds a line. Its order is not documented, so all of it is read.
    async fn has_line(&self, message: &Value) -> Sent<bool> {
        #[derive(Deserialize)]
        struct Logs {
            #[serde(rename = "runLogs")]
            lines: Vec<Value>,
        }
        for page in 0..20 {
            let target = format!("{}/logs?limit=50&offset={}", self.run_path(), page * 50);
            let logs: Logs = self.get(target).await?.json()?;
            if logs.lines.iter().any(|line| line["message"] == *message) {
                return Ok(true);
            }
            if logs.lines.len() < 50 {
                break;
            }
        }
        Ok(false)
    }

    fn run_path(&self) -> String {
        format!("/v1/actions/runs/{}", seg(&self.run))
    }
}
