//! Registries of images, as far as images are read: "OCI Distribution Specification" 1.1 and "Token Authentication
//! Specification" of the distribution project, with the answers of GitHub's registry.
//!
//! All registries of a world have one address; the query parameter `ns` names the one that is meant, as containerd asks its
//! mirrors.

mod image;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::{SecretText, UnknownRoute};
use promote_core::service::transport::{HttpRequest, HttpResponse};

pub use image::{ImageBuild, RegistryBlob};

/// Every registry of a world.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// The users, with their passwords.
    pub logins: BTreeMap<String, SecretText>,
    /// The repositories by `host/path`.
    pub repositories: BTreeMap<String, ImageRepository>,
    /// The tokens that were handed out, with the repository that each is for.
    tokens: Vec<(SecretText, String)>,
}

/// The images of one repository.
#[derive(Clone, Debug, Default)]
pub struct ImageRepository {
    /// Whether only users may read it.
    pub is_private: bool,
    /// The digest of each tag.
    pub tags: BTreeMap<String, String>,
    /// Manifests and configurations by their digests.
    pub blobs: BTreeMap<String, RegistryBlob>,
    /// What refers to a digest, as entries of a list.
    referrers: BTreeMap<String, Vec<Value>>,
    /// Whether its registry lists referrers; where it does not, clients keep a list under a tag.
    pub has_referrers: bool,
}

impl Registry {
    /// Builds an image and puts it under a tag.
    pub fn push(&mut self, repository: &str, tag: &str, build: &ImageBuild) -> String {
        let into = self.repositories.entry(repository.to_owned()).or_default();
        let digest = build.store(&mut into.blobs);
        into.tags.insert(tag.to_owned(), digest.clone());
        digest
    }

    /// Keeps a bundle beside an image, which need not be there.
    pub fn attach(&mut self, repository: &str, subject: &str, bundle: &str, is_listed: bool) {
        let into = self.repositories.entry(repository.to_owned()).or_default();
        into.has_referrers = is_listed;
        let entry = image::store_bundle(&mut into.blobs, subject, bundle);
        let known = into.referrers.entry(subject.to_owned()).or_default();
        known.push(entry);
        if !is_listed {
            let list = image::store_list(&mut into.blobs, known);
            into.tags.insert(subject.replace(':', "-"), list);
        }
    }

    /// Returns every token that was handed out.
    pub(crate) fn token_texts(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(|(token, _)| token.text())
    }

