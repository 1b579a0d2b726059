//! Image references: `[host[:port]/]path[:tag][@digest]`.
//!
//! The grammar is that of the distribution project (`reference/reference.go`): a path of at most 255 characters behind a host,
//! a tag of at most 128, a digest of an algorithm and lowercase hex. Anything else is refused, so a reference that parses
//! holds neither blanks nor quotes nor control characters.

use std::fmt;

/// A reference that fits the grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference {
    /// Host, path; no tag, no digest. As written.
    pub repository: String,
    /// The part after the colon.
    pub tag: Option<String>,
    /// The part after the at sign, `sha256:…`.
    pub digest: Option<String>,
}

impl ImageReference {
    /// Parses a reference.
    ///
    /// # Errors
    /// Says which part does not fit the grammar.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (text, None),
        };
        // A colon after the last slash starts a tag; one before it is a port.
        let path_start = named.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match named[path_start..].find(':') {
            Some(colon) => (
                &named[..path_start + colon],
                Some(&named[path_start + colon + 1..]),
            ),
            None => (named, None),
        };
        let shown = text.escape_debug();
        if !is_repository(repository) {
            return Err(format!(
                "`{shown}` is not an image reference: its repository is malformed"
            ));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(format!(
                "`{shown}` is not an image reference: its tag is malformed"
            ));
        }
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(format!(
                "`{shown}` is not an image reference: its digest is not `sha256:` and 64 hex digits"
            ));
        }
        Ok(Self {
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// Whether both name the same repository; `nginx` is `docker.io/library/nginx`.
    pub fn same_repository(&self, other: &Self) -> bool {
        full_name(&self.repository) == full_name(&other.repository)
    }

    /// The host and the path of the repository, with Docker Hub's host where none is written.
    pub fn host_and_path(&self) -> (String, String) {
        let full = full_name(&self.repository);
        match full.split_once('/') {
            Some((host, path)) => (host.to_owned(), path.to_owned()),
            None => (HUB.to_owned(), full),
        }
    }

    /// Whether a host is written before the path.
    pub fn has_host(&self) -> bool {
        let first = self.repository.split_once('/').map(|(first, _)| first);
        first.is_some_and(has_host)
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(out, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(out, "@{digest}")?;
        }
        Ok(())
    }
}

/// Docker Hub's name in references; the others are its hosts as well.
const HUB: &str = "docker.io";
const HUB_HOSTS: [&str; 4] = [
    HUB,
    "index.docker.io",
    "registry-1.docker.io",
    "registry.hub.docker.com",
];

fn has_host(first: &str) -> bool {
    first.contains(['.', ':'])
        || first == "localhost"
        || first.chars().any(|c| c.is_ascii_uppercase())
}

/// The repository with its host, and with `library/` before an official image of Docker Hub.
fn full_name(repository: &str) -> String {
    let (host, path) = match repository.split_once('/') {
        Some((first, path)) if has_host(first) && !HUB_HOSTS.contains(&first) => (first, path),
        Some((first, path)) if has_host(first) => (HUB, path),
        _ => (HUB, repository),
    };
    if host == HUB && !path.contains('/') {
        format!("{host}/library/{path}")
    } else {
        format!("{host}/{path}")
    }
}

fn is_repository(repository: &str) -> bool {
    // What looks like a host and is none may be the beginning of a path.
    let path = match repository.split_once('/') {
        Some((first, path)) if has_host(first) && is_host(first) => path,
        _ => repository,
    };
    let is_identifier = path.len() == 64 && path.bytes().all(is_hex);
    path.len() <= 255 && !is_identifier && path.split('/').all(is_component)
}

/// A name or an address, in brackets if it is one of version 6, and perhaps a port.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let fits = |b: u8| b.is_ascii_hexdigit() || b == b':';
            if address.is_empty() || !address.bytes().all(fits) {
                return false;
            }
            (
                "host",
                port.strip_prefix(':').or(port.is_empty().then_some("0")),
            )
        }
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, Some("0")),
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.split('.').all(label)
        && port.is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn is_hex(b: u8) -> bool {
    matches!(b, b'0'..=b'9' | b'a'..=b'f')
}

/// Lowercase letters and digits, joined by one dot, one or two underscores, or any number of hyphens.
fn is_component(component: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = component.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    ends.is_some_and(|(first, last)| plain(*first) && plain(*last))
        && component
            .split(|c: char| c.is_ascii() && plain(c as u8))
            .all(|joint| matches!(joint, "" | "." | "_" | "__") || joint.bytes().all(|b| b == b'-'))
}

