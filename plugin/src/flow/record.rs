//! What the catalog is told of production, and what is said where somebody has changed git since.

use super::{PromotionPlan, PromotionRun};
use crate::catalog::Item;
use crate::facts::LeftBehind;
use crate::gates::reason;
use crate::host::{Change, PolicyHost, PullRequest};
use crate::types::{EarlierProposal, Outcome, Promotion, Reason, ReasonCure, Relation};
use promote_guest::Stop;

impl<H: PolicyHost> PromotionRun<'_, H> {
    /// From here on this run is like one that goes on with what was merged: it proposes nothing, and whatever git holds by now
    /// is what the catalog is told.
    pub(super) fn go_on_merged(&mut self, plan: &PromotionPlan, pull: &PullRequest) {
        self.request.to_mut().resumed = Some(EarlierProposal {
            repository: plan.repository.clone(),
            pull_request: pull.number,
            head: pull.head.clone(),
            image: plan.image_id.clone(),
            is_merged: true,
            waits_until: None,
        });
    }

    /// Tells the catalog what git holds already, by a promotion that nobody has recorded: people merged it, and perhaps
    /// changed it before or after that.
    pub(super) fn catch_up(&mut self, plan: &PromotionPlan) -> Result<(), Stop> {
        let base = &self.settings.base;
        let (image, told) = match &plan.facts.left_behind {
            Some(LeftBehind::AsProposed(image)) => (
                image,
                format!("{base} holds `{image}` already, which was not recorded"),
            ),
            Some(LeftBehind::Changed { image, pull }) => (
                image,
                format!(
                    "{base} holds `{image}`, which is not what pull request {pull} proposed: somebody has changed it; it is recorded as git holds it"
                ),
            ),
            Some(LeftBehind::Unknown { .. }) | None => return Ok(()),
        };
        let Some(runtime) = plan.facts.production.first() else {
            return Ok(());
        };
        self.tell(&told);
        self.point(runtime, std::slice::from_ref(image))
    }

    /// The outcome of a run whose pull request was merged and whose image was replaced since, or on its branch: there is
    /// nothing left to do, unless nobody knows what the catalog should say.
    pub(super) fn moved_on(&mut self, plan: &PromotionPlan) -> Outcome {
        let base = &self.settings.base;
        let held = plan.facts.previous().unwrap_or_default();
        if let Some(LeftBehind::Unknown { pull }) = &plan.facts.left_behind {
            let named = if self.settings.searches_images() {
                "no image of Port's catalog is that"
            } else {
                "it is named like no image that is known"
            };
            let what = format!(
                "{base} holds `{held}`, which is not what pull request {pull} proposed, and {named}: add the image to Port's catalog, or say there which image production runs"
            );
            return Outcome::Refused(vec![Reason {
                cure: ReasonCure::People,
                ..reason("unrecorded", what)
            }]);
        }
        self.tell(&format!(
            "{} was merged, and {base} holds {held} by now",
            plan.image
        ));
        Outcome::Unchanged(Promotion {
            image: held,
            previous_image: None,
            pull_request: None,
            commit: None,
            is_rollback: false,
        })
    }

    /// Points the catalog's runtimes at the image, unless they do already. Returns whether one did not.
    pub(super) fn record(&mut self, plan: &PromotionPlan) -> Result<bool, Stop> {
        let relation = &self.settings.image_relation;
        let runtimes = plan.facts.production.iter().zip(&plan.facts.recorded);
        let mut is_changed = false;
        for (runtime, targets) in runtimes {
            if runtime.targets(relation) != *targets {
                self.point(runtime, targets)?;
                is_changed = true;
            }
        }
        Ok(is_changed)
    }

    /// Points the catalog's runtimes at the image that this run has merged, whatever they were seen to name before: another
    /// run may have told the catalog since.
    pub(super) fn record_all(&mut self, plan: &PromotionPlan) -> Result<(), Stop> {
        for (runtime, targets) in plan.facts.production.iter().zip(&plan.facts.recorded) {
            self.point(runtime, targets)?;
        }
        Ok(())
    }

    fn point(&mut self, runtime: &Item, targets: &[String]) -> Result<(), Stop> {
        let target = Relation {
            name: self.settings.image_relation.clone(),
            targets: targets.to_vec(),
        };
        let change = Change {
            title: None,
            properties: None,
            relations: vec![target],
        };
        self.host.update_entity(&runtime.key, &change)?;
        Ok(())
    }
}
