//! The action run: its log, its end.
//!
//! All that a run of an action is asked and told is here: `run`, `log`, `wait`, `end` and `show`, by routes of actions.
//! A run of Port's Workflows is refused by its identifier before any of it ([`RunKind`](super::RunKind)); to serve it as well, that is the
//! place to choose, and these five are what a second kind must have (its routes are below `/v1/workflows/nodes/runs`).

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::contract::Failure;
use crate::service::http::{CallResult, Request, ServiceResult, seg};
use crate::service::port::{ActionWorkflow, Client, PortRun, PortUser};
use crate::service::retry::once;

/// What stands before the seal of a journal in the log of the run.
pub(crate) const SEALED: &str = "journal sealed: ";
/// The longest address that is shown as a link.
const MAX_LINK_BYTES: usize = 1_000;
/// How long a link may take: it must not keep the last word waiting.
const LINK_TIME: Duration = Duration::from_secs(5);

/// What stands before the digest of a plan in the host's first line of a run that keeps to one.
pub(crate) const PLANNED: &str = " starts, keeping to plan ";

/// What the log of a run tells of earlier attempts of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EarlierAttempts {
    /// The seal of the newest journal.
    pub(crate) seal: Option<String>,
    /// The digest of the plan that the newest attempt with one has kept to.
    pub(crate) plan: Option<String>,
}

/// The newest of several texts.
#[derive(Default)]
struct NewestText {
    at: String,
    text: Option<String>,
}

impl NewestText {
    fn see(&mut self, at: &str, text: Option<&str>) {
        if let Some(text) = text
            && (self.text.is_none() || self.at.as_str() <= at)
        {
            (self.at, self.text) = (at.to_owned(), Some(text.to_owned()));
        }
    }
}

/// Reads the digest of a plan out of a line of the host. No other line begins as the host's do.
fn planned_by(line: &str) -> Option<&str> {
    let (version, rest) = line.strip_prefix("promote ")?.split_once(PLANNED)?;
    let (plan, _) = rest.split_once(':')?;
    (!version.contains(' ')).then_some(plan)
}

/// The pages that people can go to from the run.
#[derive(Default)]
pub(super) struct RunLinks {
    all: Vec<String>,
    is_shown: bool,
    has_pull_request: bool,
}

/// The time that is left for the last report when the run's own is up.
const GRACE: Duration = Duration::from_secs(30);

impl Client {
    /// Returns the run.
    pub async fn run(&self) -> CallResult<PortRun> {
        let answer = self.get(format!("{}?version=v2", self.run_path())).await?;
        Ok(answer.field("run")?)
    }

    /// Adds a line to the run's log, once: a lost answer is resolved by reading the log.
    pub async fn log(&self, message: &str) -> CallResult<()> {
        if !self.is_tied() {
            return Ok(());
        }
        self.log_once(&json!({ "message": message })).await
    }

    /// Returns the runs of an action, in no order that is documented; only those under way if `active`.
    pub async fn runs(&self, action: &str, active: bool) -> CallResult<Vec<PortRun>> {
        let active = if active { "&active=true" } else { "" };
        let target = format!(
            "/v1/actions/runs?version=v2&action={}&limit=1000{active}",
            seg(action)
        );
        Ok(self.get(target).await?.field("runs")?)
    }

