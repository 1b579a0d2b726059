//! From a seed to a script: a random company, random clicks, random people and random weather, and an end at which all settles.

use fastrand::Rng;

use super::company::{BranchRule, Company, MergeMode, draw};
use super::script::{
    ClickState, ClickWish, Deed, FaultKind, PortClick, ROUTES, Script, ScriptFault, ScriptStep,
};
use crate::scenario::CallTrouble;

/// The most steps before all settles.
const MAX_STEPS: usize = 9;
/// The most calls of a run that a trouble is drawn for; a run that makes fewer meets none.
const MAX_CALL: usize = 16;

impl Script {
    /// The script of a seed.
    pub(super) fn draw(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut script = Self {
            seed,
            company: Company::draw(&mut rng),
            clicks: Vec::new(),
            steps: Vec::new(),
            settling: 0,
        };
        for _ in 0..rng.usize(2..=MAX_STEPS) {
            let step = script.draw_step(&mut rng);
            script.steps.push(step);
        }
        let before = script.steps.len();
        script.settle();
        script.settling = script.steps.len() - before;
        script
    }

    fn draw_step(&mut self, rng: &mut Rng) -> ScriptStep {
        match rng.u8(..100) {
            0..42 => self.draw_run(rng),
            42..50 => {
                let clicks = (0..rng.usize(2..=3)).map(|_| self.draw_click(rng));
                ScriptStep::Together {
                    clicks: clicks.collect(),
                    order: rng.u64(..1000),
                }
            }
            50..62 => ScriptStep::Advance(draw(rng, &[1, 10, 60, 600])),
            62..66 => ScriptStep::Heal,
            _ => ScriptStep::Deed(self.draw_deed(rng)),
        }
    }

    fn draw_run(&mut self, rng: &mut Rng) -> ScriptStep {
        let click = self.draw_click(rng);
        let faults = (0..draw(rng, &[0, 0, 1, 1, 2]))
            .map(|_| ScriptFault {
                route: draw(rng, &ROUTES),
                effect: draw(rng, &FaultKind::ALL),
                nth: rng.u32(1..=3),
                times: draw(rng, &[1, 1, 2, 6]),
            })
            .collect();
        let troubles = [CallTrouble::KillBefore, CallTrouble::KillAfter];
        let trouble = (rng.u8(..4) == 0).then(|| (rng.usize(1..=MAX_CALL), draw(rng, &troubles)));
        ScriptStep::Run {
            click,
            faults,
            trouble,
        }
    }

    /// A click: mostly a new one, sometimes the workflow of an old one again.
    fn draw_click(&mut self, rng: &mut Rng) -> usize {
        if !self.clicks.is_empty() && rng.u8(..5) == 0 {
            return rng.usize(..self.clicks.len());
        }
        let wish = match rng.u8(..8) {
            0 => ClickWish::Rollback,
            _ => ClickWish::Promote,
        };
        let state = match rng.u8(..24) {
            0 => ClickState::WaitsForApproval,
            1 => ClickState::Declined,
            2 => ClickState::OtherAction,
            _ => ClickState::Open,
        };
        let service = rng.usize(..self.company.services.len());
        self.click(service, wish, state)
    }

    fn click(&mut self, service: usize, wish: ClickWish, state: ClickState) -> usize {
        self.clicks.push(PortClick {
            service,
            wish,
            state,
        });
        self.clicks.len() - 1
    }

    fn draw_deed(&self, rng: &mut Rng) -> Deed {
        let service = rng.usize(..self.company.services.len());
        let image = rng.u32(1..=self.company.services[service].images);
        match rng.u8(..11) {
            0..3 => Deed::Stage { service, image },
            3 => Deed::Lock {
                service,
                locked: rng.u8(..3) > 0,
            },
            4 => Deed::EditCatalog { service, image },
            5 => Deed::SetByHand {
                service,
                image,
                replicas: rng.u32(1..=5),
            },
            6 => Deed::CommitElsewhere {
                line: rng.u32(..1000),
            },
            7 => draw(rng, &[Deed::Close, Deed::Retarget]),
            8 => Deed::Merge,
            9 => Deed::Review {
                approves: rng.u8(..3) > 0,
            },
            _ => Deed::Sync { service },
        }
    }

    /// The end: nothing goes wrong any more, people say yes, workflows that died are run again, and somebody clicks twice.
    fn settle(&mut self) {
        self.steps.push(ScriptStep::Heal);
        for service in 0..self.company.services.len() {
            let locked = false;
            self.steps
                .push(ScriptStep::Deed(Deed::Lock { service, locked }));
        }
        for click in self.killed() {
            self.steps.push(plain(click));
        }
        for service in 0..self.company.services.len() {
            let click = self.click(service, ClickWish::Promote, ClickState::Open);
            self.steps.push(plain(click));
            self.let_merge();
            self.steps.push(ScriptStep::Advance(10));
            for _ in 0..2 {
                let click = self.click(service, ClickWish::Promote, ClickState::Open);
                self.steps.push(plain(click));
            }
        }
    }

    /// What others have to do before a proposal of this company is merged.
    fn let_merge(&mut self) {
        if self.company.rule == BranchRule::Approval {
            let approves = true;
            self.steps.push(ScriptStep::Deed(Deed::Review { approves }));
        }
        let people =
            self.company.mode == MergeMode::PullRequest || self.company.rule != BranchRule::Nothing;
        if people {
            self.steps.push(ScriptStep::Advance(2));
            self.steps.push(ScriptStep::Deed(Deed::Merge));
        }
    }

    /// The clicks whose workflow was killed, and which nobody ran again since.
    fn killed(&self) -> Vec<usize> {
        let mut killed = Vec::new();
        for step in &self.steps {
            match step {
                ScriptStep::Run {
                    click,
                    trouble: Some(_),
                    ..
                } if !killed.contains(click) => killed.push(*click),
                ScriptStep::Run {
                    click,
                    trouble: None,
                    ..
                } => killed.retain(|one| one != click),
                _ => {}
            }
        }
        killed
    }
}

fn plain(click: usize) -> ScriptStep {
    ScriptStep::Run {
        click,
        faults: Vec::new(),
        trouble: None,
    }
}
