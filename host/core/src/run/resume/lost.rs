//! What was merged although its run has ended: the catalog is told all the same.

use super::overview::SurveyOverview;
use super::{NextStep, SurveyedRun, earlier};
use crate::run::ResumedRun;
use crate::service::port::PortRun;

/// Returns the pull requests that were merged for runs that had ended before they could tell the catalog, each with a run
/// by which it is recorded.
pub(super) fn lost_records(overview: &SurveyOverview<'_>) -> Vec<SurveyedRun> {
    // A run that said the last word itself has recorded what it merged.
    let is_told = |run: &String| {
        let label = overview.ended.get(run).and_then(PortRun::label);
        matches!(label, Some("Promoted" | "Rolled back" | "Already there"))
    };
    let untold = overview
        .untold()
        .filter(|known| !known.pull.runs.iter().any(is_told));
    let lost = untold.filter_map(|known| {
        let runs = known.pull.runs.iter().rev();
        let run = runs.filter_map(|run| overview.ended.get(run)).next()?;
        Some(SurveyedRun {
            run_id: run.id.clone(),
            step: NextStep::GoOn(ResumedRun {
                run_id: run.id.clone(),
                proposal: Some(earlier(known)),
                reviews: None,
                summary: String::new(),
                records_ended: true,
            }),
        })
    });
    lost.collect()
}
