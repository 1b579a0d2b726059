//! Attestations that are kept beside an image, as its referrers (OCI distribution specification 1.1, "Listing Referrers" and
//! "Referrers Tag Schema"; Sigstore's bundles in registries, `BUNDLE_SPEC` of cosign).
//!
//! Whoever may push into the repository may put anything here, so a referrer that is not what it should be is told as one
//! that does not hold, and stands in no other's way. What a list says of a bundle besides its digest is not used.

use serde::Deserialize;

use super::manifest::checked;
use super::{Client, about, trouble};
use crate::contract::{Attestation, Attestations, Failure};
use crate::image::ImageAddress;
use crate::service::attestation::{BundleBytes, BundleVerifier};
use crate::service::http::{CallResult, HttpAnswer, Request, ServiceError};

/// The media type of a list of referrers.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// How the media types of bundles begin: `application/vnd.dev.sigstore.bundle.v0.3+json`, and
/// `application/vnd.dev.sigstore.bundle+json;version=0.2` before.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
/// What registries answer that do not know of referrers: most 404, Artifactory 406, others 400 or 405.
const UNKNOWN_ROUTE: [u16; 4] = [400, 404, 405, 406];
/// The most pages of a list that are read.
const MAX_PAGES: usize = 3;
/// The most bundles that are read of one image.
const MAX_BUNDLES: usize = 30;

/// A list of referrers, or a part of one.
#[derive(Deserialize)]
struct ReferrersText {
    manifests: Option<Vec<ReferrerText>>,
}

#[derive(Deserialize)]
struct ReferrerText {
    digest: String,
    #[serde(rename = "artifactType")]
    artifact_type: Option<String>,
}

/// The manifest of a referrer, as far as it leads to a bundle.
#[derive(Deserialize)]
struct BundleManifestText {
    subject: Option<SubjectText>,
    #[serde(default)]
    layers: Vec<LayerText>,
}

#[derive(Deserialize)]
struct SubjectText {
    digest: String,
}

#[derive(Deserialize)]
struct LayerText {
    digest: String,
    #[serde(rename = "mediaType", default)]
    media_type: String,
}

/// The manifests of the bundles of one image, by what should be their digests.
#[derive(Default)]
struct BundleList {
    digests: Vec<String>,
    is_whole: bool,
}

impl Client {
    /// Reads the attestations that are kept beside an image, and has each verified.
    ///
    /// # Errors
    /// As `registry-read.get-image-attestations`.
    pub async fn attestations(
        &self,
        verifier: &dyn BundleVerifier,
        reference: &str,
    ) -> CallResult<Attestations> {
        let address = ImageAddress::parse(reference).map_err(Failure::Rejected)?;
        let Some(subject) = address.digest.clone() else {
            return Err(Failure::Rejected(about(
                &address,
                "attestations are of a digest, and the reference has none: write it as host/path@sha256:…",
            )));
        };
        let BundleList {
            mut digests,
            is_whole,
        } = self.bundles(&address, &subject).await?;
        let is_whole = is_whole && digests.len() <= MAX_BUNDLES;
        digests.truncate(MAX_BUNDLES);
        let mut found = Attestations {
            verified: Vec::new(),
            refused: Vec::new(),
        };
        for digest in &digests {
            match self.attestation(verifier, &address, &subject, digest).await {
                Ok(one) => found.verified.push(one),
                Err(Failure::Rejected(why)) => found.refused.push(why),
                Err(failure) => return Err(failure),
            }
        }
        if !is_whole {
            found.refused.push(format!(
                "there are more of them than are read: {} were looked at",
                digests.len()
            ));
        }
        Ok(found)
    }

    /// Lists the bundles: by the registry's own list, or by the one that clients keep under a tag where it has none.
    async fn bundles(&self, address: &ImageAddress, subject: &str) -> CallResult<BundleList> {
        let mut list = BundleList::default();
        let mut target = self.marked(address, format!("/v2/{}/referrers/{subject}", address.path));
        for page in 0..MAX_PAGES {
            let request = Request::get(target).accepting(INDEX);
            let answer = match self.send(address, request).await {
                Ok(answer) if page > 0 || is_index(&answer) => answer,
                Ok(_) => return self.tagged_bundles(address, subject).await,
                Err(ServiceError::Refused(refusal))
                    if page == 0 && UNKNOWN_ROUTE.contains(&refusal.status.as_u16()) =>
                {
                    return self.tagged_bundles(address, subject).await;
                }
                Err(error) => return Err(trouble(address, error)),
            };
            list.take(answer.json().map_err(|error| trouble(address, error))?);
            match answer.next() {
                Some(next) => target = next,
                None => {
                    list.is_whole = true;
                    return Ok(list);
                }
            }
        }
        Ok(list)
    }

    /// Lists the bundles under the tag that is made of the digest; what is no list there means that there are none.
    async fn tagged_bundles(
        &self,
        address: &ImageAddress,
        subject: &str,
    ) -> CallResult<BundleList> {
        let mut list = BundleList {
            is_whole: true,
            ..BundleList::default()
        };
        let Some(fetched) = self.manifest(address, &subject.replace(':', "-")).await? else {
            return Ok(list);
        };
        // GitLab's registry takes such a tag for the digest itself, and answers with the image.
        if fetched.digest == subject {
            return Ok(list);
        }
        if let Ok(text) = serde_json::from_slice(&fetched.body) {
            list.take(text);
        }
        Ok(list)
    }

    /// Reads the bundle of one referrer, and verifies it; fails with `rejected` if it does not hold.
    async fn attestation(
        &self,
        verifier: &dyn BundleVerifier,
        address: &ImageAddress,
        subject: &str,
        digest: &str,
    ) -> CallResult<Attestation> {
        let digest = &checked(digest.to_owned()).map_err(Failure::Rejected)?;
        let no = |what: &str| Failure::Rejected(format!("{digest} beside the image: {what}"));
        let fetched = self.manifest(address, digest).await?;
        let fetched = fetched.ok_or_else(|| no("it is listed, and not there"))?;
        let manifest: BundleManifestText = serde_json::from_slice(&fetched.body)
            .map_err(|error| no(&format!("its manifest cannot be read: {error}")))?;
        if manifest.subject.is_none_or(|of| of.digest != subject) {
            return Err(no("it is listed, and refers to something else"));
        }
        let mut layers = manifest.layers.into_iter();
        let layer = layers
            .find(|layer| layer.media_type.starts_with(BUNDLE))
            .ok_or_else(|| no("it holds no bundle"))?;
        let at = checked(layer.digest).map_err(|why| no(&why))?;
        let bundle = match self.blob(address, &at, "bundle").await {
            Err(Failure::NotFound(_)) => return Err(no("its bundle is not there")),
            other => other?,
        };
        verifier
            .verify(subject, BundleBytes::Json(&bundle))
            .map_err(Failure::Rejected)
    }
}

impl BundleList {
    fn take(&mut self, list: ReferrersText) {
        for referrer in list.manifests.unwrap_or_default() {
            let kind = referrer.artifact_type.unwrap_or_default();
            if kind.starts_with(BUNDLE) {
                self.digests.push(referrer.digest);
            }
        }
    }
}

/// Whether an answer says that it is a list: something that answers anything with 200 stands before some registries.
fn is_index(answer: &HttpAnswer) -> bool {
    let kind = answer.header("content-type").unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim() == INDEX
}
