//! Images as registries keep them: configurations, manifests and lists of platforms, by their digests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use promote_core::service::transport::HttpResponse;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
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
    let bytes = it.to_string().into_bytes();
    let mut digest = "sha256:".to_owned();
    for byte in Sha256::digest(&bytes) {
        let _ = write!(digest, "{byte:02x}");
    }
    let blob = RegistryBlob {
        is_manifest: media_type != CONFIG,
        media_type,
        bytes,
    };
    blobs.insert(digest.clone(), blob);
    digest
}
