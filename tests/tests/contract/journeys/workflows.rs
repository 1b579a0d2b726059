//! Workflow runs, the environments that reviewers guard, and their reviews.

use std::collections::BTreeSet;

use promote_mock::github::{DeploymentBranches, EnvironmentReview};
use serde_json::{Value, json};

use crate::bench::{REPOSITORY, RecordedClients};
use crate::record::ExchangeRecord;

const FILE: &str = "promote-production.yml";
const TITLE: &str = "Port run r_1";

/// Reads them as whoever goes on with a run that may be dead, in every state that a workflow run can have.
pub(super) async fn looks_for_workflow_runs(record: &ExchangeRecord) {
    let bench = RecordedClients::new(record, |world| {
        let github = &mut world.github;
        let reviewers = BTreeSet::from(["kim".to_owned()]);
        github.set_environment(REPOSITORY, "production", reviewers);
        github.set_environment(REPOSITORY, "staging", BTreeSet::new());
        github.set_environment(REPOSITORY, "free", BTreeSet::new());
        github.set_deployment_branches(REPOSITORY, "staging", DeploymentBranches::Protected);
        github.set_workflow_run(REPOSITORY, FILE, TITLE, "completed", Some("cancelled"));
        github.set_workflow_run(REPOSITORY, FILE, "Port run r_2", "waiting", None);
        let review = EnvironmentReview {
            environment: "production".to_owned(),
            user: "kim".to_owned(),
            state: "approved".to_owned(),
        };
        github.review_environment(REPOSITORY, TITLE, review);
    });
    let below = |path: &str| format!("/repos/{REPOSITORY}{path}");
    let read = async |path: &str| bench.raw("GET", &below(path), &Value::Null).await;
    let (status, runs) = read(&format!(
        "/actions/workflows/{FILE}/runs?created=%3E%3D2026-01-01T00:00:00Z&exclude_pull_requests=true&per_page=100"
    ))
    .await;
    assert_eq!((status, &runs["total_count"]), (200, &2.into()));
    let id = &runs["workflow_runs"][1]["id"];
    let (_, later) = read(&format!(
        "/actions/workflows/{FILE}/runs?created=%3E%3D2036-01-01T00:00:00Z"
    ))
    .await;
    assert_eq!(later["total_count"], 0);
    let (_, reviews) = read(&format!("/actions/runs/{id}/approvals")).await;
    assert_eq!(reviews[0]["environments"][0]["name"], "production");
    let (_, all) = read("/environments?per_page=100").await;
    let rules = &all["environments"][0]["protection_rules"];
    assert_eq!(rules[0]["type"], "required_reviewers");
    assert_eq!(read(&format!("/actions/workflows/{FILE}")).await.0, 200);
    for (name, policy) in [
        ("free", Value::Null),
        (
            "Staging",
            json!({"protected_branches": true, "custom_branch_policies": false}),
        ),
        (
            "production",
            json!({"protected_branches": false, "custom_branch_policies": true}),
        ),
    ] {
        let (_, one) = read(&format!("/environments/{name}")).await;
        assert_eq!(one["deployment_branch_policy"], policy, "{name}");
    }
    let list = "/environments/production/deployment-branch-policies?per_page=100";
    let (_, policies) = read(list).await;
    assert_eq!(policies["branch_policies"][0]["name"], "main");
    for missing in [
        "/actions/workflows/none.yml",
        "/actions/workflows/none.yml/runs",
        "/actions/runs/7/approvals",
        "/environments/none",
        "/environments/none/deployment-branch-policies",
    ] {
        assert_eq!(read(missing).await.0, 404, "{missing}");
    }
}
