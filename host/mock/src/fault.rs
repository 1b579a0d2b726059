//! Faults as state: which request a fault strikes, counted from the first that matches, and its effect.

mod answer;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use promote_core::service::transport::HttpRequest;

use super::ServiceName;

/// The faults of a world.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceFaults(pub Vec<ServiceFault>);

/// A fault, which strikes some requests of those that match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServiceFault {
    /// The service; both if it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The method; all if it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The paths: `*` stands for one segment, `**` for any number of them.
    #[serde(default)]
    pub path: PathGlob,
    /// The first request of these that it strikes, from 1.
    #[serde(default = "one")]
    pub nth: u32,
    /// The number of requests that it strikes, one after another.
    #[serde(default = "one")]
    pub times: u32,
    /// The effect on the request.
    pub then: FaultEffect,
    /// The number of matching requests so far.
    #[serde(skip)]
    pub count: u32,
    /// The end of a rate limit that has been hit.
    #[serde(skip)]
    pub until: Option<Timestamp>,
}

fn one() -> u32 {
    1
}

/// The effect of a fault on a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultEffect {
    /// It is answered like this, and has no effect.
    Answer(CannedAnswer),
    /// A rate limit holds until it is over; every matching request meanwhile is refused.
    RateLimit(RateLimitFault),
    /// The connection is cut.
    Cut(ConnectionCut),
    /// The answer comes late.
    Delay(SignedDuration),
}

/// The moment at which a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionCut {
    /// No server listens. A server that has accepted a connection can no longer refuse it, so behind a socket this is `before`.
    Refused,
    /// The request arrived, and had no effect.
    Before,
    /// The request had its effect, and its answer is lost.
    After,
}

/// A fixed answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CannedAnswer {
    /// The status.
    pub status: u16,
    /// Headers, by name.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub headers: std::collections::BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: String,
}

impl CannedAnswer {
    /// A bad gateway, as a proxy says it: in HTML.
    pub fn bad_gateway() -> Self {
        let body = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>\n";
        Self {
            status: 502,
            headers: [("content-type".to_owned(), "text/html".to_owned())].into(),
            body: body.to_owned(),
        }
    }
}

/// A rate limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RateLimitFault {
    /// Primary or secondary.
    pub kind: RateLimitKind,
    /// The time that it holds.
    pub lasts: SignedDuration,
    /// The status: 403 at GitHub and 429 at Port if it is missing. GitHub documents both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// The two rate limits of GitHub. Port has the primary one only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RateLimitKind {
    /// The quota is used up: `x-ratelimit-remaining: 0` and a reset.
    Primary,
    /// Too much at once: `retry-after`.
    Secondary,
}

/// A pattern over paths.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathGlob(globset::GlobMatcher);

impl PathGlob {
    /// A pattern. Fails if it is not one.
    pub fn new(pattern: &str) -> Result<Self, globset::Error> {
        let glob = globset::GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()?;
        Ok(Self(glob.compile_matcher()))
    }
}

impl PathGlob {
    /// Returns whether a path is meant.
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

impl PartialEq for PathGlob {
    fn eq(&self, other: &Self) -> bool {
        self.0.glob() == other.0.glob()
    }
}

impl Default for PathGlob {
    fn default() -> Self {
        Self(
            globset::Glob::new("**")
                .expect("the pattern is valid")
                .compile_matcher(),
        )
    }
}

impl TryFrom<String> for PathGlob {
    type Error = globset::Error;

    fn try_from(pattern: String) -> Result<Self, Self::Error> {
        Self::new(&pattern)
    }
}

impl From<PathGlob> for String {
    fn from(pattern: PathGlob) -> Self {
        pattern.0.glob().glob().to_owned()
    }
}

/// The faults that strike one request, taken together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FaultStrike {
    pub(super) delay: Duration,
    pub(super) effect: Option<FaultEffect>,
}

impl ServiceFaults {
    /// Adds a fault that strikes the next matching request, once.
    pub fn next(
        &mut self,
        service: ServiceName,
        method: &str,
        path: &str,
        then: FaultEffect,
    ) -> Result<&mut ServiceFault, globset::Error> {
        self.0.push(ServiceFault {
            service: Some(service),
            method: Some(method.to_owned()),
            path: PathGlob::new(path)?,
            nth: 1,
            times: 1,
            then,
            count: 0,
            until: None,
        });
        Ok(self.0.last_mut().expect("one was just added"))
    }

    /// Counts the request, and returns the effects on it: delays add up, of the other effects the first one holds.
    pub(super) fn strike(
        &mut self,
        service: ServiceName,
        now: Timestamp,
        request: &HttpRequest,
    ) -> FaultStrike {
        let mut strike = FaultStrike::default();
        for fault in &mut self.0 {
            if !fault.matches(service, request) || !fault.strikes(now) {
                continue;
            }
            match &fault.then {
                FaultEffect::Delay(delay) => {
                    strike.delay += Duration::try_from(*delay).unwrap_or_default();
                }
                _ if strike.effect.is_some() => {}
                effect => strike.effect = Some(fault.present(effect, now)),
            }
        }
        strike
    }
}

impl ServiceFault {
    fn matches(&self, service: ServiceName, request: &HttpRequest) -> bool {
        let method = self.method.as_deref();
        self.service.is_none_or(|own| own == service)
            && method.is_none_or(|method| request.method().as_str().eq_ignore_ascii_case(method))
            && self.path.matches(request.uri().path())
    }

    /// Counts a matching request, and returns true if the fault strikes it.
    fn strikes(&mut self, now: Timestamp) -> bool {
        if self.until.is_some_and(|until| now < until) {
            return true;
        }
        self.count += 1;
        let struck = self.count >= self.nth && self.count - self.nth < self.times;
        if struck && let FaultEffect::RateLimit(limit) = &self.then {
            self.until = now.checked_add(limit.lasts).ok();
        }
        struck
    }

    /// Returns the effect as it is now: for a rate limit, with the time that is left.
    /// Returns whether it has struck a request.
    pub fn has_struck(&self) -> bool {
        self.until.is_some() || self.count >= self.nth
    }

    fn present(&self, effect: &FaultEffect, now: Timestamp) -> FaultEffect {
        match (effect, self.until) {
            (FaultEffect::RateLimit(limit), Some(until)) => {
                FaultEffect::RateLimit(RateLimitFault {
                    lasts: until.duration_since(now),
                    ..limit.clone()
                })
            }
            _ => effect.clone(),
        }
    }
}
