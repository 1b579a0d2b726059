//! A component as an artifact of a registry: CNCF TAG Runtime, "Wasm OCI Artifact layout". Pure.

use serde::Deserialize;
use serde_json::json;

use promote_core::journal::digest;
use promote_core::policy::LARGEST;

/// OCI image specification, "Image Manifest".
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const WASM: &str = "application/wasm";

/// A component, with what a registry needs around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyArtifact {
    /// The manifest as it travels: its SHA-256 is the artifact's digest.
    pub manifest: Vec<u8>,
    /// The type of the manifest's configuration.
    pub config: Vec<u8>,
    /// The component.
    pub component: Vec<u8>,
}

/// The one layer of an artifact: the component, by digest and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLayer {
    /// SHA-256 in hex.
    pub digest: String,
    /// Size in bytes.
    pub size: usize,
}

/// The reason why a manifest is not one of a component.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotAnArtifact {
    /// It cannot be read.
    #[error("its manifest cannot be read: {0}")]
    Unreadable(String),
    /// It is something else, such as a container image.
    #[error(
        "it is no WebAssembly component: its configuration is `{0}`, and a component's is `{CONFIG}`"
    )]
    Foreign(String),
    /// A component is one layer.
    #[error("it has {0} layers, and a component is one of the type `{WASM}`")]
    Layers(usize),
    /// The layer is not a component.
    #[error("its layer is `{0}`, and a component's is `{WASM}`")]
    Layer(String),
    /// The layer has no SHA-256.
    #[error("the digest of its layer is no SHA-256")]
    Digest,
    /// It is too large.
    #[error("its layer has {0} bytes, more than a component may have ({LARGEST})")]
    Large(u64),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactManifest {
    config: LayerDescriptor,
    layers: Vec<LayerDescriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayerDescriptor {
    media_type: String,
    digest: String,
    size: u64,
}

impl PolicyLayer {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is not one of a component.
    pub fn of(manifest: &[u8]) -> Result<Self, NotAnArtifact> {
        let manifest: ArtifactManifest = serde_json::from_slice(manifest)
            .map_err(|error| NotAnArtifact::Unreadable(error.to_string()))?;
        if manifest.config.media_type != CONFIG {
            return Err(NotAnArtifact::Foreign(manifest.config.media_type));
        }
        let [layer] = &manifest.layers[..] else {
            return Err(NotAnArtifact::Layers(manifest.layers.len()));
        };
        let hex = layer
            .digest
            .strip_prefix("sha256:")
            .filter(|hex| crate::component::is_digest(hex));
        let (Some(digest), size) = (hex, usize::try_from(layer.size).unwrap_or(usize::MAX)) else {
            return Err(NotAnArtifact::Digest);
        };
        match layer.media_type == WASM {
            false => Err(NotAnArtifact::Layer(layer.media_type.clone())),
            true if size > LARGEST => Err(NotAnArtifact::Large(layer.size)),
            true => Ok(Self {
                digest: digest.to_owned(),
                size,
            }),
        }
    }
}

impl PolicyArtifact {
    /// Wraps a component. The same component gives the same bytes, and so the same digest, whenever it is done: the layout
    /// wants a time, and it is the beginning of time.
    pub fn new(component: Vec<u8>, imports: &[String], exports: &[String]) -> Self {
        let layer = format!("sha256:{}", digest(&component));
        let config = json!({
            "created": "1970-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2", "layerDigests": [layer],
            "component": { "imports": imports, "exports": exports },
        });
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "digest": format!("sha256:{}", digest(&config)), "size": config.len() },
            "layers": [{ "mediaType": WASM, "digest": layer, "size": component.len() }],
        });
        Self {
            manifest: manifest.to_string().into_bytes(),
            config,
            component,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_artifact_is_the_same_each_time_and_read_again() {
        let make = || {
            PolicyArtifact::new(
                b"component".to_vec(),
                &["wasi:io/error@0.2.6".to_owned()],
                &[],
            )
        };
        assert_eq!(make(), make());
        assert_eq!(
            PolicyLayer::of(&make().manifest),
            Ok(PolicyLayer {
                digest: digest(b"component"),
                size: 9
            })
        );
    }

    #[test]
    fn what_is_no_component_is_refused() {
        let good: Value =
            serde_json::from_slice(&PolicyArtifact::new(b"x".to_vec(), &[], &[]).manifest)
                .unwrap_or_default();
        let cases: [(&str, Value, &str); 7] = [
            (
                "/config/mediaType",
                json!("application/vnd.oci.image.config.v1+json"),
                "it is no WebAssembly component",
            ),
            ("/layers", json!([]), "it has 0 layers"),
            (
                "/layers",
                json!([good["layers"][0], good["layers"][0]]),
                "it has 2 layers",
            ),
            (
                "/layers/0/mediaType",
                json!("application/vnd.oci.image.layer.v1.tar+gzip"),
                "its layer is `application/vnd",
            ),
            (
                "/layers/0/digest",
                json!("sha256:../../etc"),
                "the digest of its layer",
            ),
            (
                "/layers/0/size",
                json!(u64::MAX),
                "its layer has 18446744073709551615 bytes",
            ),
            ("/config", json!(1), "its manifest cannot be read"),
        ];
        for (place, value, expected) in cases {
            let mut manifest = good.clone();
            if let Some(at) = manifest.pointer_mut(place) {
                *at = value;
            }
            let error = PolicyLayer::of(manifest.to_string().as_bytes())
                .err()
                .map(|error| error.to_string());
            assert!(
                error
                    .as_ref()
                    .is_some_and(|error| error.starts_with(expected)),
                "{place}: {error:?}"
            );
        }
        // A list of manifests, of which each platform takes another, is no component either.
        assert!(PolicyLayer::of(br#"{"schemaVersion":2,"manifests":[]}"#).is_err());
    }
}
