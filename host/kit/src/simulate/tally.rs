//! The count of what a simulation met: each feature of companies, each deed, each trouble, each ending, each call.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::company::REPOSITORY;
use super::customs::{BranchRule, CompanyGuard, ManifestLayout, MergeMode};
use super::fault::{FaultKind, ROUTES, ScriptFault};
use super::play::Played;
use super::script::{ClickState, ClickWish, Script, ScriptStep};
use crate::coverage::CallCoverage;
use crate::scenario::{CallTrouble, StepResult};
use promote_mock::github::PullState;

/// A row of the table that a million scripts meet less often is a hole in the generator.
const RARE_IN_A_MILLION: u128 = 100;

/// The rows that the generator can draw, met or not.
fn drawn_rows() -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let mut add = |kind, name: &str| rows.push((kind, name.to_owned()));
    for layout in ManifestLayout::ALL {
        add("layout", layout.name());
    }
    for guard in CompanyGuard::ALL {
        add("guard", guard.name());
    }
    for mode in MergeMode::ALL {
        for rule in BranchRule::ALL {
            add(
                "mode and rule",
                &format!("{} / {}", mode.name(), rule.name()),
            );
        }
    }
    for (service, method, path) in ROUTES {
        add("request hit", &format!("{service} {method} {path}"));
        for effect in FaultKind::ALL {
            add("fault", &format!("{service}: {}", effect.name()));
        }
    }
    rows
}

/// The count of what was met.
#[derive(Clone, Debug, Default)]
pub(super) struct SimulationTally {
    /// Scripts.
    pub(super) scripts: u64,
    /// Runs that were started.
    pub(super) runs: u64,
    /// Clicks that Port let start.
    pub(super) promotions: u64,
    /// Pull requests that were merged in the end, by whomever.
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
        let open = script.clicks.iter();
        let open = open.filter(|click| click.state == ClickState::Open);
        self.promotions += open.count() as u64;
        let repository = played
            .steps
            .last()
            .and_then(|step| step.after.github.find(REPOSITORY));
        let pulls = repository.into_iter().flat_map(|it| it.pulls.values());
        let merged = pulls.filter(|pull| matches!(pull.state, PullState::Merged { .. }));
        self.merged += merged.count() as u64;
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
        self.calls.add(&ran.calls);
    }

    fn count(&mut self, kind: &'static str, name: &str) {
        *self.features.entry((kind, name.to_owned())).or_default() += 1;
    }

    /// Adds what another thread has counted.
    pub(super) fn join(&mut self, other: Self) {
        self.scripts += other.scripts;
        self.runs += other.runs;
        self.promotions += other.promotions;
        self.merged += other.merged;
        for (feature, count) in other.features {
            *self.features.entry(feature).or_default() += count;
        }
        self.calls.join(other.calls);
    }

    /// What a million scripts would meet less than a hundred times, by this count; what was never met is a hole in the generator.
    pub(super) fn holes(&self) -> Vec<String> {
        let mut rows = self.features.clone();
        for row in drawn_rows() {
            rows.entry(row).or_default();
        }
        let rare = rows.into_iter().filter(|(_, count)| {
            u128::from(*count) * 1_000_000 < u128::from(self.scripts) * RARE_IN_A_MILLION
        });
        rare.map(|((kind, name), count)| format!("{kind}: {name} ({count})"))
            .collect()
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
            "scripts": self.scripts, "runs": self.runs, "promotions": self.promotions, "merged": self.merged,
            "met": features, "holes": self.holes(), "calls": self.calls.json(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_or_seldom_met_is_a_hole() {
        let mut tally = SimulationTally {
            scripts: 1_000_000,
            ..SimulationTally::default()
        };
        let is_hole = |tally: &SimulationTally, row: &str| {
            tally.holes().iter().any(|hole| hole.starts_with(row))
        };
        assert!(is_hole(&tally, "guard: four eyes (0)"));
        assert!(is_hole(&tally, "mode and rule: checks / queue (0)"));
        let row = ("guard", "four eyes".to_owned());
        tally.features.insert(row.clone(), 99);
        assert!(is_hole(&tally, "guard: four eyes (99)"));
        tally.features.insert(row, 100);
        assert!(!is_hole(&tally, "guard: four eyes"));
        tally.features.insert(("ending", "limit".to_owned()), 3);
        assert!(is_hole(&tally, "ending: limit (3)"));
    }
}
