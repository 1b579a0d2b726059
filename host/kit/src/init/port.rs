//! Port's part: the guide's three blueprints and the action, added to what is there.

use anyhow::{Context as _, bail};
use http::Method;
use serde_json::{Map, Value, json};

use super::answers::SetupAnswers;
use super::dialog::{SetupDialog, SetupDifference};
use super::files;
use crate::fleet;
use promote_core::contract::EntityKey;
use promote_core::gate::describe;
use promote_core::service::http::{Request, or_none, seg};
use promote_core::service::port::Client;
use promote_mock::port::{GUIDE_ACTION, GUIDE_BLUEPRINTS};

/// The properties and relations of each blueprint that a promotion by the built-in policy reads.
const READ_FIELDS: [(&str, &[&str]); 3] = [
    (
        "image",
        &[
            "registryId",
            "digest",
            "tags",
            "pushedAt",
            "triggeredBy",
            "commitHash",
        ],
    ),
    (
        "running_service",
        &["gitPath", "healthStatus", "syncStatus", "image"],
    ),
    (
        "service",
        &[
            "locked_in_prod",
            "locked_reason_prod",
            "test_runtime",
            "prod_runtime",
        ],
    ),
];

/// The fields of an action that Port takes (API reference, "Create an action/automation"); its answer has more.
const ACTION_FIELDS: [&str; 10] = [
    "identifier",
    "title",
    "icon",
    "description",
    "trigger",
    "invocationMethod",
    "requiredApproval",
    "approvalNotification",
    "allowAnyoneToViewRuns",
    "publish",
];

/// Everything that would change in Port.
#[derive(Default)]
pub(super) struct PortChanges {
    pub(super) all: Vec<PortChange>,
    pub(super) warnings: Vec<String>,
}

/// One request.
pub(super) struct PortChange {
    method: Method,
    target: String,
    body: Value,
    pub(super) difference: SetupDifference,
}

/// Reads what is there and compares.
pub(super) async fn plan(client: &Client, answers: &SetupAnswers) -> anyhow::Result<PortChanges> {
    let mut changes = PortChanges::default();
    // In this order: the target of a relation must exist.
    for text in GUIDE_BLUEPRINTS {
        let guide: Map<String, Value> =
            serde_json::from_str(text).context("the guide's blueprint")?;
        let identifier = guide["identifier"].as_str().unwrap_or_default().to_owned();
        let target = format!("/v1/blueprints/{}", seg(&identifier));
        let found = read(client, &target, "blueprint").await?;
        let name = format!("port: blueprint {identifier}");
        changes.all.extend(match found {
            None => Some(PortChange::create(&name, "/v1/blueprints", guide)),
            Some(found) => added(
                &identifier,
                &found,
                &guide,
                answers.minimal,
                &mut changes.warnings,
            )
            .map(|body| PortChange::patch(&name, target, &found, body)),
        });
    }
    let wanted = action(answers)?;
    let target = format!("/v1/actions/{}", seg(&answers.port_action));
    let name = format!("port: action {}", answers.port_action);
    changes
        .all
        .extend(match read(client, &target, "action").await? {
            None => Some(PortChange::create(&name, "/v1/actions", wanted)),
            Some(found) => {
                let found: Map<String, Value> = found
                    .into_iter()
                    .filter(|(key, _)| ACTION_FIELDS.contains(&key.as_str()))
                    .collect();
                let after = overlaid_action(&found, &wanted)?;
                (found != after).then(|| PortChange {
                    method: Method::PUT,
                    difference: SetupDifference {
                        name,
                        before: pretty(&found),
                        after: pretty(&after),
                    },
                    target,
                    body: Value::Object(after),
                })
            }
        });
    Ok(changes)
}

/// Makes the changes, one after the other.
pub(super) async fn apply(
    client: &Client,
    changes: &PortChanges,
    dialog: &SetupDialog<'_>,
) -> anyhow::Result<()> {
    for change in &changes.all {
        // The same body twice is the same definition; a second creation is answered with 409, which is true then.
        let request = Request::write(
            change.method.clone(),
            change.target.clone(),
            change.body.clone(),
        );
        client
            .administer(request)
            .await
            .with_context(|| format!("writing {}", change.difference.name))?;
        (dialog.say)(&format!("wrote {}", change.difference.name));
    }
    Ok(())
}

