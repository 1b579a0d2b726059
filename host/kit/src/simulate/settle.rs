//! The end of a script: workflows that are over, what others have to do, and the way to where nothing waits any more.

use fastrand::Rng;

use super::company::{PEOPLE, draw};
use super::customs::{BranchRule, MergeMode};
use super::deed::{Deed, WorkflowEnd};
use super::generate::kills;
use super::script::{ClickState, ClickWish, PortClick, Script, ScriptStep};

/// Minutes after which nothing waits any more: eight days, one more than `limits.wait`.
pub(super) const LONG_AFTER: u32 = 8 * 24 * 60;

/// A resume in good weather.
pub(super) const RESUME: ScriptStep = ScriptStep::Resume {
    faults: Vec::new(),
    trouble: None,
};

impl Script {
    /// GitHub takes note of the workflow runs that are over: of a killed one, that its runner died or somebody cancelled it.
    pub(super) fn end_workflows(&mut self, rng: &mut Rng) {
        let how = |trouble: bool, rng: &mut Rng| match (trouble, rng.u8(..2)) {
            (false, _) => WorkflowEnd::Success,
            (true, 0) => WorkflowEnd::Failure,
            (true, _) => WorkflowEnd::Cancelled,
        };
        let ended: Vec<(usize, WorkflowEnd)> = match self.steps.last() {
            Some(ScriptStep::Run { click, trouble, .. }) => {
                let is_killed = trouble.is_some_and(|(_, trouble)| kills(trouble));
                vec![(
                    *click,
                    how(is_killed || self.may_lack_its_plan(*click), rng),
                )]
            }
            Some(ScriptStep::Together { clicks, .. }) => clicks
                .iter()
                .map(|click| (*click, WorkflowEnd::Success))
                .collect(),
            _ => Vec::new(),
        };
        for (click, how) in ended {
            let deed = Deed::WorkflowEnds { click, how };
            self.steps.push(ScriptStep::Deed(deed));
        }
    }

    /// The end: nothing goes wrong any more, people say yes, and either workflows that died are run again and somebody clicks
    /// twice, or `promote resume` is all that happens. Long after, nothing waits any more.
    pub(super) fn settle(&mut self, rng: &mut Rng) {
        self.steps.push(ScriptStep::Heal);
        for service in 0..self.company.services.len() {
            let locked = false;
            self.steps
                .push(ScriptStep::Deed(Deed::Lock { service, locked }));
        }
        self.steps.push(ScriptStep::Advance(600));
        if rng.bool() {
            self.settle_by_clicks(rng);
        }
        for click in 0..self.clicks.len() {
            if !self.is_over(click) {
                let how = match self.killed().contains(&click) || self.may_lack_its_plan(click) {
                    true => draw(rng, &[WorkflowEnd::Failure, WorkflowEnd::Cancelled]),
                    false => WorkflowEnd::Success,
                };
                let deed = Deed::WorkflowEnds { click, how };
                self.steps.push(ScriptStep::Deed(deed));
            }
        }
        self.steps.push(RESUME);
        self.let_merge();
        self.steps.push(ScriptStep::Advance(10));
        self.steps.push(RESUME);
        self.steps.push(ScriptStep::Advance(LONG_AFTER));
        for _ in 0..3 {
            self.steps.push(RESUME);
        }
    }

    /// Whether a workflow run may have ended since nobody could approve its plan: then it did not end well.
    pub(super) fn may_lack_its_plan(&self, click: usize) -> bool {
        self.clicks[click].is_planned
    }

    /// Whether GitHub has taken note of the end of a click's workflow run since it ran last.
    fn is_over(&self, click: usize) -> bool {
        let last = self.steps.iter().rev().find(|step| match step {
            ScriptStep::Run { click: one, .. } => *one == click,
            ScriptStep::Together { clicks, .. } => clicks.contains(&click),
            ScriptStep::Deed(Deed::WorkflowEnds { click: one, .. }) => *one == click,
            _ => false,
        });
        matches!(last, Some(ScriptStep::Deed(_)))
    }

    fn settle_by_clicks(&mut self, rng: &mut Rng) {
        for click in self.killed() {
            self.steps.push(plain(click));
        }
        for service in 0..self.company.services.len() {
            let click = PortClick {
                service,
                wish: ClickWish::Promote,
                state: ClickState::Open,
                by: PEOPLE[1],
                is_planned: false,
            };
            self.stage_newer(service, rng);
            let first = self.click(click);
            self.steps.push(plain(first));
            self.let_merge();
            self.steps.push(ScriptStep::Advance(10));
            // What others merge has settled with the second click, and what a run merges with the first.
            let clicks = match self.others_merge() || self.others_approve() {
                true => 2,
                false => 1,
            };
            for _ in 0..clicks {
                let again = self.click(click);
                self.steps.push(plain(again));
            }
        }
    }

    /// What others have to do before a proposal of this company is merged.
    pub(super) fn let_merge(&mut self) {
        if self.others_approve() {
            let approves = true;
            self.steps.push(ScriptStep::Deed(Deed::Review { approves }));
        }
        if self.others_merge() {
            self.steps.push(ScriptStep::Advance(2));
            self.steps.push(ScriptStep::Deed(Deed::Merge));
        }
    }

    pub(super) fn others_approve(&self) -> bool {
        self.company.rule == BranchRule::Approval || self.company.guard.wants_approval()
    }

    /// Whether a proposal of this company may need somebody to merge it.
    pub(super) fn others_merge(&self) -> bool {
        self.company.mode == MergeMode::PullRequest || self.company.rule != BranchRule::Nothing
    }

    /// The clicks whose workflow was killed, and which nobody ran again since.
    fn killed(&self) -> Vec<usize> {
        let mut killed = Vec::new();
        for step in &self.steps {
            let ScriptStep::Run { click, trouble, .. } = step else {
                continue;
            };
            killed.retain(|one| one != click);
            if trouble.is_some_and(|(_, trouble)| kills(trouble)) {
                killed.push(*click);
            }
        }
        killed
    }
}

/// A run in good weather.
pub(super) fn plain(click: usize) -> ScriptStep {
    ScriptStep::Run {
        click,
        faults: Vec::new(),
        trouble: None,
    }
}
