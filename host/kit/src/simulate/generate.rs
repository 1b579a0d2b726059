//! From a seed to a script: a random company, random clicks, random people and random weather, and an end at which all settles.

use fastrand::Rng;

use super::company::{Company, CompanyService, PEOPLE, draw};
use super::deed::{Deed, WorkflowEnd};
use super::fault::{RunTroubles, draw_faults};
use super::script::{ClickState, ClickWish, PortClick, Script, ScriptStep};
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
        if rng.u8(..3) == 0 {
            script.tell_story(&mut rng);
        }
        for _ in 0..rng.usize(2..=MAX_STEPS) {
            let step = script.draw_step(&mut rng);
            let is_run = matches!(step, ScriptStep::Run { .. });
            if script.runs_again(&step) {
                // No runner is there in the second in which the workflow run before has ended.
                script.steps.push(ScriptStep::Advance(1));
            }
            script.steps.push(step);
            if rng.u8(..4) > 0 {
                script.end_workflows(&mut rng);
            }
            if is_run && rng.bool() {
                script.let_merge();
            }
        }
        let before = script.steps.len();
        script.settle(&mut rng);
        script.settling = script.steps.len() - before;
        script
    }

    fn draw_step(&mut self, rng: &mut Rng) -> ScriptStep {
        match rng.u8(..100) {
            0..34 => self.draw_run(rng),
            34..44 => {
                let (faults, trouble) = draw_troubles(&self.company, rng);
                ScriptStep::Resume { faults, trouble }
            }
            44..50 => {
                let count = draw(rng, &[2, 2, 2, 2, 3, 3, 3, 8]);
                let clicks = (0..count).map(|_| self.draw_click(rng));
                ScriptStep::Together {
                    clicks: clicks.collect(),
                    order: rng.u64(..1000),
                    faults: draw_faults(&self.company, rng, &[0, 1, 1, 2]),
                }
            }
            50..62 => ScriptStep::Advance(draw(rng, &[1, 10, 60, 600])),
            62..66 => ScriptStep::Heal,
            _ => ScriptStep::Deed(self.draw_deed(rng)),
        }
    }

    /// A click of which Port lets the run start.
    pub(super) fn clicked(&mut self, service: usize, wish: ClickWish, rng: &mut Rng) -> usize {
        let by = draw(rng, &PEOPLE);
        self.click(PortClick {
            service,
            wish,
            state: ClickState::Open,
            by,
            is_planned: rng.u8(..4) == 0,
        })
    }

    /// Whether a step runs the workflow of a click that has run before.
    fn runs_again(&self, step: &ScriptStep) -> bool {
        let before = |click| self.steps.iter().any(|step| step.clicks().contains(click));
        step.clicks().iter().any(before)
    }

    fn draw_run(&mut self, rng: &mut Rng) -> ScriptStep {
        let click = self.draw_click(rng);
        if rng.u8(..5) > 0 {
            self.stage_newer(self.clicks[click].service, rng);
        }
        let (faults, trouble) = draw_troubles(&self.company, rng);
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
        let wish = match rng.u8(..12) {
            0 => ClickWish::Rollback,
            _ => ClickWish::Promote,
        };
        let state = match rng.u8(..48) {
            0 => ClickState::WaitsForApproval,
            1 => ClickState::Declined,
            2 => ClickState::OtherAction,
            _ => ClickState::Open,
        };
        let service = rng.usize(..self.company.services.len());
        let by = draw(rng, &PEOPLE);
        let is_planned = rng.u8(..8) == 0;
        self.click(PortClick {
            service,
            wish,
            state,
            by,
            is_planned,
        })
    }

    /// Staging runs a newer image, as far as there is one: without it, a click has seldom anything to promote.
    pub(super) fn stage_newer(&mut self, service: usize, rng: &mut Rng) {
        let CompanyService {
            images, staging, ..
        } = self.company.services[service];
        let last = self.steps.iter().rev().find_map(|step| match step {
            ScriptStep::Deed(Deed::Stage { service: of, image }) if *of == service => Some(*image),
            _ => None,
        });
        let next = (last.unwrap_or(staging) + 1).min(images);
        let image = rng.u32(next..=(next + 1).min(images));
        self.steps
            .push(ScriptStep::Deed(Deed::Stage { service, image }));
    }

    pub(super) fn click(&mut self, click: PortClick) -> usize {
        self.clicks.push(click);
        self.clicks.len() - 1
    }

    fn draw_deed(&self, rng: &mut Rng) -> Deed {
        let service = rng.usize(..self.company.services.len());
        let image = rng.u32(1..=self.company.services[service].images);
        match rng.u8(..16) {
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
            10 => Deed::Push { service, image },
            11 => Deed::Rename {
                number: rng.u32(1..=2),
            },
            12 if !self.clicks.is_empty() => Deed::WorkflowEnds {
                click: rng.usize(..self.clicks.len()),
                how: WorkflowEnd::Cancelled,
            },
            13 => Deed::Check {
                passes: rng.u8(..4) == 0,
            },
            14 => Deed::RevokeTokens(draw(rng, &["port", "registry"])),
            _ => Deed::Sync { service },
        }
    }
}

/// The faults of a run, and the trouble that one of its calls meets.
fn draw_troubles(company: &Company, rng: &mut Rng) -> RunTroubles {
    let faults = draw_faults(company, rng, &[0, 0, 1, 1, 2]);
    let is_killed = rng.bool();
    let troubles: Vec<CallTrouble> = CallTrouble::all()
        .filter(|trouble| is_killed == kills(*trouble) && is_possible(*trouble))
        .collect();
    let trouble = (rng.u8(..4) == 0).then(|| (rng.usize(1..=MAX_CALL), draw(rng, &troubles)));
    (faults, trouble)
}

/// Whether a trouble ends the run without a last word.
pub(super) fn kills(trouble: CallTrouble) -> bool {
    matches!(trouble, CallTrouble::KillBefore | CallTrouble::KillAfter)
}

/// Whether a company whose grants fit its policy can meet a trouble.
fn is_possible(trouble: CallTrouble) -> bool {
    trouble.name() != "denied"
}
