#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use serde_json::{Value, json};

use crate::contract::{Change, EntityKey, Failure, Relation};
use crate::service::http::script::{Script, TransportResult, answer, lost, rows, with};
use crate::service::port::{Client, Credentials};
use crate::service::secret::Secret;

fn client(script: &Arc<Script>) -> Client {
    let client_secret = Secret::new("s", "mock-client-secret").unwrap();
    let credentials = Credentials {
        client_id: "mock-client-id".into(),
        client_secret,
    };
    Client::new("https://port.test", credentials, "r_1", script.session()).unwrap()
}

/// A client that has to log in first.
fn port(steps: Vec<(&str, TransportResult)>) -> (Client, Arc<Script>) {
    let mut all = vec![("POST /v1/auth/access_token", login("port-token-1", 10_800))];
    all.extend(steps);
    let script = Script::new(all);
    (client(&script), script)
}

fn login(token: &str, seconds: u64) -> TransportResult {
    answer(
        200,
        json!({ "accessToken": token, "expiresIn": seconds, "tokenType": "Bearer" }),
    )
}

fn key(identifier: &str) -> EntityKey {
    EntityKey {
        blueprint: "running_service".into(),
        identifier: identifier.into(),
    }
}

fn entity(identifier: &str) -> Value {
    json!({ "ok": true, "entity": { "identifier": identifier, "title": null, "team": "payments",
        "properties": { "a": 1 }, "relations": { "image": "web-1", "many": ["x", "y"], "none": null } } })
}

#[tokio::test]
async fn logs_in_once_and_reads_what_may_be_missing() {
    let get = "GET /v1/blueprints/running_service/entities/web%2Fprod";
    let (port, script) = port(vec![
        (get, answer(200, entity("web/prod"))),
        (get, answer(404, "{}")),
    ]);
    port.login().await.unwrap();
    let found = port.entity(&key("web/prod")).await.unwrap().unwrap();
    assert_eq!(
        (found.title, found.teams, found.properties.as_str()),
        (None, vec!["payments".into()], "{\"a\":1}")
    );
    let targets: Vec<_> = found
        .relations
        .iter()
        .map(|r| (r.name.as_str(), r.targets.len()))
        .collect();
    assert_eq!(targets, [("image", 1), ("many", 2), ("none", 0)]);
    assert_eq!(found.key, key("web/prod"));
    assert_eq!(port.entity(&key("web/prod")).await.unwrap(), None);
    script.end();
    assert_eq!(*script.masked.lock().unwrap(), ["port-token-1"]);
    assert_eq!(
        script.sent.lock().unwrap()[1].headers()["authorization"],
        "Bearer port-token-1"
    );
}

#[tokio::test]
async fn logs_in_again_when_a_token_ends_or_is_refused() {
    let get = "GET /v1/blueprints/running_service/entities/web";
    let auth = "POST /v1/auth/access_token";
    let ok = || answer(200, entity("web"));
    let script = Script::new(vec![
        (auth, login("first", 100)),
        (get, ok()),
        (auth, login("second", 10_800)),
        (get, answer(401, "{}")),
        (auth, login("third", 10_800)),
        (get, ok()),
        (get, answer(401, "{}")),
        (auth, login("fourth", 10_800)),
        (get, answer(401, "{}")),
    ]);
    let port = client(&script);
    port.entity(&key("web")).await.unwrap();
    assert!(
        port.http
            .session
            .wait(std::time::Duration::from_secs(51))
            .await
    );
    port.entity(&key("web")).await.unwrap();
    let failure = port.entity(&key("web")).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Other(text) if text.contains("region")),
        "{failure:?}"
    );
    script.end();
}

#[tokio::test]
async fn refused_credentials_are_not_tried_again() {
    let script = Script::new(vec![(
        "POST /v1/auth/access_token",
        answer(401, r#"{"ok":false,"error":"invalid"}"#),
    )]);
    let failure = client(&script).login().await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Other(text) if text.contains("check client id, client secret")),
        "{failure:?}"
    );
    script.end();
}

#[tokio::test]
async fn reads_several_side_by_side_in_order() {
    let paths: Vec<_> = (0..10)
        .map(|n| format!("GET /v1/blueprints/running_service/entities/e{n}"))
        .collect();
    let steps = paths.iter().enumerate().map(|(n, path)| match n {
        3 => (path.as_str(), answer(404, "{}")),
        _ => (path.as_str(), answer(200, entity(&format!("e{n}")))),
    });
    let (port, script) = port(steps.collect());
    let keys: Vec<_> = (0..10).map(|n| key(&format!("e{n}"))).collect();
    let found = port.entities(&keys).await.unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|e| e.as_ref().map_or("-", |e| &e.key.identifier))
        .collect();
    assert_eq!(names.join(" "), "e0 e1 e2 - e4 e5 e6 e7 e8 e9");
    script.end();
}

#[tokio::test]
async fn searches_page_by_page() {
    let search = "POST /v1/blueprints/running_service/entities/search";
    let page = |id: &str, next: Value| {
        answer(
            200,
            json!({ "entities": [entity(id)["entity"]], "next": next }),
        )
    };
    let (port, script) = port(vec![
        (search, page("a", json!("n1"))),
        (search, page("b", Value::Null)),
    ]);
    let query = r#"{"combinator":"and","rules":[]}"#;
    let found = port.search("running_service", query).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(script.body(2)["from"], "n1");
    assert!(matches!(
        port.search("running_service", "[]").await,
        Err(Failure::Rejected(_))
    ));
    script.end();
}

