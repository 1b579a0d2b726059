//! The roots that are trusted: Sigstore's public one and GitHub's, embedded, or those of the operator's file in their place.

use sigstore_verify::trust_root::{
    SIGSTORE_GITHUB_TRUSTED_ROOT, SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot,
};
use sigstore_verify::types::{Bundle, DerCertificate, Sha256Hash};
use sigstore_verify::{VerificationPolicy, VerificationResult, Verifier};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::{BundleError, provider};

/// The authorities whose word counts.
pub struct TrustRoots(Vec<TrustAnchor>);

/// The reason why a file of roots cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// It names no root.
    #[error("it has no root: write what `gh attestation trusted-root` prints, one root a line")]
    Empty,
    /// One of its roots cannot be used.
    #[error("root {number}: {why}")]
    Unusable {
        /// Which, counted from 1.
        number: usize,
        /// Why.
        why: String,
    },
}

/// One root.
pub(crate) struct TrustAnchor {
    verifier: Verifier,
    evidence: RequiredEvidence,
    /// The names of its authorities, as certificates spell them.
    names: Vec<Vec<u8>>,
}

/// What a bundle must show beside its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequiredEvidence {
    /// That certificate and signature are in public logs.
    Logs,
    /// When it was signed, by a timestamp.
    Timestamp,
}

impl TrustRoots {
    /// The roots that this program was built with.
    ///
    /// # Errors
    /// If one of them cannot be used.
    pub fn embedded() -> Result<Self, RootError> {
        let anchors = [
            SIGSTORE_PRODUCTION_TRUSTED_ROOT,
            SIGSTORE_GITHUB_TRUSTED_ROOT,
        ];
        Self::of(anchors.into_iter())
    }

    /// Reads the roots of a file: one a line, or a single one over several lines.
    ///
    /// # Errors
    /// If there is none, or one of them cannot be used.
    pub fn read(text: &str) -> Result<Self, RootError> {
        if serde_json::from_str::<serde_json::Value>(text).is_ok() {
            return Self::of(std::iter::once(text));
        }
        Self::of(text.lines().filter(|line| !line.trim().is_empty()))
    }

    fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Self, RootError> {
        provider::install();
        let mut anchors = Vec::new();
        for (at, text) in texts.enumerate() {
            let anchor = TrustAnchor::read(text).map_err(|why| RootError::Unusable {
                number: at + 1,
                why,
            })?;
            anchors.push(anchor);
        }
        if anchors.is_empty() {
            return Err(RootError::Empty);
        }
        Ok(Self(anchors))
    }

    /// Chooses the root that a certificate says it is of. That it says so proves nothing, the root's verification does.
    pub(crate) fn root_of(&self, leaf: &DerCertificate) -> Result<&TrustAnchor, BundleError> {
        let leaf = Certificate::from_der(leaf.as_bytes())
            .map_err(|error| BundleError::Unreadable(format!("its certificate: {error}")))?;
        let issuer = &leaf.tbs_certificate.issuer;
        let name = issuer.to_der().unwrap_or_default();
        self.0
            .iter()
            .find(|anchor| anchor.names.contains(&name))
            .ok_or_else(|| BundleError::UnknownAuthority(format!("{:?}", issuer.to_string())))
    }
}

impl TrustAnchor {
    fn read(text: &str) -> Result<Self, String> {
        let root = TrustedRoot::from_json(text).map_err(|error| error.to_string())?;
        if root.certificate_authorities.is_empty() {
            return Err("it has no certificate authority".to_owned());
        }
        let evidence = match (root.tlogs.is_empty(), root.ctlogs.is_empty()) {
            (false, false) => RequiredEvidence::Logs,
            (true, true) if !root.timestamp_authorities.is_empty() => RequiredEvidence::Timestamp,
            (true, true) => return Err("it has neither logs nor a timestamp authority".to_owned()),
            _ => {
                return Err(
                    "it has one kind of log without the other: one for certificates and one for \
                     signatures belong together"
                        .to_owned(),
                );
            }
        };
        let chains = root.certificate_authorities.iter();
        let certificates = chains.flat_map(|authority| &authority.cert_chain.certificates);
        let mut names = Vec::new();
        for certificate in certificates {
            let certificate = Certificate::from_der(certificate.raw_bytes.as_bytes())
                .map_err(|error| format!("a certificate: {error}"))?;
            let name = certificate.tbs_certificate.subject.to_der();
            names.push(name.map_err(|error| format!("a certificate: {error}"))?);
        }
        let verifier = Verifier::new(&root).map_err(|error| error.to_string())?;
        Ok(Self {
            verifier,
            evidence,
            names,
        })
    }

    /// Verifies a bundle, with all the evidence that this root must have. Who signed it is not judged here.
    pub(crate) fn verify(
        &self,
        artifact: Sha256Hash,
        bundle: &Bundle,
    ) -> Result<VerificationResult, BundleError> {
        let policy = match self.evidence {
            RequiredEvidence::Logs => VerificationPolicy::any_identity(),
            RequiredEvidence::Timestamp => {
                let stamps = &bundle.verification_material.timestamp_verification_data;
                if stamps.rfc3161_timestamps.is_empty() {
                    return Err(BundleError::NoTimestamp);
                }
                VerificationPolicy::any_identity()
                    .skip_sct()
                    .skip_tlog_unsafe()
            }
        };
        let proven = self.verifier.verify(artifact, bundle, &policy)?;
        let has_logs = proven.tlog_verified() && proven.sct_verified();
        let is_proven = proven.certificate_verified()
            && !proven.verified_timestamps().is_empty()
            && (has_logs || self.evidence == RequiredEvidence::Timestamp);
        if is_proven {
            Ok(proven)
        } else {
            Err(BundleError::NoTimestamp)
        }
    }
}
