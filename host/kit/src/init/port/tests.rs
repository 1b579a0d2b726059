use super::*;

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn a_blueprint_grows_and_loses_nothing() {
    let guide: Map<String, Value> = serde_json::from_str(GUIDE_BLUEPRINTS[2]).unwrap();
    let found = map(json!({
        "identifier": "service", "title": "Ours", "createdAt": "2026",
        "schema": { "properties": { "tier": { "type": "number" }, "locked_in_prod": { "type": "string" } }, "required": ["tier"] },
        "relations": { "team": { "target": "_team", "title": null, "many": false, "required": false } },
    }));
    let mut warnings = Vec::new();
    let body = added("service", &found, &guide, &mut warnings).unwrap();
    assert_eq!(
        body["schema"]["properties"]["tier"],
        json!({ "type": "number" })
    );
    assert_eq!(
        body["schema"]["properties"]["locked_in_prod"],
        json!({ "type": "string" }),
        "theirs stays"
    );
    assert_eq!(body["schema"]["required"], json!(["tier"]));
    assert_eq!(
        body["relations"]["team"],
        json!({ "target": "_team", "many": false, "required": false }),
        "Port takes no null"
    );
    assert!(
        body["relations"].get("team").is_some() && body["relations"].get("prod_runtime").is_some()
    );
    assert!(
        body["schema"]["properties"].get("readme").is_none(),
        "only what a promotion reads"
    );
    assert!(!body.contains_key("title") && !body.contains_key("createdAt"));
    assert!(
        warnings[0].contains("`locked_in_prod`") && warnings.len() == 1,
        "{warnings:?}"
    );
    let mut then = found.clone();
    then.extend(body);
    assert_eq!(
        added("service", &then, &guide, &mut warnings),
        None,
        "a second time adds nothing"
    );
}
