//! The requests of a promotion: their number, and how many of them wait for one another.

use std::time::Duration;

use jiff::Timestamp;
use promote_mock::sample::RUN;
use promote_tests::settings::SampleConfig;

use crate::stage::ProgramStage;

/// Every request of a promotion with a merge, and why it cannot be left out. A new one needs a reason as good.
const REQUESTS: [(&str, &str); 18] = [
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
        "base commit and tree, the manifest with its mode, and the older pull requests",
    ),
    ("POST /repos/acme/gitops/git/trees", "the changed file"),
    (
        "POST /repos/acme/gitops/git/commits",
        "the commit, before any branch shows it",
    ),
    (
        "POST /graphql",
        "the branch, which holds the commit from the beginning, and where the base is by then",
    ),
    ("POST /repos/acme/gitops/pulls", "the pull request"),
    (
        "PATCH /v1/actions/runs/RUN",
        "the links to the workflow and the pull request, beside the merge",
    ),
    (
        "GET /repos/acme/gitops/pulls/1",
        "the base of the pull request, which a merge does not pin",
    ),
    (
        "GET /repos/acme/gitops/compare/main...*",
        "that the head holds our commits and changes exactly what was proposed",
    ),
    (
        "PUT /repos/acme/gitops/pulls/1/merge",
        "the merge, of exactly that commit",
    ),
    (
        "GET /repos/acme/gitops/pulls/1",
        "the branch that it went into, whose name somebody may have changed meanwhile",
    ),
    (
        "GET /repos/acme/gitops/contents/apps/web/prod/deployment.yaml",
        "what the base branch gained, which the catalog may name",
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
async fn a_promotion_makes_eighteen_requests() {
    makes_eighteen_requests(&SampleConfig::default()).await;
}

#[tokio::test]
async fn and_no_more_if_a_rule_chooses_its_policy() {
    makes_eighteen_requests(&crate::teams::builtin_for("payments")).await;
}

async fn makes_eighteen_requests(settings: &SampleConfig) {
    let stage = ProgramStage::sample().await.settings(settings);
    stage.run(&[]).await.expect(0);
    let seen = stage.world.lock().seen.clone();
    let line = |seen: &promote_mock::RequestRecord| {
        let path = seen.path.replace(RUN, "RUN");
        let path = match path.split_once("/production/") {
            Some((folder, _)) => format!("{folder}/production/*"),
            None => path,
        };
        let path = match path.split_once("...") {
            Some((base, _)) => format!("{base}...*"),
            None => path,
        };
        format!("{} {path}", seen.method)
    };
    let expected = REQUESTS
        .iter()
        .map(|(request, _)| (*request).to_owned())
        .collect();
    assert_eq!(sorted(seen.iter().map(line).collect()), sorted(expected));
}

#[tokio::test]
async fn twelve_of_them_wait_for_one_another() {
    wait_twelve_times(&SampleConfig::default()).await;
}

#[tokio::test]
async fn and_no_more_do_if_a_rule_chooses_its_policy() {
    wait_twelve_times(&crate::teams::builtin_for("payments")).await;
}

/// A busy machine may send two requests apart that go out together, but not in each of four runs.
async fn wait_twelve_times(settings: &SampleConfig) {
    let mut trips = trips(settings).await;
    for _ in 0..3 {
        if trips.len() <= 12 {
            break;
        }
        trips = self::trips(settings).await;
    }
    assert!(trips.len() <= 12, "{}: {trips:#?}", trips.len());
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
