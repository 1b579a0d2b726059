//! The entity routes.

use super::*;

const SERVICES: &str = "/v1/blueprints/service/entities";
const RUNTIMES: &str = "/v1/blueprints/running_service/entities";
const PROD: &str = "/v1/blueprints/running_service/entities/web-prod";

#[test]
fn post_creates_replaces_or_merges() {
    let exists =
        json!({"identifier": "web", "blueprint": "service", "properties": {"language": "Node"}});
    let new = json!({"identifier": "api", "properties": {"language": "Node"}});
    // Query; body; status; language, lifecycle and relation to production afterwards.
    let kept = (json!("Node"), json!("Production"), json!("web-prod"));
    let lost = (json!("Node"), Value::Null, Value::Null);
    let cases = [
        ("?upsert=true&merge=true", &exists, 200, &kept),
        ("?upsert=true", &exists, 200, &lost),
        ("?upsert=true&merge=false", &exists, 200, &lost),
        ("", &new, 201, &lost),
        ("?upsert=true", &new, 201, &lost),
        ("?upsert=true&merge=true", &new, 201, &lost),
        ("?merge=true", &new, 201, &lost),
    ];
    for (query, body, status, expected) in cases {
        let mut client = PortClient::new();
        let (got, answer) = client.call("POST", &format!("{SERVICES}{query}"), body);
        assert_eq!(got, status, "{query} {answer}");
        let identifier = body["identifier"].as_str().unwrap();
        let (_, answer) = client.get(&format!("{SERVICES}/{identifier}"));
        let entity = &answer["entity"];
        let properties = &entity["properties"];
        let relations = &entity["relations"];
        let after = (
            &properties["language"],
            &properties["lifecycle"],
            &relations["prod_runtime"],
        );
        assert_eq!(after, (&expected.0, &expected.1, &expected.2), "{query}");
    }
}

#[test]
fn a_post_without_identifier_makes_an_orphan() {
    let mut client = PortClient::new();
    let body = json!({"blueprint": "running_service", "relations": {"image": "web-1.4.2"}});
    let (status, answer) =
        client.call("POST", &format!("{RUNTIMES}?upsert=true&merge=true"), &body);
    let identifier = answer["entity"]["identifier"].as_str().unwrap();
    assert_eq!(status, 201);
    assert!(
        identifier.starts_with("e_") && identifier.len() == 18,
        "{identifier}"
    );
}

#[test]
fn a_write_touches_what_it_names_and_nothing_else() {
    let mut client = PortClient::new();
    client.now += jiff::SignedDuration::from_secs(90);
    let before = client.get(PROD).1["entity"].clone();
    let body = json!({"relations": {"image": "web-1.4.2"}, "properties": {"syncStatus": null}});
    client.expect(("PATCH", PROD, body, 200, ""));
    let mut after = client.get(PROD).1["entity"].clone();
    assert_eq!(after["updatedAt"], "2026-01-06T10:01:30.000Z");
    assert_eq!(after["updatedBy"], CLIENT_ID);
    assert_eq!(after["relations"]["image"], "web-1.4.2");
    assert!(after["properties"].get("syncStatus").is_none());
    for key in ["updatedAt", "updatedBy", "relations"] {
        after[key] = before[key].clone();
    }
    after["properties"]["syncStatus"] = json!("Synced");
    assert_eq!(after, before);
}

#[test]
fn a_write_is_tied_to_a_run_that_is_in_progress() {
    let body = json!({"relations": {"image": "web-1.4.2"}});
    let tied = format!("{PROD}?run_id={RUN}");
    let mut client = PortClient::new();
    client.expect((
        "PATCH",
        &format!("{PROD}?run_id=r_none"),
        body.clone(),
        404,
        "not_found",
    ));
    client.expect(("PATCH", &tied, body.clone(), 200, ""));
    let audit = format!("/v1/audit-log?resources=entity&run_id={RUN}&includes=context");
    let (_, answer) = client.get(&audit);
    let context = json!({"entity": "web-prod", "blueprint": "running_service", "runId": RUN});
    assert_eq!(answer["audits"], json!([{"context": context}]));

    client.port.runs.get_mut(RUN).unwrap().status = RunStatus::Success;
    client.expect(("PATCH", &tied, body, 400, "run_exhausted"));
    let upsert = format!("{RUNTIMES}?upsert=true&merge=true&run_id={RUN}");
    client.expect((
        "POST",
        &upsert,
        json!({"identifier": "web-prod"}),
        400,
        "run_exhausted",
    ));
}

