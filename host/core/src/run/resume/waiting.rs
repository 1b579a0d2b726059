//! What becomes of a run that waits.

use super::overview::SurveyOverview;
use super::{Candidate, NextStep, SurveyTerms, ended_by_close, go_on, is_overdue, until, verdict};
use crate::contract::types::Awaited;
use crate::contract::{Failure, Mergeability, PullState};
use crate::service::port::PortRun;

/// Says what becomes of a run that waits.
pub(super) async fn waiting_step(
    overview: &SurveyOverview<'_>,
    candidate: &Candidate<'_>,
    awaited: Awaited,
) -> Result<NextStep, Failure> {
    let Candidate { run, pull, .. } = candidate;
    let terms = overview.terms;
    let Some(known) = pull else {
        return Ok(step_without_pull(run, awaited, terms));
    };
    Ok(match known.pull.state {
        PullState::Merged if awaited == Awaited::Sync => match overview.overtaken(run) {
            // Production is to run another image by now, so this one is neither to be seen there nor to be taken back.
            Some((newer, number)) => NextStep::End(verdict::overtaken(run, known, newer, number)),
            None => go_on(run, Some(known)),
        },
        PullState::Merged => go_on(run, Some(known)),
        PullState::Closed => ended_by_close(overview, candidate, known).await?,
        PullState::Open if is_overdue(run, terms) => {
            NextStep::End(verdict::given_up(run, terms, Some(known)))
        }
        PullState::Open => {
            let is_moving =
                terms.visits_open || may_move(overview.mergeability(known).await?, awaited);
            if is_moving {
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
        Mergeability::Draft => false,
        // Only we can tell what a rule says by now, and a status of ours may be what blocks it.
        Mergeability::Blocked => awaited == Awaited::Rule,
        // Nobody but a person or the queue merges it.
        Mergeability::Ready => !matches!(awaited, Awaited::Queue | Awaited::Merge),
        Mergeability::Behind | Mergeability::Conflicting | Mergeability::Unknown => true,
    }
}

fn step_without_pull(run: &PortRun, awaited: Awaited, terms: &SurveyTerms<'_>) -> NextStep {
    if is_overdue(run, terms) {
        return NextStep::End(verdict::given_up(run, terms, None));
    }
    match until(run.summary()) {
        Some(until) if until > terms.now => NextStep::Leave,
        // A deployment is told by the pull request that brought it.
        _ if awaited == Awaited::Sync => NextStep::Leave,
        _ => go_on(run, None),
    }
}