pub(crate) fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

pub(crate) fn is_digest(digest: &str) -> bool {
    let hex = |hex: &str, length| hex.len() == length && hex.bytes().all(is_hex);
    match digest.split_once(':') {
        Some(("sha256", text)) => hex(text, 64),
        Some(("sha384", text)) => hex(text, 96),
        Some(("sha512", text)) => hex(text, 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn parses_what_registries_accept() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let table = [
            ("nginx", "nginx", None),
            ("web-1.4.2", "web-1.4.2", None),
            ("host:5000/app", "host:5000/app", None),
            ("host:5000/app:1", "host:5000/app", Some("1")),
            ("ghcr.io/acme/web:1.4.2", "ghcr.io/acme/web", Some("1.4.2")),
            (
                "localhost/a__b/c---d:v1_2",
                "localhost/a__b/c---d",
                Some("v1_2"),
            ),
            ("Registry.Example/app:1", "Registry.Example/app", Some("1")),
            ("[::1]:5000/app:1", "[::1]:5000/app", Some("1")),
            ("[2001:db8::1]/app", "[2001:db8::1]/app", None),
            ("host:99999999/app", "host:99999999/app", None),
            ("a_b.c/d:1", "a_b.c/d", Some("1")),
        ];
        for (text, repository, tag) in table {
            for suffix in [String::new(), format!("@{digest}")] {
                let text = format!("{text}{suffix}");
                let parsed = ImageReference::parse(&text).unwrap();
                assert_eq!(
                    (parsed.repository.as_str(), parsed.tag.as_deref()),
                    (repository, tag),
                    "{text}"
                );
                assert_eq!(parsed.digest.is_some(), !suffix.is_empty());
                assert_eq!(parsed.to_string(), text);
            }
        }
    }

    #[test]
    fn a_path_is_measured_without_its_host() {
        let path = format!("a/{}", "b".repeat(253));
        assert!(ImageReference::parse(&format!("registry.example:5000/{path}:1")).is_ok());
        assert!(ImageReference::parse(&format!("registry.example:5000/{path}b:1")).is_err());
    }

    #[test]
    fn refuses_everything_else() {
        let long = "a".repeat(256);
        let bad = [
            "",
            " ",
            ":1",
            "@",
            "app:",
            "app:-1",
            "app@",
            "app@sha256:12",
            "a//b",
            "/app",
            "app/",
            "a b",
            "app:1\n",
            "ap\u{e9}",
            "App",
            "a..b",
            "a___b",
            ".a",
            "a.",
            "host:/app",
            "-h.io/app",
            "app:1:2",
            "a@b@c",
            "{{x}}",
            "app\u{0}",
            "app:1 # x",
            "\"app\"",
            long.as_str(),
            "[::1/app",
            "[]:5000/app",
            "[::1]x/app",
            "[g::1]/app",
            "4f1c3b0a5d7e9f2184c6a8b0d2e4f60718293a4b5c6d7e8f90a1b2c3d4e5f607",
            "app@sha384:12",
            "app@md5:d41d8cd98f00b204e9800998ecf8427e",
        ];
        for text in bad {
            assert!(ImageReference::parse(text).is_err(), "{text:?}");
        }
        let tag = format!("app:{}", "a".repeat(129));
        assert!(ImageReference::parse(&tag).is_err());
    }

    #[test]
    fn knows_the_short_names_of_docker_hub() {
        let same = |a: &str, b: &str| {
            ImageReference::parse(a)
                .unwrap()
                .same_repository(&ImageReference::parse(b).unwrap())
        };
        assert!(same("nginx:1", "docker.io/library/nginx:2"));
        assert!(same("acme/web", "index.docker.io/acme/web"));
        let hosts = [
            "",
            "docker.io/",
            "index.docker.io/",
            "registry-1.docker.io/",
        ];
        for host in hosts {
            assert!(same(&format!("{host}nginx"), "library/nginx:1"), "{host}");
            assert!(same(&format!("{host}acme/web"), "acme/web"), "{host}");
            assert!(!same(&format!("{host}acme/web"), "acme/api"), "{host}");
        }
        assert!(!same("docker.io/nginx", "ghcr.io/library/nginx"));
        assert!(!same("ghcr.io/acme/web", "acme/web"));
        assert!(!same("host:5000/web", "host/web"));
    }
}
