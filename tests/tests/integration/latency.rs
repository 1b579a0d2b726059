//! The requests of a promotion: their number, and how many of them wait for one another.

use std::time::Duration;

use jiff::Timestamp;
use promote_mock::sample::RUN;
use promote_tests::settings::SampleConfig;

use crate::stage::ProgramStage;

/// Every request of a promotion with a merge, and why it cannot be left out. A new one needs a reason as good.
const REQUESTS: [(&str, &str); 11] = [
    ("POST /v1/auth/access_token", "one login for the run"),
    (
        "GET /v1/actions/runs/RUN",
        "the run that the payload names must be open, and about the same entity",
    ),
    (
        "POST /v1/entities/search",
        "the service, which fills in the grants, with its runtimes and their images",
    ),
    (
        "POST /v1/actions/runs/RUN/logs",
        "that the run starts, beside the first read of the policy",
    ),
    (
        "POST /graphql",
        "base commit and tree, the manifest with its mode, the older pull requests, and which branches there are",
    ),
    (
        "POST /graphql",
        "the branch, the commit and the pull request, and where the base is by then: what a merge needs to know before",
    ),
    (
        "POST /graphql",
        "the merge, of exactly that commit; the branch that it went into, its parents and the file in it",
    ),
    (
        "PATCH /v1/actions/runs/RUN",
        "the links to the workflow and the pull request, beside the merge",
    ),
    (
        "DELETE /repos/acme/gitops/git/refs/heads/promote/web/production/*",
        "a merged branch is done with, beside the catalog",
    ),
    (
        "PATCH /v1/blueprints/running_service/entities/web-prod",
        "the catalog follows git",
    ),
    (
        "POST /v1/actions/runs/RUN/logs",
        "the last lines, the label and the status",
    ),
];

/// Some answers in any order: they are asked for side by side.
fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[tokio::test]
async fn a_promotion_makes_eleven_requests() {
    makes_eleven_requests(&SampleConfig::default()).await;
}

#[tokio::test]
async fn and_no_more_if_a_rule_chooses_its_policy() {
    makes_eleven_requests(&crate::teams::builtin_for("payments")).await;
}

/// A machine that stands still for seconds makes a run look at its pull request once more, but not in each of four runs.
async fn makes_eleven_requests(settings: &SampleConfig) {
    let expected: Vec<String> = REQUESTS.iter().map(|(it, _)| (*it).to_owned()).collect();
    let expected = sorted(expected);
    let mut seen = requests(settings).await;
    for _ in 0..3 {
        if seen == expected {
            break;
        }
        seen = requests(settings).await;
    }
    assert_eq!(seen, expected);
}

/// Runs a promotion, and returns its requests.
async fn requests(settings: &SampleConfig) -> Vec<String> {
    let stage = ProgramStage::sample().await.settings(settings);
    stage.run(&[]).await.expect(0);
    let seen = stage.world.lock().seen.clone();
    let line = |seen: &promote_mock::RequestRecord| {
        let path = seen.path.replace(RUN, "RUN");
        let path = match path.split_once("/production/") {
            Some((folder, _)) => format!("{folder}/production/*"),
            None => path,
        };
        format!("{} {path}", seen.method)
    };
    sorted(seen.iter().map(line).collect())
}

#[tokio::test]
async fn seven_of_them_wait_for_one_another() {
    wait_seven_times(&SampleConfig::default()).await;
}

#[tokio::test]
async fn and_no_more_do_if_a_rule_chooses_its_policy() {
    wait_seven_times(&crate::teams::builtin_for("payments")).await;
}

/// A busy machine may send two requests apart that go out together, but not in each of four runs.
async fn wait_seven_times(settings: &SampleConfig) {
    let mut trips = trips(settings).await;
    for _ in 0..3 {
        if trips.len() <= 7 {
            break;
        }
        trips = self::trips(settings).await;
    }
    assert!(trips.len() <= 7, "{}: {trips:#?}", trips.len());
}

/// Runs a promotion, and returns the requests that were sent only after an earlier one was answered.
async fn trips(settings: &SampleConfig) -> Vec<String> {
    let latency = Duration::from_millis(300);
    let stage = ProgramStage::slow(latency).await.settings(settings);
    stage.run(&[]).await.expect(0);
    let mut trips = Vec::new();
    let mut answered = Timestamp::MIN;
    for seen in stage.world.lock().seen.clone() {
        if seen.at >= answered {
            answered = seen.at + latency;
            trips.push(format!("{} {}", seen.method, seen.path));
        }
    }
    trips
}

#[tokio::test]
async fn what_the_grants_would_deny_is_not_fetched_ahead() {
    let stage = ProgramStage::sample().await;
    let narrow =
        "[[grants]]\nallow = [\"port.get-entity\"]\nblueprint = [\"service\"]\nentity = \"web\"\n";
    let settings = SampleConfig::default().grants(narrow);
    let stage = stage.settings(&settings);
    stage.run(&[]).await.expect(4);
    let paths: Vec<String> = stage
        .world
        .lock()
        .seen
        .clone()
        .into_iter()
        .map(|seen| seen.path)
        .collect();
    assert!(
        !paths
            .iter()
            .any(|path| path.contains("search") || path.contains("graphql")),
        "{paths:#?}"
    );
}
