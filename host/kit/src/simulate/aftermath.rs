//! Laws about resumes, and about the end at which nothing waits any more.

use super::company::REPOSITORY;
use super::law::{BrokenLaw, WorldLaw};
use super::script::{ClickState, Script, ScriptStep};
use super::settle::LONG_AFTER;
use crate::scenario::StepResult;
use crate::settled::settled;
use promote_mock::World;
use promote_mock::port::RunStatus;

/// The clicks whose runs a resume went on with or ended.
pub(super) fn resumed(script: &Script, ran: &StepResult) -> Vec<usize> {
    let ids: Vec<String> = (0..script.clicks.len()).map(Script::run_id).collect();
    let touched = ran.together.iter().filter_map(|one| one.run.as_ref());
    touched
        .filter_map(|run| ids.iter().position(|id| id == run))
        .collect()
}

/// 6: a resume has touched a run for which a workflow is at work.
pub(super) fn disturbed(ran: &StepResult) -> Option<BrokenLaw> {
    let before = &ran.before;
    let is_alive = |run: &&String| {
        let title = format!("Port run {run}");
        let workflows = before.github.find(REPOSITORY).map(|it| &it.workflow_runs);
        let mut workflows = workflows.into_iter().flatten();
        let is_working = workflows.any(|it| it.title == title && it.conclusion.is_none());
        let known = before.port.runs.get(*run);
        let waits = known.and_then(|run| run.label.as_deref());
        let is_open = known.is_some_and(|run| run.status == RunStatus::InProgress);
        is_working && is_open && !waits.is_some_and(|label| label.starts_with("Wait"))
    };
    let touched = ran.together.iter().filter_map(|one| one.run.as_ref());
    let run = touched.into_iter().find(is_alive)?;
    let what = format!("resume touched run {run}, and its workflow is at work");
    Some(BrokenLaw::new(
        WorldLaw::Said,
        what,
        "{ outcome = \"idle\", no-writes = true }".to_owned(),
    ))
}

/// 10: a resume went on with a run that may not start.
pub(super) fn revived(script: &Script, clicks: &[usize]) -> Option<BrokenLaw> {
    let is_none = |click: &&usize| script.clicks[**click].state != ClickState::Open;
    let click = clicks.iter().find(is_none)?;
    let what = format!(
        "resume went on with run {}, which may not start",
        Script::run_id(*click)
    );
    Some(BrokenLaw::new(
        WorldLaw::Believed,
        what,
        "{ no-writes = true }".to_owned(),
    ))
}

/// Whether all has settled after a step: the last of a script that ends long after everything.
pub(super) fn is_the_end(script: &Script, place: usize) -> bool {
    let settling = script.steps.len() - script.settling;
    place + 1 == script.steps.len()
        && script.steps[settling..].contains(&ScriptStep::Advance(LONG_AFTER))
}

/// 6: a run that never ended. 2: a resume that finds something to do although all has settled.
pub(super) fn unended(script: &Script, ran: &StepResult) -> Option<BrokenLaw> {
    let open = script.clicks.iter().enumerate().find_map(|(click, known)| {
        let id = Script::run_id(click);
        let run = ran.after.port.runs.get(&id)?;
        let is_open = known.state == ClickState::Open && run.status == RunStatus::InProgress;
        is_open.then(|| (id, run.label.clone()))
    });
    if let Some((id, label)) = open {
        let what = format!("run {id} never ends; its label is {label:?}");
        let expect = format!("{{ run = {{ id = \"{id}\", status = \"SUCCESS\" }} }}");
        return Some(BrokenLaw::new(WorldLaw::Said, what, expect));
    }
    let has_moved =
        settled(&ran.before) != settled(&ran.after) || ends(&ran.before) != ends(&ran.after);
    has_moved.then(|| {
        let what = format!("a resume finds something to do for ever: {}", ran.message);
        let expect = "{ outcome = \"idle\", no-writes = true }".to_owned();
        BrokenLaw::new(WorldLaw::Once, what, expect)
    })
}

fn ends(world: &World) -> Vec<(&String, &str)> {
    let runs = world.port.runs.iter();
    runs.map(|(id, run)| (id, run.status.as_str())).collect()
}
