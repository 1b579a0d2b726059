//! The world: Port and GitHub in memory, with what goes wrong and what others do meanwhile.
//!
//! One state machine with one semantics. [`WorldTransport`] calls it in the same process, [`server`] behind a socket; the
//! real clients work on both and must not be able to tell. It never decides anything for a policy and reaches no network.

pub mod clock;
pub mod event;
pub mod fault;
pub mod file;
pub mod git;
pub mod github;
mod on_write;
pub mod port;
pub mod sample;
pub mod server;
#[cfg(test)]
mod tests;
pub mod transport;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use promote_core::service::transport::{HttpRequest, HttpResponse};

pub use clock::WorldClock;
pub use event::{Event, Scheduled};
pub use fault::{Cut, Effect, Fault, Faults};
pub use github::GitHub;
pub use on_write::OnWrite;
pub use port::Port;
pub use transport::WorldTransport;

/// Which of the two services a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Port.
    Port,
    /// GitHub.
    GitHub,
}

impl Service {
    /// The service that a path belongs to, where both share one address: all of Port's routes are under `/v1`, and none
    /// of GitHub's.
    pub fn of_path(path: &str) -> Self {
        if path == "/v1" || path.starts_with("/v1/") {
            Self::Port
        } else {
            Self::GitHub
        }
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Port => "port",
            Self::GitHub => "github",
        })
    }
}

/// Marks, as an extension of a response, that no route of this world fits the request. The response itself is what the
/// real service says to a path that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRoute;

/// Port and GitHub at one moment.
///
/// Plain state, cheap to clone: a clone is another world with the same past.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// What time it is in this world.
    pub now: Timestamp,
    /// Port.
    pub port: Port,
    /// GitHub.
    pub github: GitHub,
    /// What goes wrong.
    pub faults: Faults,
    /// What others do, and when.
    pub schedule: Vec<Scheduled>,
    /// The requests that arrived, in order.
    pub seen: Vec<Seen>,
    /// A token of GitHub, for clients that are yet to be told and for what others do.
    pub github_token: Option<Secret>,
}

/// A text that no `Debug` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("***")
    }
}

/// One request that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// For which service.
    pub service: Service,
    /// Its method.
    pub method: http::Method,
    /// Its path, still encoded.
    pub path: String,
    /// Its query, still encoded.
    pub query: Option<String>,
    /// What it was answered; none if the connection was cut.
    pub status: Option<u16>,
    /// Whether no route of this world fits it.
    pub unknown: bool,
}

/// What becomes of a request.
#[derive(Debug)]
pub struct Answer {
    /// How long the client waits for it.
    pub delay: Duration,
    /// The response, or the cut connection in its place.
    pub result: Result<HttpResponse, Cut>,
}

impl World {
    /// Answers one request; the only way in.
    pub fn handle(&mut self, service: Service, request: &HttpRequest) -> Answer {
        let strike = self.faults.strike(service, self.now, request);
        let strangers = self.github.unknown_routes.len();
        let result = match strike.effect {
            None => Ok(self.serve(service, request)),
            Some(Effect::Cut(Cut::After)) => {
                self.serve(service, request);
                Err(Cut::After)
            }
            Some(Effect::Cut(cut)) => Err(cut),
            Some(effect) => Ok(effect.response(service, self.now, &self.port.rate)),
        };
        let response = result.as_ref().ok();
        let marked =
            |response: &HttpResponse| response.extensions().get::<UnknownRoute>().is_some();
        let unknown = response.is_some_and(marked) || self.github.unknown_routes.len() > strangers;
        self.seen.push(Seen {
            at: self.now,
            service,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(str::to_owned),
            status: response.map(|response| response.status().as_u16()),
            unknown,
        });
        Answer {
            delay: strike.delay,
            result,
        }
    }

    fn serve(&mut self, service: Service, request: &HttpRequest) -> HttpResponse {
        match service {
            Service::Port => self.port.handle(self.now, request),
            Service::GitHub => self.github.handle(self.now, request),
        }
    }

    /// What both services hold, as lines of text: equal before and after means that nothing changed. Tokens, requests and
    /// rate limits do not count.
    pub fn fingerprint(&self) -> String {
        format!("{}\n{}", self.port.fingerprint(), self.github.fingerprint())
    }

    /// Lets time pass; what is scheduled within it happens at its own moment.
    pub fn advance(&mut self, duration: Duration) {
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        self.advance_to(self.now.checked_add(duration).unwrap_or(Timestamp::MAX));
    }

    /// Lets time pass until then. Time never goes back.
    pub fn advance_to(&mut self, until: Timestamp) {
        while let Some(next) = self.due(until) {
            let scheduled = self.schedule.remove(next);
            self.now = self.now.max(scheduled.at);
            scheduled.then.happen(self);
        }
        self.now = self.now.max(until);
    }

    /// The earliest event that is due by then; of several at one moment, the one scheduled first.
    fn due(&self, until: Timestamp) -> Option<usize> {
        let events = self.schedule.iter().enumerate();
        let due = events.filter(|(_, scheduled)| scheduled.at <= until);
        due.min_by_key(|(_, scheduled)| scheduled.at)
            .map(|(index, _)| index)
    }

    /// Schedules something that others do, this long from now.
    pub fn after(&mut self, delay: Duration, then: Event) {
        let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
        let at = self.now.checked_add(delay).unwrap_or(Timestamp::MAX);
        self.schedule.push(Scheduled { at, then });
    }

    /// What a client must be told to be let in, as environment variables.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let port = self.port.credentials.first().map(|credentials| {
            [
                ("PORT_CLIENT_ID", credentials.client_id.clone()),
                ("PORT_CLIENT_SECRET", credentials.client_secret.clone()),
            ]
        });
        let github = self.github_token.as_ref();
        let github = github.map(|token| ("GITHUB_TOKEN", token.text().to_owned()));
        port.into_iter().flatten().chain(github).collect()
    }

    /// Whether a text holds a secret of this world: one that lets a client in, or a token that was handed out.
    pub fn betrayed_by(&self, text: &str) -> bool {
        let given = self
            .port
            .credentials
            .iter()
            .map(|known| known.client_secret.as_str());
        let secrets = given
            .chain(self.port.token_texts())
            .chain(self.github.tokens.texts());
        secrets
            .filter(|secret| !secret.is_empty())
            .any(|secret| text.contains(secret))
    }

    /// Ends everything that goes wrong: faults, and bad days of GitHub with reads that lag behind.
    pub fn heal(&mut self) {
        self.faults = Faults::default();
        self.github.heal();
    }

    /// Moves the present, and the schedule with it, to another time. Who serves a world to the outside moves it to today.
    pub fn rebase(&mut self, now: Timestamp) {
        let shift = now.duration_since(self.now);
        let shifted = |at: Timestamp| at.checked_add(shift).unwrap_or(Timestamp::MAX);
        for scheduled in &mut self.schedule {
            scheduled.at = shifted(scheduled.at);
        }
        for token in self.port.tokens_mut() {
            token.expires = shifted(token.expires);
        }
        self.now = now;
    }
}

/// A world that several hold: transports, clocks, a server, a test that looks on.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<World>>);

impl Shared {
    /// Shares a world.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// The world itself. A panic of another holder does not matter: every request leaves it whole.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of the world as it is now.
    pub fn snapshot(&self) -> World {
        self.lock().clone()
    }

    /// A transport into this world.
    pub fn transport(&self) -> WorldTransport {
        WorldTransport::new(self.clone())
    }

    /// The clock of this world.
    pub fn clock(&self) -> WorldClock {
        WorldClock::new(self.clone())
    }
}
