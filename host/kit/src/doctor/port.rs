//! Port's credentials, blueprints, relations and action.

use serde_json::Value;

use crate::finding::{DoctorFindings, FindingCode, Severity};
use crate::marks::{MarkedSettings, SettingRole};
use promote_core::service::http::{ServiceError, or_none, seg};
use promote_core::service::port::Client;

/// Checks everything about Port, and returns whether services can be planned with it.
pub(super) async fn check(
    client: &Client,
    service: &str,
    actions: &[String],
    marks: &MarkedSettings,
    findings: &mut DoctorFindings,
) -> bool {
    let service = match CheckedBlueprint::read(client, service, findings).await {
        Ok(blueprint) => blueprint,
        Err(error) => return refuse(&error, findings),
    };
    let mut others = Vec::new();
    for role in [SettingRole::RuntimeBlueprint, SettingRole::ImageBlueprint] {
        others.push(match marks.text(role) {
            None => None,
            Some(name) => match CheckedBlueprint::read(client, name, findings).await {
                Ok(blueprint) => Some(blueprint),
                Err(error) => return refuse(&error, findings),
            },
        });
    }
    if let [Some(runtime), image] = &others[..] {
        for role in [SettingRole::Source, SettingRole::Target] {
            if let Some(relation) = marks.text(role).and_then(relation_of_service) {
                service.check_relation(relation, &runtime.name, findings);
            }
        }
        if let (Some(relation), Some(image)) = (marks.text(SettingRole::ImageRelation), image) {
            runtime.check_relation(relation, &image.name, findings);
        }
        runtime.check_properties(marks, SettingRole::RuntimeProperty, findings);
    }
    service.check_properties(marks, SettingRole::ServiceProperty, findings);
    for action in actions {
        match read(client, &format!("/v1/actions/{}", seg(action)), "action").await {
            Ok(found) => check_action(found.as_ref(), action, &service.name, findings),
            Err(error) => return refuse(&error, findings),
        }
    }
    true
}

/// A blueprint by its name, as Port has it.
struct CheckedBlueprint {
    name: String,
    /// None if Port has no such blueprint, which is a finding already.
    found: Option<Value>,
}

impl CheckedBlueprint {
    async fn read(
        client: &Client,
        name: &str,
        findings: &mut DoctorFindings,
    ) -> Result<Self, ServiceError> {
        let target = format!("/v1/blueprints/{}", seg(name));
        let found = read(client, &target, "blueprint").await?;
        if found.is_none() {
            findings.error(
                FindingCode::Blueprint,
                &format!("blueprint {name}"),
                "Port has no such blueprint",
                "`promote init` creates it, or name yours in promote.toml",
            );
        }
        Ok(Self {
            name: name.to_owned(),
            found,
        })
    }

    /// Checks that a relation leads to one entity of a blueprint.
    fn check_relation(&self, name: &str, target: &str, findings: &mut DoctorFindings) {
        let Some(found) = &self.found else { return };
        let relation = &found["relations"][name];
        let (what, fix) = if relation.is_null() {
            (
                format!("it has no relation `{name}`"),
                "`promote init` adds it, or name yours in promote.toml",
            )
        } else if relation["target"] != target {
            (
                format!(
                    "its relation `{name}` leads to {} instead of {target}",
                    relation["target"]
                ),
                "name the right blueprint in promote.toml",
            )
        } else if relation["many"] == true {
            (
                format!("its relation `{name}` leads to many: a promotion needs one"),
                "name a relation to one in promote.toml",
            )
        } else {
            return;
        };
        let subject = format!("blueprint {}", self.name);
        findings.error(FindingCode::BlueprintRelation, &subject, what, fix);
    }

    /// Checks the properties that rules read: without them a rule says nothing, which looks like a yes.
    fn check_properties(
        &self,
        marks: &MarkedSettings,
        role: SettingRole,
        findings: &mut DoctorFindings,
    ) {
        let Some(found) = &self.found else { return };
        for setting in marks
            .all(role)
            .filter(|one| !has_property(found, &one.text))
        {
            findings.warning(
                FindingCode::BlueprintProperty,
                &format!("blueprint {}", self.name),
                format!(
                    "it has no property `{}`, which the setting `{}` names",
                    setting.text, setting.name
                ),
                "`promote init` adds it, or name yours in promote.toml",
            );
        }
    }
}

/// Returns the relation that a template over a service follows, if it does nothing else.
fn relation_of_service(template: &str) -> Option<&str> {
    let rest = template.strip_prefix("{service.relations.")?;
    rest.strip_suffix('}')
}

async fn read(client: &Client, target: &str, key: &str) -> Result<Option<Value>, ServiceError> {
    let Some(answer) = or_none(client.get(target.to_owned()).await)? else {
        return Ok(None);
    };
    Ok(Some(answer.json::<Value>()?[key].take()))
}

/// Says that Port does not answer, or not with these credentials. Nothing more can be checked then.
fn refuse(error: &ServiceError, findings: &mut DoctorFindings) -> bool {
    findings.add(
        Severity::of_error(error),
        FindingCode::PortCredentials,
        "Port",
        error.to_string(),
        "check client id, client secret and the region (PORT_API_URL)",
    );
    false
}

fn has_property(blueprint: &Value, property: &str) -> bool {
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

fn check_action(found: Option<&Value>, name: &str, service: &str, findings: &mut DoctorFindings) {
    let subject = format!("action {name}");
    let Some(found) = found else {
        findings.error(
            FindingCode::PortAction,
            &subject,
            "Port has no such action",
            "`promote init` creates it, or name yours in `[port.actions]`",
        );
        return;
    };
    let method = &found["invocationMethod"];
    let github = [&method["type"], &method["integrationActionType"]];
    if !(github[0] == "GITHUB" || github[1] == "dispatch_workflow") {
        findings.error(
            FindingCode::PortAction,
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
            FindingCode::PortAction,
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
            FindingCode::PortAction,
            &subject,
            "it does not send the id of its run",
            "`promote init` sets its `workflowInputs`",
        );
    }
    if at["reportWorkflowStatus"] != true {
        findings.warning(
            FindingCode::PortAction,
            &subject,
            "a workflow that never starts leaves its run in progress for ever",
            "set `reportWorkflowStatus`: `promote init` does",
        );
    }
}
