//! A service's promotion as a plan: the policy itself says what it would refuse, and what it would need.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Findings, Severity};
use crate::fleet::{self, Service, Terms};
use promote_core::contract::{Actor, Outcome, Reason, Request, Workflow};
use promote_core::gate::evidence::entity_context;
use promote_core::gate::{CallAnswer, describe};
use promote_core::grants::{Operation, RepositoryTarget, Resolved, Target};
use promote_core::journal::Journal;
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::run::ending::Ending;
use promote_core::run::observer::Silent;
use promote_core::run::{RunJob, RunOrigin, RunResult, RunTask, run};
use promote_core::service::transport::SystemClock;
use promote_core::service::{github, port};
use promote_core::source::live::Live;
use promote_intake::changes::Changes;
use promote_intake::config::Config;

/// How long the plan of one service may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Rules that speak of the set-up; every other one speaks of a state that passes, such as a lock.
const SETUP: [&str; 8] = [
    "service",
    "staging",
    "production",
    "image",
    "digest",
    "manifest",
    "repository",
    "settings",
];

/// Which services.
pub(super) enum Wanted<'a> {
    /// The first one that has a production.
    First,
    /// These.
    Named(&'a [String]),
    /// All that have a production.
    All,
}

/// What all plans share.
pub(super) struct Probe<'a> {
    config: &'a Config,
    engine: &'a Engine,
    policies: &'a [Policy],
    terms: &'a Terms<'a>,
    live: Arc<Live>,
}

/// What the plan of a service used.
struct Used {
    operations: BTreeSet<Operation>,
    files: Vec<(String, String, String)>,
}

impl<'a> Probe<'a> {
    pub(super) fn new(
        config: &'a Config,
        engine: &'a Engine,
        policies: &'a [Policy],
        terms: &'a Terms<'a>,
        port: port::Client,
        github: github::Client,
    ) -> Self {
        let live = Arc::new(Live { port, github });
        Self {
            config,
            engine,
            policies,
            terms,
            live,
        }
    }

    /// Plans the promotion of each service, and compares what was granted with what was used.
    pub(super) async fn services(
        &self,
        blueprint: &str,
        wanted: Wanted<'_>,
        findings: &mut Findings,
        say: &impl Fn(&str),
    ) {
        let all = match fleet::services(&self.live.port, blueprint, self.terms).await {
            Ok(all) => all,
            Err(failure) => {
                let fix = "check the blueprint's name: `--blueprint`";
                let severity = super::github::severity(&failure);
                return findings.add(
                    severity,
                    "blueprint",
                    &format!("blueprint {blueprint}"),
                    describe(&failure),
                    fix,
                );
            }
        };
        let chosen = choose(&all, wanted, findings);
        let (mut used, mut scopes) = (Vec::new(), Vec::new());
        for (index, service) in chosen.iter().enumerate() {
            say(&format!(
                "checking {} ({} of {})",
                service.entity.key.identifier,
                index + 1,
                chosen.len()
            ));
            let Some((one, scope)) = self.service(service, findings).await else {
                continue;
            };
            used.push((service.entity.key.identifier.clone(), one));
            scopes.push((service.entity.key.identifier.clone(), scope));
        }
        reach(&used, &scopes, findings);
        self.unused(&used, findings);
    }

    /// Plans one promotion. None if it could not even start.
    async fn service(
        &self,
        service: &Service,
        findings: &mut Findings,
    ) -> Option<(Used, Resolved)> {
        let name = format!("service {}", service.entity.key.identifier);
        let context = json!({ "service": entity_context(&service.entity), "inputs": {}, "run": { "id": "doctor" } });
        let scope = match Resolved::new(&self.config.grants, &context) {
            Ok(scope) => scope,
            Err(what) => {
                findings.error(
                    "grants-none",
                    &name,
                    what,
                    "correct the grant in promote.toml",
                );
                return None;
            }
        };
        let result = run(self.job(service), std::future::pending()).await;
        judge(&result, &name, findings);
        let operations = result
            .timeline
            .iter()
            .filter_map(|record| Some(record.call.targets()?.0))
            .collect();
        let base = self.terms.of(service)["base"].as_str().unwrap_or("main");
        let files = Changes::of(&result.timeline)
            .files
            .into_iter()
            .map(|file| (file.repository, file.path, base.to_owned()))
            .collect();
        Some((Used { operations, files }, scope))
    }

    /// Returns the plan of one service as a job, under the operator's grants and limits.
    fn job<'j>(&'j self, service: &'j Service) -> RunJob<'j> {
        let now = Timestamp::now();
        let mut limits = self.config.limits.clone();
        limits.wall = limits.wall.min(PATIENCE);
        RunJob {
            engine: self.engine,
            choice: &self.policies[service.policy],
            grants: &self.config.grants,
            limits,
            sets_status: false,
            actions: Vec::new(),
            origin: RunOrigin::Probe(Box::new(self.request(service))),
            workflow: Workflow {
                repository: None,
                url: None,
                attempt: 1,
            },
            task: RunTask::Plan,
            seed: 7,
            live: Arc::clone(&self.live),
            clock: Arc::new(SystemClock),
            deadline: now.checked_add(PATIENCE).unwrap_or(now),
            journal: Journal::in_memory().0,
            observer: Arc::new(Silent),
            interpose: None,
        }
    }

