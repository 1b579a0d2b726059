//! A run that keeps to a plan: the planned writes, in their order, and no other.

use async_trait::async_trait;
use serde_json::Value;

use super::file::{Planned, is_bound};
use crate::ahead::Ahead;
use crate::contrast::differences;
use crate::core::call::{Call, Reply};
use crate::core::contract::{Entity, EntityKey, Failure};
use crate::core::live::Live;
use crate::core::run::Mode;
use crate::core::source::Source;

/// Fewest characters that can stand for something: what a plan is written with has more.
const SHORTEST: usize = 10;

/// The live source behind a plan.
pub struct Bound {
    live: Ahead,
    plan: Vec<Planned>,
    /// How many of them were made.
    made: usize,
    /// What stands in the plan for what did not exist yet, each with what it turned out to be.
    known: Vec<(String, String)>,
}

impl Bound {
    /// A run that may make these writes.
    pub fn new(live: Ahead, plan: Vec<Planned>) -> Self {
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
impl Source for Bound {
    async fn call(&mut self, call: &Call) -> Result<Reply, Failure> {
        if !is_bound(call) {
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
        let (number, total) = (self.made + 1, self.plan.len());
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

    fn mode(&self) -> Mode {
        Mode::Run
    }

    fn live(&self) -> &Live {
        self.live.live()
    }

    async fn entity(&self, key: &EntityKey) -> Result<Option<Entity>, Failure> {
        self.live.entity(key).await
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
