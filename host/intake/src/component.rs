//! The names of components: the binary's own, a file, or one of a registry. Nothing is read here.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// The place of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum ComponentRef {
    /// The default policy, which is part of the binary.
    #[default]
    Builtin,
    /// The rule for expressions in CEL, which is part of the binary too.
    Cel,
    /// A file, relative to the configuration.
    Path(PathBuf),
    /// A registry, by digest.
    Oci(PinnedComponent),
}

/// An artifact in a registry, whatever its digest (OCI distribution specification, "Pulling manifests").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComponentAddress {
    /// Host, with the port if it has one.
    pub registry: String,
    /// Name within the registry.
    pub repository: String,
    /// The name of this version for people; it may be moved to another.
    pub tag: Option<String>,
    /// SHA-256 of the manifest, in hex.
    pub digest: Option<String>,
}

/// A [`ComponentAddress`] that has a digest, so that it stands for the same bytes for ever.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PinnedComponent {
    /// The reference.
    pub reference: ComponentAddress,
    /// Its digest: SHA-256 of the manifest, in hex.
    pub digest: String,
}

/// The reason why a text names no component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefError {
    /// It may stand for something else tomorrow.
    #[error(
        "`{0}` has no digest, and a tag can be moved to another component: write `{0}@sha256:…`, which `promote pull {0}` prints"
    )]
    Unpinned(String),
    /// Not spelt as a reference is.
    #[error("`{0}` is no reference of a registry: {1}; write `registry/name:tag@sha256:…`")]
    Invalid(String, &'static str),
    /// Nothing.
    #[error("the component is empty: write `builtin`, a path or `registry/name@sha256:…`")]
    Empty,
}

impl TryFrom<String> for ComponentRef {
    type Error = RefError;

    fn try_from(text: String) -> Result<Self, RefError> {
        match text.as_str() {
            "" => Err(RefError::Empty),
            "builtin" => Ok(Self::Builtin),
            "cel" => Ok(Self::Cel),
            name if names_registry(name) => {
                let reference = ComponentAddress::parse(name)?;
                reference
                    .pinned()
                    .map(Self::Oci)
                    .ok_or(RefError::Unpinned(text))
            }
            path => Ok(Self::Path(path.into())),
        }
    }
}

impl fmt::Display for ComponentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin => f.write_str("builtin"),
            Self::Cel => f.write_str("cel"),
            Self::Path(path) => path.display().fmt(f),
            Self::Oci(pinned) => pinned.reference.fmt(f),
        }
    }
}

impl ComponentAddress {
    /// Reads `registry/name[:tag][@sha256:digest]`. The registry must be spelt out: there is none that is meant unless said.
    ///
    /// # Errors
    /// Says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, RefError> {
        let invalid = |why| RefError::Invalid(text.to_owned(), why);
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                let hex = digest.strip_prefix("sha256:").filter(|hex| is_digest(hex));
                (
                    name,
                    Some(hex.ok_or_else(|| {
                        invalid("its digest is not `sha256:` and 64 lowercase hex digits")
                    })?),
                )
            }
            None => (text, None),
        };
        let (registry, rest) = name
            .split_once('/')
            .ok_or_else(|| invalid("it has no registry"))?;
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        if !is_registry(registry) {
            return Err(invalid("its registry is no host"));
        }
        if !repository.split('/').all(is_component) {
            return Err(invalid(
                "its name has other characters than a-z, 0-9, `.`, `_`, `-` and `/`",
            ));
        }
        if !tag.is_none_or(is_tag) {
            return Err(invalid(
                "its tag has other characters than letters, digits, `.`, `_` and `-`",
            ));
        }
        let (registry, repository) = (registry.to_owned(), repository.to_owned());
        Ok(Self {
            registry,
            repository,
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// The reference with its digest, if it has one.
    pub fn pinned(self) -> Option<PinnedComponent> {
        let digest = self.digest.clone()?;
        Some(PinnedComponent {
            reference: self,
            digest,
        })
    }

    /// Registry and name, without version.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Whether the registry is on this machine, where there is no TLS.
    pub fn is_loopback(&self) -> bool {
        let host = match self.registry.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => &self.registry,
        };
        matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    }
}

