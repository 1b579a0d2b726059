//! Asks a registry, by the crate `oci-client`. The only place that knows it.
//!
//! Its errors hold addresses as they came, some with signatures in them, and what a registry says: none of that is passed on.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{
    DigestError, OciDistributionError as Trouble, OciEnvelope, OciErrorCode as Code,
};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference as Address, RegistryOperation};
use tokio::io::AsyncWrite;

use crate::component::ComponentAddress;
use crate::registry::artifact::MANIFEST;
use crate::registry::{ArtifactLayer, NotAnArtifact, RegistryAccess, RegistryArtifact};
use promote_core::journal::digest;
use promote_core::service::http::Pool;

/// The longest time of one download or upload.
const PATIENCE: Duration = Duration::from_secs(120);
/// The number of tries of a download; it changes nothing.
const TRIES: u32 = 3;

/// Fetches a component. What comes is what the reference's digest stands for, if it has one.
///
/// # Errors
/// When the registry cannot be asked, says no, or sends something else.
pub async fn pull(
    reference: &ComponentAddress,
    access: &RegistryAccess,
) -> anyhow::Result<RegistryArtifact> {
    pull_layer(reference, access, ArtifactLayer::of_component).await
}

/// Fetches a document of at most so many bytes. Nothing says that it is the one that is meant: its SHA-256 must.
///
/// # Errors
/// When the registry cannot be asked, says no, or sends something else.
pub async fn pull_document(
    reference: &ComponentAddress,
    access: &RegistryAccess,
    most: usize,
) -> anyhow::Result<Vec<u8>> {
    let layer_of = |manifest: &[u8]| ArtifactLayer::of_document(manifest, most);
    Ok(pull_layer(reference, access, layer_of).await?.layer)
}

async fn pull_layer(
    reference: &ComponentAddress,
    access: &RegistryAccess,
    layer_of: impl Fn(&[u8]) -> Result<ArtifactLayer, NotAnArtifact>,
) -> anyhow::Result<RegistryArtifact> {
    let registry = RegistryClient::of(reference, access)?;
    let mut tried = 1;
    loop {
        match timely(registry.pull(reference, &layer_of)).await? {
            Err(error) if tried < TRIES && error.downcast_ref::<Trouble>().is_some_and(passes) => {
                tokio::time::sleep(Duration::from_millis(500) * tried).await;
                tried += 1;
            }
            other => return other.map_err(|error| plain(error, reference, access)),
        }
    }
}

/// Puts an artifact under a reference: under its tag, or without one under its digest only.
///
/// # Errors
/// When the registry cannot be asked, or says no.
pub async fn push(
    artifact: &RegistryArtifact,
    reference: &ComponentAddress,
    access: &RegistryAccess,
) -> anyhow::Result<()> {
    let registry = RegistryClient::of(reference, access)?;
    let pushed = timely(registry.push(artifact, reference)).await?;
    pushed.map_err(|error| plain(error, reference, access))
}

/// A client, and who we are to its registry.
struct RegistryClient {
    client: Client,
    auth: RegistryAuth,
}

impl RegistryClient {
    fn of(reference: &ComponentAddress, access: &RegistryAccess) -> anyhow::Result<Self> {
        // Only on this machine is there no TLS.
        let protocol = match reference.is_loopback() {
            true => ClientProtocol::HttpsExcept(vec![reference.registry.clone()]),
            false => ClientProtocol::Https,
        };
        let config = ClientConfig {
            protocol,
            platform_resolver: None,
            connect_timeout: Some(Duration::from_secs(10)),
            read_timeout: Some(Duration::from_secs(30)),
            user_agent: concat!("promote/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let auth = match access.to(&reference.registry)? {
            Some(login) => RegistryAuth::Basic(login.user, login.password.expose().to_owned()),
            None => RegistryAuth::Anonymous,
        };
        // It chooses what TLS is done by, for the whole process.
        Pool::new().context("preparing HTTP")?;
        Ok(Self {
            client: Client::try_from(config).context("preparing HTTP")?,
            auth,
        })
    }

    async fn pull(
        &self,
        reference: &ComponentAddress,
        layer_of: impl Fn(&[u8]) -> Result<ArtifactLayer, NotAnArtifact>,
    ) -> anyhow::Result<RegistryArtifact> {
        let address = address(reference, reference.digest.as_deref());
        self.client
            .auth(&address, &self.auth, RegistryOperation::Pull)
            .await?;
        let (manifest, _) = self
            .client
            .pull_manifest_raw(&address, &self.auth, &[MANIFEST])
            .await?;
        if let Some(expected) = &reference.digest {
            verify("manifest", &manifest, expected)?;
        }
        let layer = layer_of(&manifest)?;
        let mut bytes = CappedBytes {
            bytes: Vec::new(),
            most: layer.size,
        };
        self.client
            .pull_blob(
                &address,
                format!("sha256:{}", layer.digest).as_str(),
                &mut bytes,
            )
            .await?;
        verify("layer", &bytes.bytes, &layer.digest)?;
        Ok(RegistryArtifact {
            manifest: manifest.to_vec(),
            config: Vec::new(),
            layer: bytes.bytes,
        })
    }

    async fn push(
        &self,
        artifact: &RegistryArtifact,
        reference: &ComponentAddress,
    ) -> anyhow::Result<()> {
        let own = digest(&artifact.manifest);
        let address = address(reference, reference.tag.is_none().then_some(own.as_str()));
        self.client
            .auth(&address, &self.auth, RegistryOperation::Push)
            .await?;
        for blob in [&artifact.config, &artifact.layer] {
            self.client
                .push_blob(&address, blob.clone(), &format!("sha256:{}", digest(blob)))
                .await?;
        }
        let kind = http::HeaderValue::from_static(MANIFEST);
        self.client
            .push_manifest_raw(&address, artifact.manifest.clone(), kind)
            .await?;
        Ok(())
    }
}

/// By digest if there is one, else by tag.
fn address(reference: &ComponentAddress, digest: Option<&str>) -> Address {
    let (registry, repository) = (reference.registry.clone(), reference.repository.clone());
    match (digest, &reference.tag) {
        (Some(digest), _) => Address::with_digest(registry, repository, format!("sha256:{digest}")),
        (None, tag) => Address::with_tag(
            registry,
            repository,
            tag.clone().unwrap_or_else(|| "latest".to_owned()),
        ),
    }
}

fn verify(what: &str, bytes: &[u8], expected: &str) -> anyhow::Result<()> {
    let found = digest(bytes);
    match found == expected {
        true => Ok(()),
        false => Err(tampered(what, &found, expected)),
    }
}

fn tampered(what: &str, found: &str, expected: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "the registry sent a {what} with the SHA-256 {found}, and {expected} is asked for: it is not what was published, and nothing of it is used"
    )
}

