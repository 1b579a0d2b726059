//! Action runs and their logs.

use super::*;

const RUNS: &str = "/v1/actions/runs/r_Ab12Cd34Ef56Gh78";
const LOGS: &str = "/v1/actions/runs/r_Ab12Cd34Ef56Gh78/logs";
const APPROVAL: &str = "/v1/actions/runs/r_Ab12Cd34Ef56Gh78/approval?version=v2";
const START: &str = "/v1/actions/promote_to_production/runs";

#[test]
fn a_run_in_progress_by_status_and_code() {
    let cases: Vec<RefusalRow<'_>> = vec![
        (
            "GET",
            "/v1/actions/runs/none",
            Value::Null,
            404,
            "not_found",
        ),
        (
            "PATCH",
            "/v1/actions/runs/none",
            json!({}),
            404,
            "not_found",
        ),
        (
            "POST",
            "/v1/actions/runs/none/logs",
            json!({"message": "x"}),
            404,
            "not_found",
        ),
        ("PATCH", RUNS, json!({"unknown": 1}), 422, "invalid_request"),
        (
            "PATCH",
            RUNS,
            json!({"status": "IN_PROGRESS"}),
            422,
            "invalid_request",
        ),
        (
            "PATCH",
            RUNS,
            json!({"status": "success"}),
            422,
            "invalid_request",
        ),
        ("PATCH", RUNS, json!({"link": 1}), 422, "invalid_request"),
        ("PATCH", RUNS, json!({"link": [1]}), 422, "invalid_request"),
        (
            "PATCH",
            RUNS,
            json!({"message": "text"}),
            422,
            "invalid_request",
        ),
        (
            "PATCH",
            RUNS,
            json!({"summary": "s", "message": {"logs": "old"}}),
            200,
            "",
        ),
        // Port's own action sends a stray query.
        (
            "PATCH",
            "/v1/actions/runs/r_Ab12Cd34Ef56Gh78?runId=x",
            json!({"status": "SUCCESS"}),
            200,
            "",
        ),
        ("POST", LOGS, json!({}), 422, "invalid_request"),
        ("POST", LOGS, json!({"message": 1}), 422, "invalid_request"),
        (
            "POST",
            LOGS,
            json!({"message": "x", "status": "SUCCESS"}),
            422,
            "invalid_request",
        ),
        (
            "POST",
            LOGS,
            json!({"message": "x", "terminationStatus": "DONE"}),
            422,
            "invalid_request",
        ),
        (
            "POST",
            LOGS,
            json!({"message": "x", "terminationStatus": "FAILURE"}),
            201,
            "",
        ),
        (
            "GET",
            "/v1/actions/runs/r_Ab12Cd34Ef56Gh78/logs?limit=51",
            Value::Null,
            422,
            "invalid_request",
        ),
        (
            "PATCH",
            APPROVAL,
            json!({"status": "APPROVE"}),
            422,
            "run_not_waiting_for_approval",
        ),
        (
            "PATCH",
            APPROVAL,
            json!({"status": "MAYBE"}),
            422,
            "invalid_request",
        ),
    ];
    for case in cases {
        PortClient::new().expect(case);
    }
}

#[test]
fn a_run_that_ended_takes_nothing_more() {
    for status in [RunStatus::Success, RunStatus::Failure, RunStatus::Declined] {
        let mut client = PortClient::new();
        client.port.runs.get_mut(RUN).unwrap().status = status;
        let end = json!({"message": "x", "terminationStatus": "SUCCESS"});
        client.expect(("POST", LOGS, json!({"message": "x"}), 422, "run_exhausted"));
        client.expect(("POST", LOGS, end, 422, "run_exhausted"));
        client.expect((
            "PATCH",
            RUNS,
            json!({"status": "SUCCESS"}),
            422,
            "invalid_request",
        ));
        client.expect((
            "PATCH",
            RUNS,
            json!({"link": "https://x.example"}),
            422,
            "invalid_request",
        ));
        client.expect(("GET", RUNS, Value::Null, 200, ""));
    }
}

#[test]
fn a_patch_overwrites_the_keys_that_it_names() {
    let mut client = PortClient::new();
    let first =
        json!({"link": "https://ci.example/1", "externalRunId": "gh_1", "statusLabel": "merging"});
    client.expect(("PATCH", RUNS, first, 200, ""));
    client.expect((
        "PATCH",
        RUNS,
        json!({"link": ["https://a.example", "https://b.example"]}),
        200,
        "",
    ));
    let (_, answer) = client.get(&format!("{RUNS}?version=v2"));
    let run = &answer["run"];
    assert_eq!(
        run["link"],
        json!(["https://a.example", "https://b.example"])
    );
    assert_eq!(run["statusLabel"], "merging");
    assert_eq!(run["status"], "IN_PROGRESS");
    let (_, found) = client.get("/v1/actions/runs?version=v2&external_run_id=gh_1");
    assert_eq!(found["runs"][0]["id"], RUN);
    let (_, none) = client.get("/v1/actions/runs?version=v2&external_run_id=gh_2");
    assert_eq!(none["runs"], json!([]));
}

