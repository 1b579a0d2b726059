//! The entity routes.

use super::*;

const SERVICES: &str = "/v1/blueprints/service/entities";
const RUNTIMES: &str = "/v1/blueprints/running_service/entities";
const PROD: &str = "/v1/blueprints/running_service/entities/web-prod";

#[test]
fn refusals_by_status_and_code() {
    let relation = |image: Value| json!({"relations": {"image": image}});
    let property = |name: &str, value: Value| json!({"properties": {name: value}});
    let cases: Vec<Row<'_>> = vec![
        (
            "GET",
            "/v1/blueprints/none/entities/web",
            Value::Null,
            404,
            "not_found",
        ),
        (
            "GET",
            "/v1/blueprints/service/entities/none",
            Value::Null,
            404,
            "not_found",
        ),
        (
            "PATCH",
            "/v1/blueprints/service/entities/none",
            json!({}),
            404,
            "not_found",
        ),
        (
            "PUT",
            "/v1/blueprints/service/entities/none",
            json!({}),
            404,
            "not_found",
        ),
        (
            "DELETE",
            "/v1/blueprints/service/entities/none",
            Value::Null,
            404,
            "not_found",
        ),
        (
            "PATCH",
            PROD,
            json!({"blueprint": "running_service"}),
            422,
            "invalid_request",
        ),
        ("PATCH", PROD, json!({"title": 1}), 422, "invalid_request"),
        ("PATCH", PROD, json!({"team": [1]}), 422, "invalid_request"),
        (
            "PATCH",
            PROD,
            json!({"properties": []}),
            422,
            "invalid_request",
        ),
        ("PATCH", PROD, relation(json!("")), 422, "invalid_request"),
        (
            "PATCH",
            PROD,
            relation(json!("a b")),
            422,
            "invalid_request",
        ),
        ("PATCH", PROD, relation(json!("..")), 422, "invalid_request"),
        ("PATCH", PROD, relation(json!(1)), 422, "invalid_request"),
        ("PATCH", PROD, relation(json!("none")), 404, "not_found"),
        (
            "PATCH",
            PROD,
            relation(json!(["web-1.4.2"])),
            422,
            "relation_many_violation",
        ),
        (
            "PATCH",
            PROD,
            json!({"relations": {"none": "x"}}),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            property("none", json!("x")),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            property("healthStatus", json!("Fine")),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            property("gitPath", json!(1)),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            property("gitRepo", json!("nowhere")),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            property("createdAt", json!("today")),
            422,
            "blueprint_schema_mismatch",
        ),
        (
            "PATCH",
            PROD,
            json!({"identifier": "web-staging"}),
            409,
            "identifier_taken",
        ),
        (
            "POST",
            SERVICES,
            json!({"identifier": "web"}),
            409,
            "identifier_taken",
        ),
        (
            "POST",
            SERVICES,
            json!({"identifier": "a b"}),
            422,
            "invalid_request",
        ),
        (
            "POST",
            SERVICES,
            json!({"identifier": 1}),
            422,
            "invalid_request",
        ),
        (
            "POST",
            "/v1/blueprints/service/entities?upsert=yes",
            json!({}),
            422,
            "invalid_request",
        ),
        ("DELETE", PROD, Value::Null, 403, "has_dependents"),
    ];
    for case in cases {
        let mut client = Client::new();
        let before = client.port.entities.clone();
        client.expect(case);
        assert_eq!(client.port.entities, before, "a refusal changed something");
    }
}

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
        let mut client = Client::new();
        let (got, answer) = client.call("POST", &format!("{SERVICES}{query}"), body);
        assert_eq!(got, status, "{query} {answer}");
        let identifier = body["identifier"].as_str().unwrap();
        let (_, answer) = client.get(&format!("{SERVICES}/{identifier}"));
        let entity = &answer["entity"];
        let (properties, relations) = (&entity["properties"], &entity["relations"]);
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
    let mut client = Client::new();
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
    let mut client = Client::new();
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
    let mut client = Client::new();
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
    let mut client = Client::new();
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
    let mut client = Client::new();
    let relation = |query| json!({"relations": {"image": query}});
    client.expect(("PATCH", PROD, relation(by_tag("9")), 404, "not_found"));
    client.expect(("PATCH", PROD, relation(by_tag("1.4.2")), 200, ""));
    assert_eq!(client.image_of("web-prod"), "web-1.4.2");
}

