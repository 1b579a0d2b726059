//! What was merged although its run has ended: the catalog is told all the same.

use std::collections::BTreeMap;

use super::{NextStep, SurveyTerms, SurveyedRun, earlier};
use crate::contract::{Failure, PullState};
use crate::run::ResumedRun;
use crate::service::github::ProposedPull;
use crate::service::port::PortRun;
use crate::source::live::Live;

/// Returns the pull requests that were merged for runs that had ended before they could tell the catalog, each with a run
/// by which it is recorded.
pub(super) async fn lost_records(
    live: &Live,
    active: &[PortRun],
    pulls: &[ProposedPull],
    terms: &SurveyTerms<'_>,
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
