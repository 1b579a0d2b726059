//! The image in one scalar, and another image in the same form.

use crate::image::{ImageReference, is_digest};
use crate::settings::Part;

/// An image, as far as one scalar holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldImage {
    /// The text before a reference: `web=` in Kustomize's lists, `--image=` in arguments, `oci://`.
    prefix: String,
    /// Host and path, or only the path where the registry stands apart.
    pub repository: Option<String>,
    /// The tag.
    pub tag: Option<String>,
    /// The digest with its algorithm.
    pub digest: Option<String>,
    /// Whether the digest is written without its algorithm.
    is_bare: bool,
}

impl HeldImage {
    /// Reads a scalar that holds this part of a reference.
    ///
    /// # Errors
    /// Says that it holds something else.
    pub fn read(part: Part, value: &str) -> Result<Self, String> {
        let shown = || {
            value
                .escape_debug()
                .to_string()
                .chars()
                .take(300)
                .collect::<String>()
        };
        match part {
            Part::Reference | Part::Repository => {
                let (prefix, text) = split_prefix(value);
                let held = ImageReference::parse(text)?;
                if part == Part::Repository && (held.tag.is_some() || held.digest.is_some()) {
                    return Err(format!(
                        "`{}` is more than a repository: `part = \"reference\"` writes the whole of it",
                        shown()
                    ));
                }
                Ok(Self {
                    prefix: prefix.to_owned(),
                    repository: Some(held.repository),
                    tag: held.tag,
                    digest: held.digest,
                    is_bare: false,
                })
            }
            Part::Tag | Part::TagDigest => match ImageReference::parse(&format!("x:{value}")) {
                Ok(held) => Ok(Self {
                    tag: held.tag,
                    digest: held.digest,
                    ..Self::default()
                }),
                Err(_) => Err(format!("`{}` is not a tag", shown())),
            },
            Part::Digest => {
                let full = format!("sha256:{value}");
                let is_bare = is_digest(&full);
                if !is_bare && !is_digest(value) {
                    return Err(format!(
                        "`{}` is not a digest, `sha256:` and 64 hex digits",
                        shown()
                    ));
                }
                Ok(Self {
                    digest: Some(if is_bare { full } else { value.to_owned() }),
                    is_bare,
                    ..Self::default()
                })
            }
            Part::Registry => match ImageReference::parse(&format!("{value}/x")) {
                Ok(_) => Ok(Self::default()),
                Err(_) => Err(format!("`{}` is not a registry", shown())),
            },
        }
    }

    /// The text that holds an image in the same form; none if the image lacks what stands there. The image's digest is used
    /// where the form has one.
    pub fn text(&self, part: Part, image: &ImageReference, digest: Option<&str>) -> Option<String> {
        let pinned = |text: &str| digest.map(|digest| format!("{text}@{digest}"));
        match part {
            Part::Reference => {
                let image = ImageReference {
                    digest: digest.map(str::to_owned),
                    ..image.clone()
                };
                Some(format!("{}{image}", self.prefix))
            }
            Part::Repository => Some(format!("{}{}", self.prefix, image.repository)),
            Part::Registry => Some(image.host_and_path().0),
            Part::Tag if self.digest.is_none() => image.tag.clone(),
            Part::Tag | Part::TagDigest => pinned(image.tag.as_deref()?),
            Part::Digest => {
                let bare = |digest: &str| {
                    let hex = digest.strip_prefix("sha256:").filter(|_| self.is_bare);
                    hex.unwrap_or(digest).to_owned()
                };
                digest.map(bare)
            }
        }
    }

