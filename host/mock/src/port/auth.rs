//! Port's credentials and the tokens that they are exchanged for.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Port;
use super::answer::{PortRefusal, PortReply, PortResult};
use super::input;
use crate::world::shift;

/// A client id and its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
    /// True if they may change anything; without it every write answers 403 `missing_permissions`.
    pub may_write: bool,
}

impl std::fmt::Debug for ClientCredentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Credentials({}, ***)", self.client_id)
    }
}

/// A token that was handed out.
#[derive(Clone, PartialEq, Eq)]
pub struct PortToken {
    pub(super) text: String,
    /// The credentials that it stands for.
    pub client_id: String,
    /// When it ceases to work.
    pub expires: Timestamp,
}

impl std::fmt::Debug for PortToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Token({}, ***, until {})",
            self.client_id, self.expires
        )
    }
}

impl Port {
    /// `POST /v1/auth/access_token`: the same token until it expires (Port API reference, "Authentication").
    pub(super) fn login(&mut self, now: Timestamp, body: &[u8]) -> PortResult {
        let body = input::object(body)?;
        input::only(&body, "body", &["clientId", "clientSecret"])?;
        let id = input::required(&body, "body", "clientId")?;
        let secret = input::required(&body, "body", "clientSecret")?;
        let known = self
            .credentials
            .iter()
            .any(|known| known.client_id == id && known.client_secret == secret);
        if !known {
            return Err(PortRefusal::unauthorized("invalid_credentials"));
        }
        let token = self.token(now, id);
        let left = token.expires.duration_since(now).as_secs();
        Ok(PortReply::ok(json!({
            "ok": true, "accessToken": token.text, "expiresIn": left, "tokenType": "Bearer",
        })))
    }

    /// Ends every token now, as if the credentials had been rotated: the next request answers 401.
    pub fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Moves all that is some time ago or some time ahead.
    pub(crate) fn shift(&mut self, by: SignedDuration) {
        for token in &mut self.tokens {
            shift(&mut token.expires, by);
        }
        for entity in self.entities.values_mut() {
            entity.stamps.shift(by);
        }
        for run in self.runs.values_mut() {
            run.stamps.shift(by);
            if let Some(at) = &mut run.ended_at {
                shift(at, by);
            }
        }
    }

    /// The texts of the tokens that were handed out.
    pub(crate) fn token_texts(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(|token| token.text.as_str())
    }

    fn token(&mut self, now: Timestamp, client_id: &str) -> PortToken {
        self.tokens.retain(|token| token.expires > now);
        if let Some(token) = self
            .tokens
            .iter()
            .find(|token| token.client_id == client_id)
        {
            return token.clone();
        }
        self.issued += 1;
        let expires = now
            .checked_add(
                SignedDuration::try_from(self.token_lifetime).unwrap_or(SignedDuration::MAX),
            )
            .unwrap_or(Timestamp::MAX);
        let token = PortToken {
            text: jwt(&self.organisation, client_id, expires, self.issued),
            client_id: client_id.to_owned(),
            expires,
        };
        self.tokens.push(token.clone());
        token
    }

    /// The client id behind an `Authorization` header, or 401.
    pub(super) fn authenticate(
        &self,
        now: Timestamp,
        headers: &http::HeaderMap,
    ) -> Result<String, PortRefusal> {
        let sent = headers
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| PortRefusal::unauthorized("unauthorized"))?;
        self.tokens
            .iter()
            .find(|token| token.text == sent && token.expires > now)
            .map(|token| token.client_id.clone())
            .ok_or_else(|| PortRefusal::unauthorized("unauthorized"))
    }

    /// 403 for credentials that may only read.
    pub(super) fn writable(&self, client_id: &str) -> Result<(), PortRefusal> {
        let may_write = self
            .credentials
            .iter()
            .any(|known| known.client_id == client_id && known.may_write);
        if may_write {
            return Ok(());
        }
        Err(PortRefusal::new(
            http::StatusCode::FORBIDDEN,
            "missing_permissions",
            "you do not have the required permissions to perform this action",
        ))
    }
}

/// A token that looks like Port's: three parts, the claims in the second. The signature only keeps tokens apart.
fn jwt(organisation: &str, client_id: &str, expires: Timestamp, serial: u64) -> String {
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let header = part(json!({"alg": "HS256", "typ": "JWT"}).to_string());
    let claims = json!({
        "orgId": organisation, "isMachine": !client_id.contains('@'), "personalToken": client_id.contains('@'),
        "sub": client_id, "exp": expires.as_second(), "jti": serial,
    });
    let claims = part(claims.to_string());
    let signature = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{header}.{claims}")));
    format!("{header}.{claims}.{signature}")
}

impl Port {
    /// A token of the first credentials, for what others do.
    pub(crate) fn token_of_first(&mut self, now: Timestamp) -> Option<String> {
        let client_id = self.credentials.first()?.client_id.clone();
        Some(self.token(now, &client_id).text)
    }
}