    /// Returns the workflow of GitHub that an action starts; none if it starts none.
    pub async fn workflow_of(&self, action: &str) -> CallResult<Option<ActionWorkflow>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct FoundAction {
            invocation_method: Value,
        }
        let target = format!("/v1/actions/{}", seg(action));
        let found: FoundAction = self.get(target).await?.field("action")?;
        Ok(ActionWorkflow::of_method(&found.invocation_method))
    }

    /// Leaves the run in progress, and shows in it what it waits for and where: the run is over, the promotion is not.
    pub async fn wait(&self, message: &str, label: &str, summary: &str) -> CallResult<()> {
        if !self.is_tied() {
            return Ok(());
        }
        self.http.session.grace(GRACE);
        let mut body = json!({ "statusLabel": label, "summary": summary });
        let links = self.take_links();
        if !links.is_empty() {
            body["link"] = json!(links);
        }
        self.send(Request::write(Method::PATCH, self.run_path(), body))
            .await?;
        self.log_once(&json!({ "message": message })).await
    }

    /// Writes the last line, the label and the status in one call, and leaves time for it even after the deadline. The status
    /// is `SUCCESS` or `FAILURE`; none leaves it to Port's own integration, which reads the workflow's exit code
    /// (`reportWorkflowStatus`).
    ///
    /// Fails with `conflict` if the run has ended in another way.
    pub async fn end(&self, message: &str, label: &str, status: Option<&str>) -> CallResult<()> {
        if !self.is_tied() {
            return Ok(());
        }
        self.http.session.grace(GRACE);
        let mut body = json!({ "message": message, "statusLabel": label });
        let Some(status) = status else {
            return self.log_once(&body).await;
        };
        body["terminationStatus"] = status.into();
        match once(
            || self.post_log(&body),
            || async { Ok(self.run().await?.status == status) },
        )
        .await
        {
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

    /// Writes the entity that stands for this run in a blueprint of records: creates it, or changes what it holds. Nothing else
    /// is created with it (API reference, "Create an entity", `upsert`, `merge`, `create_missing_related_entities`).
    pub(crate) async fn keep_record(
        &self,
        blueprint: &str,
        title: &str,
        properties: Map<String, Value>,
    ) -> CallResult<()> {
        if !self.is_tied() {
            return Ok(());
        }
        self.http.session.grace(GRACE);
        let target = format!(
            "/v1/blueprints/{}/entities?upsert=true&merge=true",
            seg(blueprint)
        );
        let body = json!({ "identifier": self.run, "title": title, "properties": properties });
        self.send(Request::write(Method::POST, target, body))
            .await?;
        Ok(())
    }

    /// Remembers a page that the run's people should be able to click on: the workflow run, then the pull request. An address
    /// that is none for the web is left out.
    pub(crate) fn add_link(&self, address: &str) {
        let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic());
        if !address.starts_with("https://") || !is_plain || address.len() > MAX_LINK_BYTES {
            return;
        }
        let mut links = self.links();
        if !links.all.iter().any(|known| known == address) {
            links.all.push(address.to_owned());
            links.is_shown = false;
        }
    }

    /// Likewise for the pull request, which is shown as soon as there is time.
    pub(crate) fn add_pull_request(&self, address: &str) {
        self.add_link(address);
        self.links().has_pull_request = true;
    }

    /// Returns whether there is a pull request that Port does not show yet.
    pub(crate) fn has_new_pull_request(&self) -> bool {
        let links = self.links();
        self.is_tied() && links.has_pull_request && !links.is_shown
    }

    /// Has Port show the links, all of them: each change replaces what was there (API reference, "Update an action run"). It
    /// is tried once, and a link that is not taken stops nothing.
    pub(crate) async fn show_links(&self) {
        self.show(None).await;
    }

    /// Likewise just before the end, with a summary if the run has one that says what it waited for.
    pub(crate) async fn show(&self, summary: Option<&str>) {
        let links = self.take_links();
        if !self.is_tied() || (links.is_empty() && summary.is_none()) {
            return;
        }
        let mut body = Map::new();
        if !links.is_empty() {
            body.insert("link".to_owned(), json!(links));
        }
        if let Some(summary) = summary {
            body.insert("summary".to_owned(), json!(summary));
        }
        let request = Request::write(Method::PATCH, self.run_path(), body.into()).optional();
        let _ = tokio::time::timeout(LINK_TIME, self.send(request)).await;
    }

    /// Returns all links, if Port does not show them yet, and takes them for shown.
    fn take_links(&self) -> Vec<String> {
        let mut links = self.links();
        if !self.is_tied() || links.is_shown {
            return Vec::new();
        }
        links.is_shown = true;
        links.all.clone()
    }

    fn links(&self) -> MutexGuard<'_, RunLinks> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a user of the organisation by Port's identifier (API reference, "Get all users in your organization").
    pub async fn user(&self, id: &str) -> CallResult<Option<PortUser>> {
        let answer = self.get("/v1/users".to_owned()).await?;
        let users: Vec<PortUser> = answer.field("users")?;
        Ok(users.into_iter().find(|user| user.id == id))
    }

    /// Returns whether the log of the run holds a line of the host with this text.
    pub async fn mentions(&self, text: &str) -> CallResult<bool> {
        self.find_line(|line| {
            let line = line["message"].as_str().unwrap_or_default();
            line.lines().any(|line| {
                line.starts_with("promote ") && line.split_whitespace().any(|word| word == text)
            })
        })
        .await
    }

    /// Returns what the log of the run tells of earlier attempts.
    pub(crate) async fn earlier_attempts(&self) -> CallResult<EarlierAttempts> {
        let (mut seal, mut plan) = (NewestText::default(), NewestText::default());
        for page in 0..20 {
            let target = format!("{}/logs?limit=50&offset={}", self.run_path(), page * 50);
            let lines: Vec<Value> = self.get(target).await?.field("runLogs")?;
            for line in &lines {
                let at = line["createdAt"].as_str().unwrap_or_default();
                let text = line["message"].as_str().unwrap_or_default();
                seal.see(
                    at,
                    text.lines().rev().find_map(|it| it.strip_prefix(SEALED)),
                );
                plan.see(at, text.lines().rev().find_map(planned_by));
            }
            if lines.len() < 50 {
                break;
            }
        }
        Ok(EarlierAttempts {
            seal: seal.text,
            plan: plan.text,
        })
    }

    async fn post_log(&self, body: &Value) -> ServiceResult<()> {
        let target = format!("{}/logs", self.run_path());
        self.send(Request::once(Method::POST, target, body.clone()))
            .await
            .map(drop)
    }

    async fn log_once(&self, body: &Value) -> CallResult<()> {
        once(|| self.post_log(body), || self.has_line(&body["message"])).await
    }

    async fn has_line(&self, message: &Value) -> CallResult<bool> {
        self.find_line(|line| line["message"] == *message).await
    }

    /// Returns whether the log holds a line that fits. Its order is not documented, so all of it is read.
    async fn find_line(&self, fits: impl Fn(&Value) -> bool) -> CallResult<bool> {
        for page in 0..20 {
            let target = format!("{}/logs?limit=50&offset={}", self.run_path(), page * 50);
            let lines: Vec<Value> = self.get(target).await?.field("runLogs")?;
            let is_there = lines.iter().any(&fits);
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
