//! Deployments: made once, told once, and earlier ones made inactive.

use crate::service::github::deployments::{DeploymentRecord, DeploymentState};
use crate::service::github::tests::*;
use crate::service::http::script::TransportResult;

const LIST: &str = "GET /deployments?environment=production&task=promote&per_page=100";

fn record(state: DeploymentState) -> DeploymentRecord {
    DeploymentRecord {
        environment: "production".to_owned(),
        commit: BASE.to_owned(),
        subject: "web".to_owned(),
        run: "r_2".to_owned(),
        state,
        description: "promoted\nx".to_owned(),
        page: Some("https://github.com/acme/gitops/actions/runs/1".to_owned()),
    }
}

fn deployment(id: u64, run: &str, subject: &str) -> Value {
    json!({ "id": id, "sha": BASE, "payload": { "run": run, "subject": subject } })
}

fn status(state: &str, description: &str) -> TransportResult {
    answer(200, json!([{ "state": state, "description": description }]))
}

#[tokio::test]
async fn a_deployment_is_made_once_and_its_status_is_set_once() {
    let none = || answer(200, "[]");
    let own = || answer(200, json!([deployment(9, "r_2", "web")]));
    let created = || answer(201, json!({ "id": 9 }));
    let read = "GET /deployments/9/statuses?per_page=1";
    let (create, set) = ("POST /deployments", "POST /deployments/9/statuses");
    for steps in [
        vec![
            (LIST, none()),
            (create, created()),
            (read, none()),
            (set, answer(201, "{}")),
        ],
        // An answer that was lost, and the thing was done.
        vec![
            (LIST, none()),
            (create, answer(502, "")),
            (LIST, own()),
            (read, none()),
            (set, answer(201, "{}")),
        ],
        // It was not done.
        vec![
            (LIST, none()),
            (create, answer(502, "")),
            (LIST, none()),
            (create, created()),
            (read, none()),
            (set, answer(201, "{}")),
        ],
        vec![
            (LIST, own()),
            (read, status("queued", "")),
            (set, answer(201, "{}")),
        ],
        vec![(LIST, own()), (read, status("in_progress", "promoted x"))],
        // Of another run, whatever its text says.
        vec![
            (
                LIST,
                answer(
                    200,
                    json!([{ "id": 3, "sha": BASE, "payload": "{\"run\":\"r_2\"}" }, deployment(4, "r_1", "web")]),
                ),
            ),
            (create, created()),
            (read, none()),
            (set, answer(201, "{}")),
        ],
    ] {
        let (client, script) = github(steps);
        let repo = client.repo(R).unwrap();
        let record = record(DeploymentState::InProgress);
        repo.keep_deployment(&record).await.unwrap();
        script.end();
    }
}

#[tokio::test]
async fn a_success_ends_the_earlier_ones_of_its_subject_only() {
    let all = json!([
        deployment(9, "r_2", "web"),
        deployment(8, "r_9", "payments"),
        deployment(7, "r_1", "web"),
        deployment(6, "r_0", "web"),
        deployment(5, "r_x", "web"),
        deployment(11, "r_3", "web"),
    ]);
    let (client, script) = github(vec![
        (LIST, answer(200, all)),
        (
            "GET /deployments/9/statuses?per_page=1",
            status("in_progress", "x"),
        ),
        ("POST /deployments/9/statuses", answer(201, "{}")),
        (
            "GET /deployments/7/statuses?per_page=1",
            status("success", "x"),
        ),
        ("POST /deployments/7/statuses", answer(201, "{}")),
        (
            "GET /deployments/6/statuses?per_page=1",
            status("inactive", "y"),
        ),
        ("GET /deployments/5/statuses?per_page=1", answer(200, "[]")),
    ]);
    let repo = client.repo(R).unwrap();
    let record = record(DeploymentState::Success);
    repo.keep_deployment(&record).await.unwrap();
    assert_eq!(
        script.body(2),
        json!({
            "state": "success", "description": "promoted x", "auto_inactive": false,
            "log_url": "https://github.com/acme/gitops/actions/runs/1",
        })
    );
    assert_eq!(script.body(4)["state"], "inactive");
    script.end();
}
