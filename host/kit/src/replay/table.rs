//! The decisions of another policy, in words and JSON. All text is made harmless: journals hold hostile data.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::backtest::{DecisionChange, RunDecision, TrialResult};
use super::error::ReplayError;
use promote_core::call::contrast;
use promote_core::text;

/// The result of a policy on many recorded runs.
pub(super) struct BacktestReport {
    /// SHA-256 of the policy.
    pub(super) policy: String,
    pub(super) took: Duration,
    pub(super) all: Vec<(PathBuf, Result<TrialResult, ReplayError>)>,
}

impl BacktestReport {
    /// Returns the runs that could be tried.
    pub(super) fn tried(&self) -> impl Iterator<Item = (String, &TrialResult)> {
        self.all
            .iter()
            .filter_map(|(path, tried)| Some((path.display().to_string(), tried.as_ref().ok()?)))
    }

    /// Returns the journals that could not be tried, with the reasons.
    pub(super) fn unusable(&self) -> impl Iterator<Item = (String, String)> {
        self.all.iter().filter_map(|(path, tried)| {
            Some((
                path.display().to_string(),
                tried.as_ref().err()?.to_string(),
            ))
        })
    }

    /// Returns the number of runs that compare in this way.
    pub(super) fn count(&self, change: DecisionChange) -> usize {
        self.tried()
            .filter(|(_, tried)| tried.change == change)
            .count()
    }

    /// Counts the flips, from one decision to another by the same rules; the most frequent first.
    pub(super) fn flips(&self) -> Vec<(String, usize)> {
        let mut flips: BTreeMap<String, usize> = BTreeMap::new();
        for (_, tried) in self
            .tried()
            .filter(|(_, tried)| tried.change == DecisionChange::Flipped)
        {
            *flips.entry(transition(tried)).or_default() += 1;
        }
        let mut flips: Vec<(String, usize)> = flips.into_iter().collect();
        flips.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        flips
    }

    /// Runs per second.
    pub(super) fn pace(&self) -> f64 {
        let all = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        f64::from(all) / self.took.as_secs_f64().max(1e-6)
    }
}

/// `promoted → refused (freeze)`
pub(super) fn transition(tried: &TrialResult) -> String {
    let kind = |decision: &Option<RunDecision>| {
        decision
            .as_ref()
            .map_or("?", |known| &known.kind)
            .to_owned()
    };
    let rules = tried
        .new
        .as_ref()
        .map(|new| new.rules.join(", "))
        .filter(|rules| !rules.is_empty());
    let rules = rules.map(|rules| format!(" ({rules})")).unwrap_or_default();
    text::line(&format!(
        "{} → {}{rules}",
        kind(&tried.old),
        kind(&tried.new)
    ))
}

/// Returns the text for people: what flipped, changed and is unknown, and the counts.
pub(super) fn text(report: &BacktestReport) -> String {
    let mut shown = String::new();
    for change in [
        DecisionChange::Flipped,
        DecisionChange::Changed,
        DecisionChange::Unknown,
    ] {
        for (path, tried) in report.tried().filter(|(_, tried)| tried.change == change) {
            one(&mut shown, &path, tried);
        }
    }
    for (path, why) in report.unusable() {
        let _ = writeln!(
            shown,
            "unusable  {}\n          {}",
            text::line(&path),
            text::line(&why)
        );
    }
    let counts =
        DecisionChange::ALL.map(|change| format!("{} {}", report.count(change), change.name()));
    let total = report.all.len();
    let _ = writeln!(
        shown,
        "{}: {}, {} unusable",
        text::count(total, "run"),
        counts.join(", "),
        report.unusable().count()
    );
    for (flip, count) in report.flips() {
        let _ = writeln!(shown, "  {count:5}  {flip}");
    }
    let _ = writeln!(
        shown,
        "policy {} · {:.2} s, {:.0} a second",
        &report.policy[..12],
        report.took.as_secs_f64(),
        report.pace()
    );
    shown
}

fn one(shown: &mut String, path: &str, tried: &TrialResult) {
    let word = tried.change.name();
    let subject = text::line(&tried.subject);
    let simulated = if tried.simulated {
        ", if its writes go well"
    } else {
        ""
    };
    let _ = writeln!(
        shown,
        "{word:8}  {subject} {}: {}{simulated}",
        tried.started_at,
        transition(tried)
    );
    let _ = writeln!(shown, "          {}", text::line(&tried.why));
    if let Some(parting) = &tried.parting {
        let calls = contrast::show(
            ["recorded", "now"],
            parting.recorded.as_ref(),
            parting.now.as_ref(),
            "the end",
        );
        for line in calls.lines() {
            let _ = writeln!(shown, "            {line}");
        }
    }
    let _ = writeln!(
        shown,
        "          {} · {}",
        text::line(&tried.run),
        text::line(path)
    );
}

/// For machines.
pub(super) fn machine(report: &BacktestReport) -> Value {
    let decision = |decision: &Option<RunDecision>| {
        decision
            .as_ref()
            .map(|one| json!({ "outcome": one.kind, "message": one.message, "rules": one.rules }))
    };
    let run = |(path, tried): (String, &TrialResult)| {
        let parting = tried.parting.as_ref();
        json!({
            "path": path, "run": tried.run, "subject": tried.subject, "started-at": tried.started_at,
            "change": tried.change.name(), "old": decision(&tried.old), "new": decision(&tried.new), "why": tried.why,
            "simulated": tried.simulated, "old-writes": tried.old_writes, "new-writes": tried.new_writes,
            "parting": parting.map(|parting| json!({ "recorded": parting.recorded, "now": parting.now })),
        })
    };
    let unusable = report
        .unusable()
        .map(|(path, why)| json!({ "path": path, "why": why }));
    let mut all = json!({
        "policy": report.policy,
        "milliseconds": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
        "runs": report.tried().map(run).collect::<Vec<_>>(),
        "unusable": unusable.collect::<Vec<_>>(),
        "flips": report.flips().into_iter().map(|(flip, count)| json!({ "flip": flip, "count": count })).collect::<Vec<_>>(),
    });
    for change in DecisionChange::ALL {
        all[change.name()] = json!(report.count(change));
    }
    all
}
