//! Port's rate limit: a fixed window over the whole organisation, told in four headers of every answer.

use jiff::Timestamp;

/// The form of `x-ratelimit-reset`. Port's sources disagree, so a client must read both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetFormat {
    /// Seconds until the window ends.
    #[default]
    Seconds,
    /// The end of the window, in seconds since 1970.
    Epoch,
}

/// The limit and how much of it is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests per window.
    pub limit: u64,
    /// Length of a window, in seconds.
    pub period: i64,
    /// The form of the end of the window.
    pub reset: ResetFormat,
    started: Option<Timestamp>,
    used: u64,
}

impl Default for Rate {
    /// The limit that Port documented for entity routes in 2025.
    fn default() -> Self {
        Self {
            limit: 35_000,
            period: 300,
            reset: ResetFormat::Seconds,
            started: None,
            used: 0,
        }
    }
}

impl Rate {
    /// A limit that nothing has been used of.
    pub fn new(limit: u64, period: i64, reset: ResetFormat) -> Self {
        Self {
            limit,
            period,
            reset,
            ..Self::default()
        }
    }

    /// Counts one request; false if the window has no room for it.
    pub(super) fn admit(&mut self, now: Timestamp) -> bool {
        if self.started.is_none() || self.left(now) <= 0 {
            self.started = Some(now);
            self.used = 0;
        }
        self.used += 1;
        self.used <= self.limit
    }

    /// Seconds until the window ends.
    fn left(&self, now: Timestamp) -> i64 {
        let started = self.started.unwrap_or(now).as_second();
        started + self.period - now.as_second()
    }

    pub(super) fn write(&self, now: Timestamp, headers: &mut http::HeaderMap) {
        let left = self.left(now).max(0);
        headers.insert("x-ratelimit-period", self.period.into());
        headers.insert("x-ratelimit-limit", self.limit.into());
        headers.insert(
            "x-ratelimit-remaining",
            self.limit.saturating_sub(self.used).into(),
        );
        headers.insert("x-ratelimit-reset", self.written(now, left).into());
    }

    /// A reset that many seconds away, as this Port writes it.
    pub(crate) fn written(&self, now: Timestamp, left: i64) -> i64 {
        match self.reset {
            ResetFormat::Seconds => left,
            ResetFormat::Epoch => now.as_second() + left,
        }
    }
}
