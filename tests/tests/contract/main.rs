//! Our client and our GitHub against GitHub's own description of its API, of which neither has the last word.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod description;
mod journeys;
mod record;

use std::collections::BTreeSet;
use std::io::Write;

use description::Description;
use record::Record;
use wit_parser::Resolve;

/// Written past the capture of the test harness: who reads a log wants the numbers of a run that passed, too.
fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
}

/// The functions of the contract that reach GitHub.
fn functions() -> BTreeSet<String> {
    let mut resolve = Resolve::default();
    resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit")).unwrap();
    let of_github = |name: &Option<String>| name.as_ref().is_some_and(|name| name.starts_with("github-"));
    let interfaces = resolve.interfaces.iter().filter(|(_, it)| of_github(&it.name));
    interfaces.flat_map(|(_, interface)| interface.functions.keys().cloned()).collect()
}

#[tokio::test]
async fn what_we_send_and_what_the_mock_answers_is_github_s_api() {
    let record = Record::default();
    let made = journeys::all(&record).await;
    assert_eq!(made, functions(), "the journeys call every function of wit/github-*");
    let coverage = Description::read().check(&record.taken());
    let violations: Vec<_> = coverage.violations.iter().take(40).map(String::as_str).collect();
    assert!(violations.is_empty(), "{} violations:\n{}", coverage.violations.len(), violations.join("\n"));
    say(&format!(
        "contract: {} operations used, {} validated, {} requests, {} responses",
        coverage.used.len(),
        coverage.validated.len(),
        coverage.requests,
        coverage.responses
    ));
    say(&format!("contract: {} requests of GraphQL, which the description does not cover", coverage.graphql));
    assert_eq!(coverage.used, coverage.validated);
}
