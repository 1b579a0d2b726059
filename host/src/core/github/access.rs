//! Which token goes with a request: the one that was given, or one that an App mints for this run.

use std::time::Duration;

use jiff::SignedDuration;

use super::Client;
use super::app::{App, Minted};
use crate::core::http::{Sent, Told};
use crate::core::secret::Secret;

/// Who we are to GitHub.
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
    pub async fn login(&self) -> Told<()> {
        Ok(self.token().await.map(drop)?)
    }

    /// Gives the minted token back, if there is one. To be called however the run ends.
    pub async fn revoke(&self) -> Told<()> {
        self.http.session.grace(Duration::from_secs(10));
        match self.minted.lock().await.take() {
            Some(minted) => Ok(minted.revoke(&self.http).await?),
            None => Ok(()),
        }
    }

    pub(super) async fn token(&self) -> Sent<Secret> {
        let app = match &self.credentials {
            Credentials::Token(token) => return Ok(token.clone()),
            Credentials::App(app) => app,
        };
        let mut minted = self.minted.lock().await;
        let now = self.http.session.now();
        let will_do = |minted: &&Minted| minted.expires_at.duration_since(now) > SignedDuration::from_mins(1);
        if let Some(minted) = minted.as_ref().filter(will_do) {
            return Ok(minted.token.clone());
        }
        Ok(minted.insert(app.mint(&self.http).await?).token.clone())
    }
}