#[test]
fn missing_targets_are_made_only_when_asked_for() {
    let body = json!({"identifier": "web-prod", "relations": {"image": "web-9"}});
    let path = format!("{RUNTIMES}?upsert=true&merge=true&create_missing_related_entities=true");
    let mut client = PortClient::new();
    client.expect((
        "POST",
        &format!("{path}&validation_only=true"),
        body.clone(),
        200,
        "",
    ));
    assert!(
        client.port.entity("image", "web-9").is_none(),
        "validation wrote"
    );
    client.expect(("POST", &path, body, 200, ""));
    assert!(
        client
            .port
            .entity("image", "web-9")
            .unwrap()
            .properties
            .is_empty()
    );
    assert_eq!(client.image_of("web-prod"), "web-9");
}

#[test]
fn a_search_query_may_stand_for_an_identifier() {
    let by_tag = |tag: &str| json!({"combinator": "and", "rules": [{"property": "tags", "operator": "contains", "value": tag}]});
    let mut client = PortClient::new();
    let relation = |query| json!({"relations": {"image": query}});
    client.expect(("PATCH", PROD, relation(by_tag("9")), 404, "not_found"));
    client.expect(("PATCH", PROD, relation(by_tag("1.4.2")), 200, ""));
    assert_eq!(client.image_of("web-prod"), "web-1.4.2");
}

#[test]
fn bulk_tells_the_good_from_the_bad() {
    let path = format!("{RUNTIMES}/bulk?upsert=true&merge=true");
    let good = json!({"identifier": "new"});
    let bad = json!({"identifier": "bad", "relations": {"image": "none"}});
    let mut client = PortClient::new();
    let (status, answer) = client.call("POST", &path, &json!({"entities": [good, bad]}));
    assert_eq!(status, 207);
    assert_eq!(
        answer["entities"],
        json!([{"identifier": "new", "index": 0, "created": true}])
    );
    assert_eq!(answer["errors"][0]["statusCode"], 404);
    assert_eq!(answer["errors"][0]["error"], "not_found");
    client.expect((
        "POST",
        &path,
        json!({"entities": [{"identifier": "new"}]}),
        200,
        "",
    ));
    let many = vec![json!({"identifier": "x"}); 21];
    client.expect((
        "POST",
        &path,
        json!({"entities": many}),
        422,
        "invalid_request",
    ));
}

#[test]
fn deleting_takes_the_dependents_along_when_asked() {
    let mut client = PortClient::new();
    client.expect((
        "DELETE",
        &format!("{PROD}?delete_dependents=true"),
        Value::Null,
        200,
        "",
    ));
    assert!(client.port.entity("running_service", "web-prod").is_none());
    assert!(client.port.entity("service", "web").is_none());
    assert!(
        client
            .port
            .entity("running_service", "web-staging")
            .is_some()
    );
}

#[test]
fn a_new_identifier_takes_its_relations_along() {
    let mut client = PortClient::new();
    client.expect(("PATCH", PROD, json!({"identifier": "web/prod+1"}), 200, ""));
    let (status, answer) = client.get(&format!("{RUNTIMES}/web%2Fprod%2B1"));
    assert_eq!(
        (status, &answer["entity"]["identifier"]),
        (200, &json!("web/prod+1"))
    );
    let (_, answer) = client.get(&format!("{SERVICES}/web?include=relations.prod_runtime"));
    assert_eq!(answer["entity"]["relations"]["prod_runtime"], "web/prod+1");
}
