//! Errors of calls to Port or GitHub, in words that tell the reader what to do.

use http::StatusCode;
use serde_json::Value;

use crate::contract::Failure;
use crate::service::http::{Http, Service, ServiceResult, details, header};
use crate::service::transport::{HttpResponse, TransportError};

/// The reason why a request did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The service answered, and said no.
    #[error("{}", .0.text)]
    Refused(Box<Refusal>),
    /// No request was made: the credentials got no token, for what the service answered to that.
    #[error("{}", .0.text)]
    NoToken(Box<Refusal>),
    /// The service did nothing because of a rate limit that did not clear in time.
    #[error("{}: the rate limit did not clear in time, run again later", .0.text)]
    Limited(Box<Refusal>),
    /// There is no answer to a call (service, method and path), for what the transport knows.
    #[error("{0}: {1}")]
    NoAnswer(String, #[source] TransportError),
    /// The service agreed to a call, in a form that cannot be read: why, without the answer's own text, which may hold a token.
    #[error("{0}: the answer is not what {0} promises: {1}")]
    Unreadable(String, String),
    /// Nothing was sent: the call itself is malformed.
    #[error("{0}")]
    Malformed(String),
}

/// An answer that is not a success.
#[derive(Debug)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// Port's error code, else empty.
    pub code: String,
    /// The service's words, on one line.
    pub message: String,
    /// How the service wants to know who asks, of a 401.
    pub(in crate::service) challenge: Option<String>,
    /// All of it for people: the call, the answer, what support needs to find the request, and what to do.
    text: String,
}

impl ServiceError {
    /// Whether the service may have done what was asked.
    pub fn is_uncertain(&self) -> bool {
        match self {
            Self::Refused(r) => matches!(r.status.as_u16(), 408 | 500..),
            Self::NoAnswer(_, why) => !matches!(why, TransportError::Connect(_)),
            Self::Unreadable(..) => true,
            Self::NoToken(_) | Self::Limited(_) | Self::Malformed(_) => false,
        }
    }

    /// Takes a refusal for one of the credentials, with what cures it: it says nothing of what was asked for with them.
    pub(in crate::service) fn of_token(
        self,
        owner: &str,
        cure: impl Fn(&Refusal) -> &'static str,
    ) -> Self {
        match self {
            Self::Refused(mut refusal) if refusal.status.is_client_error() => {
                refusal.text = format!("{owner}: {}; {}", refusal.text, cure(&refusal));
                Self::NoToken(refusal)
            }
            other => other,
        }
    }

    /// Whether the service answered with this status and words that contain `text`.
    pub fn says(&self, status: u16, text: &str) -> bool {
        matches!(self, Self::Refused(r) if r.status == status && (r.message.contains(text) || r.code == text))
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let text = error.to_string();
        match error {
            ServiceError::Limited(_) => Self::RateLimited(text),
            ServiceError::NoAnswer(..) | ServiceError::Unreadable(..) => Self::Unavailable(text),
            ServiceError::Malformed(_) => Self::Rejected(text),
            ServiceError::NoToken(_) => Self::Other(text),
            // A run that is over takes no more logs, status or tied writes (Port, "Reflect action progress").
            ServiceError::Refused(r) if r.code == "run_exhausted" => Self::Conflict(text),
            ServiceError::Refused(r) => match r.status.as_u16() {
                404 | 410 => Self::NotFound(text),
                409 => Self::Conflict(text),
                400 | 405 | 413 | 422 => Self::Rejected(text),
                408 | 500.. => Self::Unavailable(text),
                _ => Self::Other(text),
            },
        }
    }
}

/// The methods in the words of a call.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Says an error without the words of the API: for Port's users, who know neither methods nor paths. All of it is in the
/// journal.
pub(crate) fn plain_words(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, service, after)) = next_call(rest) {
        plain.push_str(before);
        plain.push_str(service);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (status, reason) = after.split_at(if digits == 3 { 3 } else { 0 });
        rest = match (status, reason.strip_prefix(", ")) {
            ("", _) => {
                plain.push_str(": ");
                after
            }
            (status, Some(page)) if page.starts_with('<') => {
                // A proxy's page is not for people who read a line; behind it stands what to do.
                plain.push_str(&format!(" says no ({status})"));
                page.find("; ").map_or("", |end| &page[end..])
            }
            (status, Some(reason)) => {
                plain.push_str(&format!(" says no ({status}): "));
                reason
            }
            (status, None) => {
                plain.push_str(&format!(" says no ({status})"));
                reason
            }
        };
    }
    plain.push_str(rest);
    without_request_ids(&plain)
}

