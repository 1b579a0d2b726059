//! Checks and branch rules.

use crate::service::github::tests::*;

fn checks_steps(runs: Value, statuses: Value, rules: TransportResult) -> Vec<Step> {
    vec![
        (
            "GET /commits/c1/check-runs?filter=latest&per_page=100",
            answer(200, runs),
        ),
        ("GET /commits/c1/status?per_page=100", answer(200, statuses)),
        ("GET /rules/branches/main?per_page=100", rules),
        (
            "GET /branches/main",
            answer(200, json!({ "protected": false })),
        ),
    ]
}

fn run(id: u64, name: &str, conclusion: Value) -> Value {
    json!({ "id": id, "name": name, "status": "completed", "conclusion": conclusion, "html_url": null })
}

#[tokio::test]
async fn the_newest_check_of_a_name_wins_and_a_missing_one_waits() {
    let runs = json!({ "total_count": 5, "check_runs": [
        run(9, "ci", json!("success")), run(3, "ci", json!("failure")), run(4, "lint", json!("skipped")),
        run(5, "slow", Value::Null), run(6, "odd", json!("something_new")) ] });
    let statuses = json!({ "total_count": 2, "statuses": [
        { "id": 1, "context": "lint", "state": "failure", "target_url": "u" },
        { "id": 2, "context": "ci", "state": "success", "target_url": null } ] });
    let rules = json!([{ "type": "required_status_checks", "parameters":
        { "required_status_checks": [{ "context": "ci" }, { "context": "absent", "integration_id": 7 }] } }]);
    let (client, script) = github(checks_steps(runs, statuses, answer(200, rules)));
    let checks = client.repo(R).unwrap().checks("c1", "main").await.unwrap();
    let lines: Vec<_> = checks
        .iter()
        .map(|c| (c.name.as_str(), c.state, c.required))
        .collect();
    assert_eq!(
        lines,
        [
            ("absent", CheckState::Waiting, true),
            ("ci", CheckState::Passing, true),
            ("lint", CheckState::Failing, false),
            ("odd", CheckState::Failing, false),
            ("slow", CheckState::Waiting, false),
        ]
    );
    script.end();
}

#[tokio::test]
async fn a_required_check_counts_only_from_the_app_that_must_report_it() {
    let by = |id: u64, maker: i64, conclusion: &str| {
        let mut run = run(id, "ci", json!(conclusion));
        run["app"] = json!({ "id": maker });
        run
    };
    let status =
        |state: &str| vec![json!({ "id": 1, "context": "ci", "state": state, "target_url": null })];
    let table = [
        (vec![by(1, 7, "success")], vec![], 7, CheckState::Passing),
        (vec![by(1, 8, "success")], vec![], 7, CheckState::Waiting),
        (
            vec![by(1, 7, "failure"), by(2, 8, "success")],
            vec![],
            7,
            CheckState::Failing,
        ),
        (vec![by(1, 8, "success")], vec![], -1, CheckState::Passing),
        // Some Apps report by commit status, which does not name them.
        (vec![], status("success"), 7, CheckState::Passing),
        (vec![], status("pending"), 7, CheckState::Waiting),
        (vec![], status("failure"), 7, CheckState::Failing),
        (
            vec![by(1, 8, "success")],
            status("success"),
            7,
            CheckState::Waiting,
        ),
        (
            vec![by(1, 7, "success")],
            status("failure"),
            7,
            CheckState::Failing,
        ),
    ];
    for (runs, statuses, maker, expected) in rows("required checks and their Apps", table) {
        let runs = json!({ "total_count": runs.len(), "check_runs": runs });
        let rules = json!([{ "type": "required_status_checks", "parameters":
            { "required_status_checks": [{ "context": "ci", "integration_id": maker }] } }]);
        let statuses = json!({ "total_count": statuses.len(), "statuses": statuses });
        let (client, _) = github(checks_steps(runs.clone(), statuses, answer(200, rules)));
        let checks = client.repo(R).unwrap().checks("c1", "main").await.unwrap();
        assert_eq!((checks.len(), checks[0].state), (1, expected), "{runs}");
    }
}

#[tokio::test]
async fn checks_that_were_not_all_seen_count_as_unavailable() {
    let full = json!({ "total_count": 0, "check_runs": [], "statuses": [] });
    let runs = json!({ "total_count": 2, "check_runs": [run(1, "ci", json!("success"))] });
    let statuses = json!({ "total_count": 1, "statuses": [] });
    for (runs, statuses) in rows(
        "incomplete checks",
        [(runs, full.clone()), (full, statuses)],
    ) {
        let (client, _) = github(checks_steps(runs, statuses, answer(200, "[]")));
        assert!(
            kind(client.repo(R).unwrap().checks("c1", "main").await).starts_with("Unavailable")
        );
    }
}
