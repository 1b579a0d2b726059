//! Which promotions wait, and what becomes of each: decided from Port's runs and GitHub's pull requests alone.
//!
//! Between runs nothing of ours is alive. A Port run that is in progress under one of our labels waits; the pull request that
//! belongs to it says so in its note. Nothing here is believed for a merge: the run that goes on reads, asks every rule and
//! compares commits as any other.
//!
//! A run in progress without one of our labels has a workflow run at work for it, or nobody: GitHub's list of workflow runs
//! tells.

mod end_label;
mod lost;
mod overview;
mod verdict;
mod waiting;
mod watch;
mod workflow;

use jiff::{SignedDuration, Timestamp};

use super::ResumedRun;
use crate::contract::types::Awaited;
use crate::contract::{EarlierProposal, Failure, PullState};
use crate::grants::{Grants, Operation};
use crate::service::github::ProposedPull;
use crate::service::port::{PortRun, RunStatus};
use crate::source::live::Live;
use crate::text;
use lost::lost_records;
use overview::SurveyOverview;
use waiting::waiting_step;
use workflow::{ReviewState, WorkflowLens, WorkflowState};

pub use end_label::EndLabel;
pub use watch::ResumeWatch;
pub use workflow::{RUN_NAME, WorkflowAccess, WorkflowClient};

/// How long Port may take until the workflow run is there.
const START_TIME: SignedDuration = SignedDuration::from_mins(30);

/// How long GitHub may answer with the base branch as it was before a merge.
pub(crate) const MERGE_LAG: SignedDuration = SignedDuration::from_mins(10);

/// What is looked at.
#[derive(Clone, Copy)]
pub struct SurveyTerms<'a> {
    /// The actions whose runs may wait.
    pub actions: &'a [String],
    /// The operator's grants: the repositories in which proposals are looked for.
    pub grants: &'a Grants,
    /// How long a promotion may wait (`limits.wait`).
    pub wait: SignedDuration,
    /// Whether every run with an open pull request goes on, and not only where GitHub says that something has moved: rules hold
    /// merges by its status, or a newer image may take its place.
    pub visits_open: bool,
    /// The time.
    pub now: Timestamp,
    /// The way to workflow runs, if there is one: without it, runs that may be dead are left alone.
    pub workflows: Option<WorkflowAccess<'a>>,
    /// The environment that the workflow of a run needs (`[workflow] environment`).
    pub environment: Option<&'a str>,
}

/// A Port run, and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyedRun {
    /// Port's identifier of the run.
    pub run_id: String,
    /// What becomes of it.
    pub step: NextStep,
}

/// What becomes of a run that waits.
#[derive(Clone, Debug, PartialEq)]
pub enum NextStep {
    /// Nothing yet.
    Leave,
    /// It could go on, and somebody must do something first.
    Hold(String),
    /// It could be told what becomes of it, if a service had answered.
    Unclear(String),
    /// It may go on.
    GoOn(ResumedRun),
    /// It ends.
    End(WaitEnd),
}

/// How a run that waited ends without another look at the promotion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitEnd {
    /// Whether what was clicked for has come to be.
    pub is_success: bool,
    /// The label of the Port run.
    pub label: EndLabel,
    /// What happened, for people.
    pub message: String,
    /// The pull request to close, and its branch to delete: repository, number, branch.
    pub discard: Option<(String, u32, String)>,
    /// The label that the run had when it was looked at: one that says more by now is left alone.
    seen: Option<String>,
}

impl WaitEnd {
    /// Returns the end of a run, as it was seen, that failed and closes nothing.
    fn of(run: &PortRun, label: EndLabel, message: String) -> Self {
        Self {
            is_success: false,
            label,
            message,
            discard: None,
            seen: run.label().map(str::to_owned),
        }
    }
}

/// A run in progress with all that is known of it.
struct Candidate<'a> {
    run: &'a PortRun,
    /// What it waits for; none if its label is not ours, and somebody may be at work for it.
    awaited: Option<Awaited>,
    pull: Option<&'a ProposedPull>,
}