async fn timely<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.with_context(|| format!("the registry took longer than {PATIENCE:?}"))
}

/// Whether it may go well the next time.
fn passes(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::RequestError(error) => error.is_connect() || error.is_timeout() || error.is_body(),
        Trouble::ServerError { code, .. } => *code >= 500,
        _ => false,
    }
}

/// Says what went wrong in our words, and what to do.
fn plain(
    error: anyhow::Error,
    reference: &ComponentAddress,
    access: &RegistryAccess,
) -> anyhow::Error {
    let trouble = match error.downcast::<Trouble>() {
        Ok(trouble) => trouble,
        Err(ours) => return ours,
    };
    let ComponentAddress {
        registry,
        repository,
        ..
    } = reference;
    let no_such = || format!("{registry} has no such `{repository}`: look at name and digest");
    let no_entry = || {
        format!(
            "{registry} does not let us at `{repository}`: {}",
            access.hint(registry)
        )
    };
    let what = match trouble {
        Trouble::DigestError(DigestError::VerificationError { expected, actual }) => {
            let hex = |text: &str| promote_core::text::line(text.trim_start_matches("sha256:"));
            return tampered("answer", &hex(&actual), &hex(&expected));
        }
        Trouble::UnauthorizedError { .. } | Trouble::AuthenticationFailure(_) => no_entry(),
        Trouble::ServerError {
            code: 401 | 403, ..
        } => no_entry(),
        Trouble::ImageManifestNotFoundError(_) | Trouble::ServerError { code: 404, .. } => {
            no_such()
        }
        Trouble::RegistryError { ref envelope, .. }
            if says(envelope, &[Code::Unauthorized, Code::Denied]) =>
        {
            no_entry()
        }
        Trouble::RegistryError { ref envelope, .. }
            if says(
                envelope,
                &[Code::ManifestUnknown, Code::NameUnknown, Code::BlobUnknown],
            ) =>
        {
            no_such()
        }
        Trouble::ServerError { code, .. } => format!("{registry} answers with status {code}"),
        Trouble::RegistryError { envelope, .. } => {
            let codes = envelope
                .errors
                .iter()
                .map(|error| format!("{:?}", error.code));
            format!(
                "{registry} refuses: {}",
                codes.take(5).collect::<Vec<_>>().join(", ")
            )
        }
        Trouble::RequestError(error) if error.is_connect() => {
            format!("{registry} cannot be reached")
        }
        Trouble::RequestError(error) if error.is_timeout() => {
            format!("{registry} does not answer in time")
        }
        Trouble::IoError(error) => error.to_string(),
        _ => format!("{registry} answers in a way that no registry should"),
    };
    anyhow::anyhow!(what)
}

fn says(envelope: &OciEnvelope, codes: &[Code]) -> bool {
    envelope
        .errors
        .iter()
        .any(|error| codes.contains(&error.code))
}

/// Takes at most so many bytes.
struct CappedBytes {
    bytes: Vec<u8>,
    most: usize,
}

impl AsyncWrite for CappedBytes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        some: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.bytes.len() + some.len() > self.most {
            let most = self.most;
            return Poll::Ready(Err(io::Error::other(format!(
                "the registry sends more than the {most} bytes that the manifest names"
            ))));
        }
        self.bytes.extend_from_slice(some);
        Poll::Ready(Ok(some.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
