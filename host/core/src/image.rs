//! The address of an image in a registry, read strictly: what is read here goes into a URL and is held against grants.

use std::fmt;

/// Docker Hub's name in references; the others are its hosts as well.
const HUB: &str = "docker.io";
const HUB_HOSTS: [&str; 3] = [
    "index.docker.io",
    "registry-1.docker.io",
    "registry.hub.docker.com",
];
/// The longest path of a repository (the distribution project's grammar of references).
const MAX_PATH: usize = 255;

/// An image in a registry, by tag, by digest or by both.
///
/// ```
/// use promote_core::image::ImageAddress;
///
/// let address = ImageAddress::parse("nginx:1.27")?;
/// assert_eq!(address.name(), "docker.io/library/nginx");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageAddress {
    /// The registry's host, with its port if one is written.
    pub host: String,
    /// The path of the repository.
    pub path: String,
    /// The tag, if one is written.
    pub tag: Option<String>,
    /// `sha256:` and 64 hex digits, if they are written.
    pub digest: Option<String>,
}

impl ImageAddress {
    /// Reads a reference as it stands in a manifest.
    ///
    /// # Errors
    /// Says which part is malformed.
    pub fn parse(reference: &str) -> Result<Self, String> {
        let malformed = |part: &str| {
            let shown = reference.escape_debug();
            format!("`{shown}` is not an image reference: its {part} is malformed")
        };
        let (named, digest) = match reference.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (reference, None),
        };
        let last = named.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match named[last..].find(':') {
            Some(colon) => (&named[..last + colon], Some(&named[last + colon + 1..])),
            None => (named, None),
        };
        let (host, path) = match repository.split_once('/') {
            Some((host, path)) if is_host(host) => (host, path),
            _ => (HUB, repository),
        };
        let host = if HUB_HOSTS.contains(&host) { HUB } else { host };
        let path = if host == HUB && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        if path.len() > MAX_PATH || !path.split('/').all(is_component) {
            return Err(malformed("repository"));
        }
        if !tag.is_none_or(is_tag) {
            return Err(malformed("tag"));
        }
        if !digest.is_none_or(is_digest) {
            return Err(malformed("digest"));
        }
        Ok(Self {
            host: host.to_owned(),
            path,
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// Returns host and path, without tag and digest: what a grant's pattern is held against.
    pub fn name(&self) -> String {
        format!("{}/{}", self.host, self.path)
    }

    /// Returns what is asked for: the digest, else the tag, else `latest`.
    pub fn revision(&self) -> &str {
        let tag = self.tag.as_deref().unwrap_or("latest");
        self.digest.as_deref().unwrap_or(tag)
    }
}

impl fmt::Display for ImageAddress {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}/{}", self.host, self.path)?;
        if let Some(tag) = &self.tag {
            write!(to, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(to, "@{digest}")?;
        }
        Ok(())
    }
}

/// Returns whether the first part of a reference is a host: it has a dot or a port, or is this machine's name.
pub(crate) fn is_host(text: &str) -> bool {
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    (name.contains('.') || port.is_some() || name == "localhost")
        && name.split('.').all(is_label)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// Lowercase letters and digits, joined by one dot, one or two underscores, or any number of hyphens.
fn is_component(component: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    component.starts_with(is_plain)
        && component.ends_with(is_plain)
        && component
            .split(is_plain)
            .all(|joint| matches!(joint, "" | "." | "_" | "__") || joint.bytes().all(|b| b == b'-'))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|b| is_word(b) || b == b'.' || b == b'-')
}

/// Returns whether a text is a SHA-256 digest as registries write it.
pub(crate) fn is_digest(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_registries_read_it() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for (text, name, revision) in [
            ("nginx", "docker.io/library/nginx", "latest"),
            ("acme/web:1", "docker.io/acme/web", "1"),
            ("index.docker.io/acme/web:1", "docker.io/acme/web", "1"),
            ("ghcr.io/acme/web:1.4.2", "ghcr.io/acme/web", "1.4.2"),
            ("localhost/web:1", "localhost/web", "1"),
            (
                "127.0.0.1:5000/a/b-c__d:v_1",
                "127.0.0.1:5000/a/b-c__d",
                "v_1",
            ),
        ] {
            let address = ImageAddress::parse(text).unwrap();
            assert_eq!(
                (address.name().as_str(), address.revision()),
                (name, revision)
            );
            let pinned = ImageAddress::parse(&format!("{text}@{digest}")).unwrap();
            assert_eq!(
                (pinned.name().as_str(), pinned.revision()),
                (name, &*digest)
            );
            assert_eq!(ImageAddress::parse(&pinned.to_string()).unwrap(), pinned);
        }
    }

    #[test]
    fn what_could_lead_a_request_elsewhere_is_no_reference() {
        for text in [
            "",
            "ghcr.io/",
            "ghcr.io/../web:1",
            "ghcr.io/a//b",
            "ghcr.io/a%2fb",
            "ghcr.io/A",
            "user@ghcr.io/a:1",
            "ghcr.io:99999/a",
            "ghcr.io:/a",
            "ghcr.io#x/a",
            "https://ghcr.io/a",
            "ghcr.io/a:1?x=1",
            "ghcr.io/a:1/../2",
            "ghcr.io/a:1@sha256:12",
            "ghcr.io/a:1@sha512:ab",
            "ghcr.io/a b",
            "ghcr.io/a\n",
            "[::1]:5000/a",
        ] {
            assert!(ImageAddress::parse(text).is_err(), "{text:?}");
        }
    }
}
