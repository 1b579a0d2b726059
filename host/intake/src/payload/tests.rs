use crate::payload::*;
use serde_json::json;

fn old() -> Value {
    json!({
        "action": "promote_to_production", "resourceType": "run", "status": "TRIGGERED",
        "trigger": { "by": { "userId": "auth0|1", "user": { "email": "dana@acme.example", "firstName": "Dana", "lastName": "Ito" } },
                     "origin": "UI", "at": "2026-01-06T10:00:00.000Z" },
        "context": { "entity": "web", "blueprint": "service", "runId": "r_1" },
        "payload": {
            "entity": { "identifier": "web", "title": "Web", "blueprint": "service", "team": ["payments"],
                        "properties": { "locked_in_prod": false },
                        "relations": { "test_runtime": "web-staging", "dev_runtime": null, "owners": ["a", "b"] } },
            "properties": { "reason": "release" } }
    })
}

#[test]
fn reads_the_old_message() {
    let payload = Payload::read(&old().to_string()).unwrap();
    assert_eq!(payload.run, "r_1");
    assert_eq!(payload.action, "promote_to_production");
    assert_eq!(payload.actor.name.as_deref(), Some("Dana Ito"));
    assert_eq!(payload.subject.key.blueprint, "service");
    assert_eq!(payload.subject.teams, ["payments"]);
    let relations: Vec<_> = payload
        .subject
        .relations
        .iter()
        .map(|r| (r.name.as_str(), r.targets.len()))
        .collect();
    assert_eq!(
        relations,
        [("dev_runtime", 0), ("owners", 2), ("test_runtime", 1)]
    );
    assert_eq!(payload.inputs["reason"], "release");
}

#[test]
fn finds_run_and_subject_in_every_shape() {
    let entity = json!({ "identifier": "web-staging", "blueprint": "running_service" });
    let compact = json!({ "trigger": {}, "runId": "r_1", "blueprint": "running_service" });
    let templated = json!({ "run": { "id": "r_1" }, "entity": entity, "inputs": {}, "action": { "identifier": "a" } });
    let in_context = json!({ "context": { "runId": "r_1", "entity": "web-staging", "blueprint": "running_service" }, "payload": { "entity": null } });
    let shapes = [
        json!({ "port_payload": compact.to_string(), "entity": entity.to_string(), "auto_merge_pr": "true" }),
        json!({ "port_payload": compact, "entity": entity }),
        templated,
        in_context,
        json!({ "port_payload": json!({ "entity": entity }), "port_run_id": "r_1" }),
        json!({ "port_payload": json!({ "entity": entity }), "port_context": json!({ "runId": "r_1" }).to_string() }),
    ];
    for shape in shapes {
        let payload = Payload::read(&shape.to_string()).unwrap();
        assert_eq!(
            (
                payload.run.as_str(),
                payload.subject.key.identifier.as_str()
            ),
            ("r_1", "web-staging"),
            "{shape}"
        );
        let event = json!({ "inputs": shape, "ref": "refs/heads/main" }).to_string();
        if shape.get("port_payload").is_some_and(Value::is_string) {
            assert_eq!(Payload::read_event(&event).unwrap(), payload);
            assert_eq!(payload.inputs["auto_merge_pr"], true);
        }
    }
}

#[test]
fn an_error_names_the_path() {
    let cases = [
        (
            "",
            "payload: `$` cannot be read: EOF while parsing a value at line 1 column 0",
        ),
        ("[]", "payload: `$` is not a JSON object"),
        (
            "{\"a\":1,\"a\":2}",
            "payload: `$` cannot be read: the key `a` is there twice at line 1 column 13",
        ),
        (
            "{}",
            "payload: `context.runId` is missing, and so are `runId`, `port_context.runId` and `port_run_id`",
        ),
        (
            r#"{"runId":"r_1"}"#,
            "payload: `payload.entity` is missing: this action must be started on an entity (operation DAY-2)",
        ),
        (
            r#"{"runId":"../x y"}"#,
            "payload: `context.runId` is not an identifier as Port allows it",
        ),
        (
            r#"{"runId":"r","entity":{"identifier":"a"}}"#,
            "payload: `entity.blueprint` is missing",
        ),
        (
            r#"{"runId":"r","entity":{"identifier":"a","blueprint":"b","relations":{"x":1}}}"#,
            "payload: `entity.relations.x` is not a text or a list of texts",
        ),
        (
            r#"{"port_payload":"{"}"#,
            "payload: `port_payload` cannot be read: EOF while parsing an object at line 1 column 1",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(
            Payload::read(text).unwrap_err().to_string(),
            expected,
            "{text}"
        );
    }
    let deep = "[".repeat(100) + &"]".repeat(100);
    assert!(
        Payload::read(&deep)
            .unwrap_err()
            .what
            .contains("nested more than 64 levels deep")
    );
    assert!(
        Payload::read(&"x".repeat(LARGEST + 1))
            .unwrap_err()
            .what
            .contains("at most")
    );
    let no_inputs = Payload::read_event("{\"inputs\":null}").unwrap_err();
    assert_eq!(no_inputs.path, "inputs");
}
