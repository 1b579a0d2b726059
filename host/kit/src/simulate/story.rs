//! Stories: what seldom happens by chance in one script, told in order.

use fastrand::Rng;

use super::company::draw;
use super::deed::{Deed, WorkflowEnd};
use super::script::{ClickWish, Script, ScriptStep};
use super::settle::{RESUME, plain};
use crate::scenario::CallTrouble;

impl Script {
    /// A few steps that chance alone seldom puts into their order.
    pub(super) fn tell_story(&mut self, rng: &mut Rng) {
        let service = rng.usize(..self.company.services.len());
        match rng.u8(..8) {
            0..4 => self.tell_of_waiting(service, rng),
            4 => self.tell_of_going_back(service, rng),
            _ => self.tell_of_the_newer(service, rng),
        }
    }

    /// A promotion that waits or dies, what people make of it, and a resume.
    fn tell_of_waiting(&mut self, service: usize, rng: &mut Rng) {
        let click = self.clicked(service, ClickWish::Promote, rng);
        let ends = |how| ScriptStep::Deed(Deed::WorkflowEnds { click, how });
        let approves = ScriptStep::Deed(Deed::Review { approves: true });
        let lock = |locked| ScriptStep::Deed(Deed::Lock { service, locked });
        let end = match self.may_lack_its_plan(click) {
            true => WorkflowEnd::Failure,
            false => WorkflowEnd::Success,
        };
        let mut steps = vec![plain(click), ends(end)];
        match rng.u8(..5) {
            0 => steps.push(ScriptStep::Deed(Deed::Close)),
            1 => steps.extend([lock(true), approves, ScriptStep::Advance(1)]),
            2 => steps.extend([approves, ScriptStep::Advance(1)]),
            3 => steps.push(ScriptStep::Deed(Deed::Merge)),
            _ => {
                let trouble = Some((rng.usize(5..=10), CallTrouble::KillAfter));
                let faults = Vec::new();
                let how = draw(rng, &[WorkflowEnd::Failure, WorkflowEnd::Cancelled]);
                steps = vec![
                    ScriptStep::Run {
                        click,
                        faults,
                        trouble,
                    },
                    ends(how),
                ];
            }
        }
        self.steps.extend(steps);
        self.steps.push(RESUME);
    }

    /// A promotion, a rollback of it, and another click on the rollback.
    fn tell_of_going_back(&mut self, service: usize, rng: &mut Rng) {
        for wish in [ClickWish::Promote, ClickWish::Rollback, ClickWish::Rollback] {
            self.stage_newer(service, rng);
            let click = self.clicked(service, wish, rng);
            self.steps.push(plain(click));
            self.end_workflows(rng);
            self.let_merge();
            self.steps.extend([ScriptStep::Advance(10), RESUME]);
        }
    }

    /// A promotion that may wait, a newer image, and a resume that finds it or a click on it.
    fn tell_of_the_newer(&mut self, service: usize, rng: &mut Rng) {
        let click = self.clicked(service, ClickWish::Promote, rng);
        self.steps.push(plain(click));
        self.end_workflows(rng);
        self.stage_newer(service, rng);
        match rng.u8(..4) {
            0 => {
                let newer = self.clicked(service, ClickWish::Promote, rng);
                self.steps.push(plain(newer));
            }
            1..3 => {
                let newer = [(); 2].map(|()| self.clicked(service, ClickWish::Promote, rng));
                self.steps.push(ScriptStep::Together {
                    clicks: newer.to_vec(),
                    order: rng.u64(..1000),
                    faults: Vec::new(),
                });
            }
            _ => {}
        }
        self.end_workflows(rng);
        if rng.bool() {
            self.let_merge();
        }
        self.steps.extend([ScriptStep::Advance(1), RESUME]);
    }
}
