//! A run that is cut off from both services at any request, and run again.

use std::collections::BTreeMap;
use std::path::Path;

use promote_kit::scenario::{Scenario, ScenarioBackend, ScenarioRunner};

/// The sample, cut off from the request on that is given, before or after requests have their effect; then run again.
fn cut_off(at: usize, when: &str) -> Scenario {
    let text = format!(
        r#"
        [[given.port.runs]]
        id = "r_Second0000000002"
        action = "promote_to_production"
        blueprint = "service"
        entity = "web"
        [[given.faults]]
        path = "**"
        nth = {at}
        times = 1000000
        then = {{ cut = "{when}" }}
        [[step]]
        [[step]]
        heal = true
        [[step]]
        payload = {{ set = {{ context = {{ runId = "r_Second0000000002" }} }} }}
        [step.expect]
        exit = 0
        pulls = ["merged"]
        branches = ["main"]
        run = {{ status = "SUCCESS" }}
        [step.expect.entities]
        "running_service/web-prod" = {{ image = "web-1.4.2" }}
        "#
    );
    Scenario::parse(&text, Path::new("cut-off.toml")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "the number of points")]
async fn a_run_that_is_cut_off_at_any_request_is_finished_by_the_next() {
    let runner = ScenarioRunner::new(BTreeMap::new()).unwrap();
    let whole = runner
        .run(&cut_off(1_000_000, "before"), ScenarioBackend::Mock)
        .await
        .unwrap();
    let requests = whole[0].requests.len();
    assert!(requests >= 10, "only {requests} requests");
    let mut broken = Vec::new();
    for at in 1..=requests {
        for when in ["before", "after"] {
            let report = runner.test(&cut_off(at, when), false).await.unwrap();
            let problems = report
                .problems
                .iter()
                .map(|one| format!("request {at}, {when}: {:?}", one.mismatch));
            broken.extend(problems);
        }
    }
    eprintln!(
        "{} points of a promotion of {requests} requests, {} broken",
        2 * requests,
        broken.len()
    );
    assert!(broken.is_empty(), "{broken:#?}");
}
