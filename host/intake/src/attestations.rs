//! `[attestations]`: the roots that the operator trusts, in place of those that the program was built with.
//!
//! ```toml
//! [attestations]
//! roots = "trusted_root.jsonl"    # as `gh attestation trusted-root` prints them
//! ```

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::config::Config;
#[cfg(not(feature = "attestations"))]
use absent::AttestationVerifier;
#[cfg(feature = "attestations")]
use promote_attest::AttestationVerifier;
use promote_core::service::attestation::BundleVerifier;

/// Most bytes of a file of roots.
const MAX_BYTES: u64 = 1 << 20;

/// `[attestations]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttestationConfig {
    /// A file of trusted roots, one a line, relative to the configuration.
    pub roots: Option<PathBuf>,
    /// The text of that file.
    #[serde(skip)]
    text: Option<String>,
}

impl AttestationConfig {
    /// Returns the verifier by these roots.
    ///
    /// # Errors
    /// When the operator's roots cannot be used. What nobody looked at is not replaced by what we were built with.
    pub fn verifier(&self) -> anyhow::Result<Arc<dyn BundleVerifier>> {
        let verifier = match (&self.roots, &self.text) {
            (None, _) => AttestationVerifier::embedded(),
            (Some(_), Some(text)) => AttestationVerifier::from_file(text)?,
            (Some(path), None) => anyhow::bail!(
                "attestations.roots: {} was not read, for promote.toml did not come from a file",
                path.display()
            ),
        };
        Ok(Arc::new(verifier))
    }

    /// Reads the file of roots, if one is named.
    ///
    /// # Errors
    /// When it cannot be read or used.
    fn read(mut self, folder: &Path) -> Result<Self, String> {
        let Some(named) = &self.roots else {
            return Ok(self);
        };
        let path = folder.join(named);
        let failed = |why: String| format!("attestations.roots: {}: {why}", path.display());
        let mut text = String::new();
        std::fs::File::open(&path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
            .map_err(|error| failed(error.to_string()))?;
        if text.len() as u64 > MAX_BYTES {
            return Err(failed(format!("it has more than {MAX_BYTES} bytes")));
        }
        AttestationVerifier::from_file(&text).map_err(|error| failed(error.to_string()))?;
        self.text = Some(text);
        Ok(self)
    }
}

impl Config {
    /// Reads the roots that the configuration names, if it names any. Paths are relative to a folder.
    ///
    /// # Errors
    /// When they cannot be read or used.
    pub fn with_roots(mut self, folder: &Path) -> Result<Self, String> {
        self.attestations = self.attestations.read(folder)?;
        Ok(self)
    }
}

/// The verifier of a program that was built without attestations.
#[cfg(not(feature = "attestations"))]
mod absent {
    use promote_core::contract::Attestation;
    use promote_core::service::attestation::{BundleBytes, BundleVerifier};

    const ABSENT: &str = "this program was built without attestations (feature `attestations`)";

    /// Refuses every bundle, so that a policy that asks for a provenance promotes nothing.
    pub struct AttestationVerifier;

    impl AttestationVerifier {
        pub fn embedded() -> Self {
            Self
        }

        /// # Errors
        /// Always: roots that nothing reads are a mistake of the operator.
        pub fn from_file(_: &str) -> anyhow::Result<Self> {
            anyhow::bail!(ABSENT)
        }
    }

    impl BundleVerifier for AttestationVerifier {
        fn verify(&self, _: &str, _: BundleBytes<'_>) -> Result<Attestation, String> {
            Err(ABSENT.to_owned())
        }
    }
}

#[cfg(all(test, feature = "attestations"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn roots_that_cannot_be_used_are_an_error_and_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::parse("[attestations]\nroots = \"roots.jsonl\"\n").unwrap();
        assert!(config.attestations.verifier().is_err());
        let cases = [
            ("", "it has no root"),
            ("{\"mediaType\": 1}", "root 1: "),
            ("nothing", "root 1: "),
            (
                r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#,
                "it has no certificate authority",
            ),
        ];
        let absent = config.clone().with_roots(folder.path()).unwrap_err();
        assert!(absent.starts_with("attestations.roots: "), "{absent}");
        for (text, expected) in cases {
            std::fs::write(folder.path().join("roots.jsonl"), text).unwrap();
            let error = config.clone().with_roots(folder.path()).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
