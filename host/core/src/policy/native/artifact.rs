//! Native code of one component for one engine, and the only place that has it taken for code.
//!
//! Text in front of the code says what it was made from and what its digest is; what does not fit is never loaded.

use std::hash::{Hash as _, Hasher};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use crate::journal::digest;
use crate::policy::engine::{Engine, Program};

/// Raised when the shape of an artifact changes.
const MAGIC: &str = "promote compiled policy 1";

/// Native code whose key and digest were checked.
#[derive(Debug)]
pub struct CodeArtifact<'a>(&'a [u8]);

/// The reason why bytes are no artifact for a key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArtifactDamage {
    /// Something else, or too short.
    #[error("it is not a compiled policy")]
    Foreign,
    /// Made from another component, by another wasmtime or for other settings.
    #[error("it was compiled from something else")]
    Other,
    /// Its code is not what was written.
    #[error("it was changed or cut off since it was written")]
    Changed,
}

/// Returns all that native code depends on, as text: the component, and the engine with wasmtime's version, target and settings.
pub(super) fn key(engine: &Engine, component: &str) -> String {
    /// A digest that the engine can put its settings into.
    struct DigestHasher(Sha256);
    impl Hasher for DigestHasher {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut keyed = DigestHasher(Sha256::new_with_prefix(format!("{MAGIC}\n{component}\n")));
    engine
        .wasmtime()
        .precompile_compatibility_hash()
        .hash(&mut keyed);
    keyed
        .0
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The artifact of a component, to be kept under its key.
///
/// # Errors
/// When the code cannot be written down, for want of memory.
pub(super) fn bytes(program: &Program, key: &str) -> anyhow::Result<Vec<u8>> {
    let code = program
        .component()
        .serialize()
        .map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let mut bytes = format!("{MAGIC}\n{key}\n{}\n", digest(&code)).into_bytes();
    bytes.extend(code);
    Ok(bytes)
}

impl<'a> CodeArtifact<'a> {
    /// Reads an artifact, and checks that it was made for this key and is what was written.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(bytes: &'a [u8], key: &str) -> Result<Self, ArtifactDamage> {
        let mut parts = bytes.splitn(4, |byte| *byte == b'\n');
        let mut part = || parts.next().ok_or(ArtifactDamage::Foreign);
        let magic = part()?;
        let made_for = part()?;
        let sum = part()?;
        let code = part()?;
        if magic != MAGIC.as_bytes() {
            Err(ArtifactDamage::Foreign)
        } else if made_for != key.as_bytes() {
            Err(ArtifactDamage::Other)
        } else if sum != digest(code).as_bytes() {
            Err(ArtifactDamage::Changed)
        } else {
            Ok(Self(code))
        }
    }

    /// The component of this code; `component` is what it was compiled from.
    ///
    /// # Errors
    /// When wasmtime does not take it: made by another version, or for a processor that this one is not.
    #[expect(
        unsafe_code,
        reason = "native code that was compiled before can be loaded in no other way"
    )]
    pub(super) fn program(&self, engine: &Engine, component: &[u8]) -> anyhow::Result<Program> {
        // SAFETY: wasmtime demands bytes that `Component::serialize` made and nobody has changed since; it checks its
        // version, the target and the settings itself, but not the code. Their way here is one of two. Either they are
        // part of this binary: whoever can change them can change everything else that runs here. Or `Cache` read them
        // from a regular file that this user owns and only this user can write, in a folder of which the same holds,
        // and their digest is the one that was written with them, under a key that stands for this component and this
        // engine. The digest finds what a full disk or a crash has left; it is no signature. Who can write as this user
        // can make a file that passes, and needs none of it: they can replace this binary, its configuration and its
        // credentials as well.
        let component_code = unsafe { Component::deserialize(engine.wasmtime(), self.0) };
        let code = component_code
            .map_err(|error| anyhow::anyhow!("{error:#}"))
            .context("it cannot be loaded")?;
        Ok(engine.adopt(code, component))
    }
}
