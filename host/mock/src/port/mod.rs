//! Port, in memory: its catalog, its action runs, and the part of its REST API that a promotion meets.
//!
//! It owns Port's state and rules and nothing else: no socket, no clock of its own, no fault. Where Port's documentation
//! is silent it does what Port's own clients expect.

mod actions;
mod answer;
mod audit;
mod auth;
mod blueprints;
mod catalog;
mod entities;
mod input;
mod integrations;
mod logs;
mod projection;
mod rate;
mod run;
mod runs;
mod schema;
mod search;
mod seed;
#[cfg(test)]
mod tests;
mod users;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::CopyOnWrite;
use promote_core::service::transport::{HttpRequest, HttpResponse};

pub use actions::PortAction;
pub use audit::AuditEntry;
pub use auth::{ClientCredentials, PortToken};
pub use catalog::{CatalogBlueprint, CatalogEntity, ChangeStamps, RelationRule, RelationTargets};
pub use integrations::PortIntegration;
pub use rate::{PortRate, ResetFormat};
pub use run::{ActionRun, LogLine, RunApproval, RunStatus};
pub use users::OrganisationUser;

use answer::{PortRefusal, PortResult};
use input::{PortCall, QueryPairs};
use rate::RouteFamily;

/// Port takes no larger body (Port API reference, "Limits": 1 MiB).
pub const BODY_LIMIT: usize = 1024 * 1024;

/// The blueprints of the guide, in the order in which they can be created.
pub const GUIDE_BLUEPRINTS: [&str; 3] = [
    include_str!("blueprints/image.json"),
    include_str!("blueprints/running_service.json"),
    include_str!("blueprints/service.json"),
];

/// The action of the guide, in the shape that Port takes today.
pub const GUIDE_ACTION: &str = include_str!("actions/promote_to_production.json");

/// The action as the guide has it, which Port refuses today.
pub const GUIDE_ACTION_V1: &str = include_str!("actions/promote_to_production.v1.json");

/// An organisation of Port.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its id.
    pub organisation: String,
    /// The credentials that may log in.
    pub credentials: Vec<ClientCredentials>,
    /// The lifetime of a token.
    pub token_lifetime: Duration,
    /// True if an answer holds null for each property of an entity, key of an action or of a relation that is not set. Port's
    /// documentation does not say which it does.
    pub unset_as_null: bool,
    /// The rate limit.
    pub rate: PortRate,
    /// Blueprints by identifier. Shared, because nobody changes them in a promotion.
    pub blueprints: BTreeMap<String, Arc<CatalogBlueprint>>,
    /// The blueprints with a page of their own in the catalog, which Port makes beside a blueprint unless it is asked not to.
    pub pages: BTreeSet<String>,
    /// Entities by blueprint and identifier.
    pub entities: CopyOnWrite<BTreeMap<(String, String), CatalogEntity>>,
    /// Runs by id.
    pub runs: CopyOnWrite<BTreeMap<String, ActionRun>>,
    /// The integrations that are installed.
    pub integrations: Vec<PortIntegration>,
    /// The people of the organisation.
    pub users: Vec<OrganisationUser>,
    /// Actions by identifier.
    pub actions: BTreeMap<String, Arc<PortAction>>,
    /// The audit log, oldest first.
    pub audit: CopyOnWrite<Vec<AuditEntry>>,
    tokens: Vec<PortToken>,
    issued: u64,
    requests: u64,
    generated: u64,
}

impl Default for Port {
    fn default() -> Self {
        Self {
            organisation: "org_AbCd1234".to_owned(),
            credentials: Vec::new(),
            token_lifetime: Duration::from_secs(3 * 60 * 60),
            unset_as_null: false,
            rate: PortRate::default(),
            blueprints: BTreeMap::new(),
            pages: BTreeSet::new(),
            entities: CopyOnWrite::default(),
            runs: CopyOnWrite::default(),
            integrations: Vec::new(),
            users: Vec::new(),
            actions: BTreeMap::new(),
            audit: CopyOnWrite::default(),
            tokens: Vec::new(),
            issued: 0,
            requests: 0,
            generated: 0,
        }
    }
}

