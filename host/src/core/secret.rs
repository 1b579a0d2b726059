//! Secrets: read from the environment or from a file, shown as `***`, wiped from memory when dropped.
//!
//! Only the clients of Port and GitHub expose one, at the moment they build a request. Secrets are never read from
//! arguments, which every process of the machine can see.

use std::fmt;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// The largest file that is taken for a secret.
const LARGEST: u64 = 64 * 1024;

/// A token, a client secret or a private key.
#[derive(Clone)]
pub struct Secret(SecretString);

/// Why there is no secret. Never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Nothing but white space.
    #[error("{0} is empty: is the secret set for this workflow?")]
    Empty(String),
    /// It cannot be a token.
    #[error("{0} holds control characters: is it the whole secret and nothing else?")]
    Control(String),
    /// Given in both ways.
    #[error("{0} and {0}_FILE are both set: set one of them")]
    Twice(String),
    /// The file cannot be read.
    #[error("cannot read the file that {0}_FILE names: {1}")]
    File(String, std::io::Error),
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

    /// Reads the secret from the variable `name`, or from the file that the variable `name` + `_FILE` names; none if
    /// neither is set. `environment` looks a variable up.
    ///
    /// Fails if both are set, if the file cannot be read, or as [`Secret::new`] does.
    pub fn read(
        name: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, SecretError> {
        let given = environment(name);
        let Some(path) = environment(&format!("{name}_FILE")) else {
            return given.map(|text| Self::new(name, &text)).transpose();
        };
        if given.is_some() {
            return Err(SecretError::Twice(name.into()));
        }
        let unreadable = |error| SecretError::File(name.into(), error);
        if std::fs::metadata(&path).map_err(unreadable)?.len() > LARGEST {
            return Err(unreadable(std::io::ErrorKind::FileTooLarge.into()));
        }
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        Self::new(name, &text).map(Some)
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

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
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
    fn reads_a_variable_or_a_file_but_not_both() {
        let file = std::env::temp_dir().join(format!("promote-secret-{}", std::process::id()));
        std::fs::write(&file, "from-file\n").unwrap();
        let path = file.display().to_string();
        let read = |variable: Option<&str>, path: Option<&str>| {
            let get = |name: &str| match name {
                "T" => variable.map(str::to_owned),
                "T_FILE" => path.map(str::to_owned),
                _ => None,
            };
            Secret::read("T", get).map(|s| s.map(|s| s.expose().to_owned()))
        };
        assert_eq!(read(None, None).unwrap(), None);
        assert_eq!(read(Some("v"), None).unwrap().as_deref(), Some("v"));
        assert_eq!(read(None, Some(&path)).unwrap().as_deref(), Some("from-file"));
        assert!(matches!(read(Some("v"), Some(&path)), Err(SecretError::Twice(_))));
        assert!(matches!(read(None, Some("/does/not/exist")), Err(SecretError::File(..))));
        assert!(matches!(read(Some(""), None), Err(SecretError::Empty(_))));
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn shows_nothing() {
        let secret = Secret::new("T", "s3cr3t").unwrap();
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(format!("{:?}", secret.bearer()), "Sensitive");
    }
}
