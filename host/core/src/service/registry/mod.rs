//! The client of image registries: reads what a reference stands for, and writes nothing.
//!
//! A registry is not trusted: what it sends counts only if it is, byte for byte, what its digest says. Credentials go to the
//! registry that they are for, and to the place where that registry gives tokens for them; a redirect gets none.

mod challenge;
mod manifest;
mod referrers;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;

use crate::contract::{Failure, Image};
use crate::image::ImageAddress;
use crate::journal::digest;
use crate::service::http::{
    CallResult, Http, HttpAnswer, Request, Service, ServiceError, ServiceResult, Session, or_none,
};
use crate::service::secret::Login;
use challenge::Challenge;
use manifest::{ImageConfig, ImageManifest, is_manifest};

/// The kinds of manifests that are read: OCI's and Docker's, of one platform and of several.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// The way to registries, and who we are there.
#[derive(Clone, Debug, Default)]
pub struct RegistrySetup {
    /// Where every registry is asked, a mock's or a proxy's; the query parameter `ns` names the registry that is meant, as
    /// containerd asks its mirrors. Without it each is asked at its own host.
    pub mirror: Option<String>,
    /// Our logins by the hosts of registries, as references spell them.
    pub logins: BTreeMap<String, Login>,
}

/// Registries, for one run.
pub struct Client {
    setup: RegistrySetup,
    session: Arc<Session>,
    /// The credential that was taken last for a repository, by its name.
    taken: Mutex<BTreeMap<String, HeaderValue>>,
}

/// A manifest with its digest.
struct FetchedManifest {
    digest: String,
    body: Vec<u8>,
}

impl Client {
    /// Makes a client; nothing is sent yet.
    pub fn new(setup: RegistrySetup, session: Arc<Session>) -> Self {
        for login in setup.logins.values() {
            session.keep(&login.password);
        }
        Self {
            setup,
            session,
            taken: Mutex::default(),
        }
    }

    /// Returns the digest that a reference stands for, or none if there is no such image.
    ///
    /// # Errors
    /// As `registry-read.get-digest`.
    pub async fn digest(&self, reference: &str) -> CallResult<Option<String>> {
        let address = ImageAddress::parse(reference).map_err(Failure::Rejected)?;
        let fetched = self.manifest(&address, address.revision()).await?;
        // A page of a proxy has a digest too.
        if fetched.as_ref().is_some_and(|it| !is_manifest(&it.body)) {
            let what = "its registry sent something that is no manifest: nothing of it is used";
            return Err(Failure::Rejected(about(&address, what)));
        }
        Ok(fetched.map(|fetched| fetched.digest))
    }

    /// Returns an image with what its build says of it, or none if there is no such image.
    ///
    /// # Errors
    /// As `registry-read.get-image`.
    pub async fn image(&self, reference: &str) -> CallResult<Option<Image>> {
        let address = ImageAddress::parse(reference).map_err(Failure::Rejected)?;
        let Some(fetched) = self.manifest(&address, address.revision()).await? else {
            return Ok(None);
        };
        let unreadable = |what: String| Failure::Rejected(about(&address, &what));
        let manifest = ImageManifest::read(&fetched.body).map_err(unreadable)?;
        let (config, platforms) = match manifest {
            ImageManifest::Single { config } => (config, None),
            ImageManifest::Several { first, platforms } => {
                let part = self.manifest(&address, &first).await?;
                let gone =
                    || Failure::Rejected(about(&address, "its list names what is not there"));
                match ImageManifest::read(&part.ok_or_else(gone)?.body).map_err(unreadable)? {
                    ImageManifest::Single { config } => (config, Some(platforms)),
                    ImageManifest::Several { .. } => {
                        return Err(unreadable(
                            "its list of platforms names another list".to_owned(),
                        ));
                    }
                }
            }
        };
        let body = self.blob(&address, &config, "configuration").await?;
        let config = ImageConfig::read(&body).map_err(unreadable)?;
        Ok(Some(Image {
            reference: reference.to_owned(),
            digest: fetched.digest,
            platforms: platforms.unwrap_or_else(|| config.platform.into_iter().collect()),
            created_at: config.created_at,
            labels: config.labels,
        }))
    }

