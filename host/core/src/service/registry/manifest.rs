//! What a registry says of an image (OCI image specification 1.1; Docker's image manifest, version 2, schema 2). Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;

use crate::contract::ImageLabel;
use crate::image::is_digest;

/// A manifest, as far as it leads on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ImageManifest {
    /// Of one platform: the digest of its configuration.
    Single { config: String },
    /// Of several: the digest of the first one's manifest, and the names of all.
    Several {
        first: String,
        platforms: Vec<String>,
    },
}

/// The configuration of an image, as far as people ask for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ImageConfig {
    pub(super) platform: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) labels: Vec<ImageLabel>,
}

#[derive(Deserialize)]
struct ManifestText {
    config: Option<DescriptorText>,
    manifests: Option<Vec<DescriptorText>>,
}

#[derive(Deserialize)]
struct DescriptorText {
    digest: String,
    platform: Option<PlatformText>,
}

#[derive(Deserialize)]
struct PlatformText {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    variant: Option<String>,
}

#[derive(Deserialize)]
struct ConfigText {
    created: Option<String>,
    #[serde(flatten)]
    platform: PlatformText,
    config: Option<LabelsText>,
}

#[derive(Deserialize)]
struct LabelsText {
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

impl PlatformText {
    /// The usual name; none for what runs nowhere, such as a build's attestations.
    fn name(&self) -> Option<String> {
        let is_word = |text: &str| {
            (1..=32).contains(&text.len())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        };
        let variant = self.variant.as_deref().filter(|text| !text.is_empty());
        let parts = [
            Some(self.os.as_str()),
            Some(self.architecture.as_str()),
            variant,
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        (parts.iter().all(|part| is_word(part)) && self.os != "unknown").then(|| parts.join("/"))
    }
}

/// Whether a text is a manifest or a list of them, of whatever it may be: a proxy's page is not, and has a digest all the same.
pub(super) fn is_manifest(body: &[u8]) -> bool {
    let text: Result<ManifestText, _> = serde_json::from_slice(body);
    text.is_ok_and(|text| text.config.is_some() || text.manifests.is_some())
}

impl ImageManifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Says why it is not one of an image.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let text: ManifestText = serde_json::from_slice(body)
            .map_err(|error| format!("its manifest cannot be read: {error}"))?;
        if let Some(parts) = text.manifests {
            let mut first = None;
            let mut platforms = BTreeSet::new();
            for part in parts {
                let Some(name) = part.platform.as_ref().and_then(PlatformText::name) else {
                    continue;
                };
                if first.is_none() {
                    first = Some(checked(part.digest)?);
                }
                platforms.insert(name);
            }
            return Ok(Self::Several {
                first: first.ok_or("its list of platforms is empty")?,
                platforms: platforms.into_iter().collect(),
            });
        }
        match text.config {
            Some(config) => Ok(Self::Single {
                config: checked(config.digest)?,
            }),
            None => Err("its manifest is of a kind that is not read here".to_owned()),
        }
    }
}

impl ImageConfig {
    /// Reads the configuration of an image.
    ///
    /// # Errors
    /// Says why it is none.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let text: ConfigText = serde_json::from_slice(body)
            .map_err(|error| format!("its configuration cannot be read: {error}"))?;
        let created = text.created.and_then(|at| at.parse::<Timestamp>().ok());
        let labels = text.config.and_then(|it| it.labels).unwrap_or_default();
        Ok(Self {
            platform: text.platform.name(),
            created_at: created.map(|at| at.to_string()),
            labels: labels
                .into_iter()
                .map(|(name, value)| ImageLabel { name, value })
                .collect(),
        })
    }
}

/// A digest goes into an address, so it must be one.
pub(super) fn checked(digest: String) -> Result<String, String> {
    if is_digest(&digest) {
        return Ok(digest);
    }
    Err(format!(
        "its manifest names `{}`, which is no digest",
        digest.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn digest(of: &str) -> String {
        format!("sha256:{}", of.repeat(32))
    }

    #[test]
    fn a_list_tells_its_platforms_and_leaves_out_what_runs_nowhere() {
        let part = |of: &str, os: &str, architecture: &str, variant: Option<&str>| json!({ "digest": digest(of), "platform": { "os": os, "architecture": architecture, "variant": variant } });
        let list = json!({ "schemaVersion": 2, "manifests": [
            part("aa", "unknown", "unknown", None),
            part("bb", "linux", "arm64", Some("v8")),
            part("cc", "linux", "amd64", None),
            { "digest": digest("dd") },
        ]});
        let platforms = ["linux/amd64", "linux/arm64/v8"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(
            ImageManifest::read(list.to_string().as_bytes()),
            Ok(ImageManifest::Several {
                first: digest("bb"),
                platforms
            })
        );
    }

    #[test]
    fn what_is_no_image_says_why() {
        for (body, why) in [
            ("<html>", "its manifest cannot be read"),
            (r#"{"manifests":[]}"#, "its list of platforms is empty"),
            (r#"{"config":{"digest":"../x"}}"#, "which is no digest"),
            (
                r#"{"schemaVersion":1,"fsLayers":[]}"#,
                "of a kind that is not read here",
            ),
        ] {
            let error = ImageManifest::read(body.as_bytes())
                .err()
                .unwrap_or_default();
            assert!(error.contains(why), "{body}: {error}");
        }
    }

    #[test]
    fn a_configuration_without_labels_is_one() {
        let config = br#"{"architecture":"amd64","os":"linux","created":"yesterday","config":{"Labels":null}}"#;
        let expected = ImageConfig {
            platform: Some("linux/amd64".to_owned()),
            created_at: None,
            labels: Vec::new(),
        };
        assert_eq!(ImageConfig::read(config), Ok(expected));
    }
}
