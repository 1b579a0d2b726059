//! A service's promotion as a plan: the policy itself says what it would refuse, and what it would need.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::judge;
use crate::finding::{DoctorFindings, FindingCode, Severity};
use crate::fleet::{self, FleetService, FleetSettings};
use promote_core::call::Call;
use promote_core::contract::{Request, Workflow};
use promote_core::gate::context::entity_context;
use promote_core::gate::describe;
use promote_core::grants::{CallTarget, Operation, RepositoryTarget, ResolvedGrants};
use promote_core::journal::{Journal, RunAudit};
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::run::observer::Silent;
use promote_core::run::{OperatorTerms, RunJob, RunOrigin, RunTask, run};
use promote_core::service::http::CallResult;
use promote_core::service::transport::SystemClock;
use promote_core::source::live::Live;
use promote_intake::config::Config;

/// The time that the plan of one service may take.
const PLAN_TIMEOUT: Duration = Duration::from_secs(60);

/// The services to plan.
pub(super) enum ServiceChoice<'a> {
    /// The first one that can be promoted.
    First,
    /// The ones with these identifiers.
    Named(&'a [String]),
    /// Each that can be promoted.
    All,
}

/// Plans the promotions of services, under the operator's grants.
pub(super) struct ServiceProbe<'a> {
    config: &'a Config,
    engine: &'a Engine,
    policies: &'a [Policy],
    settings: &'a FleetSettings<'a>,
    live: Arc<Live>,
}

/// The plan of one service: what it used, and the grants that it had.
struct ServicePlan {
    service: String,
    operations: BTreeSet<Operation>,
    files: Vec<ProposedFile>,
    grants: ResolvedGrants,
}

/// A file that a plan would change.
struct ProposedFile {
    repository: String,
    path: String,
    base: String,
}

impl<'a> ServiceProbe<'a> {
    pub(super) fn new(
        config: &'a Config,
        engine: &'a Engine,
        policies: &'a [Policy],
        settings: &'a FleetSettings<'a>,
        live: Arc<Live>,
    ) -> Self {
        Self {
            config,
            engine,
            policies,
            settings,
            live,
        }
    }

    /// Plans the promotion of each service, and compares what was granted with what was used.
    pub(super) async fn check(
        &self,
        blueprint: &str,
        choice: ServiceChoice<'_>,
        findings: &mut DoctorFindings,
        say: &impl Fn(&str),
    ) {
        let chosen = match self.choose(blueprint, choice, findings).await {
            Ok(chosen) => chosen,
            Err(failure) => {
                return findings.add(
                    Severity::of_failure(&failure),
                    FindingCode::Blueprint,
                    &format!("blueprint {blueprint}"),
                    describe(&failure),
                    "check the blueprint's name: `--blueprint`",
                );
            }
        };
        let mut plans = Vec::new();
        for (index, service) in chosen.iter().enumerate() {
            say(&format!(
                "checking {} ({} of {})",
                service.entity.key.identifier,
                index + 1,
                chosen.len()
            ));
            plans.extend(self.plan(service, findings).await);
        }
        check_reach(&plans, findings);
        self.note_unused(&plans, findings);
    }

    /// Reads the services to plan.
    async fn choose(
        &self,
        blueprint: &str,
        choice: ServiceChoice<'_>,
        findings: &mut DoctorFindings,
    ) -> CallResult<Vec<FleetService>> {
        let port = &self.live.port;
        let settings = self.settings;
        let chosen: Vec<FleetService> = match choice {
            ServiceChoice::First => fleet::first_promotable(port, blueprint, settings)
                .await?
                .into_iter()
                .collect(),
            ServiceChoice::All => {
                let all = fleet::services(port, blueprint, settings).await?;
                all.into_iter()
                    .filter(FleetService::is_promotable)
                    .collect()
            }
            ServiceChoice::Named(names) => {
                let found = fleet::named(port, blueprint, settings, names).await?;
                for (name, _) in names.iter().zip(&found).filter(|(_, it)| it.is_none()) {
                    findings.error(
                        FindingCode::NoService,
                        &format!("service {name}"),
                        "Port has no such service",
                        "check its identifier; `promote matrix` lists all",
                    );
                }
                return Ok(found.into_iter().flatten().collect());
            }
        };
        if chosen.is_empty() {
            findings.warning(
                FindingCode::NoService,
                "catalog",
                "no service has a production runtime: nothing can be promoted yet",
                "set the service's relation to its runtime in Port",
            );
        }
        Ok(chosen)
    }

