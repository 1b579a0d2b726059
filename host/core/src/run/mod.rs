//! One run, from the request to the last word.
//!
//! ```text
//! RunJob ──▶ begin: confirm with Port ▸ choose the policy ▸ fill in the grants ──▶ Gate ──▶ policy ──▶ finish
//! ```
//!
//! [`run`] is the only place that puts a gate before a source: a live run, a scenario, the doctor's probe, a benchmark and
//! every test go through it. Whatever happens, it ends with the journal's footer, the last word to Port and the
//! revocation of minted tokens.

pub mod approvers;
mod begin;
mod cancel;
mod claim;
mod closing;
mod deployment;
pub mod ending;
mod finish;
mod kept_comment;
pub mod last_word;
pub mod observer;
pub mod record;
pub mod resume;
mod waiting;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::contract::{
    EarlierProposal, Entity, EnvironmentReview, Outcome, Promotion, Request, Workflow,
};
use crate::gate::evidence::Evidence;
use crate::gate::{CallAnswer, CallRecord, Gate, NoJournal, RuleBench, RunParts, describe};
use crate::grants::{CallTarget, Grants, Operation, RepositoryTarget, ResolvedGrants};
use crate::journal::{Journal, RunAudit};
use crate::limits::Limits;
use crate::policy::Policy;
use crate::policy::engine::{Engine, Program, Verdict};
use crate::policy::sandbox::SandboxSetup;
use crate::rule::{AwaitedRules, Rule, StoppedByRules};
use crate::service::transport::Clock;
use crate::source::Source;
use crate::source::approved::{ApprovedPlan, PlannedWrite};
use crate::source::dry_run::DryRun;
use crate::source::live::Live;
use crate::source::prefetch::Prefetch;
use ending::Ending;
use observer::Observer;
use resume::WorkflowClient;

pub use begin::STARTING;
use begin::{RefusedStart, RunBeginning, RunTerms};
use cancel::CancelSignal;
pub use claim::RunClaim;
use finish::{LastWords, RunEnd, finish};

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
    Approved(Vec<PlannedWrite>),
}

