//! The shapes of real answers: keys, types, statuses and texts, written down from public recordings of GitHub.
//!
//! `recorded-shapes.json` has the keys that at least 95 % of the recordings of an operation hold since 2019 (hub4j/github-api
//! and PyGithub, 2,104 answers), with their types; what GitHub describes as nullable may be null also where few were recorded. `recorded-errors.json` has the bodies of refusals, and the failure that a
//! policy must get for each.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use promote_core::contract::Failure;
use promote_core::service::transport::{HttpRequest, HttpResponse, Transport, TransportError};
use promote_core::source::live::Live;
use promote_mock::{SharedWorld, World};
use promote_tests::bench::setup;
use serde_json::{Value, json};

/// The recorded shape of the successes of one operation.
pub(crate) struct RecordedShape {
    /// The number of recordings.
    pub(crate) seen: usize,
    /// Types by path: `head.repo.id`, and `files[].sha` for each item of a list.
    pub(crate) keys: BTreeMap<String, String>,
}

/// All shapes, by operation and status.
pub(crate) fn shapes() -> BTreeMap<String, RecordedShape> {
    let text = include_str!("../../contract/recorded-shapes.json");
    let all: BTreeMap<String, Value> = serde_json::from_str(text).unwrap();
    let read = |(name, shape): (String, Value)| {
        let seen = shape["seen"].as_u64().unwrap().try_into().unwrap();
        let keys = serde_json::from_value(shape["keys"].clone()).unwrap();
        (name, RecordedShape { seen, keys })
    };
    all.into_iter().map(read).collect()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Splits a path into the object that holds the key, and the key.
fn split(path: &str) -> (&str, &str) {
    match path.strip_suffix("[]") {
        Some(list) => (list, "[]"),
        None => path.rsplit_once('.').unwrap_or(("", path)),
    }
}

/// Calls `visit` with every value at a path.
fn at<'v>(value: &'v mut Value, path: &str, visit: &mut dyn FnMut(&'v mut Value)) {
    if path.is_empty() {
        return visit(value);
    }
    let (first, rest) = match path.strip_prefix("[]") {
        Some(rest) => {
            let rest = rest.strip_prefix('.').unwrap_or(rest);
            for item in value.as_array_mut().into_iter().flatten() {
                at(item, rest, visit);
            }
            return;
        }
        None => path.split_at(path.find(['.', '[']).unwrap_or(path.len())),
    };
    if let Some(inner) = value.get_mut(first) {
        at(inner, rest.strip_prefix('.').unwrap_or(rest), visit);
    }
}

/// Returns what an answer lacks of a shape, and what has another type.
pub(crate) fn differences(shape: &RecordedShape, answer: &Value) -> Vec<String> {
    let mut answer = answer.clone();
    let mut wrong = Vec::new();
    for (path, types) in &shape.keys {
        let (holder, key) = split(path);
        let mut is_wrong = false;
        at(&mut answer, holder, &mut |holder| {
            let held: Vec<Option<&Value>> = match (key, &*holder) {
                ("[]", Value::Array(items)) => items.iter().map(Some).collect(),
                (_, Value::Object(fields)) => vec![fields.get(key)],
                // Its own path says whether it may be something else.
                _ => Vec::new(),
            };
            let fits = |value: &Option<&Value>| {
                value.is_some_and(|value| types.split('|').any(|name| name == type_of(value)))
            };
            is_wrong |= !held.iter().all(fits);
        });
        if is_wrong {
            wrong.push(format!("{path} is not {types}"));
        }
    }
    wrong
}

/// The result of changing valid answers, key by key.
#[derive(Default)]
pub(crate) struct MutationCount {
    pub(crate) made: usize,
    /// The changes that nobody noticed.
    pub(crate) unnoticed: Vec<String>,
}

/// Drops each key of an answer and changes its type, and counts what is noticed.
pub(crate) fn mutate(name: &str, shape: &RecordedShape, answer: &Value, count: &mut MutationCount) {
    for (path, types) in &shape.keys {
        let (holder, key) = split(path);
        if key == "[]" {
            continue;
        }
        let foreign = [json!({}), json!([]), json!("x"), json!(7), json!(true)]
            .into_iter()
            .find(|value| !types.split('|').any(|one| one == type_of(value)));
        for replacement in [None, foreign] {
            let mut changed = answer.clone();
            let mut is_changed = false;
            at(&mut changed, holder, &mut |holder| {
                let Some(fields) = holder.as_object_mut() else {
                    return;
                };
                is_changed |= fields.contains_key(key);
                match &replacement {
                    None => drop(fields.remove(key)),
                    Some(value) => drop(fields.insert(key.to_owned(), value.clone())),
                }
            });
            if !is_changed {
                continue;
            }
            count.made += 1;
            if differences(shape, &changed).is_empty() {
                count.unnoticed.push(format!("{name}: {path}"));
            }
        }
    }
}

/// A GitHub that answers one thing.
struct CannedGitHub(u16, Vec<u8>);

#[async_trait]
impl Transport for CannedGitHub {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        let mut response = HttpResponse::new(self.1.clone());
        *response.status_mut() = self.0.try_into().unwrap();
        Ok(response)
    }
}