    fn request(&self, service: &Service) -> Request {
        let (wanted, _) = self.config.policy_for(&service.entity);
        let mut settings: Value = serde_json::from_str(&wanted.settings()).unwrap_or_default();
        // What comes after the proposal is a matter of time, not of the set-up.
        for (key, value) in [
            ("mode", json!("merge")),
            ("verify", json!({ "enabled": false })),
        ] {
            if !self.terms.of(service)[key].is_null() {
                settings[key] = value;
            }
        }
        Request {
            run_id: "doctor".to_owned(),
            action: "doctor".to_owned(),
            actor: Actor {
                id: String::new(),
                email: None,
                name: None,
            },
            approval: None,
            requested_at: None,
            subject: service.entity.clone(),
            inputs: "{}".to_owned(),
            settings: settings.to_string(),
            workflow: Workflow {
                repository: None,
                url: None,
                attempt: 1,
            },
        }
    }

    /// Operations that are granted and that no plan used. One plan alone does not tell: it may have had nothing to do.
    fn unused(&self, used: &[(String, Used)], findings: &mut Findings) {
        let proposed = used
            .iter()
            .any(|(_, used)| used.operations.contains(&Operation::Merge));
        if !proposed {
            return;
        }
        let never = |operation: &Operation| {
            !used
                .iter()
                .any(|(_, used)| used.operations.contains(operation))
        };
        let granted = Operation::ALL
            .into_iter()
            .filter(|operation| self.config.grants.mention(*operation));
        let names: Vec<&str> = granted.filter(never).map(Operation::name).collect();
        if !names.is_empty() {
            let what = format!(
                "{} was granted and not used by {} plans",
                names.join(", "),
                used.len()
            );
            findings.note(
                "grant-unused",
                "grants",
                what,
                "remove it if no setting of yours needs it",
            );
        }
    }
}

fn choose<'s>(all: &'s [Service], wanted: Wanted<'_>, findings: &mut Findings) -> Vec<&'s Service> {
    let complete = all.iter().filter(|service| service.has_production());
    match wanted {
        Wanted::All => complete.collect(),
        Wanted::First => {
            let first: Vec<&Service> = complete.take(1).collect();
            if first.is_empty() {
                findings.warning(
                    "no-service",
                    "catalog",
                    "no service has a production runtime: nothing can be promoted yet",
                    "set the service's relation to its runtime in Port",
                );
            }
            first
        }
        Wanted::Named(names) => {
            let find = |name: &&String| {
                all.iter()
                    .find(|service| service.entity.key.identifier == **name)
            };
            for name in names.iter().filter(|name| find(name).is_none()) {
                findings.error(
                    "no-service",
                    &format!("service {name}"),
                    "Port has no such service",
                    "check its identifier; `promote matrix` lists all",
                );
            }
            names.iter().filter_map(|name| find(&name)).collect()
        }
    }
}

/// Adds what the plan of a service says of the set-up.
fn judge(result: &RunResult, name: &str, findings: &mut Findings) {
    match &result.ending {
        Ending::Violation(violations) => {
            for violation in violations {
                findings.error(
                    "grant-narrow",
                    name,
                    violation.clone(),
                    "add the grant to promote.toml, if the policy should be able to do this",
                );
            }
        }
        Ending::Decided(Outcome::Refused(reasons)) => {
            for reason in reasons {
                refused(reason, name, findings);
            }
        }
        Ending::Decided(_) => {}
        Ending::Failed(what) => {
            let fix = "do what the message says, then run `promote doctor` again";
            findings.add(failure_severity(result), "would-fail", name, what, fix);
        }
        Ending::Limit(limit) => findings.error(
            "would-fail",
            name,
            limit.clone(),
            "raise the limit in promote.toml",
        ),
        Ending::Trapped(trap) => findings.error(
            "would-fail",
            name,
            format!("the policy crashed: {trap}"),
            "tell its author",
        ),
        Ending::Unusable(what) => findings.error(
            "would-fail",
            name,
            what.clone(),
            "correct promote.toml, then run `promote doctor` again",
        ),
        Ending::Cancelled => findings.add(
            Severity::Unknown,
            "would-fail",
            name,
            "it was stopped",
            "run it again",
        ),
    }
}

fn refused(reason: &Reason, name: &str, findings: &mut Findings) {
    let what = format!("{} ({})", reason.message, reason.rule);
    if SETUP.contains(&reason.rule.as_str()) {
        findings.error(
            "would-refuse",
            name,
            what,
            "`promote explain` says what the rule wants",
        );
    } else {
        findings.note(
            "would-refuse",
            name,
            what,
            "a run would refuse now; this passes, or people decide it",
        );
    }
}

/// Returns how much a failed plan says: a service that did not answer says nothing of the set-up.
fn failure_severity(result: &RunResult) -> Severity {
    let last = result.timeline.iter().rev();
    let failure = last
        .filter_map(|record| match &record.answer {
            CallAnswer::Failure(failure) => Some(failure),
            _ => None,
        })
        .next();
    failure.map_or(Severity::Error, super::github::severity)
}

/// Whether a run for one service could change another's file.
fn reach(used: &[(String, Used)], scopes: &[(String, Resolved)], findings: &mut Findings) {
    for (owner, used) in used {
        for (repository, path, base) in &used.files {
            let target = || {
                Target::Repository(RepositoryTarget {
                    repository,
                    paths: vec![path],
                    base: Some(base),
                    ..RepositoryTarget::default()
                })
            };
            let others = scopes.iter().filter(|(name, scope)| {
                name != owner && scope.allow(Operation::Propose, &target()).is_some()
            });
            let names: Vec<&str> = others.map(|(name, _)| name.as_str()).collect();
            if !names.is_empty() {
                let what = format!(
                    "a run for {} may change {path}, which is {owner}'s",
                    names.join(", ")
                );
                findings.warning(
                    "grant-wide",
                    "grants",
                    what,
                    "name the service in `path`: `apps/{service.identifier}/…`",
                );
            }
        }
    }
}
