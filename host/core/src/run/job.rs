//! A run as it is put together: where its request comes from, what it may do, and everything that it needs.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::begin::RunTerms;
use super::claim::RunClaim;
use super::observer::Observer;
use super::resume::WorkflowClient;
use crate::contract::{EarlierProposal, Entity, EnvironmentReview, Request, Workflow};
use crate::gate::RunParts;
use crate::grants::Grants;
use crate::journal::{Journal, RunAudit};
use crate::limits::Limits;
use crate::policy::Policy;
use crate::policy::engine::{Engine, Program};
use crate::rule::Rule;
use crate::service::transport::Clock;
use crate::source::Source;
use crate::source::approved::{ApprovedPlan, PlannedWrite};
use crate::source::dry_run::DryRun;
use crate::source::live::Live;
use crate::source::prefetch::Prefetch;

/// Whether writes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunMode {
    /// They are.
    Run,
    /// They are kept back and shown.
    Plan,
}

impl RunMode {
    /// Returns the word for the journal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Plan => "plan",
        }
    }
}

/// The origin of a request, which decides what of it must be confirmed.
#[derive(Clone, Debug)]
pub enum RunOrigin {
    /// A message that names a Port run: nothing else of it is believed.
    PortRun(RunClaim),
    /// Port's list of runs that wait: it is confirmed all the same.
    Resumed(ResumedRun),
    /// The host asks for itself what a policy would do, on an entity that it has read: there is no Port run.
    Probe(Box<Request>),
}

/// A run that goes on with what an earlier attempt of it began.
#[derive(Clone, Debug, PartialEq)]
pub struct ResumedRun {
    /// Port's identifier of the run.
    pub run_id: String,
    /// What it has proposed, if it came so far.
    pub proposal: Option<EarlierProposal>,
    /// What reviewers of its environments said of its workflow run, if that is known.
    pub reviews: Option<Vec<EnvironmentReview>>,
    /// The summary of the Port run. As long as nothing changes, nothing is said.
    pub summary: String,
    /// Whether a run that has ended is recorded all the same: what was merged is in git whatever became of the run.
    pub records_ended: bool,
}

/// The writes that a run may make.
#[derive(Debug)]
pub enum RunTask {
    /// Whatever the policy asks for and the grants allow.
    Run,
    /// None: each is kept back and shown.
    Plan,
    /// Exactly these, in this order.
    Approved {
        /// The writes.
        writes: Vec<PlannedWrite>,
        /// SHA-256 of the plan that was approved, in hex: the commit and Port's log name it.
        plan: String,
    },
}

impl RunTask {
    /// Returns whether writes are made.
    pub fn mode(&self) -> RunMode {
        match self {
            Self::Plan => RunMode::Plan,
            Self::Run | Self::Approved { .. } => RunMode::Run,
        }
    }

    /// Returns the digest of the plan that is kept to.
    pub(super) fn plan(&self) -> Option<&str> {
        match self {
            Self::Approved { plan, .. } => Some(plan),
            Self::Run | Self::Plan => None,
        }
    }
}

/// Decides which policy runs.
#[async_trait]
pub trait PolicyChoice: Sync {
    /// Returns the policy for a subject and an action, both as Port describes them.
    ///
    /// # Errors
    /// Says why no policy can run.
    async fn choose(&self, subject: &Entity, action: &str) -> Result<ChosenPolicy, String>;
}

/// A policy, with what the operator set for it.
pub struct ChosenPolicy {
    /// The component.
    pub program: Program,
    /// Its settings, JSON text; without them, those of the request stay.
    pub settings: Option<String>,
    /// The `[[team]]` rule that chose it, if one did.
    pub team: Option<String>,
    /// The rules that apply, in the order in which people read them.
    pub rules: Vec<Rule>,
    /// An upper bound of the grants, if the organisation has one.
    pub bound: Option<Grants>,
}

