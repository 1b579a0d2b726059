//! The plan of a service, judged: what it says of the set-up, and what of a state that passes.

use crate::finding::{DoctorFindings, FindingCode, Severity};
use promote_core::call::Call;
use promote_core::contract::{Outcome, Reason};
use promote_core::gate::CallAnswer;
use promote_core::run::RunResult;
use promote_core::run::ending::Ending;

/// Rules of the built-in policy that speak of the set-up. Every other reason, and every reason of another policy under
/// another name, speaks of a state that passes, such as a lock.
const SETUP_RULES: [&str; 8] = [
    "service",
    "staging",
    "production",
    "image",
    "digest",
    "manifest",
    "repository",
    "settings",
];

/// Adds the findings from the plan of a service.
pub(super) fn add_result(result: &RunResult, name: &str, findings: &mut DoctorFindings) {
    match &result.ending {
        Ending::Violation(violations) => {
            for violation in violations {
                findings.error(
                    FindingCode::GrantNarrow,
                    name,
                    violation.clone(),
                    "add the grant to promote.toml, if the policy should be able to do this",
                );
            }
        }
        Ending::Decided(Outcome::Refused(reasons)) => {
            for reason in reasons {
                add_reason(reason, name, findings);
            }
        }
        Ending::Decided(_) => check_catalog(result, name, findings),
        Ending::Failed(what) => {
            let fix = "do what the message says, then run `promote doctor` again";
            findings.add(
                failure_severity(result),
                FindingCode::WouldFail,
                name,
                what,
                fix,
            );
        }
        Ending::Limit(limit) => findings.error(
            FindingCode::WouldFail,
            name,
            limit.clone(),
            "raise the limit in promote.toml",
        ),
        Ending::Trapped(trap) => findings.error(
            FindingCode::WouldFail,
            name,
            format!("the policy crashed: {trap}"),
            "tell its author",
        ),
        Ending::Unusable(what) => findings.error(
            FindingCode::WouldFail,
            name,
            what.clone(),
            "correct promote.toml, then run `promote doctor` again",
        ),
        Ending::Cancelled => findings.add(
            Severity::Unknown,
            FindingCode::WouldFail,
            name,
            "it was stopped",
            "run it again",
        ),
    }
}

/// Finds a catalog that lags behind git: the plan would record an image and propose nothing.
fn check_catalog(result: &RunResult, name: &str, findings: &mut DoctorFindings) {
    let has = |is_meant: fn(&Call) -> bool| result.timeline.iter().any(|it| is_meant(&it.call));
    let records = has(|call| matches!(call, Call::UpdateEntity { .. }));
    let proposes = has(|call| matches!(call, Call::Propose { .. }));
    if records && !proposes {
        findings.warning(
            FindingCode::CatalogBehind,
            name,
            "git holds an image for production that the catalog does not name",
            "promote the service once more: the run finds the work done and records it",
        );
    }
}

/// Adds a reason: an error if the set-up is at fault.
fn add_reason(reason: &Reason, name: &str, findings: &mut DoctorFindings) {
    let what = format!("{} ({})", reason.message, reason.rule);
    if SETUP_RULES.contains(&reason.rule.as_str()) {
        findings.error(
            FindingCode::WouldRefuse,
            name,
            what,
            "`promote explain` says what the rule wants",
        );
    } else {
        findings.note(
            FindingCode::WouldRefuse,
            name,
            what,
            "a run would refuse now; this passes, or people decide it",
        );
    }
}

/// Returns the severity of a failed plan: a service that did not answer says nothing of the set-up.
fn failure_severity(result: &RunResult) -> Severity {
    let failure = result
        .timeline
        .iter()
        .rev()
        .find_map(|record| match &record.answer {
            CallAnswer::Failure(failure) => Some(failure),
            _ => None,
        });
    failure.map_or(Severity::Error, Severity::of_failure)
}