    /// Plans one promotion; none if it could not even start.
    async fn plan(
        &self,
        service: &FleetService,
        findings: &mut DoctorFindings,
    ) -> Option<ServicePlan> {
        let identifier = &service.entity.key.identifier;
        let subject = format!("service {identifier}");
        let context = json!({ "service": entity_context(&service.entity), "inputs": {}, "run": { "id": "doctor" } });
        let resolved = ResolvedGrants::new(&self.config.grants, &context).and_then(|grants| {
            grants.check_evidence(&self.config.grants)?;
            Ok(grants)
        });
        let grants = match resolved {
            Ok(grants) => grants,
            Err(what) => {
                findings.error(
                    FindingCode::GrantsNone,
                    &subject,
                    what,
                    "correct the grant in promote.toml",
                );
                return None;
            }
        };
        let result = run(self.job(service), std::future::pending()).await;
        judge::add_result(&result, &subject, findings);
        let calls = result.timeline.iter().map(|record| &record.call);
        Some(ServicePlan {
            service: identifier.clone(),
            operations: calls
                .clone()
                .filter_map(|call| Some(call.targets()?.0))
                .collect(),
            files: calls.flat_map(proposed_files).collect(),
            grants,
        })
    }

    /// Returns the plan of one service as a job, under the operator's grants and limits.
    fn job<'j>(&'j self, service: &'j FleetService) -> RunJob<'j> {
        let now = Timestamp::now();
        let mut limits = self.config.limits.clone();
        limits.wall = limits.wall.min(PLAN_TIMEOUT);
        RunJob {
            engine: self.engine,
            choice: &self.policies[service.policy],
            // Nothing is told, and nobody has started it.
            terms: OperatorTerms {
                limits,
                record: None,
                environment: None,
                actions: Vec::new(),
                ..self.config.terms()
            },
            origin: RunOrigin::Probe(Box::new(self.request(service))),
            workflow: Workflow {
                repository: None,
                url: None,
                attempt: 1,
            },
            workflows: None,
            audit: RunAudit::default(),
            task: RunTask::Plan,
            seed: 7,
            live: Arc::clone(&self.live),
            clock: Arc::new(SystemClock),
            deadline: now.checked_add(PLAN_TIMEOUT).unwrap_or(now),
            journal: Journal::in_memory().0,
            observer: Arc::new(Silent),
            interpose: None,
        }
    }

    fn request(&self, service: &FleetService) -> Request {
        // What comes after the proposal is a matter of time, not of the set-up.
        Request {
            settings: self.settings.of(service).for_trial(),
            ..Request::trial("doctor", service.entity.clone())
        }
    }

    /// Notes operations that are granted and that no plan used. A plan that did not come to a merge does not tell: it had
    /// nothing to do, or was refused.
    fn note_unused(&self, plans: &[ServicePlan], findings: &mut DoctorFindings) {
        let is_used =
            |operation: &Operation| plans.iter().any(|plan| plan.operations.contains(operation));
        if !is_used(&Operation::Merge) {
            return;
        }
        let unused: Vec<&str> = Operation::ALL
            .into_iter()
            .filter(|operation| self.config.grants.mention(*operation) && !is_used(operation))
            // The host needs them in a real run; a plan of the doctor has no starter, and holds nobody.
            .filter(|operation| !operation.is_hosts())
            .map(Operation::name)
            .collect();
        if !unused.is_empty() {
            findings.note(
                FindingCode::GrantUnused,
                "grants",
                format!(
                    "{}: granted, and not used in {}",
                    unused.join(", "),
                    promote_core::text::count(plans.len(), "plan")
                ),
                "remove it if no setting of yours needs it",
            );
        }
    }
}

/// Returns the files that a call would change.
fn proposed_files(call: &Call) -> Vec<ProposedFile> {
    let Call::Propose { proposal } = call else {
        return Vec::new();
    };
    proposal
        .changes
        .iter()
        .map(|change| ProposedFile {
            repository: proposal.repository.clone(),
            path: change.path.clone(),
            base: proposal.base.clone(),
        })
        .collect()
}

/// Finds files of one service that a run for another could change.
fn check_reach(plans: &[ServicePlan], findings: &mut DoctorFindings) {
    for owner in plans {
        for file in &owner.files {
            let may_change = |other: &ServicePlan| {
                let target = CallTarget::Repository(RepositoryTarget {
                    repository: &file.repository,
                    paths: vec![&file.path],
                    base: Some(&file.base),
                    ..RepositoryTarget::default()
                });
                other.grants.allow(Operation::Propose, &target).is_some()
            };
            let others: Vec<&str> = plans
                .iter()
                .filter(|other| other.service != owner.service && may_change(other))
                .map(|other| other.service.as_str())
                .collect();
            if !others.is_empty() {
                findings.warning(
                    FindingCode::GrantWide,
                    "grants",
                    format!(
                        "a run for {} may change {}, which is {}'s",
                        others.join(", "),
                        file.path,
                        owner.service
                    ),
                    "name the service in `path`: `apps/{service.identifier}/…`",
                );
            }
        }
    }
}
