//! Plans: what a run that keeps to one merges is what was planned, however long it waits, and a plan itself changes nothing.

use std::collections::BTreeMap;

use super::super::company::{Company, entity};
use super::super::guarded::merges_by_itself;
use super::super::history::BaseHistory;
use super::super::law::{BrokenLaw, WorldLaw};
use super::super::script::{ClickWish, Script, ScriptStep};
use super::held;
use crate::scenario::StepResult;
use crate::settled::settled;
use promote_core::run::RunMode;
use promote_mock::World;

/// The image that staging ran when the plan of a click was made, by click.
#[derive(Default)]
pub(super) struct PlannedImages(BTreeMap<usize, String>);

impl PlannedImages {
    /// Remembers the plan of a run that has one, and forgets that of a run that goes without, or whose plan nobody could approve.
    pub(super) fn see(&mut self, script: &Script, step: &ScriptStep, ran: &StepResult) {
        for click in step.clicks() {
            let known = script.clicks[*click];
            let has_plan =
                known.is_planned && !step.is_crowded() && ran.mode != Some(RunMode::Plan);
            let is_planned = has_plan && known.wish == ClickWish::Promote;
            match staged(&script.company, known.service, &ran.before) {
                Some(image) if is_planned => self.0.insert(*click, image),
                _ => self.0.remove(click),
            };
        }
    }

    /// 3: runs that keep to plans have brought to the base what none of the plans holds.
    pub(super) fn unplanned(
        &self,
        script: &Script,
        clicks: &[usize],
        ran: &StepResult,
    ) -> Option<BrokenLaw> {
        let company = &script.company;
        if merges_by_itself(company) {
            return None;
        }
        let ours = BaseHistory::between(&ran.before, &ran.after).ours();
        let changed = company.services.iter().enumerate().filter(|(_, service)| {
            let path = company.path(service.name);
            ours.iter().any(|change| change.path == path)
        });
        changed.into_iter().find_map(|(place, service)| {
            let own = clicks.iter();
            let own = own.filter(|click| script.clicks[**click].service == place);
            let plans: Vec<&String> = own
                .map(|click| self.0.get(click))
                .collect::<Option<Vec<_>>>()?;
            let first = plans.first()?;
            let image = entity(service.name, held(company, &ran.after, service.name)?);
            (!plans.contains(&&image)).then(|| {
                let what = format!("a run whose plan is {first} has merged {image}");
                BrokenLaw::new(WorldLaw::Proposed, what, "{ diff = {} }".to_owned())
            })
        })
    }
}

/// Whether a run has ended since the world asked for another write than its plan has: it stops, as it should.
pub(super) fn keeps_to_its_plan(run: &StepResult) -> bool {
    run.ending == Some("violation") && run.message.contains("this is not what the plan says")
}

/// 4: a plan has changed something.
pub(super) fn written(ran: &StepResult) -> Option<BrokenLaw> {
    let changes = ran.mode == Some(RunMode::Plan) && settled(&ran.before) != settled(&ran.after);
    changes.then(|| {
        let what = "a plan has changed something".to_owned();
        BrokenLaw::new(WorldLaw::Authority, what, "{ no-writes = true }".to_owned())
    })
}

/// The image that the catalog says staging runs.
fn staged(company: &Company, service: usize, world: &World) -> Option<String> {
    let staging = format!("{}-staging", company.services[service].name);
    let runtime = world.port.entity("running_service", &staging)?;
    let image = runtime.relations.get("image")?;
    image.identifiers().first().cloned()
}
