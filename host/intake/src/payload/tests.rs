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

fn key(blueprint: &str, identifier: &str) -> Option<EntityKey> {
    Some(EntityKey {
        blueprint: blueprint.to_owned(),
        identifier: identifier.to_owned(),
    })
}

#[test]
fn reads_nothing_of_the_old_message_but_run_and_entity() {
    let payload = Payload::read(&old().to_string()).unwrap();
    assert_eq!(payload.run, "r_1");
    assert_eq!(payload.subject, key("service", "web"));
}

#[test]
fn finds_run_and_subject_in_every_shape_that_port_documents() {
    let entity = json!({ "identifier": "web-staging", "blueprint": "running_service" });
    let compact = json!({ "trigger": {}, "runId": "r_1", "blueprint": "running_service" });
    let context =
        json!({ "run_id": "r_1", "entity": "web-staging", "blueprint": "running_service" });
    let shapes = [
        json!({ "port_payload": compact.to_string(), "entity": entity.to_string(), "auto_merge_pr": "true" }),
        json!({ "port_payload": compact, "entity": entity }),
        json!({ "run": { "id": "r_1" }, "entity": entity, "inputs": {}, "action": { "identifier": "a" } }),
        json!({ "context": { "runId": "r_1", "entity": "web-staging", "blueprint": "running_service" }, "payload": { "entity": null } }),
        json!({ "port_payload": { "entity": entity }, "port_run_id": "r_1" }),
        json!({ "port_payload": { "entity": entity }, "port_context": json!({ "runId": "r_1" }).to_string() }),
        json!({ "port_context": context.to_string() }),
        json!({ "port_context": context, "port_payload": {} }),
        json!({ "port_payload": { "run_id": "r_1", "entity": entity } }),
        json!({ "run_id": "r_1", "blueprint": "running_service", "entity": "web-staging" }),
    ];
    for shape in shapes {
        let payload = Payload::read(&shape.to_string()).unwrap();
        assert_eq!(payload.run, "r_1", "{shape}");
        assert_eq!(
            payload.subject,
            key("running_service", "web-staging"),
            "{shape}"
        );
        let event = json!({ "inputs": shape, "ref": "refs/heads/main" }).to_string();
        assert_eq!(Payload::read_event(&event).unwrap(), payload);
    }
}

#[test]
fn a_run_alone_is_enough_and_half_an_entity_is_none() {
    for text in [
        r#"{"runId":"r_1"}"#,
        r#"{"run_id":"r_1","entity":"web"}"#,
        r#"{"runId":"r_1","blueprint":"service"}"#,
        r#"{"runId":"r_1","entity":{"identifier":7,"blueprint":"service"}}"#,
    ] {
        let payload = Payload::read(text).unwrap();
        assert_eq!((payload.run.as_str(), payload.subject), ("r_1", None));
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
            "payload: `runId` is missing: Port's message must name its run, as `runId` or `run_id`, alone or in `context`, `port_context` or `port_payload`",
        ),
        (
            r#"{"runId":"../x y"}"#,
            "payload: `runId` is not an identifier as Port allows it",
        ),
        (
            r#"{"runId":"r","entity":{"identifier":"a b","blueprint":"b"}}"#,
            "payload: `entity` is not an identifier as Port allows it",
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

#[test]
fn a_run_of_ports_workflows_is_refused_wherever_it_stands() {
    for shape in [
        json!({ "run_id": "wfnr_AbCdEf123456" }),
        json!({ "runId": "wfr_AbCdEf123456" }),
        json!({ "port_payload": { "context": { "runId": "wfnr_AbCdEf123456" } } }),
    ] {
        let refusal = Payload::read(&shape.to_string()).unwrap_err().to_string();
        assert!(
            refusal.contains("only a run of a self-service action can promote"),
            "{refusal}"
        );
    }
}
