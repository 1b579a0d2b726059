//! Our client and our GitHub against GitHub's own description of its API, of which neither has the last word.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod description;
mod journeys;
mod others;
mod port;
mod record;
mod recorded;
mod refusals;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use bench::RecordedClients;
use description::{ApiCoverage, ApiDescription};
use record::{ExchangeRecord, HttpExchange};
use serde_json::{Value, json};
use wit_parser::Resolve;

/// Written past the capture of the test harness: who reads a log wants the numbers of a run that passed, too.
fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
}

/// The functions of the contract that reach GitHub.
fn functions() -> BTreeSet<String> {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit"))
        .unwrap();
    let of_github = |name: &Option<String>| {
        name.as_ref()
            .is_some_and(|name| name.starts_with("github-"))
    };
    let interfaces = resolve
        .interfaces
        .iter()
        .filter(|(_, it)| of_github(&it.name));
    interfaces
        .flat_map(|(_, interface)| interface.functions.keys().cloned())
        .collect()
}

/// Fails with everything that the description does not allow.
fn assert_valid(coverage: &ApiCoverage) {
    let violations: Vec<_> = coverage
        .violations
        .iter()
        .take(40)
        .map(String::as_str)
        .collect();
    assert!(
        violations.is_empty(),
        "{} violations:\n{}",
        coverage.violations.len(),
        violations.join("\n")
    );
}

#[tokio::test]
async fn what_we_send_and_what_the_mock_answers_is_github_s_api() {
    let record = ExchangeRecord::default();
    let made = journeys::all(&record).await;
    assert_eq!(
        made,
        functions(),
        "the journeys call every function of wit/github-*"
    );
    keep(&record, "ours");
    let coverage = ApiDescription::read().check(&record.taken());
    assert_valid(&coverage);
    let ApiCoverage {
        used,
        validated,
        requests,
        responses,
        graphql,
        ..
    } = coverage;
    let used = used.len();
    let validated = validated.len();
    say(&format!(
        "contract: {used} operations used, {validated} validated, {requests} requests, {responses} responses"
    ));
    say(&format!(
        "contract: {graphql} requests of GraphQL, which the description does not cover"
    ));
    assert_eq!(used, validated);
}

#[tokio::test]
async fn what_only_others_ask_the_mock_for_is_github_s_api_too() {
    let record = ExchangeRecord::default();
    others::ask(&record).await;
    keep(&record, "others");
    let coverage = ApiDescription::read().check(&record.taken());
    assert_valid(&coverage);
    let served = coverage.used.len();
    let responses = coverage.responses;
    say(&format!(
        "contract: {served} operations asked of the mock by others, {responses} responses validated"
    ));
}

/// The kinds of recorded answers that the mock gives nowhere in these tests.
const UNASKED: [&str; 3] = [
    "apps/get-authenticated 200",
    "pulls/update-branch 202",
    "repos/create-or-update-file-contents 200",
];

#[tokio::test]
async fn what_the_mock_answers_has_the_shape_of_what_was_recorded() {
    let record = ExchangeRecord::default();
    journeys::all(&record).await;
    others::ask(&record).await;
    let description = ApiDescription::read();
    let mut answers: BTreeMap<String, Value> = BTreeMap::new();
    let shapes = recorded::shapes();
    let mut wrong = BTreeSet::new();
    let mut compared = 0;
    for exchange in record.taken() {
        let Some(operation) = description.operation(&exchange) else {
            continue;
        };
        let name = format!("{operation} {}", exchange.status);
        let Some(shape) = shapes.get(&name) else {
            continue;
        };
        let answer = HttpExchange::json(&exchange.received)
            .unwrap()
            .unwrap_or_default();
        // A directory has a shape of its own.
        if answer.is_array() && operation == "repos/get-content" {
            continue;
        }
        compared += 1;
        wrong.extend(
            recorded::differences(shape, &answer)
                .into_iter()
                .map(|what| format!("{name}: {what}")),
        );
        answers.insert(name, answer);
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unasked: Vec<&str> = shapes
        .keys()
        .map(String::as_str)
        .filter(|name| !answers.contains_key(*name) && !UNASKED.contains(name))
        .collect();
    assert!(unasked.is_empty(), "the mock never answered {unasked:?}");
    let mut count = recorded::MutationCount::default();
    for (name, answer) in &answers {
        recorded::mutate(name, &shapes[name], answer, &mut count);
    }
    assert!(count.unnoticed.is_empty(), "{:?}", count.unnoticed);
    let seen: usize = shapes.values().map(|shape| shape.seen).sum();
    say(&format!(
        "contract: {compared} answers of {} kinds have the shape of {seen} recordings, {} changes noticed",
        answers.len(),
        count.made
    ));
}

/// Writes what was exchanged where the foreign validators of `make test-clients` find it.
fn keep(record: &ExchangeRecord, name: &str) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all: Vec<Value> = record
        .taken()
        .iter()
        .map(|it| {
            json!({ "method": it.method, "path": it.path, "query": it.query, "status": it.status,
                "sent": text(&it.sent), "received": text(&it.received) })
        })
        .collect();
    let path = format!("{}/github-{name}.json", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(path, serde_json::to_vec(&all).unwrap()).unwrap();
}

type Tamper = fn(&mut HttpExchange);

#[tokio::test]
async fn what_differs_from_the_description_is_found() {
    let record = ExchangeRecord::default();
    let bench = RecordedClients::new(&record, |_| {});
    bench.propose().await.unwrap();
    let taken = record.taken();
    let mut description = ApiDescription::read();
    assert_valid(&description.check(&taken));
    let made = taken
        .iter()
        .position(|it| it.method == "POST" && it.path.ends_with("/pulls"))
        .unwrap();
    let tampered: [(&str, Tamper); 7] = [
        ("\"mergeable_state\" is a required property", |it| {
            it.change(|_, got| drop(got.remove("mergeable_state")))
        }),
        ("/number", |it| {
            it.change(|_, got| drop(got.insert("number".into(), json!("1"))))
        }),
        ("/head", |it| {
            it.change(|_, got| drop(got.insert("head".into(), json!(null))))
        }),
        ("Additional properties", |it| {
            it.change(|sent, _| drop(sent.insert("auto_merge".into(), json!(true))))
        }),
        ("it never answers 418", |it| it.status = 418),
        ("no such operation", |it| it.path += "/none"),
        ("the query has no parameter force", |it| {
            it.query = "force=1".to_owned()
        }),
    ];
    for (expected, tamper) in tampered {
        let mut exchange = taken[made].clone();
        tamper(&mut exchange);
        let coverage = description.check(&[exchange]);
        assert!(coverage.validated.is_empty(), "{expected}");
        assert!(
            coverage.violations.iter().any(|it| it.contains(expected)),
            "{expected}: {:?}",
            coverage.violations
        );
    }
}
