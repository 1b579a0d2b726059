//! Policies and baselines in a registry: fetched by digest, kept by digest, checked against it each time.
//!
//! A registry is not trusted: what it sends counts only if it is, byte for byte, what the digest stands for. Credentials
//! come from the environment or docker's configuration, and go to the registry that they are for.

mod artifact;
#[cfg(feature = "oci")]
mod client;
mod login;

use std::path::Path;

use anyhow::Context as _;

pub use artifact::{ArtifactLayer, NotAnArtifact, RegistryArtifact};
#[cfg(feature = "oci")]
pub use client::{pull, pull_document, push};
pub use login::RegistryAccess;

use crate::component::PinnedComponent;
use promote_core::journal::digest;
use promote_core::policy::native::{CacheError, CodeCache};

/// The component of a reference, from the cache or else from its registry. Whatever is wrong with the cache is told to
/// `say`, and costs no more than a download.
///
/// # Errors
/// When the registry cannot be asked, or does not send what the digest stands for.
pub async fn fetch(
    wanted: &PinnedComponent,
    access: &RegistryAccess,
    folder: Option<&Path>,
    say: &(dyn Fn(&str) + Sync),
) -> anyhow::Result<Vec<u8>> {
    let cache = folder.and_then(|folder| {
        let complain = |why: CacheError| say(&format!("components are not kept: {why}"));
        CodeCache::open(folder).map_err(complain).ok()
    });
    if let Some(component) = cache.as_ref().and_then(|cache| recall(cache, wanted, say)) {
        return Ok(component);
    }
    let artifact = download(wanted, access)
        .await
        .with_context(|| format!("fetching {}", wanted.reference))?;
    if let Some(cache) = cache {
        keep(&cache, &artifact)
            .unwrap_or_else(|why| say(&format!("the component could not be kept: {why}")));
    }
    Ok(artifact.layer)
}

#[cfg(feature = "oci")]
async fn download(
    wanted: &PinnedComponent,
    access: &RegistryAccess,
) -> anyhow::Result<RegistryArtifact> {
    client::pull(&wanted.reference, access).await
}

#[cfg(not(feature = "oci"))]
async fn download(_: &PinnedComponent, _: &RegistryAccess) -> anyhow::Result<RegistryArtifact> {
    anyhow::bail!("this program was built without registries (feature `oci`): name a file")
}

/// Puts an artifact where [`fetch`] finds it.
///
/// # Errors
/// When the disk does not take it.
pub fn keep(cache: &CodeCache, artifact: &RegistryArtifact) -> Result<(), CacheError> {
    cache.put(
        &manifest_name(&digest(&artifact.manifest)),
        &artifact.manifest,
    )?;
    cache.put(&component_name(&digest(&artifact.layer)), &artifact.layer)
}

/// What the cache holds, if it is what the digests say: that of the reference for the manifest, the manifest's for the
/// component.
fn recall(cache: &CodeCache, wanted: &PinnedComponent, say: &dyn Fn(&str)) -> Option<Vec<u8>> {
    let held = |name: &str, expected: &str| {
        let ignored =
            |why: &dyn std::fmt::Display| say(&format!("a kept component is fetched anew: {why}"));
        let bytes = cache.get(name).map_err(|why| ignored(&why)).ok()??;
        let is_it = digest(&bytes) == expected;
        if !is_it {
            ignored(&format_args!("{name} was changed since it was kept"));
        }
        is_it.then_some(bytes)
    };
    let manifest = held(&manifest_name(&wanted.digest), &wanted.digest)?;
    let layer = ArtifactLayer::of_component(&manifest).ok()?;
    held(&component_name(&layer.digest), &layer.digest)
}

fn manifest_name(digest: &str) -> String {
    format!("{digest}.json")
}

fn component_name(digest: &str) -> String {
    format!("{digest}.wasm")
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::component::ComponentAddress;

    #[tokio::test]
    async fn what_is_kept_counts_only_while_it_is_what_its_digest_says() {
        let folder = std::env::temp_dir().join(format!("promote-registry-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let artifact = RegistryArtifact::of_component(b"component".to_vec(), &[], &[]);
        keep(&CodeCache::open(&folder).unwrap(), &artifact).unwrap();
        // Nobody listens on port 1: what is not kept cannot be had.
        let reference = format!("127.0.0.1:1/policy@sha256:{}", digest(&artifact.manifest));
        let wanted = ComponentAddress::parse(&reference)
            .unwrap()
            .pinned()
            .unwrap();
        let ask = async || fetch(&wanted, &RegistryAccess::default(), Some(&folder), &|_| {}).await;
        assert_eq!(ask().await.unwrap(), b"component");
        let component = folder.join(component_name(&digest(b"component")));
        std::fs::write(&component, b"Component").unwrap();
        assert!(ask().await.is_err());
        std::fs::write(&component, b"component").unwrap();
        assert_eq!(ask().await.unwrap(), b"component");
        let manifest = folder.join(manifest_name(&wanted.digest));
        std::fs::write(
            &manifest,
            RegistryArtifact::of_component(b"other".to_vec(), &[], &[]).manifest,
        )
        .unwrap();
        assert!(ask().await.is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
