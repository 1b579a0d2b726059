//! Attestations of an artifact. GitHub keeps them and is not believed: each is verified here, or left out with the reason.

use http::Uri;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::contract::{Attestation, Attestations};
use crate::image::is_digest;
use crate::service::attestation::{BundleBytes, BundleVerifier};
use crate::service::github::{PagedList, Repo, rejected};
use crate::service::http::{
    CallResult, Http, Request, Service, ServiceError, ServiceResult, or_none, seg,
};

/// The most pages of attestations that are read.
const MAX_PAGES: usize = 3;

/// A page of "List attestations".
#[derive(Deserialize)]
struct WirePage {
    attestations: Vec<WireAttestation>,
}

/// An attestation, with its bundle or with the place where that is kept.
#[derive(Deserialize)]
struct WireAttestation {
    bundle: Option<Box<RawValue>>,
    bundle_url: Option<String>,
}

impl Repo<'_> {
    /// Reads the attestations of an artifact by its digest, and has each verified.
    ///
    /// Fails with `rejected` if that is not a digest, and with `not-found` if the repository cannot be seen.
    pub async fn attestations(
        &self,
        verifier: &dyn BundleVerifier,
        digest: &str,
    ) -> CallResult<Attestations> {
        if !is_digest(digest) {
            return rejected(format!(
                "{digest:?} is no digest: write sha256: and 64 hex digits in lower case"
            ));
        }
        let list = format!("/attestations/{}?per_page=100", seg(digest));
        let Some(found) = or_none(self.some_pages::<WirePage>(list, MAX_PAGES).await)? else {
            // The same answer says that there is no such repository, or that we may not see it.
            let _: serde_json::Value = self.get(String::new()).await?;
            return Ok(none());
        };
        let PagedList { pages, is_whole } = found;
        let mut attestations = none();
        for wire in pages.iter().flat_map(|page| &page.attestations) {
            match self.verified(verifier, digest, wire).await? {
                Ok(one) => attestations.verified.push(one),
                Err(why) => attestations.refused.push(why),
            }
        }
        if !is_whole {
            let read = attestations.verified.len() + attestations.refused.len();
            attestations.refused.push(format!(
                "there are more of them than are read: only the newest {read} were looked at"
            ));
        }
        Ok(attestations)
    }

    /// Verifies one attestation, and holds it to this repository.
    async fn verified(
        &self,
        verifier: &dyn BundleVerifier,
        digest: &str,
        wire: &WireAttestation,
    ) -> ServiceResult<Result<Attestation, String>> {
        let inline = wire.bundle.as_ref().filter(|raw| raw.get() != "null");
        let checked = match (inline, &wire.bundle_url) {
            (Some(json), _) => verifier.verify(digest, BundleBytes::Json(json.get().as_bytes())),
            (None, Some(url)) => {
                let stored = self.stored_bundle(url).await?;
                verifier.verify(digest, BundleBytes::Snappy(&stored))
            }
            (None, None) => Err("GitHub sent neither its bundle nor where that is".to_owned()),
        };
        Ok(checked.and_then(|one| {
            let name = format!("/{}/{}", self.named.owner, self.named.name);
            let path = one.repository.strip_prefix("https://").and_then(|rest| {
                let at = rest.find('/')?;
                Some(&rest[at..])
            });
            if path.is_some_and(|path| path.eq_ignore_ascii_case(&name)) {
                Ok(one)
            } else {
                Err(format!(
                    "it is of a build of another repository, {}",
                    self.client.http.clean(&one.repository)
                ))
            }
        }))
    }

    /// Reads a bundle where GitHub keeps it: at a signed address outside of GitHub, to which no credential goes.
    async fn stored_bundle(&self, url: &str) -> ServiceResult<Vec<u8>> {
        let malformed =
            || ServiceError::Malformed("GitHub keeps a bundle at what is no URL".to_owned());
        let uri: Uri = url.parse().map_err(|_| malformed())?;
        let (Some(scheme), Some(authority), Some(target)) =
            (uri.scheme_str(), uri.authority(), uri.path_and_query())
        else {
            return Err(malformed());
        };
        let home = &self.client.http;
        if scheme != "https" && !home.is_in_clear() {
            return Err(malformed());
        }
        let base = format!("{scheme}://{authority}");
        let away = Http::new(Service::GitHub, &base, home.session.clone())?;
        let answer = away.send(&Request::get(target.as_str())).await?;
        Ok(answer.into_bytes())
    }
}

fn none() -> Attestations {
    Attestations {
        verified: Vec::new(),
        refused: Vec::new(),
    }
}
