//! One way to send a request, for Port and GitHub alike.
//!
//! `Http::send` owns credentials in headers, user agent, redirects, retries and waits, and turns every answer that is
//! not a success into a [`ServiceError`]. It knows no endpoint.

mod details;
mod error;
mod message;
mod pool;
#[cfg(test)]
pub(crate) mod script;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{Method, StatusCode, Uri};
use jiff::Timestamp;

pub(crate) use error::plain_words;
pub use error::{Refusal, ServiceError, or_none};
pub(crate) use message::header;
pub use message::{HttpAnswer, Request, seg, segs};
pub use pool::Pool;
pub use session::{Mask, Progress, Session, SessionSetup};

use crate::contract::Failure;
use crate::service::retry;
use crate::service::secret::Secret;
use crate::service::transport::{HttpRequest, HttpResponse, TransportError};

/// The result of a request.
pub type ServiceResult<T> = Result<T, ServiceError>;
/// The result of a call, as the policy is told it.
pub type CallResult<T> = Result<T, Failure>;

/// The result of handing a request to a transport.
pub(super) type TransportResult = Result<HttpResponse, TransportError>;

/// The most characters of a foreign text that are shown.
const MAX_EXCERPT: usize = 300;
/// The most redirects that are followed.
const MAX_REDIRECTS: usize = 3;

/// The service behind a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Port.
    Port,
    /// GitHub.
    GitHub,
    /// A registry of images.
    Registry,
}

/// Marks an answer that came after a redirect.
#[derive(Clone)]
struct Redirected;

/// A token that a service made for this run, and when it is too old to be used.
#[derive(Clone)]
pub(crate) struct MintedToken {
    pub token: Secret,
    pub until: Timestamp,
}

/// The place of one token of this run, which stays locked while the token is made.
#[derive(Default)]
pub(crate) struct TokenSlot(pub tokio::sync::Mutex<Option<MintedToken>>);

/// A client of one service.
pub(crate) struct Http {
    /// The service at its other end.
    pub service: Service,
    base: String,
    authority: String,
    /// The session, which it shares with the other client.
    pub session: Arc<Session>,
}

impl Http {
    /// Makes a client for the service at `base`.
    ///
    /// Fails unless `base` is an `https` URL, or an `http` one of this machine: credentials do not travel in clear.
    pub(crate) fn new(service: Service, base: &str, session: Arc<Session>) -> ServiceResult<Self> {
        let base = base.trim_end_matches('/').to_owned();
        let malformed = |why| ServiceError::Malformed(format!("address {base:?} {why}"));
        let uri: Uri = base.parse().map_err(|_| malformed("is no URL"))?;
        match (uri.scheme_str(), uri.host()) {
            _ if uri.query().is_some() || base.contains(['@', '#']) => {
                Err(malformed("is more than a URL"))
            }
            (Some("https"), _) | (Some("http"), Some("localhost" | "127.0.0.1" | "[::1]")) => {
                Ok(())
            }
            _ => Err(malformed("is no https URL")),
        }?;
        let authority = base[..base.len() - uri.path().trim_end_matches('/').len()].to_owned();
        Ok(Self {
            service,
            base,
            authority,
            session,
        })
    }

    /// Whether it asks without TLS, which is so on this machine only.
    pub(crate) fn is_in_clear(&self) -> bool {
        self.authority.starts_with("http://")
    }

    /// The address of GitHub's GraphQL: beside the REST API, or, on an Enterprise Server, beside its folder `v3`.
    pub(crate) fn graphql(&self) -> String {
        let api = self.base.strip_suffix("/v3").unwrap_or(&self.base);
        format!("{api}/graphql")
    }

    /// A foreign text as it may be shown: on one line, short, without any secret.
    pub(crate) fn clean(&self, text: &str) -> String {
        let text = self
            .session
            .redacted(text.to_owned())
            .replace(|c: char| c.is_control(), " ");
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").chars().take(MAX_EXCERPT).collect()
    }

