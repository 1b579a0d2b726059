//! Which token goes with a request: the one that was given, or one that an App mints for this run.

use std::time::Duration;

use crate::service::github::Client;
use crate::service::github::app::{App, revoke};
use crate::service::http::{CallResult, ServiceResult};
use crate::service::secret::Secret;

/// The identity of a run at GitHub.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A token as the workflow gives it.
    Token(Secret),
    /// An App, whose token is narrowed to the run.
    App(App),
}

impl Client {
    /// Makes sure that there is a token: to be started early, beside other work.
    ///
    /// Fails if the App is not installed, or if its token would be wider than what was asked for.
    pub async fn login(&self) -> CallResult<()> {
        Ok(self.token().await.map(drop)?)
    }

    /// Gives the minted token back, if there is one. To be called however the run ends.
    pub async fn revoke(&self) -> CallResult<()> {
        self.http.session.grace(Duration::from_secs(10));
        let mut minted = self.http.minted.lock().await;
        if let Some(token) = minted.clone() {
            revoke(token, &self.http).await?;
            // Kept until it is gone: whoever is stopped in the middle of this can try again.
            *minted = None;
        }
        Ok(())
    }

    pub(super) async fn token(&self) -> ServiceResult<Secret> {
        match &self.credentials {
            Credentials::Token(token) => Ok(token.clone()),
            Credentials::App(app) => self.http.token(None, app.mint(&self.http)).await,
        }
    }
}
