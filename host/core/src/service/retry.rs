//! Retry by knowledge: what may be sent again, and after what pause.
//!
//! A request says whether a second copy of it may do the thing twice; an answer, or its absence, says what the first copy
//! did. Whatever may have happened once and must not happen twice is never sent again here: its caller looks.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use crate::service::http::{CallResult, Http, Service, ServiceResult, TransportResult, header};
use crate::service::transport::{HttpResponse, TransportError};

/// The most times that a request is sent.
pub const MAX_SENDS: u32 = 6;
/// The most times that a thing is done whose answers are lost, and which then is not there.
const MAX_TRIES: usize = 3;
/// The longest pause that a service may ask for; Port's own clients stop at the same.
pub const MAX_PAUSE: Duration = Duration::from_secs(300);
/// The longest pause after an error.
const MAX_BACKOFF: Duration = Duration::from_secs(8);
/// The words of GitHub's limits of today and of older servers, in small letters.
const LIMIT_WORDS: [&str; 2] = ["rate limit", "abuse detection mechanism"];
/// A reset above this is a point in time, below it a number of seconds, as Port's own client reads it.
const EPOCH_FROM: i64 = 10_000;

/// Returns how long to wait before the request is sent for the (`sends` + 1)th time, or none if it must not be.
pub(super) fn pause(
    http: &Http,
    once: bool,
    outcome: &TransportResult,
    sends: u32,
) -> Option<Duration> {
    let service = http.service;
    let now = http.session.now();
    let backoff = (Duration::from_millis(500) * 2_u32.pow(sends.min(10) - 1)).min(MAX_BACKOFF);
    let again = match outcome {
        _ if sends >= MAX_SENDS => None,
        Ok(response) if is_rate_limit(service, response) => {
            // GitHub, "Best practices for using the REST API": at least a minute when it does not say how long.
            let unsaid = if service == Service::GitHub { 60 } else { 5 } * (1_u64 << (sends - 1));
            let asked = asked_pause(service, response.headers(), now);
            Some(asked.unwrap_or(Duration::from_secs(unsaid)))
        }
        Err(TransportError::Connect(_)) => Some(backoff),
        Err(TransportError::Lost(_)) if !once => Some(backoff),
        Ok(response) if !once && graphql_failure(service, response).is_some() => Some(backoff),
        Ok(response) if !once && is_passing(response.status()) => {
            Some(retry_after(response.headers(), now).unwrap_or(backoff))
        }
        _ => None,
    };
    match service {
        // Nobody knows for sure how to read Port's reset, so a long one is cut instead of believed.
        Service::Port => again.map(|pause| pause.min(MAX_PAUSE)),
        Service::Registry => again.filter(|pause| *pause <= MAX_PAUSE),
        // Asking GitHub again while it limits can get an integration banned.
        Service::GitHub => again.filter(|pause| *pause <= MAX_PAUSE),
    }
}

/// Does what must not be done twice. After an answer that was lost it looks whether the thing was done, and does it again
/// only if it was not.
pub(super) async fn once<
    F: Future<Output = ServiceResult<()>>,
    L: Future<Output = CallResult<bool>>,
>(
    act: impl Fn() -> F,
    is_done: impl Fn() -> L,
) -> CallResult<()> {
    let mut tries = 1..MAX_TRIES;
    loop {
        match act().await {
            Err(error) if error.is_uncertain() => {
                if is_done().await? {
                    return Ok(());
                }
                if tries.next().is_none() {
                    return Err(error.into());
                }
            }
            other => return Ok(other?),
        }
    }
}

/// Returns whether the answer says that the service did nothing because of a rate limit.
///
/// GitHub answers 403 as well as 429, and 403 also means a missing permission ("Rate limits for the REST API").
pub(super) fn is_rate_limit(service: Service, response: &HttpResponse) -> bool {
    let headers = response.headers();
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN if service == Service::GitHub => {
            headers.contains_key("retry-after")
                || header(headers, "x-ratelimit-remaining") == Some("0")
                || is_limit_text(&String::from_utf8_lossy(response.body()))
        }
        StatusCode::OK if service == Service::GitHub => is_limited_graphql(response.body()),
        _ => false,
    }
}

/// Whether GitHub's words are those of a limit.
pub(super) fn is_limit_text(text: &str) -> bool {
    let text = text.to_lowercase();
    LIMIT_WORDS.iter().any(|words| text.contains(words))
}

/// The types by which GraphQL says with a success that it did nothing ("Rate limits and query limits for the GraphQL API",
/// and the one that is seen since 2025).
const GRAPHQL_LIMITS: [&str; 2] = ["RATE_LIMITED", "RATE_LIMIT"];

/// Whether an answer of GraphQL is a rate limit. A secondary one may come with a message only; an error about a field of
/// the document has a path, and quotes what others have written.
fn is_limited_graphql(body: &[u8]) -> bool {
    graphql_errors(body).iter().any(|error| {
        let message = error["message"].as_str().unwrap_or_default();
        GRAPHQL_LIMITS.iter().any(|name| error["type"] == *name)
            || (error["path"].is_null() && is_limit_text(message))
    })
}

/// The message of a failure inside GraphQL, which has a status of 200, no type and nothing to show where it came from: the
/// mutation may have happened, or not.
pub(super) fn graphql_failure(service: Service, response: &HttpResponse) -> Option<String> {
    if service != Service::GitHub || response.status() != StatusCode::OK {
        return None;
    }
    let errors = graphql_errors(response.body());
    let untyped = errors.iter().find(|error| {
        ["type", "path", "extensions", "locations"]
            .iter()
            .all(|name| error[*name].is_null())
    });
    Some(untyped?["message"].as_str()?.to_owned())
}

/// The errors of an answer of GraphQL. Most answers have none, and are not parsed for that.
fn graphql_errors(body: &[u8]) -> Vec<Value> {
    if memchr::memmem::find(body, b"\"errors\"").is_none() {
        return Vec::new();
    }
    // A list of REST may hold the word too: in a rule of code scanning, or in what people wrote.
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(body) else {
        return Vec::new();
    };
    match answer.remove("errors") {
        Some(Value::Array(errors)) => errors,
        _ => Vec::new(),
    }
}

/// Returns whether another try may find the service in a better state.
fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::REQUEST_TIMEOUT || (status.is_server_error() && status.as_u16() != 501)
}

/// The pause that a rate limit asks for: `retry-after`, else the reset of a limit that is used up.
fn asked_pause(service: Service, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    if let Some(pause) = retry_after(headers, now) {
        return Some(pause);
    }
    let is_used_up =
        service == Service::Port || header(headers, "x-ratelimit-remaining") == Some("0");
    if !is_used_up {
        return None;
    }
    let reset = header(headers, "x-ratelimit-reset")?;
    match reset.parse::<i64>() {
        Ok(seconds) if seconds > EPOCH_FROM => {
            Some(until(Timestamp::from_second(seconds).ok()?, now))
        }
        Ok(seconds) => Some(Duration::from_secs(seconds.try_into().ok()?)),
        Err(_) => Some(until(reset.parse().ok()?, now)),
    }
}

/// RFC 9110, section 10.2.3: seconds or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = header(headers, "retry-after")?;
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(until(
            jiff::fmt::rfc2822::parse(value).ok()?.timestamp(),
            now,
        )),
    }
}

/// A second more than the difference: both clocks count whole seconds.
fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default() + Duration::from_secs(1)
}