#[tokio::test]
async fn changes_only_what_is_named_and_never_creates() {
    let patch = "PATCH /v1/blueprints/running_service/entities/web?run_id=r_1";
    let change = Change {
        title: None,
        properties: None,
        relations: vec![
            Relation {
                name: "image".into(),
                targets: vec!["web-2".into()],
            },
            Relation {
                name: "many".into(),
                targets: vec!["x".into()],
            },
            Relation {
                name: "none".into(),
                targets: vec![],
            },
        ],
    };
    let get = "GET /v1/blueprints/running_service/entities/web";
    let blueprint = "GET /v1/blueprints/running_service";
    let ok = || answer(200, entity("web"));
    let expected = json!({ "relations": { "image": "web-2", "many": ["x"], "none": null } });
    // An entity that was read tells which relation leads to many.
    let (client, script) = port(vec![(get, ok()), (patch, lost()), (patch, ok())]);
    client.entity(&key("web")).await.unwrap();
    client.update(&key("web"), &change).await.unwrap();
    assert_eq!(script.body(2), expected);
    assert_eq!(script.body(3), expected);
    script.end();
    // Else the blueprint does, once for each relation with one target.
    let declared = || {
        let relations = json!({ "image": { "many": false }, "many": { "many": true } });
        answer(200, json!({ "blueprint": { "relations": relations } }))
    };
    let (client, script) = port(vec![
        (blueprint, declared()),
        (blueprint, declared()),
        (patch, ok()),
        (patch, ok()),
    ]);
    client.update(&key("web"), &change).await.unwrap();
    client.update(&key("web"), &change).await.unwrap();
    assert_eq!(script.body(3), expected);
    script.end();
    for (status, code, kind) in rows(
        "refused updates",
        [
            (404, "not_found", "NotFound"),
            (400, "run_exhausted", "Conflict"),
            (422, "blueprint_schema_mismatch", "Rejected"),
        ],
    ) {
        let refusal = answer(status, json!({ "error": code, "message": "m" }));
        let (client, _) = port(vec![(get, ok()), (patch, refusal)]);
        client.entity(&key("web")).await.unwrap();
        let failure = client.update(&key("web"), &change).await.unwrap_err();
        assert!(format!("{failure:?}").contains(kind), "{failure:?}");
    }
}

/// A proxy's page in place of Port's answer.
fn page() -> TransportResult {
    let headers = [("content-type", "text/html; charset=utf-8")];
    with(200, &headers, "<html>We are back soon</html>")
}

#[tokio::test]
async fn a_line_whose_answer_was_lost_is_looked_for() {
    let (post, get) = (
        "POST /v1/actions/runs/r_1/logs",
        "GET /v1/actions/runs/r_1/logs?limit=50&offset=0",
    );
    let logs = |lines: &[&str]| {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| json!({ "message": line }))
            .collect();
        answer(200, json!({ "ok": true, "runLogs": lines }))
    };
    for (first, steps) in rows(
        "lost log lines",
        [
            (lost(), vec![(get, logs(&["other", "hello"]))]),
            (
                answer(502, "<html>"),
                vec![(get, logs(&["other"])), (post, answer(201, "{}"))],
            ),
            (
                page(),
                vec![(get, logs(&["other"])), (post, answer(201, "{}"))],
            ),
            (answer(201, "{}"), vec![]),
        ],
    ) {
        let mut all = vec![(post, first)];
        all.extend(steps);
        let (port, script) = port(all);
        port.log("hello").await.unwrap();
        script.end();
    }
}

#[tokio::test]
async fn a_lost_end_is_settled_by_reading_the_run() {
    let (post, get) = (
        "POST /v1/actions/runs/r_1/logs",
        "GET /v1/actions/runs/r_1?version=v2",
    );
    let run = |status: &str| answer(200, json!({ "run": { "id": "r_1", "status": status } }));
    let over = || answer(422, json!({ "error": "run_exhausted", "message": "over" }));
    let ok = || answer(201, "{}");
    // What happens, and whether the run counts as ended as asked.
    let table: Vec<(Vec<(&str, TransportResult)>, bool)> = vec![
        (vec![(post, ok())], true),
        (vec![(post, lost()), (get, run("SUCCESS"))], true),
        (
            vec![(post, page()), (get, run("IN_PROGRESS")), (post, ok())],
            true,
        ),
        (
            vec![(post, lost()), (get, run("IN_PROGRESS")), (post, ok())],
            true,
        ),
        (
            vec![
                (post, lost()),
                (get, run("IN_PROGRESS")),
                (post, over()),
                (get, run("SUCCESS")),
            ],
            true,
        ),
        (vec![(post, over()), (get, run("SUCCESS"))], true),
        (vec![(post, over()), (get, run("FAILURE"))], false),
        (vec![(post, answer(404, "{}"))], false),
    ];
    for (steps, good) in rows("lost ends", table) {
        let (port, script) = port(steps);
        let result = port.end("done", "promoted", Some("SUCCESS")).await;
        assert_eq!(result.is_ok(), good, "{result:?}");
        let body =
            json!({ "message": "done", "statusLabel": "promoted", "terminationStatus": "SUCCESS" });
        assert_eq!(script.body(1), body);
        script.end();
    }
}

#[tokio::test]
async fn leaves_the_status_to_port_where_it_reads_the_exit_code() {
    let (port, script) = port(vec![("POST /v1/actions/runs/r_1/logs", answer(201, "{}"))]);
    port.end("done", "promoted", None).await.unwrap();
    assert_eq!(
        script.body(1),
        json!({ "message": "done", "statusLabel": "promoted" })
    );
}