    /// Whether this is what stands there for an image.
    pub fn denotes(&self, part: Part, image: &ImageReference, digest: Option<&str>) -> bool {
        let same =
            |held: &Option<String>, known: Option<&str>| held.is_none() || held.as_deref() == known;
        let digest = image.digest.as_deref().or(digest);
        let repository = self.repository.as_ref().map(|repository| ImageReference {
            repository: repository.clone(),
            tag: None,
            digest: None,
        });
        let tag = match part {
            Part::Reference if self.digest.is_none() => self.tag == image.tag,
            _ => same(&self.tag, image.tag.as_deref()),
        };
        tag && same(&self.digest, digest)
            && (part != Part::Reference
                || repository.is_some_and(|repository| repository.same_repository(image)))
    }
}

/// What stands before a reference, and the reference.
fn split_prefix(value: &str) -> (&str, &str) {
    let scheme = ["oci://", "docker://"];
    if let Some(scheme) = scheme.iter().find(|scheme| value.starts_with(**scheme)) {
        return value.split_at(scheme.len());
    }
    let harmless = |prefix: &str| prefix.bytes().all(|b| b.is_ascii_graphic());
    match value.rfind('=') {
        Some(at) if at > 0 && harmless(&value[..at]) => value.split_at(at + 1),
        _ => ("", value),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const HEX: &str = "9b2d8e7f6a5c4d3b2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d";

    #[test]
    fn the_new_value_has_the_form_of_the_old_one() {
        let image = ImageReference::parse("ghcr.io/acme/web:1.4.2").unwrap();
        let digest = format!("sha256:{HEX}");
        let old = "4".repeat(64);
        let table = [
            (
                Part::Reference,
                "ghcr.io/acme/web:1.4.1".to_owned(),
                "ghcr.io/acme/web:1.4.2".to_owned(),
            ),
            (
                Part::Reference,
                "web=ghcr.io/acme/web:1".to_owned(),
                "web=ghcr.io/acme/web:1.4.2".to_owned(),
            ),
            (
                Part::Reference,
                "--image=x/y:1".to_owned(),
                "--image=ghcr.io/acme/web:1.4.2".to_owned(),
            ),
            (
                Part::Reference,
                "oci://x/y:1".to_owned(),
                "oci://ghcr.io/acme/web:1.4.2".to_owned(),
            ),
            (Part::Tag, "1.4.1".to_owned(), "1.4.2".to_owned()),
            (
                Part::Tag,
                format!("1.4.1@sha256:{old}"),
                format!("1.4.2@{digest}"),
            ),
            (
                Part::TagDigest,
                "1.4.1".to_owned(),
                format!("1.4.2@{digest}"),
            ),
            (Part::Digest, format!("sha256:{old}"), digest.clone()),
            (Part::Digest, old.clone(), HEX.to_owned()),
            (Part::Registry, "docker.io".to_owned(), "ghcr.io".to_owned()),
        ];
        for (part, old, new) in table {
            let held = HeldImage::read(part, &old).unwrap();
            let pin = held.digest.is_some() || part == Part::TagDigest;
            let text = held.text(part, &image, pin.then_some(digest.as_str()));
            assert_eq!(text.as_deref(), Some(new.as_str()), "{old}");
            let denotes = |text: &str| {
                let held = HeldImage::read(part, text).unwrap();
                held.denotes(part, &image, Some(&digest))
            };
            assert!(denotes(&new), "{new}");
            assert!(part == Part::Registry || !denotes(&old), "{old}");
        }
    }

    #[test]
    fn what_holds_something_else_says_so() {
        let table = [
            (Part::Tag, "ghcr.io/acme/web:1", "is not a tag"),
            (Part::Digest, "1.4.1", "is not a digest"),
            (Part::Digest, "9b2d", "is not a digest"),
            (
                Part::Repository,
                "ghcr.io/acme/web:1",
                "more than a repository",
            ),
            (Part::Registry, "a b", "is not a registry"),
            (Part::Reference, "a b=x:1", "is not an image reference"),
        ];
        for (part, value, words) in table {
            let why = HeldImage::read(part, value).unwrap_err();
            assert!(why.contains(words), "{value}: {why}");
        }
    }
}
