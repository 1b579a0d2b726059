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
        "relations": { "team": { "target": "_team", "many": false, "required": false } },
    }));
    let mut warnings = Vec::new();
    let body = added("service", &found, &guide, true, &mut warnings).unwrap();
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
    assert!(
        body["relations"].get("team").is_some() && body["relations"].get("prod_runtime").is_some()
    );
    assert!(
        body["schema"]["properties"].get("readme").is_none(),
        "minimal"
    );
    assert!(!body.contains_key("title") && !body.contains_key("createdAt"));
    assert!(
        warnings[0].contains("`locked_in_prod`") && warnings.len() == 1,
        "{warnings:?}"
    );
    let mut then = found.clone();
    then.extend(body);
    assert_eq!(
        added("service", &then, &guide, true, &mut warnings),
        None,
        "a second time adds nothing"
    );
}

#[test]
fn an_action_keeps_what_others_gave_it() {
    let wanted: Map<String, Value> = serde_json::from_str(GUIDE_ACTION).unwrap();
    let mut found = wanted.clone();
    found["invocationMethod"]["workflow"] = json!("old.yml");
    found["invocationMethod"]["workflowInputs"]["extra"] = json!("{{ .inputs.extra }}");
    found["invocationMethod"]["workflowInputs"]["port_payload"]["payload"] =
        json!({ "entity": "{{ .entity }}" });
    found["trigger"]["userInputs"]["properties"]["extra"] = json!({ "type": "string" });
    found.insert("requiredApproval".to_owned(), json!(true));
    let after = overlaid_action(&found, &wanted).unwrap();
    assert_eq!(
        after["invocationMethod"]["workflow"],
        "promote-production.yml"
    );
    assert_eq!(
        after["invocationMethod"]["workflowInputs"]["extra"],
        "{{ .inputs.extra }}"
    );
    assert_eq!(
        after["invocationMethod"]["workflowInputs"]["port_payload"],
        json!({
            "run_id": "{{ .run.id }}", "blueprint": "{{ .action.blueprint }}", "entity": "{{ .entity.identifier }}",
        }),
        "only the run and its entity are sent"
    );
    assert_eq!(after["trigger"], found["trigger"]);
    assert_eq!(after["requiredApproval"], true);
    assert_eq!(overlaid_action(&after, &wanted).unwrap(), after);
    found["trigger"]["blueprintIdentifier"] = json!("running_service");
    let error = overlaid_action(&found, &wanted).unwrap_err().to_string();
    assert!(error.contains("--port-action"), "{error}");
}

#[test]
fn paths_are_guessed_only_if_they_follow_a_pattern() {
    let place = |service: &str, path: &str| (service.to_owned(), path.to_owned());
    for (places, expected) in [
        (
            vec![place("web", "apps/web/prod"), place("api", "apps/api/prod")],
            Some("apps/{service.identifier}/prod"),
        ),
        (
            vec![place("web", "apps/web/prod"), place("api", "other/api")],
            None,
        ),
        (vec![place("web", "prod")], None),
        (vec![], None),
    ] {
        assert_eq!(pattern(&places).as_deref(), expected, "{places:?}");
    }
}
