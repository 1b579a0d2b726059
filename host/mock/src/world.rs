//! The state of both services at one moment, and the only way into it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use promote_core::service::transport::{HttpRequest, HttpResponse};

use super::{
    AwaitedEvent, ConnectionCut, FaultEffect, GitHub, Port, Registry, RequestTrigger, SecretText,
    ServiceFaults, ServiceName, TimedEvent, WorldEvent,
};

/// Marks the answer of Port or a registry to a path that this mock does not have. The answer itself is that of the real service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRoute;

/// Port and GitHub at one moment.
///
/// Plain state, cheap to clone: a clone is another world with the same past.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The present time.
    pub now: Timestamp,
    /// Port.
    pub port: Port,
    /// GitHub.
    pub github: GitHub,
    /// Registries of images.
    pub registry: Registry,
    /// The faults that strike requests.
    pub faults: ServiceFaults,
    /// The events to come.
    pub schedule: Vec<TimedEvent>,
    /// The events that wait for a request.
    pub awaited: Vec<AwaitedEvent>,
    /// The requests that arrived, in order.
    pub seen: Vec<RequestRecord>,
    /// A GitHub token for clients to begin with, and for requests of other people.
    pub github_token: Option<SecretText>,
    /// The time that each request takes.
    pub pace: Duration,
}

/// A request that arrived, with the status of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// The time at which it arrived.
    pub at: Timestamp,
    /// The service that it is for.
    pub service: ServiceName,
    /// Its method.
    pub method: http::Method,
    /// Its path, still encoded.
    pub path: String,
    /// Its query, still encoded.
    pub query: Option<String>,
    /// The status of the answer; none if the connection was cut.
    pub status: Option<u16>,
    /// True if this mock has no route for it.
    pub unknown: bool,
    /// What mutations in it have done, by the names of REST's operations, as in `pulls/merge`.
    pub operations: Vec<&'static str>,
}

/// The result of a request and the delay before it.
#[derive(Debug)]
pub struct WorldAnswer {
    /// The time that the client waits for it.
    pub delay: Duration,
    /// The response, or the cut of the connection in its place.
    pub result: Result<HttpResponse, ConnectionCut>,
}

impl World {
    /// Answers one request; the only way in.
    pub fn handle(&mut self, service: ServiceName, request: &HttpRequest) -> WorldAnswer {
        self.happen_around(|when| match when {
            RequestTrigger::Before(pattern) => pattern.matches(service, request),
            RequestTrigger::After(_) => false,
        });
        let strike = self.faults.strike(service, self.now, request);
        let unknown_before = self.github.unknown_routes.len();
        let result = match strike.effect {
            None => Ok(self.serve(service, request)),
            Some(FaultEffect::Cut(ConnectionCut::After)) => {
                self.serve(service, request);
                Err(ConnectionCut::After)
            }
            Some(FaultEffect::Cut(cut)) => Err(cut),
            Some(effect) => Ok(effect.response(service, self.now, &self.port.rate)),
        };
        let response = result.as_ref().ok();
        let marked =
            response.is_some_and(|response| response.extensions().get::<UnknownRoute>().is_some());
        let unknown = marked || self.github.unknown_routes.len() > unknown_before;
        self.seen.push(RequestRecord {
            at: self.now,
            service,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(str::to_owned),
            status: response.map(|response| response.status().as_u16()),
            unknown,
            operations: std::mem::take(&mut self.github.carried_out),
        });
        let is_well = response.is_some_and(|response| response.status().is_success());
        self.happen_around(|when| match when {
            RequestTrigger::Before(_) => false,
            RequestTrigger::After(pattern) => is_well && pattern.matches(service, request),
        });
        WorldAnswer {
            delay: strike.delay.saturating_add(self.pace),
            result,
        }
    }

    /// Lets the events happen whose request has come.
    fn happen_around(&mut self, has_come: impl Fn(&RequestTrigger) -> bool) {
        if self.awaited.is_empty() {
            return;
        }
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.awaited)
            .into_iter()
            .partition(|event| has_come(&event.when));
        self.awaited = later;
        for event in due {
            event.then.happen(self);
        }
    }

    pub(crate) fn serve(&mut self, service: ServiceName, request: &HttpRequest) -> HttpResponse {
        match service {
            ServiceName::Port => self.port.handle(self.now, request),
            ServiceName::GitHub => self.github.handle(self.now, request),
            ServiceName::Registry => self.registry.handle(request),
        }
    }

    /// Returns the state of both services as lines of text, equal before and after if nothing changed. Tokens, requests
    /// and rate limits are left out.
    pub fn fingerprint(&self) -> String {
        format!("{}\n{}", self.port.fingerprint(), self.github.fingerprint())
    }

    /// Lets time pass. Each event within it happens at its own time.
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

    /// Returns the place of the earliest event that is due by then; of several at one time, the first in the list.
    fn due(&self, until: Timestamp) -> Option<usize> {
        let events = self.schedule.iter().enumerate();
        let due = events.filter(|(_, scheduled)| scheduled.at <= until);
        due.min_by_key(|(_, scheduled)| scheduled.at)
            .map(|(index, _)| index)
    }

    /// Schedules an event, this long from now.
    pub fn after(&mut self, delay: Duration, then: WorldEvent) {
        let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
        let at = self.now.checked_add(delay).unwrap_or(Timestamp::MAX);
        self.schedule.push(TimedEvent { at, then });
    }

    /// Returns the environment variables that let a client in.
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

    /// Returns true if a text holds a secret of this world: a client secret, or a token that was handed out.
    pub fn betrayed_by(&self, text: &str) -> bool {
        let client_secrets = self
            .port
            .credentials
            .iter()
            .map(|known| known.client_secret.as_str());
        let secrets = client_secrets
            .chain(self.port.token_texts())
            .chain(self.github.tokens.texts())
            .chain(self.registry.token_texts())
            .chain(self.registry.logins.values().map(SecretText::text));
        secrets
            .filter(|secret| !secret.is_empty())
            .any(|secret| text.contains(secret))
    }

    /// Ends all faults, and all bad weather of GitHub.
    pub fn heal(&mut self) {
        self.faults = ServiceFaults::default();
        self.github.heal();
    }

    /// Moves the present to another time, and with it whatever is some time ago or some time ahead: the schedule, tokens,
    /// entities, runs and workflow runs. A served world moves to today, and a run of five minutes ago stays one.
    pub fn rebase(&mut self, now: Timestamp) {
        let by = now.duration_since(self.now);
        for scheduled in &mut self.schedule {
            shift(&mut scheduled.at, by);
        }
        self.port.shift(by);
        self.github.shift(by);
        self.now = now;
    }
}

/// Moves a time; one that would leave the calendar stays at its end.
pub(crate) fn shift(at: &mut Timestamp, by: SignedDuration) {
    *at = at.saturating_add(by).unwrap_or(Timestamp::MAX);
}
