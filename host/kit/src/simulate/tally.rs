//! The count of what a simulation met: each feature of companies, each deed, each trouble, each ending, each call.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::company::{Company, REPOSITORY};
use super::customs::{BranchRule, CompanyGuard, ManifestLayout, MergeMode};
use super::evidence::ImageEvidence;
use super::fault::{FaultKind, ScriptFault, all_routes, route_name};
use super::play::Played;
use super::script::{ClickState, ClickWish, Script, ScriptStep};
use super::weather::FIELDS;
use crate::coverage::{CallCoverage, documented_calls};
use crate::scenario::{CallTrouble, StepResult};
use promote_mock::ServiceFault;
use promote_mock::github::PullState;

/// A row of the table that a million promotions meet less often is a hole in the generator.
const RARE_IN_A_MILLION: u128 = 100;
/// The endings of a run that every layout, guard and rule must meet.
const ENDINGS: [&str; 6] = [
    "promoted",
    "unchanged",
    "waiting",
    "refused",
    "failed",
    KILLED,
];
/// The ending of a run that has none.
const KILLED: &str = "killed";
/// Calls of the contract that the built-in policy never makes.
const NOT_MADE: [&str; 3] = ["get-branch-rules", "get-image", "get-pull-request"];

/// The rows that the generator can draw, met or not.
fn drawn_rows() -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let mut add = |kind, name: &str| rows.push((kind, name.to_owned()));
    for layout in ManifestLayout::ALL {
        for guard in CompanyGuard::ALL {
            add("layout and guard", &pair(layout.name(), guard.name()));
        }
        for rule in BranchRule::ALL {
            add("layout and rule", &pair(layout.name(), rule.name()));
        }
        for ending in ENDINGS {
            add("layout and ending", &pair(layout.name(), ending));
        }
    }
    for guard in CompanyGuard::ALL {
        for ending in ENDINGS {
            add("guard and ending", &pair(guard.name(), ending));
        }
    }
    for evidence in ImageEvidence::ALL {
        for ending in ENDINGS {
            add("evidence and ending", &pair(evidence.name(), ending));
        }
    }
    for mode in MergeMode::ALL {
        for rule in BranchRule::ALL {
            add("mode and rule", &pair(mode.name(), rule.name()));
        }
    }
    // A scenario kills no run among others.
    for ending in ENDINGS.iter().filter(|ending| **ending != KILLED) {
        add("ending among others", ending);
    }
    for ending in ENDINGS {
        add("ending by a plan", ending);
    }
    // A rollback that was done finds its own pull request, and says so again.
    for ending in ENDINGS.iter().filter(|ending| **ending != "unchanged") {
        add("ending of a rollback", ending);
    }
    for route in all_routes() {
        add("request hit", &route_name(route));
        for effect in FaultKind::ALL {
            let fault = format!("{}: {}", route.0, effect.name());
            add("fault", &fault);
            add("fault among others", &fault);
        }
    }
    for field in FIELDS {
        add("weather", &format!("{field} fails"));
    }
    for call in documented_calls().filter(|call| !NOT_MADE.contains(call)) {
        add("call", call);
        add("call among others", call);
    }
    rows
}

