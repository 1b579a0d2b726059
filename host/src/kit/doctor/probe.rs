//! A service's promotion as a plan: the policy itself says what it would refuse, and what it would need.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Findings, Severity};
use crate::ahead::Ahead;
use crate::core::contract::{Actor, Outcome, Request, Workflow};
use crate::core::engine::{Engine, Verdict};
use crate::core::gate::{Gate, describe};
use crate::core::grants::{In, Operation, Resolved, Target};
use crate::core::journal::Journal;
use crate::core::live::Live;
use crate::core::sandbox::Surroundings;
use crate::core::seen::entity_context;
use crate::core::{github, port};
use crate::kit::fleet::{self, Service, Terms};
use crate::plan::Plan;
use crate::policy::Policy;
use crate::reads::Translated;
use crate::request::config::Config;
use crate::setup::{Silent, SystemClock};
use crate::words::{Changes, WORDS};

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
        let live = Arc::new(Live {
            port,
            github,
            reads: Box::new(Translated),
        });
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
        let resolve = || Resolved::new(&self.config.grants, &context);
        let (grants, scope) = match (resolve(), resolve()) {
            (Ok(grants), Ok(scope)) => (grants, scope),
            (Err(what), _) | (_, Err(what)) => {
                findings.error(
                    "grants-none",
                    &name,
                    what,
                    "correct the grant in promote.toml",
                );
                return None;
            }
        };
        let now = Timestamp::now();
        let deadline = now.checked_add(PATIENCE).unwrap_or(now);
        let mut limits = self.config.limits.clone();
        limits.wall = limits.wall.min(PATIENCE);
        let key = &service.entity.key;
        let ahead = Ahead::new(
            Arc::clone(&self.live),
            Arc::new(SystemClock),
            &self.config.grants,
            key,
        );
        let source = Box::new(Plan::new(ahead));
        let (journal, _) = Journal::in_memory();
        let mut gate = Gate::new(
            source,
            limits,
            journal,
            Arc::new(SystemClock),
            deadline,
            Arc::new(Silent),
            WORDS,
        );
        gate.grants = grants;
        let surroundings = Surroundings { now, seed: 7 };
        let request = self.request(service);
        let run = self.engine.run(
            &self.policies[service.policy].program,
            &request,
            gate,
            &surroundings,
            std::future::pending(),
        );
        let (verdict, gate, _) = run.await;
        for violation in &gate.violations {
            findings.error(
                "grant-narrow",
                &name,
                violation.clone(),
                "add the grant to promote.toml, if the policy should be able to do this",
            );
        }
        if gate.violations.is_empty() {
            judge(verdict, &name, findings);
        }
        let operations = gate
            .timeline
            .iter()
            .filter_map(|step| Some(step.call.targets()?.0))
            .collect();
        let base = self.terms.of(service)["base"].as_str().unwrap_or("main");
        let files = Changes::of(&gate.timeline).files.into_iter();
        let files = files
            .map(|file| (file.repository, file.path, base.to_owned()))
            .collect();
        Some((Used { operations, files }, scope))
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
                email: None,
                name: None,
            },
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

fn judge(verdict: Verdict, name: &str, findings: &mut Findings) {
    match verdict {
        Verdict::Returned(Ok(Outcome::Refused(reasons))) => {
            for reason in reasons {
                let setup = SETUP.contains(&reason.rule.as_str());
                let what = format!("{} ({})", reason.message, reason.rule);
                match setup {
                    true => findings.error(
                        "would-refuse",
                        name,
                        what,
                        "`promote explain` says what the rule wants",
                    ),
                    false => findings.note(
                        "would-refuse",
                        name,
                        what,
                        "a run would refuse now; this passes, or people decide it",
                    ),
                }
            }
        }
        Verdict::Returned(Ok(_)) => {}
        Verdict::Returned(Err(failure)) => {
            let fix = "do what the message says, then run `promote doctor` again";
            findings.add(
                super::github::severity(&failure),
                "would-fail",
                name,
                describe(&failure),
                fix,
            );
        }
        Verdict::Limit(limit) => findings.error(
            "would-fail",
            name,
            limit.to_string(),
            "raise the limit in promote.toml",
        ),
        Verdict::Trapped(trap) => {
            findings.error(
                "would-fail",
                name,
                format!("the policy crashed: {}", trap.root_cause()),
                "tell its author",
            );
        }
        Verdict::Cancelled => findings.add(
            Severity::Unknown,
            "would-fail",
            name,
            "it was stopped",
            "run it again",
        ),
    }
}

/// Whether a run for one service could change another's file.
fn reach(used: &[(String, Used)], scopes: &[(String, Resolved)], findings: &mut Findings) {
    for (owner, used) in used {
        for (repository, path, base) in &used.files {
            let target = || {
                Target::Repository(In {
                    repository,
                    paths: vec![path],
                    base: Some(base),
                    ..In::default()
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
