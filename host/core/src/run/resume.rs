//! Which promotions wait, and what becomes of each: decided from Port's runs and GitHub's pull requests alone.
//!
//! Between runs nothing of ours is alive. A Port run that is in progress under one of our labels waits; the pull request that
//! belongs to it says so in its note. Nothing here is believed for a merge: the run that goes on reads, asks every rule and
//! compares commits as any other.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::ResumedRun;
use crate::contract::types::Awaited;
use crate::contract::{EarlierProposal, Failure, Mergeability, PullState};
use crate::grants::{Grants, Operation};
use crate::service::github::ProposedPull;
use crate::service::port::{PortRun, RunStatus};
use crate::source::live::Live;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct SurveyTerms<'a> {
    /// The actions whose runs may wait.
    pub actions: &'a [String],
    /// The operator's grants: the repositories in which proposals are looked for.
    pub grants: &'a Grants,
    /// How long a promotion may wait (`limits.wait`).
    pub wait: SignedDuration,
    /// The time.
    pub now: Timestamp,
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
    /// It may go on.
    GoOn(ResumedRun),
    /// It ends.
    End(WaitEnd),
}

/// How a run that waited ends without another look at the promotion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitEnd {
    /// The label of the Port run.
    pub label: &'static str,
    /// What happened, for people.
    pub message: String,
    /// The pull request to close, and its branch to delete: repository, number, branch.
    pub discard: Option<(String, u32, String)>,
}

/// A waiting run with all that is known of it.
struct Candidate<'a> {
    run: &'a PortRun,
    awaited: Awaited,
    pull: Option<&'a ProposedPull>,
}

/// Looks at every run that waits and says what becomes of it, the oldest first; then at what was merged for runs that have
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
    let mut surveyed = Vec::new();
    for run in &runs {
        let Some(candidate) = candidate(run, &pulls) else {
            continue;
        };
        let step = step(live, &candidate, &runs, &terms).await?;
        surveyed.push(SurveyedRun {
            run_id: run.id.clone(),
            step,
        });
    }
    surveyed.extend(orphans(live, &runs, &pulls, terms).await?);
    Ok(surveyed)
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

/// Returns a run that waits, with its newest pull request.
fn candidate<'a>(run: &'a PortRun, pulls: &'a [ProposedPull]) -> Option<Candidate<'a>> {
    if run.status() != RunStatus::InProgress {
        return None;
    }
    let awaited = Awaited::of_label(run.label()?)?;
    let pull = pulls
        .iter()
        .filter(|known| known.pull.runs.contains(&run.id))
        .max_by_key(|known| known.pull.number);
    Some(Candidate { run, awaited, pull })
}

async fn step(
    live: &Live,
    candidate: &Candidate<'_>,
    runs: &[PortRun],
    terms: &SurveyTerms<'_>,
) -> Result<NextStep, Failure> {
    let Candidate { run, awaited, pull } = candidate;
    let Some(known) = pull else {
        return Ok(step_without_pull(run, *awaited, terms));
    };
    let number = known.pull.number;
    Ok(match known.pull.state {
        PullState::Merged => go_on(run, Some(known)),
        PullState::Closed => {
            let repo = live.github.repo(&known.repository)?;
            let by = repo.closed_by(number).await?;
            NextStep::End(closed(candidate, known, by.as_deref(), runs))
        }
        PullState::Open if is_overdue(run, terms) => {
            NextStep::End(given_up(run, terms, Some(known)))
        }
        PullState::Open => {
            let repo = live.github.repo(&known.repository)?;
            let pull = repo.pull_request(number).await?;
            if may_move(pull.mergeable, *awaited) {
                go_on(run, Some(known))
            } else {
                NextStep::Leave
            }
        }
    })
}

/// Returns whether another look can change anything. Conflicts are told to people, once: the run then waits in other words.
fn may_move(mergeable: Mergeability, awaited: Awaited) -> bool {
    match mergeable {
        Mergeability::Blocked | Mergeability::Draft => false,
        // Nobody but a person or the queue merges it.
        Mergeability::Ready => !matches!(awaited, Awaited::Queue | Awaited::Merge),
        Mergeability::Behind | Mergeability::Conflicting | Mergeability::Unknown => true,
    }
}

fn step_without_pull(run: &PortRun, awaited: Awaited, terms: &SurveyTerms<'_>) -> NextStep {
    if is_overdue(run, terms) {
        return NextStep::End(given_up(run, terms, None));
    }
    match until(run.summary()) {
        Some(until) if until > terms.now => NextStep::Leave,
        // A deployment is told by the pull request that brought it.
        _ if awaited == Awaited::Sync => NextStep::Leave,
        _ => go_on(run, None),
    }
}

/// Reads the time until which a run waits out of its summary, where the host wrote it.
fn until(summary: &str) -> Option<Timestamp> {
    let (_, until) = summary.rsplit_once(", until ")?;
    until.parse().ok()
}