impl Port {
    /// Answers one request; the only way in.
    pub fn handle(&mut self, now: Timestamp, request: &HttpRequest) -> HttpResponse {
        self.requests += 1;
        let segments = input::segments(request.uri().path()).unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let family = RouteFamily::of(request.method(), segments.get(1..).unwrap_or_default());
        let admitted = self.rate.admit(now, family);
        let outcome = if admitted {
            self.route(now, request, &segments)
        } else {
            Err(PortRefusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit_exceeded",
                "too many requests",
            ))
        };
        let unknown = matches!(&outcome, Err(problem) if problem.code == UNKNOWN_ROUTE);
        let mut response = answer::respond(outcome);
        if unknown {
            response.extensions_mut().insert(super::UnknownRoute);
        }
        let headers = response.headers_mut();
        self.rate.write(now, family, headers);
        if let Ok(trace) = HeaderValue::from_str(&trace(self.requests)) {
            headers.insert("x-trace-id", trace);
        }
        response
    }

    /// The entity, if it exists.
    pub fn entity(&self, blueprint: &str, identifier: &str) -> Option<&CatalogEntity> {
        self.entities
            .get(&(blueprint.to_owned(), identifier.to_owned()))
    }

    fn route(&mut self, now: Timestamp, request: &HttpRequest, segments: &[&str]) -> PortResult {
        let method = request.method();
        let uri = request.uri();
        let body = request.body();
        if body.len() > BODY_LIMIT {
            return Err(PortRefusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "bad_request",
                "request body is too large",
            ));
        }
        let Some(path) = segments.strip_prefix(&["v1"]) else {
            return Err(no_route(method, uri.path()));
        };
        if (method.as_str(), path) == ("POST", &["auth", "access_token"]) {
            return self.login(now, body);
        }
        let call = PortCall {
            now,
            actor: self.authenticate(now, request.headers())?,
            query: QueryPairs::parse(uri.query()),
            body,
        };
        if method != http::Method::GET && path.last() != Some(&"search") {
            self.writable(&call.actor)?;
        }
        match *path {
            ["blueprints", blueprint, "entities", ref rest @ ..] => {
                self.route_entities(method, &call, blueprint, rest)
            }
            ["entities", "search"] if method == http::Method::POST => Some(self.search_all(&call)),
            ["blueprints", ref rest @ ..] => self.route_blueprints(method, &call, rest),
            ["actions", "runs", ref rest @ ..] => self.route_runs(method, &call, rest),
            ["actions", action, "runs"] if method == http::Method::POST => {
                Some(self.start_run(&call, action))
            }
            ["actions", ref rest @ ..] => self.route_actions(method, &call, rest),
            ["integration"] if method == http::Method::GET => Some(self.list_integrations(&call)),
            ["users"] if method == http::Method::GET => Some(self.list_users()),
            ["audit-log"] if method == http::Method::GET => Some(self.audit_log(&call)),
            _ => None,
        }
        .unwrap_or_else(|| Err(no_route(method, uri.path())))
    }

    /// A generated identifier: sixteen letters and digits after the prefix, the same in every run.
    fn generate(&mut self, prefix: &str) -> String {
        self.generated += 1;
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let hash = Sha256::digest(format!("{prefix}{}", self.generated));
        let letters = hash.iter().take(16);
        let letters = letters.map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
        format!("{prefix}{}", letters.collect::<String>())
    }
}

/// Marks the 404 of a route that this world does not know; Port answers those with its web framework's body.
const UNKNOWN_ROUTE: &str = "Not Found";

fn no_route(method: &http::Method, path: &str) -> PortRefusal {
    PortRefusal::new(
        StatusCode::NOT_FOUND,
        UNKNOWN_ROUTE,
        format!("Route {method}:{path} not found"),
    )
}

/// Thirty-two digits that look random and are the same in every run.
fn trace(request: u64) -> String {
    let hash = Sha256::digest(format!("trace{request}"));
    let half = hash.iter().take(16);
    let number = half.fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("{number:032x}")
}
