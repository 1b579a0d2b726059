//! The verifier of a run: the operator's roots, or the embedded ones, which are read when the first bundle comes.

use std::sync::OnceLock;

use promote_core::contract::Attestation;
use promote_core::service::attestation::{BundleBytes, BundleVerifier};

use crate::{RootError, TrustRoots};

/// Verifies attestations by the roots of a run.
///
/// ```
/// use promote_attest::AttestationVerifier;
/// use promote_core::service::attestation::{BundleBytes, BundleVerifier as _};
///
/// let digest = format!("sha256:{}", "0".repeat(64));
/// let refused = AttestationVerifier::embedded().verify(&digest, BundleBytes::Json(b"{}"));
/// assert!(refused.unwrap_err().starts_with("it cannot be read"));
/// ```
#[derive(Default)]
pub struct AttestationVerifier {
    roots: OnceLock<Result<TrustRoots, RootError>>,
}

impl AttestationVerifier {
    /// A verifier by the roots that this program was built with. Most runs verify nothing, and so read no root.
    pub fn embedded() -> Self {
        Self::default()
    }

    /// A verifier by the roots of a file, in place of the embedded ones.
    ///
    /// # Errors
    /// As [`TrustRoots::read`].
    pub fn from_file(text: &str) -> Result<Self, RootError> {
        let roots = OnceLock::new();
        // It is empty, so this sets it.
        let _ = roots.set(Ok(TrustRoots::read(text)?));
        Ok(Self { roots })
    }
}

impl BundleVerifier for AttestationVerifier {
    fn verify(&self, digest: &str, bundle: BundleBytes<'_>) -> Result<Attestation, String> {
        match self.roots.get_or_init(TrustRoots::embedded) {
            Ok(roots) => roots.check(digest, bundle).map_err(|why| why.to_string()),
            Err(why) => Err(format!("the trusted roots cannot be used: {why}")),
        }
    }
}