/// Returns what a policy is told of an answer. There is no time to wait for another.
async fn failure_of(status: u16, body: Vec<u8>) -> Failure {
    let world = SharedWorld::new(World::sample());
    let now = world.lock().now;
    let live = Live::new(setup(Arc::new(CannedGitHub(status, body)), &world, now, 7)).unwrap();
    let answer = live.github.read("/user".to_owned()).await;
    answer.unwrap_err().into()
}

/// The name of a failure in `wit/`, and its text.
fn told(failure: &Failure) -> (&'static str, &str) {
    match failure {
        Failure::Denied(text) => ("denied", text),
        Failure::NotFound(text) => ("not-found", text),
        Failure::Conflict(text) => ("conflict", text),
        Failure::Rejected(text) => ("rejected", text),
        Failure::RateLimited(text) => ("rate-limited", text),
        Failure::Unavailable(text) => ("unavailable", text),
        Failure::Other(text) => ("other", text),
    }
}

/// Returns every text that a reader must see of a refusal: its message, and of each error the message, or its place.
fn texts(body: &Value) -> Vec<String> {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut texts: Vec<String> = body["message"].as_str().map(plain).into_iter().collect();
    for error in body["errors"].as_array().into_iter().flatten() {
        texts.extend(error.as_str().map(plain));
        let parts = ["message", "field"].map(|name| error[name].as_str());
        texts.extend(parts.into_iter().flatten().map(plain));
    }
    texts
        .iter()
        .map(|text| text.chars().take(200).collect())
        .collect()
}

#[tokio::test]
async fn every_recorded_refusal_is_told_for_what_it_is() {
    let text = include_str!("../../contract/recorded-errors.json");
    let refusals: Vec<Value> = serde_json::from_str(text).unwrap();
    let mut changes = 0;
    for refusal in &refusals {
        let status = u16::try_from(refusal["status"].as_u64().unwrap()).unwrap();
        // An object, or any other text as it came.
        let body = &refusal["body"];
        let becomes = refusal["becomes"].as_str().unwrap();
        let bytes = |body: &Value| match body {
            Value::String(text) => text.clone().into_bytes(),
            body => serde_json::to_vec(body).unwrap(),
        };
        let failure = failure_of(status, bytes(body)).await;
        let (kind, text) = told(&failure);
        assert_eq!(kind, becomes, "{status} {body}");
        for part in texts(body) {
            assert!(text.contains(&part), "{text} lacks {part}");
        }
        // Without its words, or with something else in their place, the same refusal says less, and nothing breaks.
        for change in [Value::Null, json!(7), json!([])] {
            let Some(message) = body["message"].as_str().filter(|it| !it.is_empty()) else {
                continue;
            };
            let mut changed = body.clone();
            match change {
                Value::Null => drop(changed.as_object_mut().unwrap().remove("message")),
                value => changed["message"] = value,
            }
            let changed = failure_of(status, bytes(&changed)).await;
            assert!(
                told(&changed).1 != text,
                "{status} {message} is not looked at"
            );
            changes += 1;
        }
    }
    crate::say(&format!(
        "contract: {} recorded refusals told, {changes} changes of them noticed",
        refusals.len()
    ));
}