    /// The token in a slot, made anew if there is none, if it is too old, or if it is `refused`.
    pub(crate) async fn token(
        &self,
        slot: &TokenSlot,
        refused: Option<&Secret>,
        mint: impl Future<Output = ServiceResult<MintedToken>>,
    ) -> ServiceResult<Secret> {
        let mut minted = slot.0.lock().await;
        let now = self.session.now();
        if let Some(MintedToken { token, until }) = minted.as_ref() {
            let is_refused = refused.is_some_and(|refused| refused.expose() == token.expose());
            if *until > now && !is_refused {
                return Ok(token.clone());
            }
        }
        Ok(minted.insert(mint.await?).token.clone())
    }

    /// Takes a new secret out of an answer, and has it masked before its first use.
    pub(crate) fn secret(&self, answer: &HttpAnswer, field: &str) -> ServiceResult<Secret> {
        let secret = Secret::new(field, &answer.field::<String>(field)?);
        let secret = secret.map_err(|error| answer.unreadable(error.to_string()))?;
        self.session.minted(&secret);
        Ok(secret)
    }

    /// Sends a request, and again where that is safe and of use, until there is a success, a refusal or no time.
    ///
    /// Fails with what stands in the way. [`ServiceError::is_uncertain`] tells whether it may have happened anyway.
    pub(crate) async fn send(&self, request: &Request) -> ServiceResult<HttpAnswer> {
        let uri = self.resolve(&request.target)?;
        let path = self.clean(uri.path());
        let call = format!("{:?} {} {path}", self.service, request.method);
        let mut sends = 0;
        loop {
            sends += 1;
            let outcome = self.exchange(request, uri.clone()).await;
            let pause = retry::pause(self, request.once, &outcome, sends);
            let pause = pause.filter(|_| !request.is_optional);
            let Some(pause) = pause.map(|pause| self.session.jittered(pause)) else {
                return self.conclude(call, outcome);
            };
            let reason = match &outcome {
                Ok(response) => response.status().to_string(),
                Err(error) => self.clean(&error.to_string()),
            };
            let seconds = pause.as_secs_f32();
            self.session
                .say(&format!("{call}: {reason}; trying again in {seconds:.1} s"));
            if !self.session.wait(pause).await {
                return self.conclude(call, outcome);
            }
        }
    }

    /// Sends a request once, and follows where the service leads within its own authority.
    async fn exchange(&self, request: &Request, uri: Uri) -> TransportResult {
        let transport = &self.session.outside.transport;
        let mut response = transport.send(self.message(request, uri)).await?;
        for _ in 0..MAX_REDIRECTS {
            if let Some(away) = self.way_out(request, &response) {
                let stranger = request.clone().authorized(None);
                response = transport.send(self.message(&stranger, away)).await?;
                continue;
            }
            let Some(next) = self.redirect(request, &response) else {
                break;
            };
            self.session.say(&format!(
                "{:?} says that {} has moved: update its name",
                self.service, request.target
            ));
            response = transport.send(self.message(request, next)).await?;
            response.extensions_mut().insert(Redirected);
        }
        Ok(response)
    }

    /// Where a redirect leads, if it may be followed: a write stays the write that it is (RFC 9110, section 15.4), and
    /// no credential leaves the authority.
    fn redirect(&self, request: &Request, response: &HttpResponse) -> Option<Uri> {
        match response.status() {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {}
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if request.method == Method::GET => {}
            _ => return None,
        }
        let location = header(response.headers(), LOCATION.as_str())?;
        match location.strip_prefix('/') {
            Some(rest) => self.resolve(&format!("{}/{rest}", self.authority)).ok(),
            None => self.resolve(location).ok(),
        }
    }

