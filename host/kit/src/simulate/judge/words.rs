//! Laws 5 to 8 and 10: what a run says, leaves in its journal and asks the services for.

use super::super::law::{BrokenLaw, WorldLaw};
use super::super::script::{ClickState, Script};
use crate::scenario::StepResult;
use crate::settled::settled;
use promote_mock::port::RunStatus;
use promote_mock::{FaultEffect, ServiceFault, World};

/// 5.
pub(super) fn leaked(ran: &StepResult) -> Option<BrokenLaw> {
    let is_secret = |text: &str| ran.before.betrayed_by(text) || ran.after.betrayed_by(text);
    let runs = || std::iter::once(ran).chain(&ran.together);
    let mut places = ran.leaks.clone();
    if runs().any(|run| is_secret(&run.journal)) {
        places.push("a journal");
    }
    if runs().any(|run| is_secret(&run.message)) {
        places.push("a message");
    }
    (!places.is_empty()).then(|| {
        let what = format!("a secret can be read in {}", places.join(", "));
        BrokenLaw::new(WorldLaw::Secrets, what, "{ exit = 0 }".to_owned())
    })
}

/// 6: a run that was not killed has ended, and Port shows it in progress.
pub(super) fn unsaid(click: usize, run: &StepResult, world: &World) -> Option<BrokenLaw> {
    let ending = run.ending?;
    let id = Script::run_id(click);
    let is_open = world.port.runs.get(&id)?.status == RunStatus::InProgress;
    let may_be_open = ending == "waiting"
        || run.message.contains("Port could not be told")
        || ran_nothing(ending);
    (is_open && !may_be_open).then(|| {
        let what = format!(
            "run {id} ended as {ending} ({}), and Port shows it in progress",
            run.message
        );
        BrokenLaw::new(
            WorldLaw::Said,
            what,
            "{ run.status = \"FAILURE\" }".to_owned(),
        )
    })
}

/// A run that may not start leaves Port as it is.
fn ran_nothing(ending: &str) -> bool {
    ending == "unusable"
}

/// 7: a write that a service took, and that no journal of the step has.
pub(super) fn untraced(ran: &StepResult) -> Option<BrokenLaw> {
    let journals = || {
        std::iter::once(ran)
            .chain(&ran.together)
            .map(|run| &run.journal)
    };
    // Each as REST has it, as a mutation of GraphQL, and as a journal does.
    let writes = [
        ("PUT", "/merge", "pulls/merge", "\"call\":\"merge"),
        ("POST", "/pulls", "pulls/create", "\"call\":\"propose"),
        ("PATCH", "/entities/", "-", "\"call\":\"update-entity"),
    ];
    ran.requests.iter().find_map(|request| {
        let taken = request.status.is_some_and(|status| status < 300);
        let is_of = |method: &str, path: &str| {
            taken && request.method.as_str() == method && request.path.contains(path)
        };
        let (.., call) = writes.iter().find(|(method, path, operation, call)| {
            let is_made = is_of(method, path) || request.operations.contains(operation);
            is_made && !journals().any(|journal| journal.contains(call))
        })?;
        let what = format!(
            "{} {} did what no journal has: {call}",
            request.method, request.path
        );
        Some(BrokenLaw::new(
            WorldLaw::Trace,
            what,
            "{ no-writes = true }".to_owned(),
        ))
    })
}

/// 8.
pub(super) fn unknown(ran: &StepResult) -> Option<BrokenLaw> {
    let asked = ran.requests.iter().find(|request| request.unknown)?;
    let what = format!(
        "{} {} is no request that the service has",
        asked.method, asked.path
    );
    Some(BrokenLaw::new(
        WorldLaw::Routes,
        what,
        "{ exit = 0 }".to_owned(),
    ))
}

/// 10: a run that Port does not confirm changes nothing but, at most, its own words.
pub(super) fn unbelieved(script: &Script, click: usize, ran: &StepResult) -> Option<BrokenLaw> {
    let started = script.clicks[click].state == ClickState::Open;
    let changed = settled(&ran.before) != settled(&ran.after);
    (!started && changed).then(|| {
        let what = format!(
            "run {} may not start, and changed something",
            Script::run_id(click)
        );
        BrokenLaw::new(WorldLaw::Believed, what, "{ no-writes = true }".to_owned())
    })
}

/// Whether a service is slow, or lets nobody in for a while: runs may wait until they have no time left. Runs at the same time pass
/// the world's time for each other.
pub(super) fn may_run_out(ran: &StepResult, is_crowded: bool) -> bool {
    let is_slow = |fault: &ServiceFault| {
        matches!(
            fault.then,
            FaultEffect::Delay(_) | FaultEffect::RateLimit(_)
        )
    };
    is_crowded || ran.after.faults.0.iter().any(is_slow)
}

/// A crash, a broken grant or a limit. The company's policy and grants fit each other.
///
/// `may_run_out` says whether there is a reason to run out of time.
pub(super) fn unsound(run: &StepResult, may_run_out: bool) -> Option<BrokenLaw> {
    let ending = run.ending?;
    if ending == "limit" && may_run_out {
        return None;
    }
    ["trapped", "violation", "limit", "unusable"]
        .contains(&ending)
        .then(|| {
            let what = format!("the run ended as {ending}: {}", run.message);
            BrokenLaw::new(WorldLaw::Sound, what, "{ exit = 0 }".to_owned())
        })
}
