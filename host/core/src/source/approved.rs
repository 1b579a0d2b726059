//! A run that keeps to a plan: the planned writes, in their order, and no other.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::contrast::differences;
use crate::call::{Call, Reply};
use crate::contract::{Entity, EntityKey, Failure, Merged};
use crate::gate::Admitted;
use crate::run::RunMode;
use crate::source::Source;
use crate::source::dry_run::FIRST;
use crate::source::live::Live;
use crate::source::prefetch::Prefetch;

/// Fewest characters that can stand for something: what a plan is written with has more.
const SHORTEST: usize = 10;

/// One write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlannedWrite {
    /// The call, with every value.
    pub write: Call,
    /// The result that later writes may name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives: Option<PlannedResult>,
}

/// The result of a write that does not exist before: it stands for the real thing in later writes of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
pub enum PlannedResult {
    /// A pull request.
    PullRequest {
        /// Its number; from 4,000,000,001 on if it is yet to be opened.
        number: u32,
        /// Its page, for people.
        url: String,
        /// Its last commit.
        head: String,
    },
    /// A merge.
    Merge {
        /// The commit on the base branch.
        commit: String,
    },
}

/// The live source behind a plan.
pub struct ApprovedPlan {
    live: Prefetch,
    plan: Vec<PlannedWrite>,
    /// The number of writes that were made.
    made: usize,
    /// The names in the plan for what did not exist yet, each with the real one.
    known: Vec<(String, String)>,
}

impl ApprovedPlan {
    /// A run that may make these writes.
    pub fn new(live: Prefetch, plan: Vec<PlannedWrite>) -> Self {
        Self {
            live,
            plan,
            made: 0,
            known: Vec::new(),
        }
    }

    /// The next planned write, with everything in it that is known by now.
    fn expected(&self) -> Option<Call> {
        let planned = &self.plan.get(self.made)?.write;
        let filled = fill(serde_json::to_value(planned).ok()?, &self.known);
        serde_json::from_value(filled).ok()
    }
}

#[async_trait]
impl Source for ApprovedPlan {
    async fn call(&mut self, call: Admitted<'_>) -> Result<Reply, Failure> {
        if !is_bound(call.call()) {
            return self.live.call(call).await;
        }
        let planned = self
            .plan
            .get(self.made)
            .and_then(|planned| planned.gives.clone());
        // Counted even if it fails: it may have been made.
        self.made += 1;
        let reply = self.live.call(call).await?;
        let known = planned
            .map(|gives| gives.turned_out(&reply))
            .unwrap_or_default();
        // A file that says that something short stands for another thing would have it replaced everywhere.
        self.known.extend(
            known
                .into_iter()
                .filter(|(planned, _)| planned.len() >= SHORTEST),
        );
        Ok(reply)
    }

    fn admit(&self, call: &Call) -> Result<(), String> {
        let expected = self.expected();
        if !is_bound(call) || expected.as_ref() == Some(call) {
            return Ok(());
        }
        let number = self.made + 1;
        let total = self.plan.len();
        let planned = match &expected {
            Some(planned) => format!("planned as write {number} of {total} is: {planned}"),
            None => format!("all {total} planned writes were made"),
        };
        let fields = expected
            .iter()
            .flat_map(|planned| differences(planned, call));
        let fields: String = fields
            .map(|one| format!("; {}: planned {}, asked {}", one.field, one.left, one.right))
            .collect();
        Err(format!(
            "asked: {call}; {planned}{fields}; this is not what the plan says: plan again, and have that approved"
        ))
    }

    fn mode(&self) -> RunMode {
        RunMode::Run
    }

    fn live(&self) -> &Live {
        self.live.live()
    }

    async fn entity(&self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        self.live.entity(key).await
    }

    async fn announce(&mut self, line: String) -> Result<(), Failure> {
        self.live.announce(line).await
    }

    async fn settle(&mut self) -> Result<(), Failure> {
        self.live.settle().await
    }

    fn unsent(&mut self) -> Vec<String> {
        self.live.unsent()
    }
}

/// Puts what is known in place of what stood for it, in numbers and in texts.
fn fill(value: Value, known: &[(String, String)]) -> Value {
    match value {
        Value::String(text) => Value::String(
            known
                .iter()
                .fold(text, |text, (planned, now)| text.replace(planned, now)),
        ),
        Value::Number(number) => {
            let found = known
                .iter()
                .find(|(planned, _)| *planned == number.to_string());
            found
                .and_then(|(_, now)| now.parse::<u32>().ok())
                .map_or(Value::Number(number), Value::from)
        }
        Value::Array(items) => items.into_iter().map(|item| fill(item, known)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, field)| (key, fill(field, known)))
            .collect(),
        other => other,
    }
}

impl PlannedWrite {
    /// A write with its planned answer; none for what a plan leaves out, log lines and reads.
    pub(super) fn new(call: &Call, reply: Option<&Reply>) -> Option<Self> {
        let gives = match reply {
            Some(Reply::PullRequest(pull)) => Some(PlannedResult::PullRequest {
                number: pull.number,
                url: pull.url.clone(),
                head: pull.head_commit.clone(),
            }),
            Some(Reply::Merged(Merged::Now(commit))) => Some(PlannedResult::Merge {
                commit: commit.clone(),
            }),
            _ => None,
        };
        is_bound(call).then(|| Self {
            write: call.clone(),
            gives,
        })
    }
}

impl PlannedResult {
    /// The names in the plan, each with the real one.
    pub(super) fn turned_out(&self, reply: &Reply) -> Vec<(String, String)> {
        match (self, reply) {
            (Self::PullRequest { number, url, head }, Reply::PullRequest(pull)) => {
                let mut known = vec![(head.clone(), pull.head_commit.clone())];
                // A pull request that was there already is that one and no other.
                if *number >= FIRST {
                    known.push((url.clone(), pull.url.clone()));
                    known.push((number.to_string(), pull.number.to_string()));
                }
                known
            }
            (Self::Merge { commit }, Reply::Merged(Merged::Now(now))) => {
                vec![(commit.clone(), now.clone())]
            }
            _ => Vec::new(),
        }
    }
}

/// Whether a plan binds a call: every write but a log line.
pub(super) fn is_bound(call: &Call) -> bool {
    call.is_write() && !matches!(call, Call::Note { .. })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_known_is_filled_in_wherever_it_stands() {
        let known = [
            ("4000000001".to_owned(), "12".to_owned()),
            (
                "https://planned.invalid/a/b/pull/4000000001".to_owned(),
                "https://github.com/a/b/pull/12".to_owned(),
            ),
        ];
        let planned = json!({"number": 4_000_000_001_u32, "body": "Superseded by #4000000001.", "other": [1, null]});
        assert_eq!(
            fill(planned, &known),
            json!({"number": 12, "body": "Superseded by #12.", "other": [1, null]})
        );
    }
}
