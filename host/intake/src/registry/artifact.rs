//! Artifacts of a registry: a component (CNCF TAG Runtime, "Wasm OCI Artifact layout"), or a document of one layer. Pure.

use serde::Deserialize;
use serde_json::json;

use promote_core::journal::digest;
use promote_core::policy::LARGEST;

/// OCI image specification, "Image Manifest".
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const WASM: &str = "application/wasm";
/// OCI image specification, "Guidance for an Empty Descriptor".
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The organisation's baseline.
const BASELINE: &str = "application/vnd.promote.baseline.v1+toml";

/// A component or a document, with what a registry needs around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryArtifact {
    /// The manifest as it travels: its SHA-256 is the artifact's digest.
    pub manifest: Vec<u8>,
    /// The type of the manifest's configuration.
    pub config: Vec<u8>,
    /// The component or document.
    pub layer: Vec<u8>,
}

/// The one layer of an artifact: the component or document, by digest and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactLayer {
    /// SHA-256 in hex.
    pub digest: String,
    /// Size in bytes.
    pub size: usize,
}

/// The reason why a manifest is not one of what is asked for.
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
    #[error("it has {0} layers, and a component or a baseline is one")]
    Layers(usize),
    /// The layer is not a component.
    #[error("its layer is `{0}`, and a component's is `{WASM}`")]
    Layer(String),
    /// The layer has no SHA-256.
    #[error("the digest of its layer is no SHA-256")]
    Digest,
    /// It is too large.
    #[error("its layer has {0} bytes, more than it may have ({1})")]
    Large(u64, usize),
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

impl ArtifactLayer {
    /// Reads the manifest of a component.
    ///
    /// # Errors
    /// When it is not one of a component.
    pub fn of_component(manifest: &[u8]) -> Result<Self, NotAnArtifact> {
        let manifest = ArtifactManifest::read(manifest)?;
        if manifest.config.media_type != CONFIG {
            return Err(NotAnArtifact::Foreign(manifest.config.media_type));
        }
        let layer = manifest.only_layer()?;
        let found = Self::within(layer, LARGEST);
        match layer.media_type == WASM {
            false => Err(NotAnArtifact::Layer(layer.media_type.clone())),
            true => found,
        }
    }

    /// Reads the manifest of a document, of whatever type: tools that push files choose their own, and the document's SHA-256
    /// decides.
    ///
    /// # Errors
    /// When it has not one layer of a size that a document may have.
    pub fn of_document(manifest: &[u8], most: usize) -> Result<Self, NotAnArtifact> {
        Self::within(ArtifactManifest::read(manifest)?.only_layer()?, most)
    }

    fn within(layer: &LayerDescriptor, most: usize) -> Result<Self, NotAnArtifact> {
        let hex = layer
            .digest
            .strip_prefix("sha256:")
            .filter(|hex| crate::component::is_digest(hex));
        let digest = hex.ok_or(NotAnArtifact::Digest)?.to_owned();
        match usize::try_from(layer.size) {
            Ok(size) if size <= most => Ok(Self { digest, size }),
            _ => Err(NotAnArtifact::Large(layer.size, most)),
        }
    }
}

impl ArtifactManifest {
    fn read(manifest: &[u8]) -> Result<Self, NotAnArtifact> {
        serde_json::from_slice(manifest)
            .map_err(|error| NotAnArtifact::Unreadable(error.to_string()))
    }

    fn only_layer(&self) -> Result<&LayerDescriptor, NotAnArtifact> {
        match &self.layers[..] {
            [layer] => Ok(layer),
            layers => Err(NotAnArtifact::Layers(layers.len())),
        }
    }
}

impl RegistryArtifact {
    /// Wraps a component. The same component gives the same bytes, and so the same digest, whenever it is done: the layout
    /// wants a time, and it is the beginning of time.
    pub fn of_component(component: Vec<u8>, imports: &[String], exports: &[String]) -> Self {
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
            layer: component,
        }
    }

    /// Wraps the organisation's baseline; the same one gives the same bytes.
    pub fn of_baseline(document: Vec<u8>) -> Self {
        let config = b"{}".to_vec();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": BASELINE,
            "config": { "mediaType": EMPTY, "digest": format!("sha256:{}", digest(&config)), "size": config.len() },
            "layers": [{ "mediaType": BASELINE, "digest": format!("sha256:{}", digest(&document)), "size": document.len() }],
        });
        Self {
            manifest: manifest.to_string().into_bytes(),
            config,
            layer: document,
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
            RegistryArtifact::of_component(
                b"component".to_vec(),
                &["wasi:io/error@0.2.6".to_owned()],
                &[],
            )
        };
        assert_eq!(make(), make());
        assert_eq!(
            ArtifactLayer::of_component(&make().manifest),
            Ok(ArtifactLayer {
                digest: digest(b"component"),
                size: 9
            })
        );
    }

    #[test]
    fn a_document_is_read_whatever_its_type_is_and_no_larger_than_it_may_be() {
        let ours = RegistryArtifact::of_baseline(b"[limits]\n".to_vec());
        let layer = ArtifactLayer::of_document(&ours.manifest, 9).map(|layer| layer.digest);
        assert_eq!(layer, Ok(digest(b"[limits]\n")));
        let large = ArtifactLayer::of_document(&ours.manifest, 8);
        assert_eq!(large, Err(NotAnArtifact::Large(9, 8)));
        let foreign = String::from_utf8_lossy(&ours.manifest).replace(BASELINE, "text/plain");
        assert!(ArtifactLayer::of_document(foreign.as_bytes(), 9).is_ok());
    }

    #[test]
    fn what_is_no_component_is_refused() {
        let good: Value = serde_json::from_slice(
            &RegistryArtifact::of_component(b"x".to_vec(), &[], &[]).manifest,
        )
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
            let error = ArtifactLayer::of_component(manifest.to_string().as_bytes())
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
        assert!(ArtifactLayer::of_component(br#"{"schemaVersion":2,"manifests":[]}"#).is_err());
    }
}
