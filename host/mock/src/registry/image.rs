//! Images as registries keep them: configurations, manifests and lists of platforms, by their digests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use promote_core::service::transport::HttpResponse;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const DIGEST_HEADER: HeaderName = HeaderName::from_static("docker-content-digest");

/// An image to be built: what its configuration says.
#[derive(Clone, Debug, Default)]
pub struct ImageBuild {
    /// Its platforms, such as `linux/amd64`; of several there is a list.
    pub platforms: Vec<String>,
    /// When it was built.
    pub created: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A thing that a registry keeps by its digest.
#[derive(Clone, Debug)]
pub struct RegistryBlob {
    /// Whether it is a manifest or a list of platforms.
    pub is_manifest: bool,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl ImageBuild {
    /// Builds the image among the blobs of a repository, and returns its digest. The same build has the same digest.
    pub(super) fn store(&self, blobs: &mut BTreeMap<String, RegistryBlob>) -> String {
        let mut parts = Vec::new();
        for platform in &self.platforms {
            let config = self.config(platform);
            let size = config.to_string().len();
            let config = put(blobs, CONFIG, &config);
            let manifest = json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": { "mediaType": CONFIG, "digest": config, "size": size },
                "layers": [],
            });
            let size = manifest.to_string().len();
            let digest = put(blobs, MANIFEST, &manifest);
            parts.push(json!({
                "mediaType": MANIFEST, "digest": digest, "size": size, "platform": named(platform),
            }));
        }
        match parts.as_slice() {
            [one] => one["digest"].as_str().unwrap_or_default().to_owned(),
            many => {
                let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": many });
                put(blobs, INDEX, &index)
            }
        }
    }

    fn config(&self, platform: &str) -> Value {
        let mut config = named(platform);
        config["config"] = json!({ "Labels": self.labels });
        config["rootfs"] = json!({ "type": "layers", "diff_ids": [] });
        if let Some(created) = &self.created {
            config["created"] = json!(created);
        }
        config
    }
}

/// Stores a bundle that refers to an image, as cosign and `actions/attest` push it, and returns its entry for a list.
pub(super) fn store_bundle(
    blobs: &mut BTreeMap<String, RegistryBlob>,
    subject: &str,
    bundle: &str,
) -> Value {
    let config = put(blobs, EMPTY, &json!({}));
    let digest = put_bytes(blobs, BUNDLE, bundle.as_bytes().to_vec());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE,
        "config": { "mediaType": EMPTY, "digest": config, "size": 2 },
        "layers": [{ "mediaType": BUNDLE, "digest": digest, "size": bundle.len() }],
        "subject": { "mediaType": MANIFEST, "digest": subject, "size": 0 },
    });
    let size = manifest.to_string().len();
    let digest = put(blobs, MANIFEST, &manifest);
    json!({ "mediaType": MANIFEST, "digest": digest, "size": size, "artifactType": BUNDLE })
}

/// Stores a list of referrers, and returns its digest.
pub(super) fn store_list(
    blobs: &mut BTreeMap<String, RegistryBlob>,
    referrers: &[Value],
) -> String {
    put(blobs, INDEX, &referrers_list(referrers))
}

/// A list of referrers.
pub(super) fn referrers_list(referrers: &[Value]) -> Value {
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": referrers })
}

impl RegistryBlob {
    /// The answer to a request for it.
    pub(super) fn answer(&self, digest: &str) -> HttpResponse {
        let mut response = HttpResponse::new(self.bytes.clone());
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.media_type),
        );
        if let Ok(digest) = HeaderValue::from_str(digest) {
            headers.insert(DIGEST_HEADER, digest);
        }
        response
    }
}

fn named(platform: &str) -> Value {
    let mut parts = platform.splitn(3, '/');
    let [os, architecture] = [parts.next(), parts.next()].map(Option::unwrap_or_default);
    let mut named = json!({ "os": os, "architecture": architecture });
    if let Some(variant) = parts.next() {
        named["variant"] = json!(variant);
    }
    named
}

fn put(blobs: &mut BTreeMap<String, RegistryBlob>, media_type: &'static str, it: &Value) -> String {
    put_bytes(blobs, media_type, it.to_string().into_bytes())
}

fn put_bytes(
    blobs: &mut BTreeMap<String, RegistryBlob>,
    media_type: &'static str,
    bytes: Vec<u8>,
) -> String {
    let mut digest = "sha256:".to_owned();
    for byte in Sha256::digest(&bytes) {
        let _ = write!(digest, "{byte:02x}");
    }
    let blob = RegistryBlob {
        is_manifest: matches!(media_type, MANIFEST | INDEX),
        media_type,
        bytes,
    };
    blobs.insert(digest.clone(), blob);
    digest
}
