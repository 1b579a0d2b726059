//! The client of Port: one login per run, entities, and the run that all of it is reported to.
//!
//! It never creates an entity, and never touches a run's `externalRunId`, by which Port's own integration finds it.

mod action_run;
mod entity;
mod run;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use action_run::{
    ActionWorkflow, PortRun, PortUser, RunApproval, RunKind, RunStatus, WorkflowReport,
};
pub use entity::EntityPage;
pub(crate) use run::{EarlierAttempts, PLANNED, SEALED};

use entity::RelationShapes;
use run::RunLinks;

use crate::service::http::{
    CallResult, Http, HttpAnswer, MintedToken, Request, Service, ServiceResult, Session, TokenSlot,
};
use crate::service::secret::Secret;

/// The credentials at Port.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The client id; not secret.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Secret,
}

/// Port, for one run.
pub struct Client {
    http: Http,
    credentials: Credentials,
    run: String,
    token: TokenSlot,
    /// Whether the run still takes log lines and tied writes.
    tied: AtomicBool,
    shapes: Mutex<RelationShapes>,
    links: Mutex<RunLinks>,
}

impl Client {
    /// Makes a client that reports to the action run `run`. It logs in at the first call.
    ///
    /// Fails if `base` is not a URL that credentials may be sent to.
    pub fn new(
        base: &str,
        credentials: Credentials,
        run: &str,
        session: Arc<Session>,
    ) -> ServiceResult<Self> {
        session.keep(&credentials.client_secret);
        let http = Http::new(Service::Port, base, session)?;
        Ok(Self {
            http,
            credentials,
            run: run.to_owned(),
            token: TokenSlot::default(),
            tied: AtomicBool::new(true),
            shapes: Mutex::default(),
            links: Mutex::default(),
        })
    }

    /// Stops reporting to the run, which has ended already (an earlier attempt ended it): it takes no more log lines and no
    /// writes tied to it, and what is right in git must be right in the catalog all the same.
    pub(crate) fn untie(&self) {
        self.tied.store(false, Ordering::Relaxed);
    }

    fn is_tied(&self) -> bool {
        self.tied.load(Ordering::Relaxed)
    }

    /// Logs in, unless that is done: to be started early, beside other work.
    ///
    /// Fails with `other` if Port refuses the credentials.
    pub async fn login(&self) -> CallResult<()> {
        Ok(self
            .http
            .token(&self.token, None, self.mint())
            .await
            .map(drop)?)
    }

    async fn mint(&self) -> ServiceResult<MintedToken> {
        let body = json!({
            "clientId": self.credentials.client_id,
            "clientSecret": self.credentials.client_secret.expose(),
        });
        let request = Request::write(Method::POST, "/v1/auth/access_token", body);
        let answer = self.http.send(&request).await?;
        let token = self.http.secret(&answer, "accessToken")?;
        // Port repeats a token until it expires, so its rest may be short: a minute early, but half of it at least.
        let lifetime = Duration::try_from_secs_f64(answer.field("expiresIn")?).unwrap_or_default();
        let used = lifetime
            .saturating_sub(Duration::from_secs(60))
            .max(lifetime / 2);
        let until = self
            .http
            .session
            .now()
            .checked_add(used)
            .unwrap_or(Timestamp::MAX);
        Ok(MintedToken { token, until })
    }

    /// Sends what sets Port up or starts an action, for the commands around a run; nothing of a run gets here.
    pub async fn administer(&self, request: Request) -> ServiceResult<HttpAnswer> {
        self.send(request).await
    }

    /// Reads what a path names.
    pub async fn get(&self, target: String) -> ServiceResult<HttpAnswer> {
        self.send(Request::get(target)).await
    }

    /// Sends with the run's token; with a new one if Port no longer knows it, which is certain to have done nothing.
    async fn send(&self, request: Request) -> ServiceResult<HttpAnswer> {
        let token = self.http.token(&self.token, None, self.mint()).await?;
        let mut request = Request {
            bearer: Some(token.clone()),
            ..request
        };
        match self.http.send(&request).await {
            Err(error) if error.says(401, "") => {
                request.bearer = Some(
                    self.http
                        .token(&self.token, Some(&token), self.mint())
                        .await?,
                );
                self.http.send(&request).await
            }
            other => other,
        }
    }

    async fn post(&self, target: String, body: Value) -> ServiceResult<HttpAnswer> {
        self.send(Request::write(Method::POST, target, body)).await
    }
}
