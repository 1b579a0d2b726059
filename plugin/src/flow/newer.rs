//! A run that goes on with what waits, where staging has come to run another image since.

use super::{PromotionPlan, PromotionRun};
use crate::gather::is_rollback;
use crate::host::PolicyHost;
use crate::settings::Newer;
use promote_guest::Stop;

impl<H: PolicyHost> PromotionRun<'_, H> {
    /// Returns the plan for what staging runs by now, if the settings want that in the place of what waits, and nothing speaks
    /// against it: what may not be promoted replaces nothing.
    pub(super) fn newer_plan(&mut self) -> Result<Option<PromotionPlan>, Stop> {
        let is_asked = self.settings.newer == Newer::Replace
            && !self.keeps_earlier
            && !is_rollback(&self.request, self.settings);
        let earlier = self.request.resumed.clone();
        let Some(earlier) = earlier.filter(|it| is_asked && !it.is_merged) else {
            return Ok(None);
        };
        self.request.to_mut().resumed = None;
        let found = self.decide();
        if let Ok(plan) = &found
            && plan.image_id != earlier.image
            && !plan.facts.is_current()
        {
            self.tell(&format!(
                "staging runs {} by now, which takes the place of pull request {}",
                plan.image, earlier.pull_request
            ));
            self.replaced = Some(earlier);
            return found.map(Some);
        }
        self.request.to_mut().resumed = Some(earlier);
        match found {
            Err(Stop::Failed(failure)) => Err(Stop::Failed(failure)),
            _ => Ok(None),
        }
    }

    /// Goes on with what waits after all, if nothing has been proposed in its place. Returns whether it does.
    pub(super) fn keep_earlier(&mut self) -> bool {
        let Some(earlier) = self.replaced.take() else {
            return false;
        };
        self.request.to_mut().resumed = Some(earlier);
        self.keeps_earlier = true;
        true
    }
}
