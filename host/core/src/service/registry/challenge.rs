//! Tells a registry who we are, in the way that it asks for (RFC 7235; distribution, "Token Authentication Specification").

use std::sync::Arc;

use http::{HeaderValue, Uri};

use crate::service::http::{Http, Request, Service, ServiceError, ServiceResult, Session, seg};
use crate::service::secret::Login;

/// The way in which a registry wants to know who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// By user and password.
    Basic,
    /// By a token.
    Token(TokenRealm),
}

/// The place where tokens are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenRealm {
    realm: String,
    service: Option<String>,
}

impl Challenge {
    /// Reads the header `WWW-Authenticate`; none if it asks for something else.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let service = parameter(rest, "service");
        Some(Self::Token(TokenRealm {
            realm: parameter(rest, "realm")?,
            service,
        }))
    }
}

/// A quoted parameter of a challenge. None has a quote in it.
fn parameter(text: &str, name: &str) -> Option<String> {
    text.split(',').find_map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        let value = value.strip_prefix('"')?.strip_suffix('"')?;
        (key == name && !value.contains('"')).then(|| value.to_owned())
    })
}

impl TokenRealm {
    /// Gets a token that lets us pull from a repository, with our login if there is one.
    ///
    /// A registry names the place itself; it is the registry that our login is for, so it gets no more than it could ask for
    /// directly. In clear the login goes only where the registry is on this machine as well.
    pub(super) async fn token(
        &self,
        session: &Arc<Session>,
        registry: &Http,
        path: &str,
        login: Option<&Login>,
    ) -> ServiceResult<HeaderValue> {
        let malformed = |why: &str| {
            let shown = registry.clean(&self.realm);
            ServiceError::Malformed(format!(
                "its registry gives tokens at {shown:?}, which {why}"
            ))
        };
        let uri: Uri = self.realm.parse().map_err(|_| malformed("is no URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(malformed("is no whole URL"));
        };
        if scheme != "https" && !registry.is_in_clear() {
            return Err(malformed("is no https URL"));
        }
        let base = format!("{scheme}://{authority}");
        let http = Http::new(Service::Registry, &base, Arc::clone(session))?;
        let mut target = uri
            .path_and_query()
            .map_or("/", |it| it.as_str())
            .to_owned();
        target.push(if target.contains('?') { '&' } else { '?' });
        if let Some(service) = &self.service {
            target.push_str(&format!("service={}&", seg(service)));
        }
        target.push_str(&format!(
            "scope={}",
            seg(&format!("repository:{path}:pull"))
        ));
        let answer = http
            .send(&Request::get(target).authorized(login.map(Login::basic)))
            .await
            .map_err(|error| error.of_token("a token of the registry", |_| "look at its login"))?;
        let token = http
            .secret(&answer, "token")
            .or_else(|_| http.secret(&answer, "access_token"))?;
        Ok(token.bearer())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let token = |realm: &str, service: Option<&str>| {
            Some(Challenge::Token(TokenRealm {
                realm: realm.to_owned(),
                service: service.map(str::to_owned),
            }))
        };
        for (header, expected) in [
            ("Basic realm=\"Registry Realm\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                "Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\",scope=\"repository:acme/web:pull\"",
                token("https://ghcr.io/token", Some("ghcr.io")),
            ),
            (
                "Bearer service=\"r\", realm=\"https://auth.example/t?x=1\"",
                token("https://auth.example/t?x=1", Some("r")),
            ),
            ("Bearer service=\"ghcr.io\"", None),
            ("Bearer realm=https://ghcr.io/token", None),
            ("Negotiate", None),
            ("", None),
        ] {
            assert_eq!(Challenge::parse(header), expected, "{header}");
        }
    }
}