fn go_on(run: &PortRun, pull: Option<&ProposedPull>) -> NextStep {
    NextStep::GoOn(ResumedRun {
        run_id: run.id.clone(),
        proposal: pull.map(earlier),
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
    }
}

fn is_overdue(run: &PortRun, terms: &SurveyTerms<'_>) -> bool {
    let created = run.created_at().and_then(|at| at.parse::<Timestamp>().ok());
    created.is_some_and(|at| terms.now.duration_since(at) > terms.wait)
}

fn given_up(run: &PortRun, terms: &SurveyTerms<'_>, pull: Option<&ProposedPull>) -> WaitEnd {
    let days = terms.wait.as_hours() / 24;
    let time = if days > 0 {
        format!("{days} days")
    } else {
        format!("{} minutes", terms.wait.as_mins())
    };
    let what = match pull {
        Some(known) => format!(": pull request #{} is closed", known.pull.number),
        None => String::new(),
    };
    WaitEnd {
        label: "Given up",
        message: format!(
            "given up after {time} (`limits.wait`){what}; it said: {}. Start the action again to go on",
            run.summary()
        ),
        discard: pull.map(|known| {
            (
                known.repository.clone(),
                known.pull.number,
                known.pull.head.clone(),
            )
        }),
    }
}

/// A pull request that was closed without a merge ends its run: by a newer click that took its place, or by a person, whose
/// word is a no.
fn closed(
    candidate: &Candidate<'_>,
    known: &ProposedPull,
    by: Option<&str>,
    runs: &[PortRun],
) -> WaitEnd {
    let number = known.pull.number;
    let run = candidate.run;
    let is_own = by.is_some() && by == known.author.as_deref();
    let newer = runs.iter().rev().find(|other| {
        other.id != run.id
            && other.subject() == run.subject()
            && other.created_at() > run.created_at()
    });
    let (label, message) = match (newer, by) {
        (Some(newer), _) if is_own || by.is_none() => (
            "Replaced",
            format!(
                "pull request #{number} of run {} was closed: the newer run {} took its place",
                run.id, newer.id
            ),
        ),
        (_, Some(_)) if is_own => (
            "Replaced",
            format!("pull request #{number} was closed: a newer promotion took its place"),
        ),
        (_, Some(by)) => (
            "Closed",
            format!(
                "pull request #{number} was closed by {by} without a merge: reopen it and start the action again to go on"
            ),
        ),
        (_, None) => (
            "Closed",
            format!(
                "pull request #{number} was closed without a merge: reopen it and start the action again to go on"
            ),
        ),
    };
    WaitEnd {
        label,
        message,
        discard: None,
    }
}

/// What was merged, although its run has ended before it could tell the catalog.
async fn orphans(
    live: &Live,
    active: &[PortRun],
    pulls: &[ProposedPull],
    terms: SurveyTerms<'_>,
) -> Result<Vec<SurveyedRun>, Failure> {
    let is_known = |run: &String| active.iter().any(|known| known.id == *run);
    let lost: Vec<&ProposedPull> = pulls
        .iter()
        .filter(|known| known.pull.state == PullState::Merged && !known.is_recorded)
        .filter(|known| !known.pull.runs.iter().any(is_known))
        .collect();
    if lost.is_empty() {
        return Ok(Vec::new());
    }
    let mut ended = BTreeMap::new();
    for action in terms.actions {
        let runs = live.port.runs(action, false).await?;
        ended.extend(runs.into_iter().map(|run| (run.id.clone(), run)));
    }
    // A run that said the last word itself has recorded what it merged.
    let is_told = |run: &String| {
        let label = ended.get(run).and_then(PortRun::label);
        matches!(label, Some("Promoted" | "Rolled back" | "Already there"))
    };
    let mut surveyed = Vec::new();
    for known in lost {
        if known.pull.runs.iter().any(is_told) {
            continue;
        }
        let Some(run) = known.pull.runs.iter().rev().find_map(|run| ended.get(run)) else {
            continue;
        };
        surveyed.push(SurveyedRun {
            run_id: run.id.clone(),
            step: NextStep::GoOn(ResumedRun {
                run_id: run.id.clone(),
                proposal: Some(earlier(known)),
                summary: String::new(),
                records_ended: true,
            }),
        });
    }
    Ok(surveyed)
}

/// Ends a run that waited: closes what it proposed, if it is to be discarded, and tells Port. `live` is of that run.
///
/// # Errors
/// When Port or GitHub does not do it.
pub async fn end(live: &Live, end: &WaitEnd) -> Result<(), Failure> {
    if let Some((repository, number, branch)) = &end.discard {
        let repo = live.github.repo(repository)?;
        repo.close(*number).await?;
        repo.delete_branch(branch).await?;
    }
    live.port
        .end(&end.message, end.label, Some("FAILURE"))
        .await
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
