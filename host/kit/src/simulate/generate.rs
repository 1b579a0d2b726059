//! From a seed to a script: a random company, random clicks, random people and random weather, and an end at which all settles.

use fastrand::Rng;

use super::company::{Company, CompanyService, PEOPLE, draw};
use super::customs::{BranchRule, MergeMode};
use super::deed::{Deed, WorkflowEnd};
use super::fault::{RunTroubles, draw_faults};
use super::script::{ClickState, ClickWish, PortClick, Script, ScriptStep};
use crate::scenario::CallTrouble;

/// The most steps before all settles.
const MAX_STEPS: usize = 9;
/// The most calls of a run that a trouble is drawn for; a run that makes fewer meets none.
const MAX_CALL: usize = 16;
/// Minutes after which nothing waits any more: eight days, one more than `limits.wait`.
pub(super) const LONG_AFTER: u32 = 8 * 24 * 60;

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

    /// A few steps that chance alone seldom puts into their order.
    fn tell_story(&mut self, rng: &mut Rng) {
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

    /// A click of which Port lets the run start.
    fn clicked(&mut self, service: usize, wish: ClickWish, rng: &mut Rng) -> usize {
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
    fn stage_newer(&mut self, service: usize, rng: &mut Rng) {
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

    fn click(&mut self, click: PortClick) -> usize {
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

    /// GitHub takes note of the workflow runs that are over: of a killed one, that its runner died or somebody cancelled it.
    fn end_workflows(&mut self, rng: &mut Rng) {
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
    fn settle(&mut self, rng: &mut Rng) {
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
    fn may_lack_its_plan(&self, click: usize) -> bool {
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
    fn let_merge(&mut self) {
        if self.others_approve() {
            let approves = true;
            self.steps.push(ScriptStep::Deed(Deed::Review { approves }));
        }
        if self.others_merge() {
            self.steps.push(ScriptStep::Advance(2));
            self.steps.push(ScriptStep::Deed(Deed::Merge));
        }
    }

    fn others_approve(&self) -> bool {
        self.company.rule == BranchRule::Approval || self.company.guard.wants_approval()
    }

    /// Whether a proposal of this company may need somebody to merge it.
    fn others_merge(&self) -> bool {
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

/// A resume in good weather.
const RESUME: ScriptStep = ScriptStep::Resume {
    faults: Vec::new(),
    trouble: None,
};

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
fn kills(trouble: CallTrouble) -> bool {
    matches!(trouble, CallTrouble::KillBefore | CallTrouble::KillAfter)
}

/// Whether a company whose grants fit its policy can meet a trouble.
fn is_possible(trouble: CallTrouble) -> bool {
    trouble.name() != "denied"
}

fn plain(click: usize) -> ScriptStep {
    ScriptStep::Run {
        click,
        faults: Vec::new(),
        trouble: None,
    }
}