    /// Makes every token cease to work.
    pub(crate) fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Answers one request.
    pub(crate) fn handle(&mut self, request: &HttpRequest) -> HttpResponse {
        let path = request.uri().path();
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                "UNSUPPORTED",
                "The operation is unsupported.",
            );
        }
        if path == "/token" {
            return self.token(request);
        }
        let place = path.strip_prefix("/v2/").and_then(|rest| {
            let (rest, name) = rest.rsplit_once('/')?;
            let (repository, kind) = rest.rsplit_once('/')?;
            Some((repository, kind, name))
        });
        let Some((path, kind @ ("manifests" | "blobs" | "referrers"), name)) = place else {
            let mut response = plain(StatusCode::NOT_FOUND, "404 page not found\n");
            response.extensions_mut().insert(UnknownRoute);
            return response;
        };
        let host = query(request, "ns").unwrap_or_default();
        let repository = format!("{host}/{path}");
        if !self.lets_in(request, &repository) {
            return challenge(request, &host, path);
        }
        let unknown = || match kind {
            "manifests" => refusal(
                StatusCode::NOT_FOUND,
                "MANIFEST_UNKNOWN",
                "manifest unknown",
            ),
            _ => refusal(
                StatusCode::NOT_FOUND,
                "BLOB_UNKNOWN",
                "blob unknown to registry",
            ),
        };
        let Some(found) = self.repositories.get(&repository) else {
            return unknown();
        };
        if kind == "referrers" {
            return found.referrers(name);
        }
        let digest = found.tags.get(name).map_or(name, String::as_str);
        match found.blobs.get(digest) {
            Some(blob) if blob.is_manifest == (kind == "manifests") => blob.answer(digest),
            _ => unknown(),
        }
    }

    /// Whether the request has a token for the repository: a public one too is read with a token only.
    fn lets_in(&self, request: &HttpRequest, repository: &str) -> bool {
        let given = request.headers().get(header::AUTHORIZATION);
        let given = given.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        given.is_some_and(|given| {
            self.tokens
                .iter()
                .any(|(token, of)| token.text() == given && of == repository)
        })
    }

    /// Hands out a token for a repository: to anybody for a public one, to users for a private one.
    fn token(&mut self, request: &HttpRequest) -> HttpResponse {
        let scope = query(request, "scope").unwrap_or_default();
        let service = query(request, "service").unwrap_or_default();
        let Some(path) = scope
            .strip_prefix("repository:")
            .and_then(|rest| rest.strip_suffix(":pull"))
        else {
            return refusal(StatusCode::BAD_REQUEST, "UNSUPPORTED", "invalid scope");
        };
        let repository = format!("{service}/{path}");
        let user = match request.headers().get(header::AUTHORIZATION) {
            None => None,
            Some(given) => match self.user(given) {
                Some(user) => Some(user),
                None => {
                    return refusal(
                        StatusCode::UNAUTHORIZED,
                        "UNAUTHORIZED",
                        "authentication required",
                    );
                }
            },
        };
        let is_open = self
            .repositories
            .get(&repository)
            .is_some_and(|found| !found.is_private);
        if user.is_none() && !is_open {
            return refusal(
                StatusCode::FORBIDDEN,
                "DENIED",
                "requested access to the resource is denied",
            );
        }
        let token = format!("mock-registry-token-{}", self.tokens.len() + 1);
        self.tokens
            .push((SecretText::new(token.clone()), repository));
        answer(StatusCode::OK, json!({ "token": token, "expires_in": 300 }))
    }

    fn user(&self, given: &HeaderValue) -> Option<String> {
        let text = given.to_str().ok()?.strip_prefix("Basic ")?;
        let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        let known = self.logins.get(user)?;
        (known.text() == password).then(|| user.to_owned())
    }
}

impl ImageRepository {
    /// What refers to a digest. A registry that has no such route answers as for any other, as docker-registry 2 does.
    fn referrers(&self, subject: &str) -> HttpResponse {
        if !self.has_referrers {
            return plain(StatusCode::NOT_FOUND, "404 page not found\n");
        }
        let known = self.referrers.get(subject).map_or(&[][..], Vec::as_slice);
        let mut response = answer(StatusCode::OK, image::referrers_list(known));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(image::INDEX));
        response
    }
}

/// A parameter of the query, decoded.
fn query(request: &HttpRequest, name: &str) -> Option<String> {
    let pairs = request.uri().query()?.split('&');
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// Asks for a token, at the address under which the request came.
fn challenge(request: &HttpRequest, host: &str, path: &str) -> HttpResponse {
    let own = request.headers().get(header::HOST);
    let own = own.and_then(|own| own.to_str().ok());
    let base = match (request.uri().scheme_str(), request.uri().authority()) {
        (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
        _ => format!("http://{}", own.unwrap_or("127.0.0.1")),
    };
    let mut response = refusal(
        StatusCode::UNAUTHORIZED,
        "UNAUTHORIZED",
        "authentication required",
    );
    let text = format!(
        "Bearer realm=\"{base}/token\",service=\"{host}\",scope=\"repository:{path}:pull\""
    );
    if let Ok(value) = HeaderValue::try_from(text) {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

fn refusal(status: StatusCode, code: &str, message: &str) -> HttpResponse {
    answer(
        status,
        json!({ "errors": [{ "code": code, "message": message }] }),
    )
}

fn answer(status: StatusCode, body: serde_json::Value) -> HttpResponse {
    let mut response = plain(status, &body.to_string());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

fn plain(status: StatusCode, body: &str) -> HttpResponse {
    let mut response = HttpResponse::new(body.as_bytes().to_vec());
    *response.status_mut() = status;
    response
}