/// The text before the next call, the service that it is to, and the text after it.
fn next_call(text: &str) -> Option<(&str, &str, &str)> {
    let starts = ["Port", "GitHub", "Registry"]
        .into_iter()
        .flat_map(|service| {
            let places = text.match_indices(service);
            places.map(move |(at, _)| (at, service))
        });
    let mut calls: Vec<_> = starts
        .filter_map(|(at, service)| {
            let (method, target) = text[at + service.len()..]
                .strip_prefix(' ')?
                .split_once(' ')?;
            let (path, after) = target.split_once(": ")?;
            let is_call = METHODS.contains(&method) && path.starts_with('/') && !path.contains(' ');
            is_call.then_some((at, service, after))
        })
        .collect();
    calls.sort_by_key(|(at, ..)| *at);
    let (at, service, after) = *calls.first()?;
    Some((&text[..at], service, after))
}

fn without_request_ids(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" (request ") {
        plain.push_str(before);
        match after.split_once(')') {
            Some((id, after)) if !id.contains(' ') => rest = after,
            _ => {
                plain.push_str(" (request ");
                rest = after;
            }
        }
    }
    plain + rest
}

/// Turns a missing thing into none: 404, and the error stays for everything else that is not a success.
pub fn or_none<T>(sent: ServiceResult<T>) -> ServiceResult<Option<T>> {
    match sent {
        Err(error) if error.says(404, "") => Ok(None),
        other => other.map(Some),
    }
}

impl Refusal {
    /// Reads an answer that is not a success. The body may be anything: a proxy's HTML page, or nothing.
    pub(super) fn new(http: &Http, call: &str, response: &HttpResponse) -> Self {
        let header = |name: &str| {
            header(response.headers(), name)
                .map(|value| http.clean(value))
                .unwrap_or_default()
        };
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let message = match &body["message"] {
            Value::String(message) => http.clean(&format!(
                "{message} {}",
                details::of_errors(&body["errors"])
            )),
            _ if body["error"].is_string() => String::new(),
            _ if body["errors"].is_array() => http.clean(&details::of_errors(&body["errors"])),
            _ => http.clean(&String::from_utf8_lossy(response.body())),
        };
        let status = response.status();
        let code = body["error"]
            .as_str()
            .map(|code| http.clean(code))
            .unwrap_or_default();
        let id = ["x-trace-id", "x-github-request-id"].map(header).concat();
        let hint = crate::service::hint::hint(http.service, status.as_u16(), &message, &header);
        // An answer without a code and a message is shown as it is, with all that is in it.
        let is_known = body["error"].is_string() || body["message"].is_string();
        let details = if http.service == Service::Port && is_known {
            http.clean(&details::of_port(&body["details"]))
        } else {
            String::new()
        };
        let mut text = format!("{call}: {}", status.as_u16());
        let parts = [
            (", ", &code, ""),
            (", ", &message, ""),
            (", namely: ", &details, ""),
            (" (request ", &id, ")"),
            ("; ", &hint, ""),
        ];
        for (start, part, end) in parts.into_iter().filter(|(_, part, _)| !part.is_empty()) {
            text += &[start, part, end].concat();
        }
        Self {
            status,
            code,
            message,
            challenge: crate::service::http::header(response.headers(), "www-authenticate")
                .map(str::to_owned),
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_what_a_service_says_and_not_how_it_was_asked() {
        for (text, plain) in [
            (
                "merging: GitHub PUT /repos/a/b/pulls/1/merge: 405, At least 1 approving review is required. (request MOCK:0006)",
                "merging: GitHub says no (405): At least 1 approving review is required.",
            ),
            (
                "Port GET /v1/actions/runs/r_1: 404, not_found (request 00ff); check the identifier; Port POST /v1/x: cannot connect: refused",
                "Port says no (404): not_found; check the identifier; Port: cannot connect: refused",
            ),
            (
                "GitHub GET /x: 502, <html>a</html> (request 1); try again; later",
                "GitHub says no (502); try again; later",
            ),
            (
                "Port GET /v1/x: 403 (request 00ff); the credentials lack a permission",
                "Port says no (403); the credentials lack a permission",
            ),
            (
                "Port was closed (request it again)",
                "Port was closed (request it again)",
            ),
            (
                "GitHub, Port GET it: nothing",
                "GitHub, Port GET it: nothing",
            ),
        ] {
            assert_eq!(plain_words(text), plain);
        }
    }
}
