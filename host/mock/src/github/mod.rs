//! GitHub, as far as a promotion can see it: repositories with real Git inside, pull requests, checks, rules, tokens,
//! and the REST and GraphQL calls on them.
//!
//! A [`GitHub`] is plain state and [`GitHub::handle`] a function of state, time and request: no clock, no randomness, no
//! sockets. What goes wrong on a bad day is state too ([`GitHubWeather`], [`TriggeredEvent`]); no code path exists for a scenario.
//! Behaviour follows GitHub's REST description (version 2022-11-28) and, where that is silent, what was seen on the wire.

mod answer;
mod apps;
mod attestations;
mod call;
mod checks;
mod commits;
mod contents;
mod deployments;
mod environments;
mod graphql;
mod identity;
mod issues;
mod jwt;
mod limits;
mod merge;
mod merge_branch;
mod mergeable;
mod minting;
mod objects;
mod pull_shapes;
mod pull_state;
mod pulls;
mod put_contents;
mod refs;
mod refusals;
mod repos;
mod repository_shape;
mod reviews;
mod route;
mod rules;
mod schedule;
mod shapes;
mod state;
#[cfg(test)]
mod tests;
mod verbs;
mod workflows;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::CopyOnWrite;
use promote_core::service::transport::{HttpRequest, HttpResponse};

pub use apps::{AppInstallation, GitHubApp};
pub use attestations::StoredAttestation;
pub use deployments::{DeploymentEntry, DeploymentStatusEntry};
pub use environments::{DeploymentBranches, EnvironmentRule};
pub use identity::{
    GitHubToken, PermissionLevel, PermissionTable, RepositoryAccess, TokenKind, TokenTable,
};
pub use limits::RateLimits;
pub use route::operations;
pub use rules::BranchRules;
pub use schedule::{EventTrigger, GitHubEvent, TriggeredEvent};
pub use state::{
    AutoMerge, CheckRun, CommitStatus, IssueLabel, MergeStyle, PullComment, PullRequest,
    PullReview, PullState, PushCheck, QueueEntry, RepositorySettings, RepositoryState, ReviewState,
};
pub use verbs::FileSpec;
pub use workflows::{EnvironmentReview, WorkflowFile, WorkflowRun};

/// Everything that GitHub knows.
#[derive(Clone, Debug)]
pub struct GitHub {
    /// The path before every REST path, such as `/api/v3`, or nothing.
    pub api_base: String,
    /// Where the pages for people are.
    pub html_base: String,
    /// Repositories, in the order in which they were made.
    pub repositories: Vec<CopyOnWrite<RepositoryState>>,
    /// Tokens and what they may do.
    pub tokens: TokenTable,
    /// GitHub Apps and where they are installed.
    pub apps: Vec<GitHubApp>,
    /// Delays inside GitHub.
    pub weather: GitHubWeather,
    /// The events to come.
    pub schedule: Vec<TriggeredEvent>,
    /// Requests left, by token.
    pub rate_limits: RateLimits,
    /// Method and path of requests that no route took: a client asks for something that this mock does not know.
    pub unknown_routes: Vec<String>,
    /// What mutations of the request that is being answered have done, by the names of REST's operations.
    pub(crate) carried_out: Vec<&'static str>,
    /// The number of requests that were answered.
    pub requests: u64,
    /// The time of the last request, at which the verbs of a scenario act.
    pub now: Timestamp,
    next_id: u64,
}

/// Delays inside GitHub that a client must live with. Counters run down as they are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHubWeather {
    /// The number of reads of a ref that still see the value before its last change.
    pub stale_reads: u32,
    /// The number of reads that find `mergeable` null after a pull request's head or base changed; never 0 at GitHub.
    pub unknown_mergeable: u32,
    /// The number of merges that are refused with `Base branch was modified`.
    pub base_modified: u32,
    /// The number of merges that are refused with `Head branch is out of date`.
    pub head_out_of_date: u32,
    /// The number of merges that are answered with 502 and happen all the same, some seconds later.
    pub slow_merges: u32,
    /// The number of requests on a new pull request that do not find it yet.
    pub unknown_pulls: u32,
    /// The names of mutations that fail whenever GraphQL is asked for them, each by itself.
    pub failing_fields: Vec<&'static str>,
}

impl Default for GitHubWeather {
    fn default() -> Self {
        Self {
            stale_reads: 0,
            unknown_mergeable: 1,
            base_modified: 0,
            head_out_of_date: 0,
            slow_merges: 0,
            unknown_pulls: 0,
            failing_fields: Vec::new(),
        }
    }
}

impl Default for GitHub {
    fn default() -> Self {
        Self {
            api_base: String::new(),
            html_base: "https://github.com".into(),
            repositories: Vec::new(),
            tokens: TokenTable::default(),
            apps: Vec::new(),
            weather: GitHubWeather::default(),
            schedule: Vec::new(),
            rate_limits: RateLimits::default(),
            unknown_routes: Vec::new(),
            carried_out: Vec::new(),
            requests: 0,
            now: Timestamp::constant(1_767_225_600, 0),
            next_id: 1000,
        }
    }
}

impl GitHub {
    /// Answers one request, and changes what it changes.
    pub fn handle(&mut self, now: Timestamp, request: &HttpRequest) -> HttpResponse {
        let now = seconds(now);
        self.requests += 1;
        self.catch_up(now);
        let answer = route::answer(self, now, request);
        answer.finish(self.requests)
    }

    /// Ends all delays: every read sees the present state.
    pub(super) fn heal(&mut self) {
        self.weather = GitHubWeather::default();
        self.repositories
            .iter_mut()
            .for_each(|repository| repository.stale.clear());
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Returns the state that clients can see as lines of text, equal before and after if nothing changed. Requests,
    /// rate limits and the computation of `mergeable` are left out.
    pub fn fingerprint(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for repository in &self.repositories {
            repository.describe(&mut lines);
        }
        let live: BTreeMap<_, _> = self.tokens.kinds();
        lines.extend(
            live.iter()
                .map(|(kind, count)| format!("{count} {kind:?} tokens")),
        );
        lines.join("\n")
    }

    /// Returns true if two states have the same fingerprint, found by comparing the parts that they share, without
    /// writing them as text.
    pub fn holds_the_same(&self, other: &Self) -> bool {
        self.repositories == other.repositories && self.tokens.kinds() == other.tokens.kinds()
    }
}

/// GitHub speaks of time in whole seconds.
fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