/// Looks at every run in progress and says what becomes of it, the oldest first; then at what was merged for runs that have
/// ended meanwhile.
///
/// # Errors
/// When Port or GitHub does not answer.
pub async fn survey(live: &Live, terms: SurveyTerms<'_>) -> Result<Vec<SurveyedRun>, Failure> {
    let mut runs = Vec::new();
    for action in terms.actions {
        runs.extend(live.port.runs(action, true).await?);
    }
    runs.sort_by_key(|run| run.created_at());
    let since = terms.now.checked_sub(terms.wait).unwrap_or(Timestamp::MIN);
    let mut pulls = Vec::new();
    for repository in repositories(terms.grants) {
        pulls.extend(live.github.repo(&repository)?.proposed_since(since).await?);
    }
    let oldest = runs.iter().filter_map(started).min();
    let mut lens = WorkflowLens::new(
        &live.port,
        terms.workflows,
        terms.environment,
        oldest.unwrap_or(since),
    );
    let candidates: Vec<Candidate<'_>> = runs
        .iter()
        .filter_map(|run| candidate(run, &pulls))
        .collect();
    let overview = SurveyOverview::read(live, &terms, &runs, &pulls, &candidates).await?;
    let mut surveyed = Vec::new();
    for candidate in &candidates {
        let run = candidate.run;
        let step = if let Some(newer) = newer_click(candidate, &candidates) {
            Some(NextStep::End(verdict::replaced(run, newer)))
        } else if let Some(awaited) = candidate.awaited {
            let step = waiting_step(&overview, candidate, awaited).await?;
            Some(reviewed(step, run, &mut lens).await)
        } else if lens.can_see() {
            match working_step(&overview, candidate, &mut lens).await? {
                Some(step) => Some(reviewed(step, run, &mut lens).await),
                None => None,
            }
        } else {
            None
        };
        surveyed.extend(step.map(|step| SurveyedRun {
            run_id: run.id.clone(),
            step,
        }));
    }
    surveyed.extend(lost_records(&overview));
    for run in &mut surveyed {
        if overview.is_too_early(&run.step).await {
            run.step = NextStep::Leave;
        }
    }
    Ok(surveyed)
}

/// Lets a run go on only if reviewers let its workflow run start; what is merged already is recorded in any case.
async fn reviewed(step: NextStep, run: &PortRun, lens: &mut WorkflowLens<'_>) -> NextStep {
    let NextStep::GoOn(resumed) = step else {
        return step;
    };
    if resumed.proposal.as_ref().is_some_and(|it| it.is_merged) {
        return NextStep::GoOn(resumed);
    }
    match lens.reviews(run).await {
        ReviewState::Passed(reviews) => NextStep::GoOn(ResumedRun { reviews, ..resumed }),
        ReviewState::Rejected(by, environment) => {
            NextStep::End(verdict::rejected(run, &by, &environment))
        }
        ReviewState::Missing(why) => NextStep::Hold(why),
        ReviewState::Unclear(why) => NextStep::Unclear(why),
    }
}

