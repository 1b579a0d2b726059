//! Requests and their answers, and how names become parts of a URL.

use std::collections::BTreeMap;

use http::header::LINK;
use http::{HeaderMap, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, Value};

use crate::service::http::{ServiceError, ServiceResult};
use crate::service::secret::Secret;

/// RFC 3986, section 2.3: what stands for itself in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A request to a service. Its body may hold a secret, so it cannot be printed.
#[derive(Clone, Default)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) body: Option<Value>,
    /// Whether a second copy of it may do the thing twice.
    pub(crate) once: bool,
    /// Whether whoever asks can do without an answer: it is sent once, and not waited for when the service is busy.
    pub(crate) is_optional: bool,
    /// The credential that goes with it.
    pub(crate) bearer: Option<Secret>,
    /// Another kind of credential in its place.
    pub(crate) authorization: Option<HeaderValue>,
    /// The media types that the client takes, of a service that asks.
    pub(crate) accept: Option<&'static str>,
    /// Whether a redirect may lead it to another service, to which no credential goes.
    pub(crate) may_leave: bool,
}

impl Request {
    /// A read of `target`: a path below the base URL, or an absolute URL that the service itself has given.
    pub fn get(target: impl Into<String>) -> Self {
        let target = target.into();
        Self {
            target,
            ..Self::default()
        }
    }

    /// A request that does the same when it is sent twice.
    pub fn write(method: Method, target: impl Into<String>, body: Value) -> Self {
        let body = Some(body).filter(|body| !body.is_null());
        Self {
            method,
            body,
            ..Self::get(target)
        }
    }

    /// A request that may do the thing twice when it is sent twice.
    pub fn once(method: Method, target: impl Into<String>, body: Value) -> Self {
        Self {
            once: true,
            ..Self::write(method, target, body)
        }
    }

    /// The same request, for answers of these media types.
    pub(crate) fn accepting(self, types: &'static str) -> Self {
        Self {
            accept: Some(types),
            ..self
        }
    }

    /// The same request, which may be led to another service.
    pub(crate) fn leaving(self) -> Self {
        Self {
            may_leave: true,
            ..self
        }
    }

    /// The same request with this credential, and with no other.
    pub(crate) fn authorized(self, credential: Option<HeaderValue>) -> Self {
        Self {
            bearer: None,
            authorization: credential,
            ..self
        }
    }

    /// The same request, sent once: whoever asks can do without its answer.
    pub(crate) fn optional(self) -> Self {
        Self {
            is_optional: true,
            ..self
        }
    }
}

/// A success.
#[derive(Debug)]
pub struct HttpAnswer {
    pub(super) call: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether it came from where the service has led to.
    pub(crate) is_redirected: bool,
}

impl HttpAnswer {
    /// Reads the body.
    ///
    /// Fails with [`ServiceError::Unreadable`], which says where and not what: the body may hold a token.
    pub fn json<T: DeserializeOwned>(&self) -> ServiceResult<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            self.unreadable(format!(
                "{:?} error in line {}, byte {}",
                error.classify(),
                error.line(),
                error.column()
            ))
        })
    }

    /// The body as it came.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Takes the body as it came.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.body
    }

    /// Reads one field of the body, an object; fails as [`Self::json`] does.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> ServiceResult<T> {
        let raw = self
            .json::<BTreeMap<String, Box<RawValue>>>()?
            .remove(name)
            .unwrap_or_default();
        serde_json::from_str(raw.get())
            .map_err(|_| self.unreadable(format!("its `{name}` cannot be read")))
    }

    /// An error about this answer.
    pub fn unreadable(&self, why: impl Into<String>) -> ServiceError {
        ServiceError::Unreadable(self.call.clone(), why.into())
    }

    /// A header of the answer, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Returns the address of the next page, if there is one (RFC 8288).
    pub fn next(&self) -> Option<String> {
        let links = self.header(LINK.as_str())?;
        let next = links
            .split(',')
            .find(|link| link.contains("rel=\"next\""))?;
        Some(next.split_once('<')?.1.split_once('>')?.0.to_owned())
    }
}

/// A header, if there is one and it is text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Percent-encodes one segment of a path, or one value of a query.
pub fn seg(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, SEGMENT)
}

/// Percent-encodes a path segment by segment: a ref or a file keeps its slashes.
pub fn segs(path: &str) -> String {
    path.split('/')
        .map(|part| seg(part).to_string())
        .collect::<Vec<_>>()
        .join("/")
}