async fn read(
    client: &Client,
    target: &str,
    key: &str,
) -> anyhow::Result<Option<Map<String, Value>>> {
    let Some(answer) = or_none(client.get(target.to_owned()).await)? else {
        return Ok(None);
    };
    let mut answer: Value = answer.json()?;
    match answer[key].take() {
        Value::Object(found) => Ok(Some(found)),
        _ => bail!("Port's answer to {target} holds no {key}"),
    }
}

impl PortChange {
    fn create(name: &str, target: &str, body: Map<String, Value>) -> Self {
        let difference = SetupDifference {
            name: name.to_owned(),
            before: String::new(),
            after: pretty(&body),
        };
        Self {
            method: Method::POST,
            target: target.to_owned(),
            body: Value::Object(body),
            difference,
        }
    }

    fn patch(
        name: &str,
        target: String,
        found: &Map<String, Value>,
        body: Map<String, Value>,
    ) -> Self {
        let before: Map<_, _> = body
            .keys()
            .map(|key| (key.clone(), found.get(key).cloned().unwrap_or_default()))
            .collect();
        let difference = SetupDifference {
            name: name.to_owned(),
            before: pretty(&before),
            after: pretty(&body),
        };
        Self {
            method: Method::PATCH,
            target,
            body: Value::Object(body),
            difference,
        }
    }
}

/// The parts of a blueprint with what it lacks added to them; none if it lacks nothing. What is there stays as it is.
fn added(
    identifier: &str,
    found: &Map<String, Value>,
    guide: &Map<String, Value>,
    minimal: bool,
    warnings: &mut Vec<String>,
) -> Option<Map<String, Value>> {
    let read = READ_FIELDS
        .iter()
        .find(|(name, _)| *name == identifier)
        .map_or(&[][..], |(_, read)| read);
    let wanted = |(name, _): &(&String, &Value)| !minimal || read.contains(&name.as_str());
    let empty = Map::new();
    let of = |map: &Value| map.as_object().unwrap_or(&empty).clone();
    let mut schema = found.get("schema").map(&of).unwrap_or_default();
    let mut properties = schema.get("properties").map(&of).unwrap_or_default();
    let mut relations = found.get("relations").map(&of).unwrap_or_default();
    let mut grown = [false, false];
    let places = [
        (&guide["schema"]["properties"], &mut properties),
        (&guide["relations"], &mut relations),
    ];
    for ((from, to), grown) in places.into_iter().zip(&mut grown) {
        for (name, definition) in from.as_object().unwrap_or(&empty).iter().filter(wanted) {
            match to.get(name) {
                None => {
                    to.insert(name.clone(), definition.clone());
                    *grown = true;
                }
                Some(other) => warnings.extend(clash(identifier, name, other, definition)),
            }
        }
    }
    let mut body = Map::new();
    if grown[0] {
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.entry("required").or_insert_with(|| json!([]));
        body.insert("schema".to_owned(), Value::Object(schema));
    }
    if grown[1] {
        body.insert("relations".to_owned(), Value::Object(relations));
    }
    (!body.is_empty()).then_some(body)
}

/// Describes a field under a name that a promotion reads, if it is something else.
fn clash(blueprint: &str, name: &str, found: &Value, guide: &Value) -> Option<String> {
    let key = ["type", "target", "many"]
        .into_iter()
        .find(|key| found.get(key) != guide.get(key))?;
    Some(format!(
        "`{name}` of the blueprint {blueprint} has {key} {}, a promotion reads it with {key} {}: it stays as it is, name another in promote.toml",
        found.get(key).unwrap_or(&Value::Null),
        guide.get(key).unwrap_or(&Value::Null)
    ))
}

/// The action as it should be.
fn action(answers: &SetupAnswers) -> anyhow::Result<Map<String, Value>> {
    let mut action: Map<String, Value> =
        serde_json::from_str(GUIDE_ACTION).context("the guide's action")?;
    let (org, repo) = answers
        .workflow_repository
        .split_once('/')
        .unwrap_or_default();
    action.insert("identifier".to_owned(), json!(answers.port_action));
    let mut method = action["invocationMethod"].take();
    method["org"] = json!(org);
    method["repo"] = json!(repo);
    method["workflow"] = json!(files::WORKFLOW_NAME);
    if let Some(installation) = &answers.installation {
        if let Some(method) = method.as_object_mut() {
            method.remove("type");
        }
        method = json!({
            "type": "INTEGRATION_ACTION", "installationId": installation,
            "integrationActionType": "dispatch_workflow", "integrationActionExecutionProperties": method,
        });
    }
    action.insert("invocationMethod".to_owned(), method);
    Ok(action)
}

