//! Where an image comes from, by its commit and by the attestations of its build, and what its registry says.

use crate::host::{Ancestry, Attestation};

/// The answer of a registry to a reference.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryFact {
    /// The reference.
    pub reference: String,
    /// The digest that it should have, if the catalog or the reference says one.
    pub expected: Option<String>,
    /// The answer.
    pub state: RegistryState,
}

/// What a registry says of a reference.
#[derive(Clone, Debug, PartialEq)]
pub enum RegistryState {
    /// It has this digest.
    Has(String),
    /// There is no such image.
    Missing,
    /// It does not let us see, in these words.
    Hidden(String),
}

/// The source of an image.
#[derive(Clone, Debug, PartialEq)]
pub enum ImageProvenance {
    /// The rule is off.
    NotAsked,
    /// It cannot be told, and why.
    Unknown(String),
    /// The relation of its commit to a branch.
    Known {
        /// The repository of the source.
        repository: String,
        /// Its branch.
        branch: String,
        /// The image's commit.
        commit: String,
        /// The relation of the commit to the branch.
        status: Ancestry,
    },
}

/// What is attested of the build of an image, against what is expected.
#[derive(Clone, Debug, PartialEq)]
pub enum BuildFacts {
    /// The rule is off, or nothing is going to be written.
    NotAsked,
    /// It cannot be told, and why.
    Unknown(String),
    /// The attestations of each digest.
    Known {
        /// The build that the settings want.
        expected: ExpectedBuild,
        /// The attestations that hold, and why others do not, for each digest of the image.
        attested: Vec<AttestedDigest>,
        /// Whether the image is named by its digest, or its tag stood for the digest in this very run.
        is_pinned: bool,
    },
}

/// A digest and its attestations.
#[derive(Clone, Debug, PartialEq)]
pub struct AttestedDigest {
    /// The digest.
    pub digest: String,
    /// Where the attestations are kept.
    pub kept: AttestationPlace,
    /// Who built it, in the words of certificates that the host has verified.
    pub verified: Vec<Attestation>,
    /// Why other attestations do not hold.
    pub refused: Vec<String>,
}

/// The place where the attestations of an image are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttestationPlace {
    /// GitHub, with the repository of the source.
    GitHub,
    /// The registry, beside the image of this name.
    Registry(String),
}

/// The build that an image must come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedBuild {
    /// The address of the repository of the source.
    pub repository: String,
    /// The address of the workflow's file.
    pub workflow: String,
    /// Where the workflow itself is taken from, as a pattern.
    pub workflow_ref: String,
    /// The branch or tag that is built, as a pattern.
    pub source_ref: String,
    /// Who vouches for the workflow.
    pub issuer: String,
    /// The commit that the catalog knows, if it is asked.
    pub commit: Option<String>,
}
