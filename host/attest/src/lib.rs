//! Attestations of builds, verified offline.
//!
//! A bundle comes from GitHub or from a registry and is hostile. What is told of it is what its certificate says, and only if the certificate is
//! of a pinned authority, was valid when the signature was made, and the signature is over a statement about the very digest
//! that was asked for. This crate asks no network and reads no file.
//!
//! There are two kinds of trust roots, told apart by what they hold. A root with logs, like the public one of Sigstore, must
//! show that certificate and signature were published in them. A root without, like GitHub's own, which signs for private
//! repositories, cannot: nobody outside sees what it signs, and its word alone says that no other certificate was issued
//! for the same workflow. For it a signed timestamp of the root's own authority is required in place of the log.

mod lazy;
mod provider;
mod roots;
#[cfg(test)]
mod tests;

use promote_core::contract::Attestation;
use promote_core::service::attestation::BundleBytes;
use sigstore_verify::types::{Bundle, Sha256Hash, SignatureContent, Statement};
use sigstore_verify::{SubjectAltName, VerificationResult};

pub use lazy::AttestationVerifier;
pub use roots::{RootError, TrustRoots};

/// The largest bundle that is read, in bytes.
const MAX_BUNDLE: usize = 4 << 20;
/// The payload of an attestation: a statement of in-toto.
const STATEMENT: &str = "application/vnd.in-toto+json";

/// The reason why a bundle proves nothing, in words for people.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It signs something else than a statement.
    #[error("it is no attestation: it signs {0} and not a statement about a build")]
    NoStatement(String),
    /// No certificate is in it.
    #[error("it has no certificate, so nobody can tell who signed it")]
    NoCertificate,
    /// Its certificate is of nobody whom the roots know.
    #[error(
        "its certificate is of an authority that is not trusted, {0}: if it is your own, name its root in `attestations.roots`"
    )]
    UnknownAuthority(String),
    /// There is no signed timestamp where nothing else tells the time.
    #[error(
        "it has no signed timestamp, and its authority keeps no log that could tell when it was signed"
    )]
    NoTimestamp,
    /// It does not hold.
    #[error("{0}")]
    Refused(#[from] sigstore_verify::Error),
    /// It holds, but was not made by a build of GitHub's.
    #[error("its certificate does not say {0}, so it is not of a build in a GitHub workflow")]
    NotABuild(&'static str),
}

impl TrustRoots {
    /// Verifies one bundle over the digest of an artifact, `sha256:` and 64 hex digits.
    ///
    /// # Errors
    /// Says what about it does not hold.
    pub fn check(&self, digest: &str, bytes: BundleBytes<'_>) -> Result<Attestation, BundleError> {
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        let artifact = Sha256Hash::from_hex(hex)
            .map_err(|error| BundleError::Unreadable(format!("{digest:?}: {error}")))?;
        let bundle = read(bytes)?;
        let predicate = statement(&bundle)?.predicate_type;
        let certificate = bundle
            .signing_certificate()
            .ok_or(BundleError::NoCertificate)?;
        let root = self.root_of(certificate)?;
        let proven = root.verify(artifact, &bundle)?;
        attestation(predicate, &proven)
    }
}

/// Reads a bundle, as JSON or compressed.
fn read(bytes: BundleBytes<'_>) -> Result<Bundle, BundleError> {
    let unreadable = |why: String| BundleError::Unreadable(why);
    let json = match bytes {
        BundleBytes::Json(json) => json.to_vec(),
        BundleBytes::Snappy(packed) => {
            let size =
                snap::raw::decompress_len(packed).map_err(|error| unreadable(error.to_string()))?;
            if size > MAX_BUNDLE {
                return Err(unreadable(format!("it has {size} bytes")));
            }
            let mut decoder = snap::raw::Decoder::new();
            decoder
                .decompress_vec(packed)
                .map_err(|error| unreadable(error.to_string()))?
        }
    };
    if json.len() > MAX_BUNDLE {
        return Err(unreadable(format!("it has {} bytes", json.len())));
    }
    let text = String::from_utf8(json).map_err(|error| unreadable(error.to_string()))?;
    Bundle::from_json(&text).map_err(|error| unreadable(error.to_string()))
}

/// Returns the statement that a bundle signs. Signatures over files, which say nothing of a build, have none.
fn statement(bundle: &Bundle) -> Result<Statement, BundleError> {
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
        return Err(BundleError::NoStatement("a file".to_owned()));
    };
    if envelope.payload_type != STATEMENT {
        return Err(BundleError::NoStatement(format!(
            "{:?}",
            envelope.payload_type
        )));
    }
    serde_json::from_slice(envelope.payload.as_bytes())
        .map_err(|error| BundleError::Unreadable(format!("its statement: {error}")))
}

/// Says what a verified certificate tells of the build.
fn attestation(predicate: String, proven: &VerificationResult) -> Result<Attestation, BundleError> {
    use BundleError::NotABuild;
    let certificate = proven.certificate().ok_or(BundleError::NoCertificate)?;
    let claims = &certificate.ci_claims;
    let signer = claims
        .build_signer_uri
        .clone()
        .ok_or(NotABuild("which workflow signed"))?;
    // Fulcio makes one of the other; a certificate in which they differ was made by something else.
    if !matches!(proven.identity(), Some(SubjectAltName::Uri(uri)) if *uri == signer) {
        return Err(NotABuild("one and the same workflow as its owner"));
    }
    let signed_at = proven
        .verified_timestamps()
        .iter()
        .min()
        .ok_or(BundleError::NoTimestamp)?;
    Ok(Attestation {
        predicate,
        issuer: proven
            .issuer()
            .map(str::to_owned)
            .ok_or(NotABuild("who vouched for the workflow"))?,
        signer,
        workflow: claims
            .build_config_uri
            .clone()
            .ok_or(NotABuild("which workflow was started"))?,
        repository: claims
            .source_repository_uri
            .clone()
            .ok_or(NotABuild("which repository was built"))?,
        commit: claims
            .source_repository_digest
            .clone()
            .ok_or(NotABuild("which commit was built"))?,
        source_ref: claims
            .source_repository_ref
            .clone()
            .ok_or(NotABuild("which branch or tag was built"))?,
        runner: claims.runner_environment.clone(),
        run: claims.run_invocation_uri.clone(),
        signed_at: signed_at.to_string(),
    })
}
