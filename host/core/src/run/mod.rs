//! One run, from the request to the last word.
//!
//! ```text
//! RunJob ──▶ begin: confirm with Port ▸ choose the policy ▸ fill in the grants ──▶ Gate ──▶ policy ──▶ finish
//! ```
//!
//! [`run`] is the only place that puts a gate before a source: a live run, a scenario, the doctor's probe, a benchmark and
//! every test go through it. Whatever happens, it ends with the journal's footer, the last word to Port and the
//! revocation of minted tokens.
//!
//! How a run may end, and what that is to the three who are told, a program, Port and its user:
//!
//! ```
//! use promote_core::run::ending::Ending;
//!
//! let end = Ending::Limit("the policy reached its limit of 2 calls".into());
//! assert_eq!(end.exit_code(), 4);
//! assert_eq!(end.status(), Some("FAILURE"));
//! assert_eq!((end.kind(), end.label()), ("limit", "Limit reached"));
//! ```
//!
//! In reading order: `job`, what a run is given; `claim`, Port's word on the message that started it; `begin`; `verdict` and
//! [`ending`](mod@ending); [`last_word`] and `finish`; [`resume`], which carries on what waits. Next: [`text`](crate::text).

pub mod approvers;
mod begin;
mod cancel;
mod claim;
mod closing;
mod deployment;
pub mod ending;
mod finish;
mod job;
mod kept_comment;
pub mod last_word;
pub mod observer;
mod pull;
pub mod record;
pub mod resume;
mod verdict;
mod wait_notice;
mod waiting;

use std::future::Future;
use std::pin::pin;

use crate::contract::{Outcome, Request};
use crate::gate::{CallAnswer, CallRecord, Gate, GateRecord, RuleBench, RunParts};
use crate::policy::engine::Verdict;
use crate::policy::sandbox::SandboxSetup;
use crate::source::approved::PlannedWrite;
use ending::Ending;

pub use begin::STARTING;
use begin::{RefusedStart, RunBeginning, RunTerms};
use cancel::CancelSignal;
pub use claim::RunClaim;
use finish::{LastWords, RunEnd, finish};
use job::assemble;
pub use job::{
    ChosenPolicy, Interpose, OperatorTerms, PolicyChoice, ResumedRun, RunJob, RunMode, RunOrigin,
    RunTask,
};
use pull::{PromotionPull, known_pull};
use record::RecordBasis;
pub use verdict::{ending, settled, unproven, within_plan};
use wait_notice::{ResumeTerms, WaitNotices};

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
        record: job.terms.record.clone(),
        environment: job.terms.environment.clone(),
        revokes: !matches!(job.origin, RunOrigin::Probe(_)),
        place: job.workflow.url.clone(),
        known: match &job.origin {
            RunOrigin::Resumed(resumed) => Some(resumed.summary.clone()),
            _ => None,
        },
    };
    // Whoever goes on with a run is at work already.
    let is_begun = matches!(job.origin, RunOrigin::PortRun(_)) && job.task.mode() == RunMode::Run;
    let resume_terms = is_begun.then(|| ResumeTerms {
        workflows: job.workflows.clone(),
        file: job.terms.resume_workflow.clone(),
    });
    let plan = job.task.plan().map(str::to_owned);
    let surroundings = SandboxSetup {
        now: job.clock.now(),
        seed: job.seed,
    };
    let cancel = pin!(cancel);
    let mut cancel = CancelSignal::new(cancel);
    let (mut parts, origin, terms) = assemble(job);
    let RunBeginning {
        program,
        grants,
        request,
        rules,
        basis,
    } = match begin_or_stop(&mut parts, origin, terms, &mut cancel).await {
        Ok(beginning) => beginning,
        Err(ending) => return finish(RunEnd::early(ending), parts, last_words, &mut cancel).await,
    };
    let bench = RuleBench::new(rules, &request);
    let gate = Gate::new(parts, grants).with_rules(bench);
    let (verdict, gate, printed) = engine
        .run(&program, &request, gate, &surroundings, cancel.hear())
        .await;
    let mut record = gate.close();
    let ending = within_plan(judged(verdict, &mut record, &request), plan.as_deref());
    let notices = match (&resume_terms, &ending) {
        (Some(terms), Ending::Decided(Outcome::Waiting(_))) => {
            let looking = WaitNotices::look(&record.run, &request.action, terms);
            tokio::select! {
                biased;
                () = cancel.hear() => WaitNotices::default(),
                notices = looking => notices,
            }
        }
        _ => WaitNotices::default(),
    };
    let end = RunEnd {
        notices,
        printed,
        ..reached(ending, request, basis, &mut record, &last_words).await
    };
    finish(end, record.run, last_words, &mut cancel).await
}

/// Returns the ending that a verdict comes to, by what the gate has seen and denied.
fn judged(verdict: Verdict, record: &mut GateRecord, request: &Request) -> Ending {
    let mut violations = std::mem::take(&mut record.violations);
    let has_misfits = !record.misfits.is_empty();
    // A denied proposal must not end as if all were well.
    if !verdict.is_refusal() {
        violations.splice(..0, std::mem::take(&mut record.misfits));
    }
    violations.extend(unproven(&verdict, &record.evidence, &record.grants));
    let verdict = if has_misfits {
        verdict
    } else {
        settled(verdict, &record.awaited, request)
    };
    ending(verdict, violations)
}

/// Returns the end of a run whose policy came to an ending: with its pull request, its deployment and who approved it.
async fn reached(
    ending: Ending,
    request: Request,
    basis: RecordBasis,
    record: &mut GateRecord,
    last_words: &LastWords,
) -> RunEnd {
    let pull_request = known_pull(&ending, &record.evidence, &record.grants);
    if let (Some(pull), Ending::Decided(Outcome::Waiting(_))) = (&pull_request, &ending) {
        record.run.live.port.add_pull_request(&pull.page);
    }
    let answers = record.timeline.iter();
    let answers = answers.filter_map(|step| match &step.answer {
        CallAnswer::Reply(reply) => Some((&step.call, reply)),
        _ => None,
    });
    let mut approved_by = approvers::approvers(&request, answers);
    if last_words.record.is_some()
        && let (Some(pull), Ending::Decided(Outcome::Promoted(_))) = (&pull_request, &ending)
    {
        approved_by.extend(pull.approvers(&record.run.live, &approved_by).await);
    }
    let deployment = deployment::deployment(
        &ending,
        &last_word::message(&ending, RunMode::Run),
        &request,
        &record.evidence,
        &record.grants,
        last_words.environment.as_deref(),
    );
    RunEnd {
        ending,
        request: Some(request),
        basis: Some(basis),
        pull_request,
        deployment,
        notices: WaitNotices::default(),
        approved_by,
        timeline: std::mem::take(&mut record.timeline),
        printed: String::new(),
    }
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
