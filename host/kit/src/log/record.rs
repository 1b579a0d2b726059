//! Promotions as Port's catalog keeps them: the entities of the record (`[port] record`), each the last word of its runs.

use jiff::Timestamp;
use promote_core::contract::Entity;
use promote_core::gate::describe;
use promote_core::service::port;
use serde_json::{Value, json};

use crate::failure::ServiceFailure;

/// A promotion by its record. Whoever may change the entity may have changed it: the seal leads to the journal, which tells.
pub(super) struct RecordedPromotion {
    /// Port's identifier of the run, which is that of the entity too.
    run: String,
    properties: Value,
}

/// Reads all records, the newest first.
///
/// # Errors
/// When Port does not answer.
pub(super) async fn read(
    port: &port::Client,
    blueprint: &str,
) -> anyhow::Result<Vec<RecordedPromotion>> {
    let mut all = Vec::new();
    let mut next = None;
    loop {
        let page = port.list(blueprint, next).await.map_err(|failure| {
            ServiceFailure(format!(
                "reading the records of blueprint {blueprint}: {}",
                describe(&failure)
            ))
        })?;
        all.extend(page.entities.into_iter().map(RecordedPromotion::of));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.began()));
    Ok(all)
}

impl RecordedPromotion {
    fn of(entity: Entity) -> Self {
        Self {
            run: entity.key.identifier,
            properties: serde_json::from_str(&entity.properties).unwrap_or_default(),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.properties[name]
            .as_str()
            .filter(|text| !text.is_empty())
    }

    /// Returns the texts of a list; one text stands for a list of one.
    fn texts(&self, name: &str) -> Vec<&str> {
        match &self.properties[name] {
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
            value => value.as_str().into_iter().collect(),
        }
    }

    /// Returns when its last run began.
    pub(super) fn began(&self) -> Option<Timestamp> {
        self.text("began_at")?.parse().ok()
    }

    pub(super) fn outcome(&self) -> &str {
        self.text("outcome").unwrap_or("unknown")
    }

    pub(super) fn subject(&self) -> &str {
        self.text("subject").unwrap_or("an entity without a name")
    }

    pub(super) fn message(&self) -> &str {
        self.text("message").unwrap_or_default()
    }

    /// Returns who, by what, and where its journal is sealed.
    pub(super) fn circumstances(&self) -> String {
        let mut words = vec![format!(
            "by {}",
            self.text("started_by").unwrap_or("nobody that Port names")
        )];
        let approved = self.texts("approved_by");
        if !approved.is_empty() {
            words.push(format!("approved by {}", approved.join(", ")));
        }
        words.push(format!("run {}", self.run));
        for (name, property) in [
            ("commit", "commit"),
            ("pull request", "pull_request"),
            ("policy", "policy"),
            ("team rule", "team"),
            ("journal sealed", "journal_seal"),
        ] {
            if let Some(text) = self.text(property) {
                words.push(format!("{name} {text}"));
            }
        }
        let rules = self.texts("rules");
        if !rules.is_empty() {
            words.push(format!("rules {}", rules.join(", ")));
        }
        words.join("; ")
    }

    /// Returns the promotion for machines, with the keys of one that journals tell of.
    pub(super) fn machine(&self) -> Value {
        let own = |name: &str| self.properties[name].clone();
        json!({
            "run": self.run,
            "action": own("action"),
            "blueprint": null,
            "entity": own("subject"),
            "by": own("started_by"),
            "approved-by": self.texts("approved_by"),
            "began": own("began_at"),
            "ended": own("ended_at"),
            "outcome": self.outcome(),
            "message": self.message(),
            "image": own("image"),
            "previous-image": own("previous_image"),
            "commit": own("commit"),
            "pull-request": own("pull_request"),
            "policy": own("policy"),
            "team": own("team"),
            "rules": self.texts("rules"),
            "workflow": own("workflow"),
            "seal": own("journal_seal"),
            "runs": [],
        })
    }
}