#[test]
fn a_view_shows_what_was_asked_for() {
    let cases = [
        ("?include=identifier", json!({"identifier": "web-prod"})),
        (
            "?include=identifier&include=relations.image&include=properties.gitPath",
            json!({"identifier": "web-prod", "relations": {"image": "web-1.4.1"}, "properties": {"gitPath": "apps/web/prod"}}),
        ),
        (
            "?include=title,blueprint",
            json!({"title": "Web (prod)", "blueprint": "running_service"}),
        ),
        (
            "?include=relations&attach_title_to_relation=true",
            json!({"relations": {"image": {"identifier": "web-1.4.1", "title": "web:1.4.1"}}}),
        ),
        (
            "?include=properties.gitPath&exclude=properties.gitPath",
            json!({"properties": {}}),
        ),
    ];
    for (query, expected) in cases {
        let (_, answer) = Client::new().get(&format!("{PROD}{query}"));
        assert_eq!(answer["entity"], expected, "{query}");
    }
}

#[test]
fn calculated_properties_come_along_unless_excluded() {
    let image = "/v1/blueprints/image/entities/web-1.4.2";
    let mut client = Client::new();
    let (_, with) = client.get(image);
    let (_, without) = client.get(&format!("{image}?exclude_calculated_properties=true"));
    assert_eq!(
        with["entity"]["properties"].get("link_to_the_ci"),
        Some(&Value::Null)
    );
    assert_eq!(without["entity"]["properties"].get("link_to_the_ci"), None);
}

#[test]
fn what_is_not_set_is_absent_or_null() {
    for (as_null, expected) in [(false, None), (true, Some(&Value::Null))] {
        let mut client = Client::new();
        client.port.unset_as_null = as_null;
        let (_, answer) = client.get(&format!("{SERVICES}/web"));
        let entity = &answer["entity"];
        assert_eq!(entity["properties"].get("locked_reason_prod"), expected);
        assert_eq!(entity["relations"].get("dev_runtime"), Some(&Value::Null));
    }
}

#[test]
fn bulk_tells_the_good_from_the_bad() {
    let path = format!("{RUNTIMES}/bulk?upsert=true&merge=true");
    let good = json!({"identifier": "new"});
    let bad = json!({"identifier": "bad", "relations": {"image": "none"}});
    let mut client = Client::new();
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
    let mut client = Client::new();
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
    let mut client = Client::new();
    client.expect(("PATCH", PROD, json!({"identifier": "web/prod+1"}), 200, ""));
    let (status, answer) = client.get(&format!("{RUNTIMES}/web%2Fprod%2B1"));
    assert_eq!(
        (status, &answer["entity"]["identifier"]),
        (200, &json!("web/prod+1"))
    );
    let (_, answer) = client.get(&format!("{SERVICES}/web?include=relations.prod_runtime"));
    assert_eq!(answer["entity"]["relations"]["prod_runtime"], "web/prod+1");
}

#[test]
fn what_a_blueprint_requires_cannot_be_left_out_or_taken_away() {
    let mut client = Client::new();
    let relation = json!({"image": {"target": "image", "required": true, "many": false}});
    let changed = json!({"relations": relation});
    client.expect(("PATCH", "/v1/blueprints/running_service", changed, 200, ""));
    let cases: Vec<Row<'_>> = vec![
        (
            "POST",
            RUNTIMES,
            json!({"identifier": "new"}),
            422,
            "required_relation",
        ),
        ("PUT", PROD, json!({"title": "x"}), 403, "required_relation"),
        (
            "PATCH",
            PROD,
            json!({"relations": {"image": null}}),
            403,
            "required_relation",
        ),
        ("PATCH", PROD, json!({"title": "x"}), 200, ""),
    ];
    for case in cases {
        client.expect(case);
    }
    let schema = json!({"schema": {"properties": {"a": {"type": "string"}}, "required": ["a"]}});
    client.expect(("PATCH", "/v1/blueprints/image", schema, 200, ""));
    let images = "/v1/blueprints/image/entities";
    client.expect((
        "POST",
        images,
        json!({"identifier": "x"}),
        422,
        "blueprint_schema_mismatch",
    ));
    let teams = json!({"teamInheritance": {"path": "image"}});
    client.expect(("PATCH", "/v1/blueprints/running_service", teams, 200, ""));
    client.expect((
        "PATCH",
        PROD,
        json!({"team": ["a"]}),
        422,
        "team_inheritance_enabled",
    ));
}
