//! Port's credentials, blueprints, relations and action.

use serde_json::Value;

use super::{Findings, Severity};
use promote_core::service::http::{ServiceError, or_none, seg};
use promote_core::service::port::Client;

/// Checks everything about Port; whether it is worth going on.
pub(super) async fn check(
    client: &Client,
    service: &str,
    action: &str,
    settings: &Value,
    findings: &mut Findings,
) -> bool {
    let of = |key: &str, default: &str| settings[key].as_str().unwrap_or(default).to_owned();
    let (runtime, image) = (
        of("runtime_blueprint", "running_service"),
        of("image_blueprint", "image"),
    );
    let mut found = Vec::new();
    for name in [service, &runtime, &image] {
        match read(
            client,
            &format!("/v1/blueprints/{}", seg(name)),
            "blueprint",
        )
        .await
        {
            Ok(Some(blueprint)) => found.push(blueprint),
            Ok(None) => {
                findings.error(
                    "blueprint",
                    &format!("blueprint {name}"),
                    "Port has no such blueprint",
                    "`promote init` creates it, or name yours in promote.toml",
                );
                found.push(Value::Null);
            }
            Err(error) => return !refused(&error, findings),
        }
    }
    let relation = of("image_relation", "image");
    target(&found[1], &runtime, &relation, &image, findings);
    for setting in ["staging", "production"] {
        let template = of(setting, "");
        if let Some(name) = template
            .strip_prefix("{service.relations.")
            .and_then(|rest| rest.strip_suffix('}'))
        {
            target(&found[0], service, name, &runtime, findings);
        }
    }
    properties(&found, [service, &runtime, &image], settings, findings);
    match read(client, &format!("/v1/actions/{}", seg(action)), "action").await {
        Ok(found) => check_action(found.as_ref(), action, service, findings),
        Err(error) => return !refused(&error, findings),
    }
    true
}

async fn read(client: &Client, target: &str, key: &str) -> Result<Option<Value>, ServiceError> {
    let Some(answer) = or_none(client.get(target.to_owned()).await)? else {
        return Ok(None);
    };
    Ok(Some(answer.json::<Value>()?[key].take()))
}

/// Port does not answer, or not these credentials.
fn refused(error: &ServiceError, findings: &mut Findings) -> bool {
    let severity = if error.is_uncertain() {
        Severity::Unknown
    } else {
        Severity::Error
    };
    let fix = "check client id, client secret and the region (PORT_API_URL)";
    findings.add(severity, "port-credentials", "Port", error.to_string(), fix);
    true
}

fn target(blueprint: &Value, name: &str, relation: &str, expected: &str, findings: &mut Findings) {
    if blueprint.is_null() {
        return;
    }
    let subject = format!("blueprint {name}");
    let found = &blueprint["relations"][relation];
    let (what, fix) = if found.is_null() {
        (
            format!("it has no relation `{relation}`"),
            "`promote init` adds it, or name yours in promote.toml",
        )
    } else if found["target"] != expected {
        (
            format!(
                "its relation `{relation}` leads to {} instead of {expected}",
                found["target"]
            ),
            "name the right blueprint in promote.toml",
        )
    } else if found["many"] == true {
        (
            format!("its relation `{relation}` leads to many: a promotion needs one"),
            "name a relation to one in promote.toml",
        )
    } else {
        return;
    };
    findings.error("blueprint-relation", &subject, what, fix);
}

/// Properties that rules read: without them a rule says nothing, which looks like a yes.
fn properties(found: &[Value], names: [&str; 3], settings: &Value, findings: &mut Findings) {
    let read = [
        (0, "lock", "/lock/enabled", "/lock/property"),
        (1, "health", "/health/enabled", "/health/property"),
        (1, "health", "/health/enabled", "/health/sync_property"),
    ];
    for (at, rule, enabled, property) in read {
        let name = settings
            .pointer(property)
            .and_then(Value::as_str)
            .unwrap_or_default();
        let on = settings.pointer(enabled) == Some(&Value::Bool(true));
        if !on || name.is_empty() || found[at].is_null() || known(&found[at], name) {
            continue;
        }
        let what = format!("it has no property `{name}`, which the rule `{rule}` reads");
        findings.warning(
            "blueprint-property",
            &format!("blueprint {}", names[at]),
            what,
            "`promote init` adds it, or name yours in promote.toml",
        );
    }
}

fn known(blueprint: &Value, property: &str) -> bool {
    let places = [
        "/schema/properties",
        "/mirrorProperties",
        "/calculationProperties",
        "/aggregationProperties",
    ];
    places.iter().any(|place| {
        blueprint
            .pointer(place)
            .is_some_and(|place| place.get(property).is_some())
    })
}

fn check_action(found: Option<&Value>, name: &str, service: &str, findings: &mut Findings) {
    let subject = format!("action {name}");
    let Some(found) = found else {
        findings.error(
            "port-action",
            &subject,
            "Port has no such action",
            "`promote init` creates it; `--action` names another",
        );
        return;
    };
    let method = &found["invocationMethod"];
    let github = [&method["type"], &method["integrationActionType"]];
    if !(github[0] == "GITHUB" || github[1] == "dispatch_workflow") {
        findings.error(
            "port-action",
            &subject,
            format!("it starts no workflow: its backend is {}", method["type"]),
            "`promote init --port-action NAME` makes another",
        );
    }
    if found["trigger"]["blueprintIdentifier"] != service {
        let what = format!(
            "it is started on {}, not on {service}",
            found["trigger"]["blueprintIdentifier"]
        );
        findings.error(
            "port-action",
            &subject,
            what,
            "`promote init --port-action NAME` makes another",
        );
    }
    let at = if github[0] == "GITHUB" {
        method
    } else {
        &method["integrationActionExecutionProperties"]
    };
    if !at["workflowInputs"].to_string().contains(".run.id") {
        findings.error(
            "port-action",
            &subject,
            "it does not send the id of its run",
            "`promote init` sets its `workflowInputs`",
        );
    }
    if at["reportWorkflowStatus"] != true {
        findings.warning(
            "port-action",
            &subject,
            "a workflow that never starts leaves its run in progress for ever",
            "set `reportWorkflowStatus`: `promote init` does",
        );
    }
}
