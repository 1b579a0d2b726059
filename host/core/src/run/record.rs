//! What Port's catalog keeps of a promotion: an entity whose identifier is the Port run's, written with each last word.
//!
//! The blueprint is the operator's (`[port] record`); `promote init` makes one with these properties. The record is for people
//! and reports: nothing is ever decided on it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::contract::{Actor, Outcome, Promotion, Request};
use crate::run::ending::Ending;

/// The blueprint of records, as Port takes it: JSON text. An operator may keep it under another identifier.
pub const RECORD_BLUEPRINT: &str = include_str!("promotion.json");

/// How a run came to its decision, as it was when the policy was chosen.
#[derive(Clone, Debug)]
pub(super) struct RecordBasis {
    /// SHA-256 of the policy's component.
    pub(super) policy: String,
    /// The `[[team]]` rule that chose it, if one did.
    pub(super) team: Option<String>,
    /// The rules that applied, `name@digest`.
    pub(super) rules: Vec<String>,
    /// When the run began.
    pub(super) began: Timestamp,
}

/// One run's part of the record.
pub(super) struct PromotionRecord<'a> {
    pub(super) request: &'a Request,
    pub(super) basis: &'a RecordBasis,
    pub(super) ending: &'a Ending,
    pub(super) message: &'a str,
    /// The page of the pull request, as GitHub named it.
    pub(super) pull_request: Option<&'a str>,
    /// Who approved what of it.
    pub(super) approved_by: &'a [String],
    /// The seal of the journal.
    pub(super) seal: Option<&'a str>,
    pub(super) ended: Timestamp,
}

impl PromotionRecord<'_> {
    /// Returns the name for people.
    pub(super) fn title(&self) -> String {
        let subject = &self.request.subject.key.identifier;
        match image(self.ending) {
            Some(image) => format!("{subject}: {image}"),
            None => subject.clone(),
        }
    }

    /// Returns the properties. What this run does not know is left as an earlier run of the same promotion wrote it.
    pub(super) fn properties(&self) -> Map<String, Value> {
        let promotion = promotion(self.ending);
        let known = [
            ("action", Some(json!(self.request.action))),
            ("subject", Some(json!(self.request.subject.key.identifier))),
            ("outcome", Some(json!(self.ending.kind()))),
            ("message", Some(json!(self.message))),
            ("image", image(self.ending).map(Value::from)),
            (
                "previous_image",
                promotion.and_then(|p| p.previous_image.as_deref().map(Value::from)),
            ),
            (
                "commit",
                promotion.and_then(|p| p.commit.as_deref().map(Value::from)),
            ),
            ("pull_request", self.pull_request.map(Value::from)),
            (
                "started_by",
                started_by(&self.request.actor).map(Value::from),
            ),
            (
                "approved_by",
                (!self.approved_by.is_empty()).then(|| json!(self.approved_by)),
            ),
            (
                "workflow",
                self.request.workflow.url.as_deref().map(Value::from),
            ),
            ("policy", Some(json!(self.basis.policy))),
            ("team", self.basis.team.as_deref().map(Value::from)),
            ("rules", Some(json!(self.basis.rules))),
            ("journal_seal", self.seal.map(Value::from)),
            ("began_at", Some(json!(self.basis.began.to_string()))),
            ("ended_at", Some(json!(self.ended.to_string()))),
        ];
        known
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

/// Returns what the environment runs after the run, if the run came to that.
fn promotion(ending: &Ending) -> Option<&Promotion> {
    match ending {
        Ending::Decided(Outcome::Promoted(promotion) | Outcome::Unchanged(promotion)) => {
            Some(promotion)
        }
        _ => None,
    }
}

fn image(ending: &Ending) -> Option<&str> {
    match ending {
        Ending::Decided(Outcome::Waiting(waiting)) => waiting.image.as_deref(),
        _ => promotion(ending).map(|promotion| promotion.image.as_str()),
    }
}

/// Returns the person as Port knows them: the address, else the identifier.
fn started_by(actor: &Actor) -> Option<&str> {
    let known = [actor.email.as_deref(), Some(actor.id.as_str())];
    known.into_iter().flatten().find(|text| !text.is_empty())
}