impl RunTask {
    /// Returns whether writes are made.
    pub fn mode(&self) -> RunMode {
        match self {
            Self::Plan => RunMode::Plan,
            Self::Run | Self::Approved(_) => RunMode::Run,
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

/// Everything that one run needs.
pub struct RunJob<'a> {
    /// Runs the policy.
    pub engine: &'a Engine,
    /// Knows the policy.
    pub choice: &'a dyn PolicyChoice,
    /// The operator's grants, with their templates.
    pub grants: &'a Grants,
    /// The most that the run may use.
    pub limits: Limits,
    /// Whether the run sets the status of the Port run, as its very last call, or leaves that to Port's own integration.
    pub sets_status: bool,
    /// The blueprint of Port that keeps a record of each promotion, if there is one.
    pub record: Option<String>,
    /// The environment of GitHub that promotions are recorded for as deployments, where a grant lets them.
    pub environment: Option<String>,
    /// The actions of Port that may start a run, by their identifiers.
    pub actions: Vec<String>,
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

/// The result of a run.
pub struct RunResult {
    /// Its ending.
    pub ending: Ending,
    /// The request, as Port confirmed it; none if it did not.
    pub request: Option<Request>,
    /// The last word to people; foreign text in it is not neutralised yet.
    pub message: String,
    /// The calls of the policy, with their answers.
    pub timeline: Vec<CallRecord>,
    /// The writes that a plan kept back, in order.
    pub planned: Vec<PlannedWrite>,
    /// The text that the policy printed.
    pub printed: String,
    /// The journal's seal, the sum of its footer, which Port's log of the run holds too; empty if there is no journal.
    pub journal_sum: String,
    /// Who approved what of it, as far as the run knows.
    pub approved_by: Vec<String>,
}

/// Runs a job to its end. `cancel` ends it early, in whichever phase it is: the token is revoked and Port is told all the
/// same.
pub async fn run(job: RunJob<'_>, cancel: impl Future<Output = ()> + Send) -> RunResult {
    let engine = job.engine;
    let last_words = LastWords {
        sets_status: job.sets_status,
        record: job.record.clone(),
        environment: job.environment.clone(),
        revokes: !matches!(job.origin, RunOrigin::Probe(_)),
        place: job.workflow.url.clone(),
        known: match &job.origin {
            RunOrigin::Resumed(resumed) => Some(resumed.summary.clone()),
            _ => None,
        },
    };
    let surroundings = SandboxSetup {
        now: job.clock.now(),
        seed: job.seed,
    };
    let cancel = pin!(cancel);
    let mut cancel = CancelSignal::new(cancel);
    let (mut parts, origin, terms) = assemble(job);
    let beginning = match begin_or_stop(&mut parts, origin, terms, &mut cancel).await {
        Ok(beginning) => beginning,
        Err(ending) => return finish(RunEnd::early(ending), parts, last_words, &mut cancel).await,
    };
    let bench = RuleBench::new(beginning.rules, &beginning.request);
    let gate = Gate::new(parts, beginning.grants).with_rules(bench);
    let (verdict, gate, printed) = engine
        .run(
            &beginning.program,
            &beginning.request,
            gate,
            &surroundings,
            cancel.hear(),
        )
        .await;
    let record = gate.close();
    let mut violations = record.violations;
    let has_misfits = !record.misfits.is_empty();
    // A denied proposal must not end as if all were well.
    if !verdict.is_refusal() {
        violations.splice(..0, record.misfits);
    }
    violations.extend(unproven(&verdict, &record.evidence, &record.grants));
    let verdict = if has_misfits {
        verdict
    } else {
        settled(verdict, &record.awaited, &beginning.request)
    };
    let ending = ending(verdict, violations);
    let pull_request = known_pull(&ending, &record.evidence, &record.grants);
    if let (Some(pull), Ending::Decided(Outcome::Waiting(_))) = (&pull_request, &ending) {
        record.run.live.port.add_pull_request(&pull.page);
    }
    let answers = record.timeline.iter();
    let answers = answers.filter_map(|step| match &step.answer {
        CallAnswer::Reply(reply) => Some((&step.call, reply)),
        _ => None,
    });
    let mut approved_by = approvers::approvers(&beginning.request, answers);
    if last_words.record.is_some()
        && let (Some(pull), Ending::Decided(Outcome::Promoted(_))) = (&pull_request, &ending)
    {
        approved_by.extend(pull.approvers(&record.run.live, &approved_by).await);
    }
    let deployment = deployment::deployment(
        &ending,
        &last_word::message(&ending, RunMode::Run),
        &beginning.request,
        &record.evidence,
        &record.grants,
        last_words.environment.as_deref(),
    );
    let end = RunEnd {
        ending,
        request: Some(beginning.request),
        basis: Some(beginning.basis),
        pull_request,
        deployment,
        approved_by,
        timeline: record.timeline,
        printed,
    };
    finish(end, record.run, last_words, &mut cancel).await
}

/// Begins a run, unless time runs out or somebody wishes it to stop. A service that does not answer ends the run as surely as
/// a policy that does not.
async fn begin_or_stop(
    parts: &mut RunParts,
    origin: RunOrigin,
    terms: RunTerms<'_>,
    cancel: &mut CancelSignal<'_>,
) -> Result<RunBeginning, Ending> {
    let time_left = parts.time_left();
    let wall = parts.limits.wall;
    let mut begin = pin!(begin::begin(parts, origin, terms));
    tokio::select! {
        begun = tokio::time::timeout(time_left, begin.as_mut()) => match begun {
            Ok(begun) => begun.map_err(Ending::from),
            Err(_) => Err(Ending::Failed(format!(
                "nothing came back from Port within {wall:?} (`limits.wall`)"
            ))),
        },
        () = cancel.hear() => {
            let _ = tokio::time::timeout(cancel::MINT_TIME, begin).await;
            Err(Ending::Cancelled)
        }
    }
}

/// Puts the sources of a job one before the other.
fn assemble(job: RunJob<'_>) -> (RunParts, RunOrigin, RunTerms<'_>) {
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
    let prefetch = Prefetch::new(job.live, Arc::clone(&job.clock), job.grants, subject);
    let prefetch = if is_resumed {
        prefetch.keeping_lines()
    } else {
        prefetch
    };
    let source: Box<dyn Source> = match job.task {
        RunTask::Run => Box::new(prefetch),
        RunTask::Plan => Box::new(DryRun::new(prefetch)),
        RunTask::Approved(plan) => Box::new(ApprovedPlan::new(prefetch, plan)),
    };
    let parts = RunParts {
        source: match job.interpose {
            Some(interpose) => interpose(source),
            None => source,
        },
        live,
        limits: job.limits,
        journal: job.journal,
        clock: job.clock,
        deadline: job.deadline,
        observer: job.observer,
    };
    let terms = RunTerms {
        choice: job.choice,
        grants: job.grants,
        actions: job.actions,
        workflow: job.workflow,
        workflows: job.workflows,
        audit: job.audit,
        seed: job.seed,
    };
    (parts, job.origin, terms)
}

/// Returns what a policy's verdict comes to, after what the rules told it.
pub fn settled(verdict: Verdict, awaited: &AwaitedRules, request: &Request) -> Verdict {
    match verdict {
        Verdict::Returned(Ok(outcome)) => Verdict::Returned(Ok(awaited.settle(outcome, request))),
        other => other,
    }
}

/// Says what a policy claims without proof, if it does.
pub fn unproven(verdict: &Verdict, evidence: &Evidence, grants: &ResolvedGrants) -> Option<String> {
    let Verdict::Returned(Ok(outcome)) = verdict else {
        return None;
    };
    match outcome {
        Outcome::Promoted(promotion) => unproven_promotion(promotion, evidence, grants),
        Outcome::Waiting(waiting) => {
            let number = waiting.pull_request?;
            (!evidence.has_proposed(number) && !is_ours(number, evidence, grants)).then(|| {
                format!("it says that pull request #{number} waits, and this run has neither proposed nor read it on a granted branch")
            })
        }
        _ => None,
    }
}

fn unproven_promotion(
    promotion: &Promotion,
    evidence: &Evidence,
    grants: &ResolvedGrants,
) -> Option<String> {
    let image = &promotion.image;
    if !evidence.proves(|file| grants.governs(file), &grants.value_keys(), image) {
        return Some(format!(
            "it says that {image} was promoted, and no granted file that this run has read or merged at its base branch holds it as a whole value"
        ));
    }
    let number = promotion.pull_request?;
    (!is_ours(number, evidence, grants)).then(|| {
        format!(
            "it says that pull request #{number} brought the image, and this run has neither proposed nor read it on a granted branch"
        )
    })
}

/// Returns whether this run has seen a pull request of that number on a branch that is ours to propose from.
fn is_ours(number: u32, evidence: &Evidence, grants: &ResolvedGrants) -> bool {
    evidence.pulls_numbered(number).any(|(id, pull)| {
        let target = CallTarget::Repository(RepositoryTarget {
            repository: id.repository.as_str(),
            head: Some(&pull.head),
            base: Some(&pull.base),
            ..RepositoryTarget::default()
        });
        grants.allow(Operation::Propose, &target).is_some()
    })
}

/// Returns the pull request that a run waits for or that brought the image, as GitHub named it.
fn known_pull(
    ending: &Ending,
    evidence: &Evidence,
    grants: &ResolvedGrants,
) -> Option<PromotionPull> {
    let number = match ending {
        Ending::Decided(Outcome::Waiting(waiting)) => waiting.pull_request?,
        Ending::Decided(Outcome::Promoted(promotion)) => promotion.pull_request?,
        _ => return None,
    };
    let (id, pull) = evidence.pulls_numbered(number).next()?;
    let repository = id.repository.to_string();
    let target = CallTarget::Repository(RepositoryTarget {
        repository: &repository,
        number: Some(number),
        ..RepositoryTarget::default()
    });
    let allows = |operation| grants.allow(operation, &target).is_some();
    Some(PromotionPull {
        page: pull.url.clone(),
        number,
        has_comment: allows(Operation::KeepComment),
        is_readable: allows(Operation::ReadPullRequest),
        repository,
    })
}

/// The pull request that the ending of a run is about.
pub(super) struct PromotionPull {
    /// `owner/name`.
    pub(super) repository: String,
    pub(super) number: u32,
    /// Its page.
    pub(super) page: String,
    /// Whether the host keeps a comment under it.
    pub(super) has_comment: bool,
    /// Whether its people may be read.
    is_readable: bool,
}

impl PromotionPull {
    /// Returns who approved it, unless that is known. What cannot be read stays unknown: nothing is decided on it.
    async fn approvers(&self, live: &Live, known: &[String]) -> Vec<String> {
        let own = format!("({}#{})", self.repository, self.number);
        if !self.is_readable || known.iter().any(|one| one.ends_with(&own)) {
            return Vec::new();
        }
        let people = match live.github.repo(&self.repository) {
            Ok(repo) => repo.people(self.number).await,
            Err(failure) => Err(failure),
        };
        people.map_or_else(
            |_| Vec::new(),
            |people| approvers::of_pull(&self.repository, self.number, &people),
        )
    }
}

/// Returns how a run ends with this verdict and these violations.
pub fn ending(verdict: Verdict, violations: Vec<String>) -> Ending {
    if !violations.is_empty() {
        return Ending::Violation(violations);
    }
    match verdict {
        Verdict::Returned(Ok(outcome)) => Ending::Decided(outcome),
        Verdict::Returned(Err(failure)) => Ending::Failed(describe(&failure).to_owned()),
        Verdict::Limit(limit) => Ending::Limit(limit.to_string()),
        Verdict::Cancelled => Ending::Cancelled,
        Verdict::Trapped(trap) => {
            if let Some(StoppedByRules(outcome)) = trap.downcast_ref() {
                return Ending::Decided(outcome.clone());
            }
            match trap.downcast_ref::<NoJournal>() {
                Some(error) => Ending::Failed(error.to_string()),
                None => Ending::Trapped(trap.root_cause().to_string()),
            }
        }
    }
}