/// One policy for every subject, with the settings that the request has already.
#[async_trait]
impl PolicyChoice for Policy {
    async fn choose(&self, _: &Entity, _: &str) -> Result<ChosenPolicy, String> {
        Ok(ChosenPolicy {
            program: self.program.clone(),
            settings: None,
            team: None,
            rules: Vec::new(),
            bound: None,
        })
    }
}

/// Puts something between the gate and a source, such as a fault.
pub type Interpose<'a> = Box<dyn FnOnce(Box<dyn Source>) -> Box<dyn Source> + Send + 'a>;

/// What the operator has set for every run, in promote.toml.
pub struct OperatorTerms<'a> {
    /// The operator's grants, with their templates.
    pub grants: &'a Grants,
    /// The most that the run may use.
    pub limits: Limits,
    /// The blueprint of Port that keeps a record of each promotion, if there is one.
    pub record: Option<String>,
    /// The environment of GitHub that promotions are recorded for as deployments, where a grant lets them.
    pub environment: Option<String>,
    /// The actions of Port that may start a run, by their identifiers.
    pub actions: Vec<String>,
    /// The file of the workflow that goes on with what waits.
    pub resume_workflow: String,
}

/// Everything that one run needs.
pub struct RunJob<'a> {
    /// Runs the policy.
    pub engine: &'a Engine,
    /// Knows the policy.
    pub choice: &'a dyn PolicyChoice,
    /// What the operator has set for every run.
    pub terms: OperatorTerms<'a>,
    /// The origin of the request.
    pub origin: RunOrigin,
    /// The workflow run that this run belongs to.
    pub workflow: Workflow,
    /// The way to workflow runs, if there is one.
    pub workflows: Option<WorkflowClient>,
    /// The journal's record of the configuration and the workflow.
    pub audit: RunAudit,
    /// The writes that may be made.
    pub task: RunTask,
    /// Seed of the guest's random numbers.
    pub seed: u64,
    /// The clients of both services.
    pub live: Arc<Live>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When the run ends at the latest.
    pub deadline: Timestamp,
    /// Holds every call.
    pub journal: Journal,
    /// Shows people what happens.
    pub observer: Arc<dyn Observer>,
    /// Stands before the source, in tests of what goes wrong.
    pub interpose: Option<Interpose<'a>>,
}

/// Puts the sources of a job one before the other.
pub(super) fn assemble(job: RunJob<'_>) -> (RunParts, RunOrigin, RunTerms<'_>) {
    let subject = match &job.origin {
        RunOrigin::PortRun(claim) => claim.subject.clone(),
        RunOrigin::Resumed(_) => None,
        RunOrigin::Probe(request) => Some(request.subject.key.clone()),
    };
    let is_resumed = matches!(job.origin, RunOrigin::Resumed(_));
    let live = Arc::clone(&job.live);
    if let Some(workflow) = &job.workflow.url {
        live.port.add_link(workflow);
    }
    let prefetch = Prefetch::new(job.live, Arc::clone(&job.clock), job.terms.grants, subject);
    let prefetch = if is_resumed {
        prefetch.keeping_lines()
    } else {
        prefetch
    };
    let plan = job.task.plan().map(str::to_owned);
    let source: Box<dyn Source> = match job.task {
        RunTask::Run => Box::new(prefetch),
        RunTask::Plan => Box::new(DryRun::new(prefetch)),
        RunTask::Approved { writes, .. } => Box::new(ApprovedPlan::new(prefetch, writes)),
    };
    let parts = RunParts {
        source: match job.interpose {
            Some(interpose) => interpose(source),
            None => source,
        },
        live,
        limits: job.terms.limits,
        journal: job.journal,
        clock: job.clock,
        deadline: job.deadline,
        observer: job.observer,
    };
    let terms = RunTerms {
        choice: job.choice,
        grants: job.terms.grants,
        actions: job.terms.actions,
        workflow: job.workflow,
        workflows: job.workflows,
        audit: job.audit,
        plan,
        seed: job.seed,
    };
    (parts, job.origin, terms)
}