/// An action that is there, with where it leads and what it sends as it should be. Its words, inputs, conditions and
/// approvals are other people's.
fn overlaid_action(
    found: &Map<String, Value>,
    wanted: &Map<String, Value>,
) -> anyhow::Result<Map<String, Value>> {
    let at = |of: &Map<String, Value>, pointer: &str| {
        Value::Object(of.clone()).pointer(pointer).cloned()
    };
    let identifier = wanted["identifier"].as_str().unwrap_or_default();
    for pointer in [
        "/trigger/type",
        "/trigger/blueprintIdentifier",
        "/invocationMethod/type",
    ] {
        let is = at(found, pointer).unwrap_or_default();
        let should = at(wanted, pointer).unwrap_or_default();
        if is != should {
            bail!(
                "the action {identifier} is there with {} {is} instead of {should}: name another with `--port-action`{}",
                pointer.trim_start_matches('/').replace('/', "."),
                if pointer.starts_with("/inv") {
                    ", or say `--installation ID` for Port's newer integration"
                } else {
                    ""
                }
            );
        }
    }
    let mut after = found.clone();
    let mut method = found["invocationMethod"].clone();
    // The message is the host's own: what an older one sends beyond the run and its entity is not kept.
    for inputs in [
        "/workflowInputs",
        "/integrationActionExecutionProperties/workflowInputs",
    ] {
        if let Some(Value::Object(inputs)) = method.pointer_mut(inputs) {
            inputs.remove("port_payload");
        }
    }
    let method = overlaid(method, &wanted["invocationMethod"]);
    after.insert("invocationMethod".to_owned(), method);
    Ok(after)
}

/// `over` laid over `under`: objects are joined, everything else is replaced.
fn overlaid(under: Value, over: &Value) -> Value {
    match (under, over) {
        (Value::Object(mut under), Value::Object(over)) => {
            for (key, value) in over {
                let below = under.remove(key).unwrap_or_default();
                under.insert(key.clone(), overlaid(below, value));
            }
            Value::Object(under)
        }
        (_, over) => over.clone(),
    }
}

/// The most services whose manifests are looked at.
const MAX_GUESSED_SERVICES: usize = 50;

/// Returns the services of the catalog, each with the folder of its production.
pub(super) async fn places(client: &Client) -> anyhow::Result<Vec<(String, String)>> {
    if read(client, "/v1/blueprints/service", "blueprint")
        .await?
        .is_none()
    {
        return Ok(Vec::new());
    }
    let failed = |failure| anyhow::anyhow!("reading the catalog: {}", describe(&failure));
    let services = fleet::entities(client, "service").await.map_err(failed)?;
    let mut places = Vec::new();
    for service in services.iter().take(MAX_GUESSED_SERVICES) {
        let Some(production) = fleet::related(service, "prod_runtime") else {
            continue;
        };
        let key = EntityKey {
            blueprint: "running_service".to_owned(),
            identifier: production.to_owned(),
        };
        let runtime = client.entity(&key).await.map_err(failed)?;
        let properties: Value = runtime
            .and_then(|it| serde_json::from_str(&it.properties).ok())
            .unwrap_or_default();
        if let Some(path) = properties["gitPath"].as_str() {
            places.push((service.key.identifier.clone(), path.to_owned()));
        }
    }
    Ok(places)
}

/// Returns the narrowest pattern that fits the manifests of all production runtimes in the catalog, if they follow one.
pub(super) fn guess_paths(places: &[(String, String)], manifest: &str) -> Option<String> {
    let rest = manifest.strip_prefix("{production.gitPath}")?;
    pattern(places).map(|pattern| format!("{pattern}{rest}"))
}

/// The paths with the service's name as a hole, if that makes them all the same.
fn pattern(places: &[(String, String)]) -> Option<String> {
    let holed = |(service, path): &(String, String)| {
        let parts: Vec<&str> = path
            .split('/')
            .map(|part| {
                if part == service {
                    "{service.identifier}"
                } else {
                    part
                }
            })
            .collect();
        parts.join("/")
    };
    let first = holed(places.first()?);
    let same = places.iter().all(|place| holed(place) == first);
    let safe = first.contains("{service.identifier}") && !first.contains(['*', '?', '[']);
    (same && safe).then_some(first)
}

fn pretty(value: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
