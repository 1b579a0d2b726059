//! How a run that nobody works for any more ends, in words.

use super::{Candidate, EndLabel, SurveyTerms, WaitEnd};
use crate::service::github::{ProposedPull, WorkflowRun};
use crate::service::port::{ActionWorkflow, PortRun};

/// Ends a run that has waited longer than it may.
pub(super) fn given_up(
    run: &PortRun,
    terms: &SurveyTerms<'_>,
    pull: Option<&ProposedPull>,
) -> WaitEnd {
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
    let said = match run.summary() {
        "" => String::new(),
        summary => format!("; it said: {summary}"),
    };
    WaitEnd {
        discard: pull.map(|known| {
            (
                known.repository.clone(),
                known.pull.number,
                known.pull.head.clone(),
            )
        }),
        ..WaitEnd::of(
            run,
            EndLabel::GivenUp,
            format!(
                "given up after {time} (`limits.wait`){what}{said}. Start the action again to go on"
            ),
        )
    }
}

/// A pull request that was closed without a merge ends its run: by a newer click that took its place, or by a person, whose
/// word is a no.
pub(super) fn closed(
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
            EndLabel::Replaced,
            format!(
                "pull request #{number} of run {} was closed: the newer run {} took its place",
                run.id, newer.id
            ),
        ),
        (_, Some(_)) if is_own => (
            EndLabel::Replaced,
            format!("pull request #{number} was closed: a newer promotion took its place"),
        ),
        (_, Some(by)) => (
            EndLabel::Closed,
            format!(
                "pull request #{number} was closed by {by} without a merge: reopen it and start the action again to go on"
            ),
        ),
        (_, None) => (
            EndLabel::Closed,
            format!(
                "pull request #{number} was closed without a merge: reopen it and start the action again to go on"
            ),
        ),
    };
    WaitEnd::of(run, label, message)
}

/// Ends a run in whose place a newer click on the same target waits.
pub(super) fn replaced(run: &PortRun, newer: &PortRun) -> WaitEnd {
    WaitEnd::of(
        run,
        EndLabel::Replaced,
        format!(
            "run {} was replaced: the newer run {} waits for the same promotion in its place",
            run.id, newer.id
        ),
    )
}

/// Ends a run that waited only for production to run its image, which a newer promotion has replaced: what was asked for was
/// done.
pub(super) fn overtaken(
    run: &PortRun,
    known: &ProposedPull,
    newer: &PortRun,
    number: u32,
) -> WaitEnd {
    WaitEnd {
        is_success: true,
        ..WaitEnd::of(
            run,
            EndLabel::Promoted,
            format!(
                "promoted by pull request #{}; not verified: the newer run {} merged pull request #{number} before production said that it runs this one",
                known.pull.number, newer.id
            ),
        )
    }
}

/// Ends a run whose workflow run was over before it had proposed anything.
pub(super) fn never_proposed(run: &PortRun, workflow: &WorkflowRun) -> WaitEnd {
    let again = "nothing was proposed; start the action again";
    match workflow.conclusion() {
        Some("cancelled") => WaitEnd::of(
            run,
            EndLabel::Cancelled,
            format!(
                "cancelled before it started: somebody or GitHub cancelled the workflow run {}; {again}",
                workflow.url
            ),
        ),
        conclusion => WaitEnd::of(
            run,
            EndLabel::Failed,
            format!(
                "failed: the workflow run {} ended ({}) without a word; {again}",
                workflow.url,
                conclusion.unwrap_or("unknown")
            ),
        ),
    }
}

/// Ends a run whose workflow run was cancelled after it had proposed: it is people's from here on.
pub(super) fn cancelled(run: &PortRun, workflow: &WorkflowRun, known: &ProposedPull) -> WaitEnd {
    WaitEnd::of(
        run,
        EndLabel::Cancelled,
        format!(
            "cancelled: the workflow run {} was, so nothing more is merged for it; pull request #{} is open: merge or close it, or start the action again",
            workflow.url, known.pull.number
        ),
    )
}

/// Ends a run for which no workflow run was ever made.
pub(super) fn never_started(run: &PortRun, workflow: &ActionWorkflow) -> WaitEnd {
    let by = match &workflow.installation {
        Some(installation) => format!("Port's installation `{installation}`"),
        None => "Port's GitHub app".to_owned(),
    };
    WaitEnd::of(
        run,
        EndLabel::NeverStarted,
        format!(
            "failed: {by} has started no run of {} in {}: look whether it may start workflows there and whether the workflow is enabled, then start the action again",
            workflow.file, workflow.repository
        ),
    )
}

/// Ends a run that a reviewer of its environment did not let start.
pub(super) fn rejected(run: &PortRun, by: &str, environment: &str) -> WaitEnd {
    WaitEnd::of(
        run,
        EndLabel::Rejected,
        format!(
            "refused: {by} rejected its workflow run in the environment `{environment}`; nothing is merged for it"
        ),
    )
}
