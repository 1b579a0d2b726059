//! Port's rate limits: a fixed window for each family of routes, told in four headers of every answer.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// The form of `x-ratelimit-reset`. Port's sources disagree, so a client must read both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetFormat {
    /// Seconds until the window ends, as Port's Terraform provider reads it.
    Seconds,
    /// The end of the window in seconds since 1970, as Port documents it.
    #[default]
    Epoch,
}

/// Routes that share a limit (Port docs, rate limits of 2026).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RouteFamily {
    /// The sign-in, which carries no token.
    Unauthenticated,
    /// Reads and searches of entities, and writes of many.
    Entities,
    /// Writes of one entity.
    SingleEntity,
    /// Everything else.
    Others,
}

impl RouteFamily {
    /// Returns the family of a method and the segments of a path below `/v1`.
    pub(super) fn of(method: &http::Method, path: &[&str]) -> Self {
        let is_read = method == http::Method::GET;
        match path {
            ["auth", "access_token"] => Self::Unauthenticated,
            ["entities", ..] | ["blueprints", _, "entities", "bulk" | "search"] => Self::Entities,
            ["blueprints", _, "entities", ..] if is_read => Self::Entities,
            ["blueprints", _, "entities", ..] => Self::SingleEntity,
            _ => Self::Others,
        }
    }

    fn limit(self) -> u64 {
        match self {
            Self::Unauthenticated => 100,
            Self::Entities => 35_000,
            Self::SingleEntity => 10_000,
            Self::Others => 15_000,
        }
    }
}

/// The limits and how much of each is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRate {
    /// Requests per window, for all routes together; none leaves each family the limit that Port documents.
    pub limit: Option<u64>,
    /// Length of a window, in seconds.
    pub period: i64,
    /// The form of the end of the window.
    pub reset: ResetFormat,
    windows: BTreeMap<RouteFamily, LimitWindow>,
}

/// The requests of one family since the beginning of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LimitWindow {
    started: Timestamp,
    used: u64,
}

impl Default for PortRate {
    fn default() -> Self {
        Self {
            limit: None,
            period: 300,
            reset: ResetFormat::default(),
            windows: BTreeMap::new(),
        }
    }
}

impl PortRate {
    /// One limit for all routes, of which nothing has been used.
    pub fn new(limit: u64, period: i64, reset: ResetFormat) -> Self {
        Self {
            limit: Some(limit),
            period,
            reset,
            ..Self::default()
        }
    }

    /// Returns the family whose window counts a request.
    fn counted(&self, family: RouteFamily) -> RouteFamily {
        if self.limit.is_some() {
            RouteFamily::Others
        } else {
            family
        }
    }

    /// Counts one request, and returns false if the window of its family has no room for it.
    pub(super) fn admit(&mut self, now: Timestamp, family: RouteFamily) -> bool {
        let limit = self.limit.unwrap_or(family.limit());
        let fresh = LimitWindow {
            started: now,
            used: 0,
        };
        let period = self.period;
        let window = self.windows.entry(self.counted(family)).or_insert(fresh);
        if window.started.as_second() + period <= now.as_second() {
            *window = fresh;
        }
        window.used += 1;
        window.used <= limit
    }

    pub(super) fn write(&self, now: Timestamp, family: RouteFamily, headers: &mut http::HeaderMap) {
        let limit = self.limit.unwrap_or(family.limit());
        let window = self.windows.get(&self.counted(family));
        let used = window.map_or(0, |window| window.used);
        let started = window.map_or(now, |window| window.started);
        let left = started.as_second() + self.period - now.as_second();
        headers.insert("x-ratelimit-period", self.period.into());
        headers.insert("x-ratelimit-limit", limit.into());
        headers.insert("x-ratelimit-remaining", limit.saturating_sub(used).into());
        headers.insert("x-ratelimit-reset", self.written(now, left.max(0)).into());
    }

    /// A reset that many seconds away, as this Port writes it.
    pub(crate) fn written(&self, now: Timestamp, left: i64) -> i64 {
        match self.reset {
            ResetFormat::Seconds => left,
            ResetFormat::Epoch => now.as_second() + left,
        }
    }
}
