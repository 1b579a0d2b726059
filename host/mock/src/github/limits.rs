//! The primary rate limit: so many requests an hour for each token.
//!
//! The counters run down truly; secondary limits are faults, and not kept here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::identity::{RequestCaller, TokenKind};

const WINDOW_SECONDS: i64 = 3600;

/// Limits of resources that this mock does not serve, as GitHub lists them.
const OTHER_RESOURCES: [(&str, u64); 7] = [
    ("search", 30),
    ("code_search", 10),
    ("integration_manifest", 5000),
    ("source_import", 100),
    ("code_scanning_upload", 5000),
    ("actions_runner_registration", 10_000),
    ("scim", 15_000),
];

/// The requests that each caller has used.
#[derive(Clone, Debug, Default)]
pub struct RateLimits {
    /// A limit for everybody, in place of GitHub's.
    pub limit: Option<u64>,
    used: BTreeMap<(String, &'static str), RateWindow>,
}

#[derive(Clone, Copy, Debug)]
struct RateWindow {
    used: u64,
    reset: i64,
}

/// A caller's budget as the headers say it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateBudget {
    limit: u64,
    used: u64,
    reset: i64,
    resource: &'static str,
}

impl RateBudget {
    pub(super) fn exhausted(&self) -> bool {
        self.used > self.limit
    }

    fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    pub(super) fn headers(&self, answer: GitHubAnswer) -> GitHubAnswer {
        answer
            .header("x-ratelimit-limit", self.limit.to_string())
            .header("x-ratelimit-remaining", self.remaining().to_string())
            .header("x-ratelimit-used", self.used.min(self.limit).to_string())
            .header("x-ratelimit-reset", self.reset.to_string())
            .header("x-ratelimit-resource", self.resource)
    }

    fn shape(&self) -> Value {
        json!({"limit": self.limit, "used": self.used.min(self.limit), "remaining": self.remaining(), "reset": self.reset})
    }
}

/// Returns the name of the caller's budget and its size an hour (GitHub REST, Rate limits for the REST API).
fn account(caller: &RequestCaller) -> (String, u64) {
    match caller {
        RequestCaller::Anonymous => ("anonymous".into(), 60),
        RequestCaller::App(app) => (format!("app {app}"), 5000),
        RequestCaller::Token { token, .. } => match token.kind {
            TokenKind::Actions => ("actions".into(), 1000),
            TokenKind::Installation { id } => (format!("installation {id}"), 5000),
            _ => (format!("user {}", token.login), 5000),
        },
    }
}

impl RateLimits {
    /// The budget after counting `cost` requests, in a window that starts with the first of them.
    pub(super) fn spend(
        &mut self,
        now: Timestamp,
        caller: &RequestCaller,
        resource: &'static str,
        cost: u64,
    ) -> RateBudget {
        let (who, limit) = account(caller);
        let limit = self.limit.unwrap_or(limit);
        let fresh = RateWindow {
            used: 0,
            reset: now.as_second() + WINDOW_SECONDS,
        };
        let window = self.used.entry((who, resource)).or_insert(fresh);
        if window.reset <= now.as_second() {
            *window = fresh;
        }
        window.used += cost;
        RateBudget {
            limit,
            used: window.used,
            reset: window.reset,
            resource,
        }
    }

    /// Gives back what a request cost that turned out to be free.
    pub(super) fn refund(
        &mut self,
        now: Timestamp,
        caller: &RequestCaller,
        resource: &'static str,
    ) -> RateBudget {
        let (who, _) = account(caller);
        if let Some(window) = self.used.get_mut(&(who, resource)) {
            window.used = window.used.saturating_sub(1);
        }
        self.spend(now, caller, resource, 0)
    }
}

/// Returns the refusal of a caller without budget.
pub(super) fn exceeded(caller: &RequestCaller) -> GitHubAnswer {
    let whose = owner_of(caller);
    GitHubAnswer::error(403, format!("API rate limit exceeded for {whose}."))
        .documented("overview/rate-limits-for-the-rest-api")
}

/// Returns the refusal of GraphQL, which has a 200 and a type that is not the one of GitHub's documentation.
pub(super) fn exceeded_graphql(caller: &RequestCaller) -> GitHubAnswer {
    let message = format!("API rate limit already exceeded for {}.", owner_of(caller));
    let error = json!({"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": message});
    GitHubAnswer::json(200, json!({"errors": [error]}))
}

/// Returns the owner of a budget as refusals name it.
fn owner_of(caller: &RequestCaller) -> String {
    match caller {
        RequestCaller::Anonymous => "127.0.0.1".to_owned(),
        RequestCaller::App(app) => format!("app {app}"),
        RequestCaller::Token { token, .. } => match token.kind {
            TokenKind::Installation { id } => format!("installation ID {id}"),
            TokenKind::Actions => "installation ID 1".to_owned(),
            _ => format!("user ID {}", super::shapes::user_id(&token.login)),
        },
    }
}

/// Answers `GET /rate_limit`, which costs nothing.
pub(super) fn overview(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let mut budget = |resource| {
        github
            .rate_limits
            .spend(call.now, &call.caller, resource, 0)
            .shape()
    };
    let core = budget("core");
    let graphql = budget("graphql");
    let mut resources = json!({"core": core, "graphql": graphql});
    let reset = call.now.as_second() + 60;
    for (name, limit) in OTHER_RESOURCES {
        resources[name] = json!({"limit": limit, "used": 0, "remaining": limit, "reset": reset});
    }
    let mut body = json!({"resources": resources});
    if !call.newest {
        body["rate"] = core;
    }
    GitHubAnswer::ok(body)
}
