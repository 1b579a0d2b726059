//! The count of what a simulation met: each feature of companies, each deed, each trouble, each ending, each call.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::play::Played;
use super::script::{ClickState, ClickWish, Script, ScriptFault, ScriptStep};
use crate::coverage::CallCoverage;
use crate::scenario::{CallTrouble, StepResult};

/// The count of what was met.
#[derive(Clone, Debug, Default)]
pub(super) struct SimulationTally {
    /// Scripts.
    pub(super) scripts: u64,
    /// Runs that were started.
    pub(super) runs: u64,
    /// Runs that brought an image to a base branch.
    pub(super) merged: u64,
    features: BTreeMap<(&'static str, String), u64>,
    calls: CallCoverage,
}

impl SimulationTally {
    /// Counts a script and what came of it.
    pub(super) fn add(&mut self, script: &Script, played: &Played) {
        self.scripts += 1;
        let company = &script.company;
        self.count("layout", company.layout.name());
        self.count("mode", company.mode.name());
        self.count("branch rule", company.rule.name());
        self.count("guard", company.guard.name());
        self.count(
            "mode and rule",
            &format!("{} / {}", company.mode.name(), company.rule.name()),
        );
        for (step, ran) in script.steps.iter().zip(&played.steps) {
            self.add_step(script, step, ran);
        }
    }

    fn add_step(&mut self, script: &Script, step: &ScriptStep, ran: &StepResult) {
        match step {
            ScriptStep::Run {
                click,
                faults,
                trouble,
            } => {
                self.add_click(script, *click);
                self.add_troubles(faults, *trouble);
                self.add_run(ran);
            }
            ScriptStep::Resume { faults, trouble } => {
                self.add_troubles(faults, *trouble);
                let ended = ran.together.len();
                self.count(
                    "resume",
                    match ended {
                        0 => ran.ending.unwrap_or("killed"),
                        1 => "one run moves",
                        _ => "several runs move",
                    },
                );
                for one in &ran.together {
                    self.count("resumed run", one.ending.unwrap_or("killed"));
                    self.add_run(one);
                }
            }
            ScriptStep::Together { clicks, .. } => {
                self.count("at the same time", &clicks.len().to_string());
                for click in clicks {
                    self.add_click(script, *click);
                }
                ran.together.iter().for_each(|run| self.add_run(run));
            }
            ScriptStep::Deed(deed) => self.count("deed", deed.name()),
            ScriptStep::Advance(_) => self.count("time", "passes"),
            ScriptStep::Heal => self.count("time", "weather clears"),
        }
    }

    fn add_troubles(&mut self, faults: &[ScriptFault], trouble: Option<(usize, CallTrouble)>) {
        for fault in faults {
            let (service, method, path) = fault.route;
            self.count("fault", &format!("{service}: {}", fault.effect.name()));
            self.count("request hit", &format!("{service} {method} {path}"));
        }
        if let Some((_, trouble)) = trouble {
            self.count("killed", trouble.name());
        }
    }

    fn add_click(&mut self, script: &Script, click: usize) {
        let click = script.clicks[click];
        self.count(
            "click",
            match click.wish {
                ClickWish::Promote => "promote",
                ClickWish::Rollback => "rollback",
            },
        );
        self.count(
            "run in Port",
            match click.state {
                ClickState::Open => "in progress",
                ClickState::WaitsForApproval => "waits for approval",
                ClickState::Declined => "declined",
                ClickState::OtherAction => "of another action",
            },
        );
    }

    fn add_run(&mut self, ran: &StepResult) {
        self.runs += 1;
        self.count("ending", ran.ending.unwrap_or("killed"));
        for rule in &ran.rules {
            self.count("refused by", rule);
        }
        if ran.calls.iter().any(|made| made.name() == "merge") {
            self.merged += 1;
        }
        self.calls.add(&ran.calls);
    }

    fn count(&mut self, kind: &'static str, name: &str) {
        *self.features.entry((kind, name.to_owned())).or_default() += 1;
    }

    /// Adds what another thread has counted.
    pub(super) fn join(&mut self, other: Self) {
        self.scripts += other.scripts;
        self.runs += other.runs;
        self.merged += other.merged;
        for (feature, count) in other.features {
            *self.features.entry(feature).or_default() += count;
        }
        self.calls.join(other.calls);
    }

    /// The tables for people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let mut last = "";
        for ((kind, name), count) in &self.features {
            if *kind != last {
                let _ = writeln!(text, "{kind}");
                last = kind;
            }
            let _ = writeln!(text, "  {count:>9}  {name}");
        }
        text + &self.calls.table()
    }

    /// The same for machines.
    pub(super) fn json(&self) -> Value {
        let mut features = serde_json::Map::new();
        for ((kind, name), count) in &self.features {
            features.entry(*kind).or_insert_with(|| json!({}))[name.as_str()] = json!(count);
        }
        json!({
            "scripts": self.scripts, "runs": self.runs, "merged": self.merged,
            "met": features, "calls": self.calls.json(),
        })
    }
}