    /// Where a redirect leads that may leave the service, if the request may: to a place with TLS, unless the service itself
    /// is on this machine, and without any credential.
    fn way_out(&self, request: &Request, response: &HttpResponse) -> Option<Uri> {
        if !request.may_leave || !response.status().is_redirection() {
            return None;
        }
        let location = header(response.headers(), LOCATION.as_str())?;
        let is_home = location
            .strip_prefix(&self.authority)
            .is_some_and(|rest| rest.starts_with('/'));
        let is_safe = location.starts_with("https://")
            || (self.is_in_clear() && location.starts_with("http://127.0.0.1:"));
        (is_safe && !is_home)
            .then(|| location.parse().ok())
            .flatten()
    }

    /// The absolute URI of a path below the base, or of a URL within the service's authority.
    fn resolve(&self, target: &str) -> ServiceResult<Uri> {
        let malformed = |why: &str| ServiceError::Malformed(format!("{target:?} {why}"));
        let absolute = if target.starts_with('/') {
            format!("{}{target}", self.base)
        } else {
            target.to_owned()
        };
        let path = match absolute.strip_prefix(&self.authority) {
            Some(path) if path.starts_with('/') => path.split('?').next().unwrap_or_default(),
            _ => return Err(malformed("leaves the service that it belongs to")),
        };
        // A dot segment would climb out of its place, an empty one would name something else.
        let mut parts = path.split('/').skip(1);
        if parts.any(|part| matches!(part, "" | "." | "..")) {
            return Err(malformed("has a part that is empty or consists of dots"));
        }
        absolute.parse().map_err(|_| malformed("is no URL"))
    }

    /// GitHub's version is pinned: the newest drops fields that older ones require.
    fn message(&self, request: &Request, uri: Uri) -> HttpRequest {
        let mut message = http::Request::builder()
            .method(request.method.clone())
            .uri(uri);
        message = message.header(USER_AGENT, concat!("promote/", env!("CARGO_PKG_VERSION")));
        message = match self.service {
            Service::Port => message.header(ACCEPT, "application/json"),
            Service::GitHub => message
                .header(ACCEPT, "application/vnd.github+json")
                .header("x-github-api-version", "2022-11-28"),
            Service::Registry => message.header(ACCEPT, request.accept.unwrap_or("*/*")),
        };
        let bearer = request.bearer.as_ref().map(Secret::bearer);
        if let Some(credential) = request.authorization.clone().or(bearer) {
            message = message.header(AUTHORIZATION, credential);
        }
        let body = request
            .body
            .as_ref()
            .map(|body| serde_json::to_vec(body).expect("JSON in memory"));
        if body.is_some() {
            message = message.header(CONTENT_TYPE, "application/json");
        }
        message
            .body(body.unwrap_or_default())
            .expect("every part is valid by its type or a constant")
    }

    fn conclude(&self, call: String, outcome: TransportResult) -> ServiceResult<HttpAnswer> {
        let response = outcome.map_err(|why| ServiceError::NoAnswer(call.clone(), why))?;
        if retry::is_rate_limit(self.service, &response) {
            return Err(ServiceError::Limited(
                Refusal::new(self, &call, &response).into(),
            ));
        }
        if !response.status().is_success() {
            return Err(ServiceError::Refused(
                Refusal::new(self, &call, &response).into(),
            ));
        }
        if is_page(&response) {
            let why = "it is a page for people, as a proxy or a login shows it";
            return Err(ServiceError::Unreadable(call, why.to_owned()));
        }
        if let Some(message) = retry::graphql_failure(self.service, &response) {
            let why = TransportError::Lost(self.clean(&message));
            return Err(ServiceError::NoAnswer(call, why));
        }
        let (parts, body) = response.into_parts();
        Ok(HttpAnswer {
            call,
            headers: parts.headers,
            body,
            is_redirected: parts.extensions.get::<Redirected>().is_some(),
        })
    }
}

/// Whether something else than the service has answered: none of them says yes in HTML.
fn is_page(response: &HttpResponse) -> bool {
    let kind = header(response.headers(), CONTENT_TYPE.as_str());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}
