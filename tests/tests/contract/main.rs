//! Our client and our GitHub against GitHub's own description of its API, of which neither has the last word.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod description;
mod journeys;
mod others;
mod record;
mod refusals;

use std::collections::BTreeSet;
use std::io::Write;

use bench::RecordedClients;
use description::{ApiCoverage, ApiDescription};
use record::{ExchangeRecord, HttpExchange};
use serde_json::json;
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
    let coverage = ApiDescription::read().check(&record.taken());
    assert_valid(&coverage);
    let served = coverage.used.len();
    let responses = coverage.responses;
    say(&format!(
        "contract: {served} operations asked of the mock by others, {responses} responses validated"
    ));
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
