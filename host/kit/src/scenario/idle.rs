//! Faults and events of a scenario that never struck: it does not try what it says that it tries.

use super::model::{Scenario, StepAction};
use super::result::{ExpectMismatch, StepResult};
use promote_mock::{ServiceFault, World};

/// Each fault and event that came to nothing, with the step (from 0) after which it could not strike any more.
pub(super) fn idle(scenario: &Scenario, ran: &[StepResult]) -> Vec<(usize, ExpectMismatch)> {
    let mut found = Vec::new();
    for (index, step) in scenario.steps.iter().enumerate() {
        // What heals the world ends its faults.
        if matches!(step.act, StepAction::Heal) {
            let faults = faults(&ran[index].before);
            found.extend(faults.map(|fault| (index, fault)));
        }
    }
    if let Some((last, after)) = ran.len().checked_sub(1).zip(ran.last()) {
        let left = faults(&after.after).chain(events(&after.after));
        found.extend(left.map(|mismatch| (last, mismatch)));
    }
    found
}

fn faults(world: &World) -> impl Iterator<Item = ExpectMismatch> {
    let idle = world.faults.0.iter().filter(|fault| !fault.has_struck());
    idle.map(|fault| ExpectMismatch {
        key: "given.faults".to_owned(),
        expected: format!("the fault at {} strikes", place(fault)),
        actual: match fault.count {
            0 => "no request matches it".to_owned(),
            one => format!(
                "{one} requests match it, and it strikes from number {}",
                fault.nth
            ),
        },
    })
}

fn place(fault: &ServiceFault) -> String {
    let service = fault
        .service
        .map_or_else(|| "any service".to_owned(), |service| service.to_string());
    let method = fault.method.as_deref().unwrap_or("any request");
    format!("{service}: {method} {}", String::from(fault.path.clone()))
}

fn events(world: &World) -> impl Iterator<Item = ExpectMismatch> {
    let timed = world
        .schedule
        .iter()
        .map(|event| format!("at {}", event.at));
    let around = world.github.schedule.iter();
    let around = around.map(|event| format!("{}", event.when));
    let awaited = world.awaited.iter().map(|event| event.when.to_string());
    let all: Vec<String> = timed.chain(around).chain(awaited).collect();
    all.into_iter().map(|when| ExpectMismatch {
        key: "given.events".to_owned(),
        expected: format!("the event {when} happens"),
        actual: "the scenario ends before it".to_owned(),
    })
}