/// The repositories into which a grant lets a policy propose.
fn repositories(grants: &Grants) -> Vec<String> {
    let mut names: Vec<String> = grants
        .0
        .iter()
        .filter(|grant| grant.covers(Operation::Propose))
        .flat_map(|grant| grant.repository.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Returns a run in progress, with its newest pull request.
fn candidate<'a>(run: &'a PortRun, pulls: &'a [ProposedPull]) -> Option<Candidate<'a>> {
    if run.status() != RunStatus::InProgress {
        return None;
    }
    let pull = pulls
        .iter()
        .filter(|known| known.pull.runs.contains(&run.id))
        .max_by_key(|known| known.pull.number);
    Some(Candidate {
        run,
        awaited: run.label().and_then(Awaited::of_label),
        pull,
    })
}

/// Returns the newest click on the same target with the same inputs, if it waits as this run does: for nothing that is
/// proposed yet, or by the same pull request, which is the newer run's from here on.
fn newer_click<'a>(candidate: &Candidate<'a>, all: &[Candidate<'a>]) -> Option<&'a PortRun> {
    candidate.awaited?;
    let (run, pull) = (candidate.run, candidate.pull);
    let is_shared = |newer: &Candidate<'_>| match pull {
        None => true,
        Some(pull) => {
            pull.pull.state == PullState::Open
                && newer.pull.is_some_and(|it| {
                    (&it.repository, it.pull.number) == (&pull.repository, pull.pull.number)
                })
        }
    };
    let newer = all.iter().rev().find(|newer| {
        newer.awaited.is_some()
            && newer.run.subject() == run.subject()
            && newer.run.action() == run.action()
            && newer.run.inputs() == run.inputs()
            && started(newer.run) > started(run)
            && is_shared(newer)
    });
    newer.map(|newer| newer.run)
}

/// Says what becomes of a run that does not wait: nothing as long as its workflow run lives.
async fn working_step(
    overview: &SurveyOverview<'_>,
    candidate: &Candidate<'_>,
    lens: &mut WorkflowLens<'_>,
) -> Result<Option<NextStep>, Failure> {
    let Candidate { run, pull, .. } = candidate;
    let is_new = started(run).is_none_or(|at| overview.terms.now.duration_since(at) <= START_TIME);
    let workflow = match lens.state(run).await {
        WorkflowState::Over(workflow) => workflow,
        WorkflowState::Absent(workflow) if !is_new => {
            return Ok(Some(NextStep::End(verdict::never_started(run, &workflow))));
        }
        WorkflowState::Unclear(why) if !is_new => return Ok(Some(NextStep::Unclear(why))),
        WorkflowState::Alive | WorkflowState::Absent(_) | WorkflowState::Unclear(_) => {
            return Ok(None);
        }
    };
    let is_cancelled = workflow.conclusion() == Some("cancelled");
    Ok(Some(match pull {
        // It ended well, and only its last word is lost.
        None if workflow.conclusion() == Some("success") => go_on(run, None),
        None => NextStep::End(match lens.reviews(run).await {
            ReviewState::Rejected(by, environment) => verdict::rejected(run, &by, &environment),
            _ => verdict::never_proposed(run, &workflow),
        }),
        Some(known) => match known.pull.state {
            PullState::Merged => go_on(run, Some(known)),
            PullState::Closed => ended_by_close(overview, candidate, known).await?,
            PullState::Open if is_cancelled => {
                NextStep::End(verdict::cancelled(run, &workflow, known))
            }
            PullState::Open => go_on(run, Some(known)),
        },
    }))
}

async fn ended_by_close(
    overview: &SurveyOverview<'_>,
    candidate: &Candidate<'_>,
    known: &ProposedPull,
) -> Result<NextStep, Failure> {
    let repo = overview.live.github.repo(&known.repository)?;
    let by = repo.closed_by(known.pull.number).await?;
    let end = verdict::closed(candidate, known, by.as_deref(), overview.runs);
    Ok(NextStep::End(end))
}

/// Reads the time until which a run waits out of its summary, where the host wrote it.
fn until(summary: &str) -> Option<Timestamp> {
    let (_, until) = summary.rsplit_once(", until ")?;
    until.parse().ok()
}

/// Returns until when a run waits for its deployment.
fn sync_until(run: &PortRun) -> Option<String> {
    let awaited = run.label().and_then(Awaited::of_label)?;
    let until = until(run.summary()).filter(|_| awaited == Awaited::Sync)?;
    Some(until.to_string())
}

fn go_on(run: &PortRun, pull: Option<&ProposedPull>) -> NextStep {
    NextStep::GoOn(ResumedRun {
        run_id: run.id.clone(),
        proposal: pull.map(|known| EarlierProposal {
            waits_until: sync_until(run),
            ..earlier(known)
        }),
        reviews: None,
        summary: run.summary().to_owned(),
        records_ended: false,
    })
}

fn earlier(known: &ProposedPull) -> EarlierProposal {
    EarlierProposal {
        repository: known.repository.clone(),
        pull_request: known.pull.number,
        head: known.pull.head.clone(),
        image: known.pull.image.clone().unwrap_or_default(),
        is_merged: known.pull.state == PullState::Merged,
        waits_until: None,
    }
}

fn is_overdue(run: &PortRun, terms: &SurveyTerms<'_>) -> bool {
    started(run).is_some_and(|at| terms.now.duration_since(at) > terms.wait)
}

fn started(run: &PortRun) -> Option<Timestamp> {
    run.created_at()?.parse().ok()
}

/// Ends a run that nobody works for: closes what it proposed, if it is to be discarded, and tells Port. `live` is of that
/// run. Returns whether it was still as it was seen; one that moved on by itself is left alone.
///
/// # Errors
/// When Port or GitHub does not do it.
pub async fn end(live: &Live, end: &WaitEnd) -> Result<bool, Failure> {
    let run = live.port.run().await?;
    if run.status() != RunStatus::InProgress || run.label() != end.seen.as_deref() {
        return Ok(false);
    }
    if let Some((repository, number, branch)) = &end.discard {
        let repo = live.github.repo(repository)?;
        repo.close(*number).await?;
        repo.delete_branch(branch).await?;
    }
    let status = if end.is_success { "SUCCESS" } else { "FAILURE" };
    let waited = !run.summary().is_empty();
    let summary = text::line(&end.message);
    live.port.show(waited.then_some(summary.as_str())).await;
    let label = end.label.text();
    live.port.end(&end.message, label, Some(status)).await?;
    Ok(true)
}

/// Notes in the pull request that its promotion was recorded although its run had ended.
///
/// # Errors
/// When GitHub does not do it.
pub async fn note_recorded(live: &Live, proposal: &EarlierProposal) -> Result<(), Failure> {
    live.github
        .repo(&proposal.repository)?
        .note_recorded(
            proposal.pull_request,
            "Recorded in Port's catalog after its run had ended.",
        )
        .await
}