impl fmt::Display for ComponentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@sha256:{digest}"),
            None => Ok(()),
        }
    }
}

/// Whether a text is a SHA-256 in lowercase hex.
pub fn is_digest(hex: &str) -> bool {
    hex.len() == 64
        && hex
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a text means a registry rather than a file: it has a digest, or begins with a host as references do, by a dot or a
/// port before the first slash. A file ends in `.wasm`.
fn names_registry(text: &str) -> bool {
    let Some((first, _)) = text.split_once('/') else {
        return false;
    };
    let is_host =
        first == "localhost" || first.contains([':', '.']) && !matches!(first, "." | "..");
    text.contains("@sha256:") || is_host && !text.ends_with(".wasm")
}

/// A host name or an address, with a port or without.
fn is_registry(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    !text.is_empty()
        && text.len() <= 255
        && text.chars().all(plain)
        && !text.starts_with(['.', '-', ':'])
}

/// A part of a name (distribution specification: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`).
fn is_component(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(plain)
        && text.ends_with(plain)
        && text.len() <= 128
        && text
            .chars()
            .all(|c| plain(c) || matches!(c, '.' | '_' | '-'))
        && !text.contains("..")
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(word)
        && text.len() <= 128
        && text.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn tells_files_from_references() {
        let pinned = format!("@sha256:{HEX}");
        let cases = [
            ("builtin".to_owned(), "builtin"),
            ("policies/payments.wasm".to_owned(), "path"),
            ("./policies/payments.wasm".to_owned(), "path"),
            ("../payments".to_owned(), "path"),
            ("my.policies/payments.wasm".to_owned(), "path"),
            ("/abs/payments.wasm".to_owned(), "path"),
            (format!("ghcr.io/acme/policy{pinned}"), "oci"),
            (format!("ghcr.io/acme/policy:1.2{pinned}"), "oci"),
            (format!("localhost:5000/policy{pinned}"), "oci"),
            (format!("[::1]:5000/policy{pinned}"), "oci"),
            (
                "ghcr.io/acme/policy:1.2".to_owned(),
                "`ghcr.io/acme/policy:1.2` has no digest",
            ),
            (
                "localhost:5000/policy".to_owned(),
                "`localhost:5000/policy` has no digest",
            ),
            (
                "https://ghcr.io/acme/policy".to_owned(),
                "`https://ghcr.io/acme/policy` is no reference",
            ),
            (format!("acme/policy{}", pinned.to_uppercase()), "path"),
            (
                "ghcr.io/acme/policy@sha256:12".to_owned(),
                "`ghcr.io/acme/policy@sha256:12` is no reference",
            ),
            (
                format!("ghcr.io/Acme/policy{pinned}"),
                "`ghcr.io/Acme/policy@",
            ),
            (format!("ghcr.io/../policy{pinned}"), "`ghcr.io/../policy@"),
            (
                format!("user:password@ghcr.io/policy{pinned}"),
                "`user:password@",
            ),
            (String::new(), "the component is empty"),
        ];
        for (text, expected) in cases {
            let found = match ComponentRef::try_from(text.clone()) {
                Ok(ComponentRef::Builtin) => "builtin".to_owned(),
                Ok(ComponentRef::Cel) => "cel".to_owned(),
                Ok(ComponentRef::Path(_)) => "path".to_owned(),
                Ok(component @ ComponentRef::Oci(_)) => {
                    assert_eq!(component.to_string(), text);
                    "oci".to_owned()
                }
                Err(error) => error.to_string(),
            };
            assert!(found.starts_with(expected), "{text}: {found}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let cases = [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("[::1]:5000", true),
        ]
        .into_iter()
        .chain([
            ("localhost.evil.io", false),
            ("127.0.0.1.evil.io:80", false),
            ("ghcr.io", false),
        ]);
        for (registry, expected) in cases {
            let reference = ComponentAddress::parse(&format!("{registry}/policy"));
            assert_eq!(
                reference.map(|it| it.is_loopback()),
                Ok(expected),
                "{registry}"
            );
        }
    }
}
