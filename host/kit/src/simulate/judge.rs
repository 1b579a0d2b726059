//! The invariants of the design, looked up in the world after each step: git, the catalog, runs, pull requests, the journal.
//!
//! It knows the company that the generator made up, and believes nothing that a run says. It shares no code with the gate
//! and the policies that it judges.

mod bond;
mod catalog;
mod changes;
mod words;

use std::collections::BTreeSet;

use super::aftermath::{disturbed, is_the_end, resumed, revived, unended};
use super::company::{BASE, Company, REPOSITORY};
use super::deed::Deed;
use super::guarded::unruly;
use super::history::BaseHistory;
use super::law::{BrokenLaw, WorldLaw};
use super::script::{ClickState, Script, ScriptStep};
use crate::scenario::StepResult;
use crate::settled::settled;
use bond::{PlannedImages, keeps_to_its_plan, written};
use catalog::{ahead, behind, told_too_early, was_held};
use changes::{ridden, ungranted, unproposed};
use promote_core::run::RunMode;
use promote_mock::World;
use promote_mock::git::ObjectId;
use promote_mock::github::PullState;
use words::{leaked, may_run_out, unbelieved, unknown, unsaid, unsound, untraced};

/// What is remembered of the steps before.
#[derive(Default)]
pub(super) struct Judge {
    /// The settled state after the last run that settles, and the way it ended, by service.
    last: Vec<(usize, String, Option<&'static str>)>,
    /// The services whose manifest or catalog entry a person has set by hand since a run of ours changed git.
    by_hand: BTreeSet<usize>,
    /// The services whose manifest somebody has changed on a branch of another service: a merge of it is that person's change.
    pushed_elsewhere: BTreeSet<usize>,
    /// The branches whose pull request a person has closed.
    closed: BTreeSet<String>,
    /// The images of the plans that runs keep to.
    planned: PlannedImages,
}

impl Judge {
    /// Returns the laws that do not hold after the step at this place.
    pub(super) fn look(
        &mut self,
        script: &Script,
        place: usize,
        ran: &StepResult,
    ) -> Vec<BrokenLaw> {
        let mut broken = Vec::new();
        let clicks: Vec<usize> = match &script.steps[place] {
            ScriptStep::Run { click, .. } => vec![*click],
            ScriptStep::Together { clicks, .. } => clicks.clone(),
            ScriptStep::Resume { .. } => resumed(script, ran),
            ScriptStep::Deed(
                Deed::SetByHand { service, .. } | Deed::EditCatalog { service, .. },
            ) => {
                self.by_hand.insert(*service);
                return broken;
            }
            ScriptStep::Deed(Deed::Push { service, .. }) => {
                let folder = format!("promote/{}/", script.company.services[*service].name);
                if pushed(&ran.before, &ran.after).is_some_and(|head| !head.starts_with(&folder)) {
                    self.pushed_elsewhere.insert(*service);
                }
                return broken;
            }
            ScriptStep::Deed(Deed::Close) => {
                self.closed.extend(heads(&ran.before, &ran.after));
                return broken;
            }
            _ => return broken,
        };
        let merged = BaseHistory::between(&ran.before, &ran.after).ours();
        self.by_hand.retain(|service| {
            let path = script.company.path(script.company.services[*service].name);
            merged.iter().all(|change| change.path != path)
        });
        for service in ahead(&script.company, ran) {
            // Where GitHub's answers lag, a read right after a commit by hand is one of the time before. A merge would say so.
            let may_lag = script.company.weather.stale_reads > 0 && self.by_hand.contains(&service);
            if !(may_lag && was_held(&script.company, service, ran)) {
                broken.extend(told_too_early(&script.company, service, ran));
            }
        }
        broken.extend(unproposed(&script.company, ran));
        broken.extend(ungranted(script, &clicks, ran));
        broken.extend(ridden(&script.company, ran));
        broken.extend(written(ran));
        broken.extend(leaked(ran));
        broken.extend(untraced(ran));
        broken.extend(unknown(ran));
        broken.extend(unruly(script, &clicks, ran));
        broken.extend(self.reproposed(ran));
        self.planned.see(script, &script.steps[place], ran);
        broken.extend(self.planned.unplanned(script, &clicks, ran));
        let is_resume = matches!(script.steps[place], ScriptStep::Resume { .. });
        let runs: Vec<&StepResult> = match ran.together.is_empty() && !is_resume {
            true => vec![ran],
            false => ran.together.iter().collect(),
        };
        let may_run_out = may_run_out(ran, script.steps[place].is_crowded());
        for (click, run) in clicks.iter().zip(runs) {
            // A plan that fails is nobody's last word.
            if script.clicks[*click].state == ClickState::Open && run.mode != Some(RunMode::Plan) {
                broken.extend(unsaid(*click, run, &ran.after));
            }
            if !(script.clicks[*click].is_planned && keeps_to_its_plan(run)) {
                broken.extend(unsound(run, may_run_out));
            }
        }
        if is_resume {
            broken.extend(disturbed(ran));
            broken.extend(revived(script, &clicks));
        } else if let &[click] = clicks.as_slice() {
            broken.extend(unbelieved(script, click, ran));
            if place + script.settling >= script.steps.len() {
                broken.extend(self.unsettled(script, place, click, ran));
            }
        }
        if is_the_end(script, place) {
            broken.extend(unended(script, ran));
            let services = 0..script.company.services.len();
            let kept = services.filter(|service| {
                !self.by_hand.contains(service) && !self.pushed_elsewhere.contains(service)
            });
            broken.extend(kept.filter_map(|service| behind(&script.company, service, &ran.after)));
        }
        broken
    }

