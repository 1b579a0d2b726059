//! Port's credentials, blueprints and relations.

use serde_json::Value;

use super::action::ActionChecks;
use crate::finding::{DoctorFindings, FindingCode, Severity};
use crate::marks::{MarkedSettings, SettingRole};
use promote_core::run::record::RECORD_BLUEPRINT;
use promote_core::service::http::{ServiceError, or_none, seg};
use promote_core::service::port::Client;

/// Checks everything about Port, and returns whether services can be planned with it.
pub(super) async fn check(
    client: &Client,
    service: &str,
    names_teams: bool,
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
    service.check_teams(names_teams, findings);
    true
}

/// Checks the actions of `[port.actions]`, and returns whether Port answers.
pub(super) async fn check_actions(
    checks: &ActionChecks<'_>,
    actions: &[String],
    findings: &mut DoctorFindings,
) -> bool {
    for action in actions {
        if let Err(error) = checks.check(action, findings).await {
            return refuse(&error, findings);
        }
    }
    true
}

/// Checks the blueprint that keeps a record of each promotion, and returns whether Port answers.
pub(super) async fn check_record(
    client: &Client,
    blueprint: &str,
    findings: &mut DoctorFindings,
) -> bool {
    let record = match CheckedBlueprint::read(client, blueprint, findings).await {
        Ok(record) => record,
        Err(error) => return refuse(&error, findings),
    };
    let Some(found) = &record.found else {
        return true;
    };
    let wanted: Value = serde_json::from_str(RECORD_BLUEPRINT).unwrap_or_default();
    let wanted = wanted["schema"]["properties"].as_object().into_iter();
    for property in wanted.flat_map(|properties| properties.keys()) {
        if !has_property(found, property) {
            findings.warning(
                FindingCode::BlueprintProperty,
                &format!("blueprint {blueprint}"),
                format!("it has no property `{property}`, which the record of a promotion holds"),
                &format!("`promote init --record {blueprint}` adds it"),
            );
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

    /// Checks that a relation leads to entities of a blueprint. Whether one that leads to many has the one that is needed, a plan
    /// tells of each service.
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
        } else {
            return;
        };
        let subject = format!("blueprint {}", self.name);
        findings.error(FindingCode::BlueprintRelation, &subject, what, fix);
    }

    /// Finds rules that can never fit: Port keeps teams only of entities that have owners.
    fn check_teams(&self, names_teams: bool, findings: &mut DoctorFindings) {
        let Some(found) = self.found.as_ref().filter(|_| names_teams) else {
            return;
        };
        if found["ownership"].is_null() && found["teamInheritance"].is_null() {
            findings.warning(
                FindingCode::TeamNeverFits,
                &format!("blueprint {}", self.name),
                "a `[[team]]` rule asks for a team, and Port keeps no teams of these entities: no such rule can ever fit",
                "turn the ownership of the blueprint on in Port, or choose by `owners`, `type`, `lifecycle` or `identifier`",
            );
        }
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

pub(super) async fn read(
    client: &Client,
    target: &str,
    key: &str,
) -> Result<Option<Value>, ServiceError> {
    let Some(answer) = or_none(client.get(target.to_owned()).await)? else {
        return Ok(None);
    };
    Ok(Some(answer.json::<Value>()?[key].take()))
}

/// Says that Port does not answer, or not with these credentials. Nothing more can be checked then.
fn refuse(error: &ServiceError, findings: &mut DoctorFindings) -> bool {
    let severity = Severity::of_error(error);
    let fix = if severity == Severity::Unknown {
        "check the network and the address of Port (PORT_API_URL), then run this again"
    } else {
        "check client id, client secret and the region (PORT_API_URL)"
    };
    findings.add(
        severity,
        FindingCode::PortCredentials,
        "Port",
        error.to_string(),
        fix,
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
