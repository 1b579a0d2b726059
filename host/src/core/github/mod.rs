//! The client of GitHub: reads, proposes, merges.
//!
//! It pins what it reads to a commit, adopts only what is provably ours, and never takes "later" for "done".

mod access;
mod app;
mod checks;
mod decorate;
mod graphql;
mod merge;
mod propose;
mod pulls;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use access::Credentials;
pub use app::App;

use super::contract::Failure;
use super::http::{Answer, Http, Request, Service, ServiceError, Session, seg};
use super::retry::Effect;
use access::Access;

/// GitHub's API, unless the run belongs to an Enterprise Server.
pub const URL: &str = "https://api.github.com";

/// How many pages of a list are read at most.
const MOST_PAGES: usize = 10;

/// GitHub, for one run.
pub struct Client {
    http: Arc<Http>,
    access: Access,
}

/// A repository, `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    owner: String,
    name: String,
}

impl Repository {
    /// Reads `owner/name`.
    ///
    /// Fails with `rejected` for anything else.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        match text.split_once('/') {
            Some((owner, name)) if !owner.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self {
                    owner: owner.to_owned(),
                    name: name.to_owned(),
                })
            }
            _ => Err(Failure::Rejected(format!(
                "{text:?} is not a repository: write owner/name"
            ))),
        }
    }
}

/// The path of the repository in the API.
impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/repos/{}/{}", seg(&self.owner), seg(&self.name))
    }
}

/// A thing with an identifier of git.
#[derive(Debug, Deserialize)]
struct Object {
    sha: String,
}

impl Client {
    /// Makes a client with the credentials; an App's token is minted at the first call.
    ///
    /// Fails if `base` is not a URL that credentials may be sent to.
    pub fn new(
        base: &str,
        credentials: Credentials,
        session: Arc<Session>,
    ) -> Result<Self, ServiceError> {
        // The version is pinned: the newest one drops fields that older servers require (GitHub, "API versions").
        let headers = [
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", "2022-11-28"),
        ];
        let http = Arc::new(Http::new(Service::GitHub, base, &headers, session)?);
        Ok(Self {
            access: Access::new(credentials, http.clone()),
            http,
        })
    }

    /// Makes sure that there is a token: to be started early, beside other work.
    ///
    /// Fails if the App is not installed, or if its token would be wider than what was asked for.
    pub async fn login(&self) -> Result<(), Failure> {
        Ok(self.access.token().await.map(drop)?)
    }

    /// Gives the minted token back, if there is one. To be called however the run ends.
    pub async fn revoke(&self) -> Result<(), Failure> {
        Ok(self.access.revoke().await?)
    }

    async fn send(&self, request: Request) -> Result<Answer, ServiceError> {
        let token = self.access.token().await?;
        self.http.send(&request.bearer(token)).await
    }

    async fn get<T: DeserializeOwned>(&self, target: impl Into<String>) -> Result<T, ServiceError> {
        self.send(Request::get(target)).await?.json()
    }

    async fn post<T: DeserializeOwned>(
        &self,
        effect: Effect,
        target: String,
        body: Value,
    ) -> Result<T, ServiceError> {
        self.send(Request::write(Method::POST, target, body).effect(effect))
            .await?
            .json()
    }

    /// The pages of a list, and whether they are all of it.
    async fn pages<T: DeserializeOwned>(
        &self,
        first: String,
    ) -> Result<(Vec<T>, bool), ServiceError> {
        let (mut pages, mut next) = (Vec::new(), Some(first));
        while let Some(target) = next.take_if(|_| pages.len() < MOST_PAGES) {
            let answer = self.send(Request::get(target)).await?;
            pages.push(answer.json()?);
            next = answer.next();
        }
        Ok((pages, next.is_none()))
    }
}
