//! What was merged although its run has ended: the catalog is told all the same.

use jiff::{SignedDuration, Timestamp};

use super::overview::SurveyOverview;
use super::{NextStep, SurveyedRun, earlier};
use crate::contract::PullRequest;
use crate::run::ResumedRun;
use crate::service::port::PortRun;

/// How far the clocks of Port and GitHub may be apart.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// Returns the pull requests that were merged for runs that had ended before they could tell the catalog, each with a run
/// by which it is recorded.
pub(super) fn lost_records(overview: &SurveyOverview<'_>) -> Vec<SurveyedRun> {
    let untold = overview.untold().filter(|known| {
        let runs = known.pull.runs.iter();
        let mut ended = runs.filter_map(|run| overview.ended.get(run));
        !ended.any(|run| has_told(run, &known.pull))
    });
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

/// Whether a run that said the last word itself has recorded this merge: one of before the merge speaks of another.
fn has_told(run: &PortRun, pull: &PullRequest) -> bool {
    let skew = match run.label() {
        Some("Promoted" | "Rolled back") => CLOCK_SKEW,
        Some("Already there") => SignedDuration::ZERO,
        _ => return false,
    };
    let time = |at: Option<&str>| at?.parse::<Timestamp>().ok();
    match (time(run.ended_at()), time(pull.merged_at.as_deref())) {
        (Some(ended), Some(merged)) => merged.duration_since(ended) <= skew,
        _ => true,
    }
}