fn pair(one: &str, other: &str) -> String {
    format!("{one} / {other}")
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
        self.add_company(&script.company);
        let mut faults = Vec::new();
        for (step, ran) in script.steps.iter().zip(&played.steps) {
            self.add_step(script, step, ran);
            self.add_faults(&mut faults, step, ran);
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

    fn add_company(&mut self, company: &Company) {
        let (layout, guard, rule) = (company.layout, company.guard, company.rule);
        self.count("layout", layout.name());
        self.count("mode", company.mode.name());
        self.count("branch rule", rule.name());
        self.count("guard", guard.name());
        self.count("evidence", company.evidence.name());
        self.count("layout and guard", &pair(layout.name(), guard.name()));
        self.count("layout and rule", &pair(layout.name(), rule.name()));
        self.count("mode and rule", &pair(company.mode.name(), rule.name()));
        for name in company.weather.names() {
            self.count("weather", &name);
        }
        for (has, name) in [
            (company.supersedes, "older promotions closed"),
            (company.decorates, "label and reviewer"),
            (company.is_kept, "comment and deployment"),
            (company.decoy, "another file names images"),
            (company.follows_staging, "a newer image takes the place"),
            (company.is_executable, "manifests are executable"),
        ] {
            if has {
                self.count("custom", name);
            }
        }
    }

    fn add_step(&mut self, script: &Script, step: &ScriptStep, ran: &StepResult) {
        match step {
            ScriptStep::Run { click, trouble, .. } => {
                self.add_click(script, *click);
                self.add_trouble(*trouble);
                self.add_run(script, ran);
                if script.clicks[*click].wish == ClickWish::Rollback {
                    self.count("ending of a rollback", ran.ending.unwrap_or(KILLED));
                }
                if script.clicks[*click].is_planned {
                    self.count("ending by a plan", ran.ending.unwrap_or(KILLED));
                }
            }
            ScriptStep::Resume { trouble, .. } => {
                self.add_trouble(*trouble);
                let ended = ran.together.len();
                self.count(
                    "resume",
                    match ended {
                        0 => ran.ending.unwrap_or(KILLED),
                        1 => "one run moves",
                        _ => "several runs move",
                    },
                );
                for one in &ran.together {
                    self.count("resumed run", one.ending.unwrap_or(KILLED));
                    self.add_run(script, one);
                }
            }
            ScriptStep::Together { clicks, .. } => {
                self.count("at the same time", &clicks.len().to_string());
                for click in clicks {
                    self.add_click(script, *click);
                }
                for run in &ran.together {
                    self.count("ending among others", run.ending.unwrap_or(KILLED));
                    for call in &run.calls {
                        self.count("call among others", &call.call_name());
                    }
                    self.add_run(script, run);
                }
            }
            ScriptStep::Deed(deed) => self.count("deed", deed.name()),
            ScriptStep::Advance(_) => self.count("time", "passes"),
            ScriptStep::Heal => self.count("time", "weather clears"),
        }
    }

    /// Counts the faults that a step was the first to meet; `known` are those of the steps before, as the world has them.
    fn add_faults(&mut self, known: &mut Vec<ScriptFault>, step: &ScriptStep, ran: &StepResult) {
        match step {
            ScriptStep::Run { faults, .. }
            | ScriptStep::Resume { faults, .. }
            | ScriptStep::Together { faults, .. } => known.extend(faults),
            ScriptStep::Heal => known.clear(),
            ScriptStep::Deed(_) | ScriptStep::Advance(_) => {}
        }
        let (before, after) = (&ran.before.faults.0, &ran.after.faults.0);
        for (place, (fault, now)) in known.iter().zip(after).enumerate() {
            let was_struck = before.get(place).is_some_and(ServiceFault::has_struck);
            if was_struck || !now.has_struck() {
                continue;
            }
            let name = format!("{}: {}", fault.route.0, fault.effect.name());
            self.count("fault", &name);
            if step.is_crowded() {
                self.count("fault among others", &name);
            }
            self.count("request hit", &fault.route_name());
        }
    }

    fn add_trouble(&mut self, trouble: Option<(usize, CallTrouble)>) {
        if let Some((_, trouble)) = trouble {
            self.count("trouble", trouble.name());
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

    fn add_run(&mut self, script: &Script, ran: &StepResult) {
        self.runs += 1;
        let ending = ran.ending.unwrap_or(KILLED);
        self.count("ending", ending);
        let company = &script.company;
        self.count("layout and ending", &pair(company.layout.name(), ending));
        self.count("guard and ending", &pair(company.guard.name(), ending));
        self.count(
            "evidence and ending",
            &pair(company.evidence.name(), ending),
        );
        for rule in &ran.rules {
            self.count("refused by", rule);
        }
        for call in &ran.calls {
            self.count("call", &call.call_name());
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

    /// What a million promotions would meet less than a hundred times, by this count; what was never met is a hole in the generator.
    pub(super) fn holes(&self) -> Vec<String> {
        let mut rows = self.features.clone();
        for row in drawn_rows() {
            rows.entry(row).or_default();
        }
        let rare = rows.into_iter().filter(|(_, count)| {
            u128::from(*count) * 1_000_000 < u128::from(self.promotions) * RARE_IN_A_MILLION
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
            promotions: 1_000_000,
            ..SimulationTally::default()
        };
        let is_hole = |tally: &SimulationTally, row: &str| {
            tally.holes().iter().any(|hole| hole.starts_with(row))
        };
        assert!(is_hole(
            &tally,
            "guard and ending: four eyes / promoted (0)"
        ));
        assert!(is_hole(&tally, "mode and rule: checks / queue (0)"));
        let row = ("guard and ending", "four eyes / promoted".to_owned());
        tally.features.insert(row.clone(), 99);
        assert!(is_hole(
            &tally,
            "guard and ending: four eyes / promoted (99)"
        ));
        tally.features.insert(row, 100);
        assert!(!is_hole(&tally, "guard and ending: four eyes / promoted"));
        tally.features.insert(("ending", "limit".to_owned()), 3);
        assert!(is_hole(&tally, "ending: limit (3)"));
    }
}
