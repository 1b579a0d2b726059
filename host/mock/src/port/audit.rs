//! The audit log: what changed, by whom, and for which run.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::{PortReply, PortResult};
use super::catalog::time;
use super::input::PortCall;
use super::projection::EntityView;
use super::{CatalogEntity, Port};

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// The time of the change.
    pub at: Timestamp,
    /// The client id that did it.
    pub by: String,
    /// `CREATE`, `UPDATE` or `DELETE`.
    pub action: &'static str,
    /// `entity`, `run`, `blueprint` or `action`.
    pub resource: &'static str,
    /// The thing that changed.
    pub identifier: String,
    /// Its blueprint, if it has one.
    pub blueprint: Option<String>,
    /// The run that the change is tied to.
    pub run: Option<String>,
    /// The thing before and after the change.
    pub diff: Value,
}

/// An entity before and after a write.
pub(super) struct EntityChange<'a> {
    pub(super) before: Option<&'a CatalogEntity>,
    pub(super) after: Option<&'a CatalogEntity>,
}

impl Port {
    /// Records an entity's change, and ties it to its run.
    pub(super) fn record_entity(
        &mut self,
        call: &PortCall<'_>,
        run: Option<String>,
        change: EntityChange<'_>,
    ) {
        let Some(entity) = change.after.or(change.before) else {
            return;
        };
        let key = (entity.blueprint.clone(), entity.identifier.clone());
        if let Some(run) = run.as_ref().and_then(|run| self.runs.get_mut(run))
            && !run.affected.contains(&key)
        {
            run.affected.push(key.clone());
        }
        let view = EntityView {
            without_calculated: true,
            ..EntityView::default()
        };
        let shown = |entity: Option<&CatalogEntity>| entity.map(|entity| self.show(entity, &view));
        let diff = json!({"before": shown(change.before), "after": shown(change.after)});
        self.audit.push(AuditEntry {
            at: call.now,
            by: call.actor.clone(),
            action: match (change.before, change.after) {
                (None, _) => "CREATE",
                (_, None) => "DELETE",
                _ => "UPDATE",
            },
            resource: "entity",
            identifier: key.1,
            blueprint: Some(key.0),
            run,
            diff,
        });
    }

    /// Records a change of anything else.
    pub(super) fn record(
        &mut self,
        call: &PortCall<'_>,
        action: &'static str,
        resource: &'static str,
        identifier: &str,
    ) {
        self.audit.push(AuditEntry {
            at: call.now,
            by: call.actor.clone(),
            action,
            resource,
            identifier: identifier.to_owned(),
            blueprint: None,
            run: (resource == "run").then(|| identifier.to_owned()),
            diff: json!({"before": null, "after": null}),
        });
    }

    /// `GET /v1/audit-log`, newest first. Its answer is not documented: `audits` is what Port's own action reads.
    pub(super) fn audit_log(&self, call: &PortCall<'_>) -> PortResult {
        let limit = call.query.number("limit", 1..=1000, 1000)?;
        let includes = call.query.all("includes");
        let audits: Vec<Value> = self
            .audit
            .iter()
            .rev()
            .filter(|entry| matches(entry, call))
            .take(limit)
            .map(|entry| show(entry, &includes, &self.organisation))
            .collect();
        Ok(PortReply::ok(json!({"ok": true, "audits": audits})))
    }
}

fn matches(entry: &AuditEntry, call: &PortCall<'_>) -> bool {
    let is = |key: &str, value: Option<&str>| {
        call.query
            .text(key)
            .is_none_or(|asked| value == Some(asked))
    };
    let resources = call.query.all("resources");
    let time = |key: &str| call.query.text(key).and_then(|at| at.parse().ok());
    let entity = (entry.resource == "entity").then_some(entry.identifier.as_str());
    (resources.is_empty() || resources.contains(&entry.resource))
        && is("run_id", entry.run.as_deref())
        && is("entity", entity)
        && is("blueprint", entry.blueprint.as_deref())
        && is("action", Some(entry.action))
        && is("status", Some("SUCCESS"))
        && is("origin", Some("API"))
        && time("from").is_none_or(|from: jiff::Timestamp| entry.at >= from)
        && time("to").is_none_or(|to: jiff::Timestamp| entry.at <= to)
}

fn show(entry: &AuditEntry, includes: &[&str], organisation: &str) -> Value {
    let entity = (entry.resource == "entity").then_some(entry.identifier.as_str());
    let whole = json!({
        "identifier": entry.identifier,
        "action": entry.action,
        "resourceType": entry.resource,
        "status": "SUCCESS",
        "context": {"entity": entity, "blueprint": entry.blueprint, "runId": entry.run},
        "trigger": {"by": {"orgId": organisation, "userId": entry.by}, "origin": "API", "at": time(entry.at)},
        "diff": entry.diff,
        "additionalData": {},
        "message": "",
    });
    let Value::Object(whole) = whole else {
        return whole;
    };
    let asked = |key: &String| includes.is_empty() || includes.contains(&key.as_str());
    Value::Object(
        whole
            .into_iter()
            .filter(|(key, _)| asked(key))
            .collect::<Map<_, _>>(),
    )
}
