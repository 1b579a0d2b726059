//! Attestations, as far as the core knows them: bytes that somebody else verifies.
//!
//! The verifier is a crate of its own, with the cryptography and the trusted roots. The core fetches bundles from GitHub and from registries, and hands on
//! what the verifier says of them and nothing that a bundle says of itself.

use crate::contract::Attestation;

/// A bundle as it came.
#[derive(Clone, Copy, Debug)]
pub enum BundleBytes<'a> {
    /// As JSON.
    Json(&'a [u8]),
    /// The same, compressed by Snappy as one block.
    Snappy(&'a [u8]),
}

/// Verifies attestations, without asking anybody.
pub trait BundleVerifier: Send + Sync {
    /// Verifies one bundle over the digest of an artifact, `sha256:` and 64 hex digits.
    ///
    /// Fails with what does not hold, in words for people.
    fn verify(&self, digest: &str, bundle: BundleBytes<'_>) -> Result<Attestation, String>;
}
