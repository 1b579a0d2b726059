//! The log in words and JSON. All text is made harmless: journals hold hostile data.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use promote_core::text;
use serde_json::{Value, json};

use super::PromotionLog;
use super::promotion::{LoggedPromotion, LoggedRun, LoggedStep};
use super::record::RecordedPromotion;

/// Returns the text for people.
pub(super) fn text(log: &PromotionLog) -> String {
    let mut shown = String::new();
    for promotion in &log.promotions {
        let _ = writeln!(
            shown,
            "{}  {:9}  {}: {}",
            promotion.began().strftime("%Y-%m-%d %H:%M:%S"),
            promotion.outcome(),
            text::line(&subject(promotion)),
            text::line(&promotion.last().message()),
        );
        let _ = writeln!(shown, "{:32}{}", "", text::line(&circumstances(promotion)));
    }
    for record in &log.records {
        let began = record.began();
        let began = began.map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
        let _ = writeln!(
            shown,
            "{:19}  {:9}  {}: {}",
            began.unwrap_or_default(),
            text::line(record.outcome()),
            text::line(record.subject()),
            text::line(record.message()),
        );
        let _ = writeln!(shown, "{:32}{}", "", text::line(&record.circumstances()));
    }
    for (path, why) in &log.damaged {
        let path = path.display().to_string();
        let _ = writeln!(shown, "damaged: {}: {}", text::line(&path), text::line(why));
    }
    shown.push_str(&counts(log));
    shown.push('\n');
    shown
}

/// Returns blueprint and identifier of what was promoted.
pub(super) fn subject(promotion: &LoggedPromotion) -> String {
    let key = &promotion.first().header.request.subject.key;
    format!("{}/{}", key.blueprint, key.identifier)
}

/// Returns who, by what, and in how many runs.
pub(super) fn circumstances(promotion: &LoggedPromotion) -> String {
    let mut words = format!("by {}", promotion.actor());
    let approvers = promotion.approvers();
    if !approvers.is_empty() {
        let _ = write!(words, ", approved by {}", approvers.join(", "));
    }
    let header = &promotion.first().header;
    let _ = write!(words, "; run {}", header.request.run_id);
    let runs = promotion.runs().len();
    if runs > 1 {
        let _ = write!(words, ", gone on with {} times", runs - 1);
    }
    let _ = write!(
        words,
        "; policy {}",
        short(&promotion.last().header().component)
    );
    if let Some(team) = &promotion.last().header().team {
        let _ = write!(words, " of team rule {team}");
    }
    let rules = promotion.rules();
    if !rules.is_empty() {
        let _ = write!(words, "; rules {}", rules.join(", "));
    }
    words
}

/// The beginning of a digest, which is enough for people.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Returns how many promotions ended how.
pub(super) fn counts(log: &PromotionLog) -> String {
    let mut by_outcome: BTreeMap<&str, usize> = BTreeMap::new();
    for outcome in log.outcomes() {
        *by_outcome.entry(outcome).or_default() += 1;
    }
    let mut words = text::count(log.outcomes().count(), "promotion");
    for (at, (outcome, count)) in by_outcome.into_iter().enumerate() {
        let before = if at == 0 { ": " } else { ", " };
        let _ = write!(words, "{before}{count} {}", text::line(outcome));
    }
    if log.plans > 0 {
        let _ = write!(words, "; {} left out", text::count(log.plans, "plan"));
    }
    if !log.damaged.is_empty() {
        let _ = write!(
            words,
            "; {} damaged",
            text::count(log.damaged.len(), "journal")
        );
    }
    words
}

/// Returns the log for machines.
pub(super) fn machine(log: &PromotionLog) -> Value {
    let damaged = log.damaged.iter();
    let damaged = damaged
        .map(|(path, why)| json!({ "path": path.display().to_string(), "message": why }))
        .collect::<Vec<_>>();
    json!({
        "promotions": log.promotions.iter().map(one)
            .chain(log.records.iter().map(RecordedPromotion::machine)).collect::<Vec<_>>(),
        "plans": log.plans,
        "damaged": damaged,
    })
}

fn one(promotion: &LoggedPromotion) -> Value {
    let request = &promotion.first().header.request;
    let promoted = promotion.promotion();
    json!({
        "run": request.run_id,
        "action": request.action,
        "blueprint": request.subject.key.blueprint,
        "entity": request.subject.key.identifier,
        "by": promotion.actor(),
        "approved-by": promotion.approvers(),
        "began": promotion.began(),
        "ended": promotion.last().ended(),
        "outcome": promotion.outcome(),
        "message": promotion.last().message(),
        "image": promoted.map(|promoted| &promoted.image),
        "previous-image": promoted.and_then(|promoted| promoted.previous_image.as_ref()),
        "commit": promoted.and_then(|promoted| promoted.commit.as_ref()),
        "pull-request": promotion.pull_request(),
        "runs": promotion.runs().iter().map(run).collect::<Vec<_>>(),
    })
}

fn run(run: &LoggedRun) -> Value {
    let header = run.header();
    let rules = header.rules.iter();
    let rules = rules
        .map(
            |rule| json!({ "name": rule.name, "origin": rule.origin, "component": rule.component }),
        )
        .collect::<Vec<_>>();
    json!({
        "journal": run.path.display().to_string(),
        "began": header.started_at,
        "ended": run.ended(),
        "outcome": run.ending(),
        "message": run.message(),
        "component": header.component,
        "team": header.team,
        "rules": rules,
        "config": header.audit.config,
        "sum": run.seal(),
        "earlier": header.earlier,
        "workflow": header.request.workflow.url,
        "steps": run.steps().map(step).collect::<Vec<_>>(),
    })
}

fn step(step: LoggedStep) -> Value {
    json!({
        "after-ms": step.after.as_millis(),
        "took-ms": step.took.map(|took| took.as_millis()),
        "what": step.what,
        "write": step.is_write,
        "failure": step.failure,
    })
}
