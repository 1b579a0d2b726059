//! Which token goes with a request: the one that was given, or one that an App mints for this run.

use std::time::Duration;

use futures_util::future::join_all;

use crate::service::github::app::{App, revoke};
use crate::service::github::{Client, RepositoryName};
use crate::service::http::{CallResult, ServiceResult, TokenSlot};
use crate::service::secret::Secret;

/// The identity of a run at GitHub.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A token as the workflow gives it.
    Token(Secret),
    /// An App, whose tokens are narrowed to the run.
    App(App),
}

impl Client {
    /// Makes sure that there is a token for what is written to: to be started early, beside other work.
    ///
    /// Fails if the App is not installed, or if its token would be wider than what was asked for.
    pub async fn login(&self) -> CallResult<()> {
        Ok(self.token(0).await.map(drop)?)
    }

    /// Gives every minted token back. To be called however the run ends.
    ///
    /// Fails if one could not be given back; the others were.
    pub async fn revoke(&self) -> CallResult<()> {
        self.http.session.grace(Duration::from_secs(10));
        let revoked = self.tokens.iter().map(|slot| self.revoke_one(slot));
        let revoked: ServiceResult<()> = join_all(revoked).await.into_iter().collect();
        Ok(revoked?)
    }

    async fn revoke_one(&self, slot: &TokenSlot) -> ServiceResult<()> {
        let mut minted = slot.0.lock().await;
        if let Some(token) = minted.clone() {
            revoke(token, &self.http).await?;
            // Kept until it is gone: whoever is stopped in the middle of this can try again.
            *minted = None;
        }
        Ok(())
    }

    /// Returns the number of the token that is meant for a repository. What no grant names gets the first, which GitHub
    /// refuses there.
    pub(super) fn scope_of(&self, repository: &RepositoryName) -> usize {
        match &self.credentials {
            Credentials::Token(_) => 0,
            Credentials::App(app) => app
                .scopes
                .iter()
                .position(|scope| scope.covers(repository))
                .unwrap_or(0),
        }
    }

    pub(super) async fn token(&self, scope: usize) -> ServiceResult<Secret> {
        match &self.credentials {
            Credentials::Token(token) => Ok(token.clone()),
            Credentials::App(app) => {
                let mint = app.mint(scope, &self.http);
                self.http.token(&self.tokens[scope], None, mint).await
            }
        }
    }
}