#[test]
fn a_run_has_two_shapes() {
    let mut client = PortClient::new();
    let (_, old) = client.get(RUNS);
    assert_eq!(old["run"]["action"], "promote_to_production");
    assert_eq!(old["run"]["relatedEntityExists"], true);
    let (_, new) = client.get(&format!("{RUNS}?version=v2"));
    let run = &new["run"];
    assert_eq!(run["action"]["title"], "Promote to Production");
    assert_eq!(
        run["blueprint"],
        json!({"identifier": "service", "title": "Service", "icon": "Github"})
    );
    assert_eq!(run["entity"]["identifier"], "web");
    assert_eq!(run["payload"]["type"], "INTEGRATION_ACTION");
    for required in [
        "id",
        "action",
        "properties",
        "requiredApproval",
        "source",
        "status",
    ] {
        assert!(run.get(required).is_some(), "{required}");
    }
}

#[test]
fn logs_come_in_order_and_in_pages() {
    let mut client = PortClient::new();
    for message in ["one", "two", "three"] {
        client.expect(("POST", LOGS, json!({"message": message}), 201, ""));
    }
    let (_, answer) = client.get(&format!("{LOGS}?limit=2&offset=1"));
    let messages: Vec<&Value> = answer["runLogs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|log| &log["message"])
        .collect();
    assert_eq!(messages, ["two", "three"]);
}

#[test]
fn an_action_that_needs_approval_waits_for_it() {
    for (decision, status) in [("APPROVE", "IN_PROGRESS"), ("DECLINE", "DECLINED")] {
        let mut client = PortClient::new();
        let mut definition = (*client.port.actions["promote_to_production"].definition).clone();
        definition.insert("requiredApproval".into(), json!(true));
        client.port.put_action(client.now, definition);
        let (code, answer) =
            client.call("POST", START, &json!({"properties": {}, "entity": "web"}));
        assert_eq!(
            (code, &answer["run"]["status"]),
            (202, &json!("WAITING_FOR_APPROVAL"))
        );
        let id = answer["run"]["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("r_") && id.len() == 18, "{id}");

        let body = json!({"status": decision, "description": "because"});
        let (code, answer) = client.call(
            "PATCH",
            &format!("/v1/actions/runs/{id}/approval?version=v2"),
            &body,
        );
        assert_eq!((code, &answer["run"]["status"]), (201, &json!(status)));
        let (_, answer) = client.get(&format!("/v1/actions/runs/{id}/approvers"));
        assert_eq!(answer["approvers"][0]["state"], decision);
    }
}

#[test]
fn starting_an_action_checks_what_it_is_given() {
    let cases: Vec<RefusalRow<'_>> = vec![
        (
            "POST",
            START,
            json!({"properties": {}, "entity": "web"}),
            202,
            "",
        ),
        ("POST", "/v1/actions/none/runs", json!({}), 404, "not_found"),
        ("POST", START, json!({"entity": "none"}), 404, "not_found"),
        (
            "POST",
            START,
            json!({"properties": {}}),
            422,
            "missing_self_service_action_entity",
        ),
        (
            "POST",
            START,
            json!({"properties": {"x": 1}, "entity": "web"}),
            422,
            "user_inputs_schema_invalid",
        ),
        ("POST", START, json!({"more": 1}), 422, "invalid_request"),
    ];
    for case in cases {
        PortClient::new().expect(case);
    }
}

#[test]
fn an_action_decides_what_it_takes() {
    let cases = [
        (
            "/trigger",
            "type",
            json!("automation"),
            "run_non_self_service_error",
        ),
        (
            "/trigger",
            "condition",
            json!({"type": "SEARCH", "combinator": "and", "rules": [
                {"property": "locked_in_prod", "operator": "=", "value": true},
            ]}),
            "entity_does_not_pass_condition",
        ),
        (
            "/trigger/userInputs",
            "required",
            json!(["reason"]),
            "user_inputs_schema_invalid",
        ),
    ];
    for (pointer, key, value, code) in cases {
        let mut client = PortClient::new();
        let mut action: Value = serde_json::from_str(GUIDE_ACTION).unwrap();
        action.pointer_mut(pointer).unwrap()[key] = value;
        client
            .port
            .put_action(client.now, action.as_object().unwrap().clone());
        let body = json!({"properties": {}, "entity": "web"});
        client.expect(("POST", START, body, 422, code));
    }
}

#[test]
fn a_synchronous_backend_ends_its_runs_itself() {
    let mut client = PortClient::new();
    let mut action: Value = serde_json::from_str(GUIDE_ACTION).unwrap();
    action["invocationMethod"] = json!({"type": "WEBHOOK", "synchronized": true});
    client
        .port
        .put_action(client.now, action.as_object().unwrap().clone());
    let code = "run_synchronized_error";
    client.expect(("PATCH", RUNS, json!({"status": "SUCCESS"}), 422, code));
    client.expect(("PATCH", RUNS, json!({"summary": "x"}), 200, ""));
}