    /// 2: a promotion is proposed or merged again whose pull request a person has closed.
    fn reproposed(&self, ran: &StepResult) -> Option<BrokenLaw> {
        let live = |world: &World| -> BTreeSet<(u64, String)> {
            let pulls = world.github.find(REPOSITORY).map(|it| &it.pulls);
            let pulls = pulls.into_iter().flat_map(|pulls| pulls.values());
            pulls
                .filter(|pull| !matches!(pull.state, PullState::Closed { .. }))
                .map(|pull| (pull.number, pull.head.clone()))
                .collect()
        };
        let (before, after) = (live(&ran.before), live(&ran.after));
        let mut new = after.difference(&before);
        let (number, head) = new.find(|(_, head)| self.closed.contains(head))?;
        let what = format!("somebody closed {head}, and #{number} is proposed all the same");
        let expect = "{ pulls = [\"closed\"] }".to_owned();
        Some(BrokenLaw::new(WorldLaw::Once, what, expect))
    }

    /// At the end of a settling service: catalog and git agree, and a second click changes nothing.
    fn unsettled(
        &mut self,
        script: &Script,
        place: usize,
        click: usize,
        ran: &StepResult,
    ) -> Option<BrokenLaw> {
        let service = script.clicks[click].service;
        let now = settled(&ran.after);
        let before = self.last.iter().position(|(known, ..)| *known == service);
        let before = before.map(|at| self.last.remove(at));
        self.last.push((service, now.clone(), ran.ending));
        let is_last = !script.steps[place + 1..]
            .iter()
            .any(|step| matches!(step, ScriptStep::Run { click, .. } if script.clicks[*click].service == service));
        if !is_last {
            return None;
        }
        let (_, was, ending) = before?;
        if was != now || kind(ending) != kind(ran.ending) {
            let what = format!(
                "a second click ends as {:?} after {ending:?}, and leaves another world: {}",
                ran.ending, ran.message
            );
            return Some(BrokenLaw::new(
                WorldLaw::Once,
                what,
                "{ no-writes = true }".to_owned(),
            ));
        }
        // A run that does not get so far says why; what it leaves behind, a resume records.
        if kind(ran.ending) != Some("promoted") || self.pushed_elsewhere.contains(&service) {
            return None;
        }
        behind(&script.company, service, &ran.after)
    }
}

/// The kind of an ending: one click promotes, and the next finds that done.
fn kind(ending: Option<&'static str>) -> Option<&'static str> {
    ending.map(|it| if it == "unchanged" { "promoted" } else { it })
}

/// The branch of the pull request onto which somebody has pushed.
fn pushed(before: &World, after: &World) -> Option<String> {
    let (before, after) = (
        before.github.find(REPOSITORY)?,
        after.github.find(REPOSITORY)?,
    );
    let has_moved = |number: &u64, head: &ObjectId| {
        let was = before.pulls.get(number);
        was.is_some_and(|was| was.head_sha != *head)
    };
    let mut pulls = after.pulls.iter();
    let (_, pull) = pulls.find(|(number, pull)| has_moved(number, &pull.head_sha))?;
    Some(pull.head.clone())
}

/// The branches of the pull requests into the base that are closed now, and were open.
fn heads(before: &World, after: &World) -> Vec<String> {
    let (Some(before), Some(after)) = (
        before.github.find(REPOSITORY),
        after.github.find(REPOSITORY),
    ) else {
        return Vec::new();
    };
    let closed = after.pulls.values().filter(|pull| {
        let was = before.pulls.get(&pull.number);
        let was_open = was.is_some_and(|was| was.state == PullState::Open);
        was_open && pull.base == BASE && matches!(pull.state, PullState::Closed { .. })
    });
    closed.map(|pull| pull.head.clone()).collect()
}

/// The image that production's manifest holds on the base, by its number.
pub(super) fn held(company: &Company, world: &World, service: &str) -> Option<u32> {
    image_in(
        &world
            .github
            .file_at(REPOSITORY, BASE, &company.path(service))?,
    )
}

/// The number of the one version `1.N.0` in a manifest.
fn image_in(text: &str) -> Option<u32> {
    let mut found = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .filter_map(|word| word.strip_prefix("1.")?.strip_suffix(".0")?.parse().ok());
    let first = found.next();
    first.filter(|_| found.next().is_none())
}
