//! Secrets: never shown, wiped from memory when dropped.
//!
//! Only the clients of Port and GitHub expose one, at the moment they build a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A token, a client secret or a private key.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

/// A user's name and password, or a token in the password's place.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name; not secret.
    pub user: String,
    /// The password.
    pub password: Secret,
}

impl Login {
    /// The value of an `Authorization` header (RFC 7617), marked as sensitive.
    pub fn basic(&self) -> HeaderValue {
        let text = STANDARD.encode(format!("{}:{}", self.user, self.password.expose()));
        let mut value = HeaderValue::from_str(&format!("Basic {text}"))
            .unwrap_or_else(|_| HeaderValue::from_static("***"));
        value.set_sensitive(true);
        value
    }
}

/// The reason why there is no secret. Never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Nothing but white space.
    #[error("{0} is empty: is the secret set for this workflow?")]
    Empty(String),
    /// It cannot be a token.
    #[error("{0} holds control characters: is it the whole secret and nothing else?")]
    Control(String),
}

impl Secret {
    /// Takes a text as a secret, without the white space around it. `name` is what errors call it.
    ///
    /// Fails if nothing is left, or if it holds control characters; line ends are allowed in a PEM block only.
    pub fn new(name: &str, text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        let pem = text.starts_with("-----BEGIN ");
        if text.is_empty() {
            Err(SecretError::Empty(name.into()))
        } else if text.contains(|c: char| c.is_control() && !(pem && matches!(c, '\n' | '\r'))) {
            Err(SecretError::Control(name.into()))
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The secret itself, to be put into a request.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The value of an `Authorization` header, marked as sensitive.
    pub fn bearer(&self) -> HeaderValue {
        // A PEM block is no header value; it is never sent either.
        let mut value = HeaderValue::from_bytes(format!("Bearer {}", self.expose()).as_bytes())
            .unwrap_or_else(|_| HeaderValue::from_static("***"));
        value.set_sensitive(true);
        value
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_a_secret() {
        for (text, expected) in [
            ("", "EMPTY"),
            (" \n", "EMPTY"),
            ("a\nb", "CONTROL"),
            ("a\u{7f}b", "CONTROL"),
            (" token\n", "token"),
            ("ghs_1_a.b.c", "ghs_1_a.b.c"),
            ("-----BEGIN X-----\na\n", "-----BEGIN X-----\na"),
        ] {
            let got = match Secret::new("T", text) {
                Ok(secret) => secret.expose().to_owned(),
                Err(SecretError::Empty(_)) => "EMPTY".into(),
                Err(_) => "CONTROL".into(),
            };
            assert_eq!(got, expected, "{text:?}");
        }
    }

    #[test]
    fn shows_nothing() {
        let secret = Secret::new("T", "s3cr3t").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(SecretBox<str>([REDACTED]))");
        assert_eq!(format!("{:?}", secret.bearer()), "Sensitive");
    }
}