    /// Fetches a manifest by tag or digest, and holds it to the digest if that was asked for.
    async fn manifest(
        &self,
        address: &ImageAddress,
        revision: &str,
    ) -> CallResult<Option<FetchedManifest>> {
        let target = format!("/v2/{}/manifests/{revision}", address.path);
        let request = Request::get(self.marked(address, target)).accepting(MANIFESTS);
        let answer = match or_none(self.send(address, request).await) {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(None),
            Err(error) => return Err(trouble(address, error)),
        };
        let own = format!("sha256:{}", digest(answer.bytes()));
        let is_other = |claimed: &str| claimed.starts_with("sha256:") && claimed != own;
        let claimed = [Some(revision), answer.header("docker-content-digest")];
        if let Some(expected) = claimed.into_iter().flatten().find(|it| is_other(it)) {
            return Err(tampered(address, "manifest", &own, expected));
        }
        Ok(Some(FetchedManifest {
            digest: own,
            body: answer.into_bytes(),
        }))
    }

    /// Fetches a blob, from wherever the registry keeps it.
    async fn blob(
        &self,
        address: &ImageAddress,
        expected: &str,
        what: &str,
    ) -> CallResult<Vec<u8>> {
        let target = format!("/v2/{}/blobs/{expected}", address.path);
        let request = Request::get(self.marked(address, target)).leaving();
        let answer = self.send(address, request).await;
        let answer = answer.map_err(|error| trouble(address, error))?;
        let own = format!("sha256:{}", digest(answer.bytes()));
        if own == expected {
            Ok(answer.into_bytes())
        } else {
            Err(tampered(address, what, &own, expected))
        }
    }

    /// Adds the registry's name where it cannot be told from the host.
    fn marked(&self, address: &ImageAddress, target: String) -> String {
        match &self.setup.mirror {
            Some(_) => format!("{target}?ns={}", address.host),
            None => target,
        }
    }

    /// Sends a request; what the registry asks to know of us, it is told once.
    async fn send(&self, address: &ImageAddress, request: Request) -> ServiceResult<HttpAnswer> {
        let http = self.http(address)?;
        let first = http
            .send(&request.clone().authorized(self.taken_for(address)))
            .await;
        let challenge = match &first {
            Err(ServiceError::Refused(refusal)) if refusal.status.as_u16() == 401 => {
                refusal.challenge.as_deref().and_then(Challenge::parse)
            }
            _ => None,
        };
        let Some(challenge) = challenge else {
            return first;
        };
        let login = self.setup.logins.get(&address.host);
        let credential = match (challenge, login) {
            (Challenge::Basic, None) => return first,
            (Challenge::Basic, Some(login)) => login.basic(),
            (Challenge::Token(realm), login) => {
                realm
                    .token(&self.session, &http, &address.path, login)
                    .await?
            }
        };
        self.keep(address, &credential);
        http.send(&request.authorized(Some(credential))).await
    }

    fn keep(&self, address: &ImageAddress, credential: &HeaderValue) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(address.name(), credential.clone());
    }

    fn taken_for(&self, address: &ImageAddress) -> Option<HeaderValue> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.get(&address.name()).cloned()
    }

    /// The client of one registry. Only on this machine is there no TLS.
    fn http(&self, address: &ImageAddress) -> ServiceResult<Http> {
        let host = match address.host.as_str() {
            "docker.io" => "registry-1.docker.io",
            host => host,
        };
        let is_own = matches!(host.split(':').next(), Some("localhost" | "127.0.0.1"));
        let scheme = if is_own { "http" } else { "https" };
        let own = format!("{scheme}://{host}");
        let base = self.setup.mirror.as_deref().unwrap_or(&own);
        Http::new(Service::Registry, base, Arc::clone(&self.session))
    }
}

/// A failure in words that name the image.
fn trouble(address: &ImageAddress, error: ServiceError) -> Failure {
    let no_entry = match &error {
        ServiceError::Refused(refusal) | ServiceError::NoToken(refusal) => {
            matches!(refusal.status.as_u16(), 401 | 403)
        }
        _ => false,
    };
    if no_entry {
        return Failure::NotFound(about(
            address,
            "its registry does not let us read it: it does not exist, or the login that this run has for the registry may not see it",
        ));
    }
    match Failure::from(error) {
        Failure::NotFound(what) => Failure::NotFound(about(address, &what)),
        Failure::Rejected(what) => Failure::Rejected(about(address, &what)),
        Failure::RateLimited(what) => Failure::RateLimited(about(address, &what)),
        Failure::Unavailable(what) => Failure::Unavailable(about(address, &what)),
        Failure::Conflict(what) | Failure::Denied(what) | Failure::Other(what) => {
            Failure::Other(about(address, &what))
        }
    }
}

fn tampered(address: &ImageAddress, what: &str, own: &str, expected: &str) -> Failure {
    Failure::Rejected(about(
        address,
        &format!(
            "its registry sent a {what} with the digest {own}, and it should be {expected}: nothing of it is used"
        ),
    ))
}

fn about(address: &ImageAddress, what: &str) -> String {
    format!("image {address}: {what}")
}
