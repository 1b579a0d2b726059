//! Which token goes with a request: the one that was given, or one that an App mints for this run.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::app::{App, Minted};
use crate::core::http::{Http, Sent};
use crate::core::secret::Secret;

/// Who we are to GitHub.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A token as the workflow gives it.
    Token(Secret),
    /// An App, whose token is narrowed to the run.
    App(App),
}

pub(super) struct Access {
    credentials: Credentials,
    http: Arc<Http>,
    minted: Mutex<Option<Minted>>,
}

impl Access {
    pub(super) fn new(credentials: Credentials, http: Arc<Http>) -> Self {
        match &credentials {
            Credentials::Token(token) => http.session.keep(token),
            Credentials::App(app) => http.session.keep(&app.key),
        }
        Self { credentials, http, minted: Mutex::default() }
    }

    pub(super) async fn token(&self) -> Sent<Secret> {
        let app = match &self.credentials {
            Credentials::Token(token) => return Ok(token.clone()),
            Credentials::App(app) => app,
        };
        let mut minted = self.minted.lock().await;
        let soon = self.http.session.now().checked_add(Duration::from_secs(60));
        let soon = soon.unwrap_or(Timestamp::MAX);
        if let Some(minted) = minted.as_ref().filter(|minted| minted.expires_at > soon) {
            return Ok(minted.token.clone());
        }
        let new = app.mint(&self.http).await?;
        Ok(minted.insert(new).token.clone())
    }

    pub(super) async fn revoke(&self) -> Sent<()> {
        self.http.session.grace(Duration::from_secs(10));
        match self.minted.lock().await.take() {
            Some(minted) => minted.revoke(&self.http).await,
            None => Ok(()),
        }
    }
}
