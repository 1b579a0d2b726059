//! Port's action for the click: which backend starts the workflow, and with what.

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use super::answers::{AGAIN, SetupAnswers};
use super::dialog::{SetupQuestion, SetupQuestions};
use super::files;
use promote_core::service::http::ServiceError;
use promote_core::service::port::Client;
use promote_mock::port::GUIDE_ACTION;

/// The kind of integration that starts workflows.
const OCEAN: &str = "github-ocean";

/// What starts the workflow when somebody clicks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ActionBackend {
    /// An installation of Port's GitHub integration.
    Installation(String),
    /// Port's GitHub app, which Port has ended the support of.
    LegacyApp,
}

/// What Port has of installations that start workflows.
#[derive(Debug, PartialEq, Eq)]
enum FoundInstallations {
    /// The credentials may not list them.
    Hidden,
    Listed(Vec<String>),
}

/// Finds the installation that starts workflows, or asks for it; an empty text if nobody knows.
pub(super) async fn find_installation(
    client: &Client,
    questions: &SetupQuestions<'_>,
) -> anyhow::Result<String> {
    let target = "/v1/integration?actionsProcessingEnabled=true";
    let found = match client.get(target.to_owned()).await {
        Err(error) if is_forbidden(&error) => FoundInstallations::Hidden,
        other => {
            let answer = other.context("listing Port's integrations")?;
            installations(&answer.field::<Vec<Value>>("integrations")?)
        }
    };
    Ok(choose_installation(found, questions))
}

fn is_forbidden(error: &ServiceError) -> bool {
    error.says(403, "") || error.says(401, "")
}

/// Returns the installations that start workflows.
fn installations(all: &[Value]) -> FoundInstallations {
    let found = all
        .iter()
        .filter(|it| it["installationAppType"] == OCEAN && it["actionsProcessingEnabled"] != false)
        .filter_map(|it| it["installationId"].as_str().or(it["identifier"].as_str()));
    FoundInstallations::Listed(found.map(str::to_owned).collect())
}

fn choose_installation(found: FoundInstallations, questions: &SetupQuestions<'_>) -> String {
    match found {
        FoundInstallations::Hidden => questions.ask(&SetupQuestion {
            words: "the installation of Port's GitHub integration (its page of data sources shows the id)",
            default: "",
            flag: "`--installation ID` names the installation of Port's GitHub integration, which the page of data sources in Port \
                   shows: these credentials of Port may not list its integrations, which needs an admin's",
        }),
        FoundInstallations::Listed(found) => match found.as_slice() {
            [one] => one.clone(),
            [] => {
                questions.add_missing(&format!(
                    "`--legacy-app` uses Port's GitHub app, which Port has ended the support of: Port has no installation of its \
                     GitHub integration ({OCEAN}) that starts actions; install it from the page of data sources in Port, and turn \
                     its processing of actions on if you host it yourself"
                ));
                String::new()
            }
            several => {
                let chosen = questions.choose(
                    &SetupQuestion {
                        words: "which installation of Port's GitHub integration starts the workflow?",
                        default: "",
                        flag: &format!(
                            "`--installation ID` says which installation of Port's GitHub integration starts the workflow: {}",
                            several.join(", ")
                        ),
                    },
                    several,
                );
                chosen.map(|at| several[at].clone()).unwrap_or_default()
            }
        },
    }
}

/// The action as it should be.
pub(super) fn action(answers: &SetupAnswers) -> anyhow::Result<Map<String, Value>> {
    let mut action: Map<String, Value> =
        serde_json::from_str(GUIDE_ACTION).context("the guide's action")?;
    action.insert("identifier".to_owned(), json!(answers.port_action));
    action["trigger"]["blueprintIdentifier"] = json!(answers.names.service);
    let (org, repo) = answers
        .workflow_repository
        .split_once('/')
        .unwrap_or_default();
    let mut work = action["invocationMethod"]["integrationActionExecutionProperties"].take();
    work["org"] = json!(org);
    work["repo"] = json!(repo);
    work["workflow"] = json!(files::WORKFLOW_NAME);
    work["reportWorkflowStatus"] = json!(false);
    action["trigger"]["userInputs"]["properties"][AGAIN] = again_input();
    if let Some(branch) = &answers.workflow_branch {
        work["workflowInputs"]["ref"] = json!(branch);
    }
    action.insert(
        "invocationMethod".to_owned(),
        method(&answers.backend, work),
    );
    Ok(action)
}

/// The input by which somebody says that an image may be promoted again after it was rolled back.
fn again_input() -> Value {
    json!({
        "type": "boolean",
        "title": "Promote it although it was rolled back",
        "default": false,
    })
}

/// The action that goes back, as it should be: it starts the same workflow, and asks nothing.
pub(super) fn rollback_action(
    answers: &SetupAnswers,
    identifier: &str,
) -> anyhow::Result<Map<String, Value>> {
    let mut rollback = action(answers)?;
    rollback.insert("identifier".to_owned(), json!(identifier));
    rollback.insert("title".to_owned(), json!("Roll back production"));
    rollback.insert(
        "description".to_owned(),
        json!("Takes back what the last promotion of this service brought"),
    );
    rollback["trigger"]["userInputs"] = json!({ "properties": {}, "required": [], "order": [] });
    Ok(rollback)
}

/// Adds to an action that is there the input without which nothing that was rolled back could be promoted again.
pub(super) fn add_again_input(action: &mut Map<String, Value>) {
    let Some(inputs) = object_in(action, "trigger").and_then(|it| object_in(it, "userInputs"))
    else {
        return;
    };
    let Some(properties) = object_in(inputs, "properties") else {
        return;
    };
    if properties.contains_key(AGAIN) {
        return;
    }
    properties.insert(AGAIN.to_owned(), again_input());
    if let Some(order) = inputs.get_mut("order").and_then(Value::as_array_mut) {
        order.push(json!(AGAIN));
    }
}

/// Returns the object under a key, which is made if nothing is there; none if it is something else.
fn object_in<'a>(map: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    let value = map.entry(key).or_insert_with(|| json!({}));
    value.as_object_mut()
}

/// The work as the backend takes it.
fn method(backend: &ActionBackend, mut work: Value) -> Value {
    match backend {
        ActionBackend::Installation(installation) => json!({
            "type": "INTEGRATION_ACTION", "installationId": installation,
            "integrationActionType": "dispatch_workflow", "integrationActionExecutionProperties": work,
        }),
        ActionBackend::LegacyApp => {
            work["type"] = json!("GITHUB");
            work
        }
    }
}

/// Returns the backend of an action that is there; none if it starts no workflow.
pub(super) fn backend_of(action: &Map<String, Value>) -> Option<ActionBackend> {
    let method = action.get("invocationMethod")?;
    match method["type"].as_str()? {
        "GITHUB" => Some(ActionBackend::LegacyApp),
        "INTEGRATION_ACTION" if method["integrationActionType"] == "dispatch_workflow" => {
            let installation = method["installationId"].as_str()?;
            Some(ActionBackend::Installation(installation.to_owned()))
        }
        _ => None,
    }
}

/// An action that is there, with where it leads and what it sends as it should be. Its words, inputs, conditions and
/// approvals are other people's.
pub(super) fn overlaid_action(
    found: &Map<String, Value>,
    wanted: &Map<String, Value>,
) -> anyhow::Result<Map<String, Value>> {
    let identifier = wanted["identifier"].as_str().unwrap_or_default();
    for (pointer, name) in [
        ("/type", "trigger.type"),
        ("/blueprintIdentifier", "trigger.blueprintIdentifier"),
    ] {
        let at =
            |of: &Map<String, Value>| of["trigger"].pointer(pointer).cloned().unwrap_or_default();
        if at(found) != at(wanted) {
            bail!(
                "the action {identifier} is there with {name} {} instead of {}: name another with `--port-action`",
                at(found),
                at(wanted)
            );
        }
    }
    if found["trigger"]["operation"] == "CREATE" {
        bail!(
            "the action {identifier} is there and starts without an entity (operation CREATE), and a promotion needs to know its \
             service: set its operation to DAY-2 in Port, or name another with `--port-action`"
        );
    }
    if backend_of(found).is_none() {
        bail!(
            "the action {identifier} is there and starts no workflow of GitHub, its backend is {}: name another with `--port-action`",
            found["invocationMethod"]["type"]
        );
    }
    let mut after = found.clone();
    let mut work = work_of(&found["invocationMethod"]);
    // The message is the host's own: what an older one sends beyond the run and its entity is not kept.
    if let Some(inputs) = work["workflowInputs"].as_object_mut() {
        inputs.remove("port_payload");
    }
    let work = overlaid(work, &work_of(&wanted["invocationMethod"]));
    let backend = backend_of(wanted).context("the action that is wanted starts a workflow")?;
    after.insert("invocationMethod".to_owned(), method(&backend, work));
    Ok(after)
}

/// Says what people may misread in an action that is there and works.
pub(super) fn misleading(found: &Map<String, Value>) -> Option<String> {
    (found["trigger"]["operation"] == "DELETE").then(|| {
        format!(
            "the action {} stays one that deletes the service, as Port shows it (operation DELETE): set its operation to DAY-2 in Port",
            found["identifier"].as_str().unwrap_or_default()
        )
    })
}

/// The work of an action, whichever backend it is wrapped for.
fn work_of(method: &Value) -> Value {
    let mut work = match method.get("integrationActionExecutionProperties") {
        Some(work) => work.clone(),
        None => method.clone(),
    };
    if let Some(work) = work.as_object_mut() {
        work.remove("type");
        // Keys of the guide's first action, which Port takes no more.
        work.remove("omitPayload");
        work.remove("omitUserInputs");
    }
    work
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::init::dialog::SetupDialog;

    #[test]
    fn one_installation_is_found_and_several_are_asked_about() {
        let installation = |id: &str, kind: &str, processes: bool| json!({ "installationId": id, "installationAppType": kind, "actionsProcessingEnabled": processes });
        let ocean = installation("a", OCEAN, true);
        let others = [
            installation("b", "gitlab", true),
            installation("c", OCEAN, false),
            json!({}),
        ];
        let mut all = vec![ocean];
        all.extend(others.clone());
        let choose = |found: FoundInstallations, answer: Option<&str>| {
            let dialog = SetupDialog {
                say: &|_| {},
                ask: &|_, _| answer.map(str::to_owned),
            };
            let questions = SetupQuestions::new(&dialog);
            let chosen = choose_installation(found, &questions);
            questions
                .finish(true)
                .map(|()| chosen)
                .map_err(|error| error.to_string())
        };
        let several = || {
            let mut all = all.clone();
            all.push(installation("d", OCEAN, true));
            installations(&all)
        };
        assert_eq!(choose(installations(&all), None).unwrap(), "a");
        for (found, said) in [
            (installations(&others), "`--legacy-app`"),
            (several(), "a, d"),
            (FoundInstallations::Hidden, "needs an admin's"),
        ] {
            let refusal = choose(found, None).unwrap_err();
            assert!(refusal.contains(said), "{refusal}");
        }
        assert_eq!(choose(several(), Some("2")).unwrap(), "d");
        assert_eq!(choose(FoundInstallations::Hidden, Some("x")).unwrap(), "x");
    }

    #[test]
    fn an_action_keeps_what_others_gave_it() {
        let wanted: Map<String, Value> = serde_json::from_str(GUIDE_ACTION).unwrap();
        let mut found = wanted.clone();
        let work = &mut found["invocationMethod"]["integrationActionExecutionProperties"];
        work["workflow"] = json!("old.yml");
        work["workflowInputs"]["extra"] = json!("{{ .inputs.extra }}");
        work["workflowInputs"]["port_payload"]["payload"] = json!({ "entity": "{{ .entity }}" });
        found["trigger"]["userInputs"]["properties"]["extra"] = json!({ "type": "string" });
        found.insert("requiredApproval".to_owned(), json!(true));
        let after = overlaid_action(&found, &wanted).unwrap();
        let work = &after["invocationMethod"]["integrationActionExecutionProperties"];
        assert_eq!(work["workflow"], "promote-production.yml");
        assert_eq!(work["workflowInputs"]["extra"], "{{ .inputs.extra }}");
        assert_eq!(
            work["workflowInputs"]["port_payload"],
            json!({
                "run_id": "{{ .run.id }}", "blueprint": "{{ .action.blueprint }}", "entity": "{{ .entity.identifier }}",
            }),
            "only the run and its entity are sent"
        );
        assert_eq!(after["trigger"], found["trigger"]);
        assert_eq!(after["requiredApproval"], true);
        assert_eq!(overlaid_action(&after, &wanted).unwrap(), after);
        found["trigger"]["blueprintIdentifier"] = json!("running_service");
        let refusal = overlaid_action(&found, &wanted).unwrap_err().to_string();
        assert!(refusal.contains("`--port-action`"), "{refusal}");
    }

    #[test]
    fn an_action_of_the_app_moves_to_the_integration_with_all_that_it_sends() {
        let wanted: Map<String, Value> = serde_json::from_str(GUIDE_ACTION).unwrap();
        let mut found = wanted.clone();
        found.insert(
            "invocationMethod".to_owned(),
            json!({ "type": "GITHUB", "org": "acme", "repo": "gitops", "workflow": "promote-production.yml",
                "omitPayload": false, "reportWorkflowStatus": true, "workflowInputs": { "extra": "1" } }),
        );
        assert_eq!(backend_of(&found), Some(ActionBackend::LegacyApp));
        let after = overlaid_action(&found, &wanted).unwrap();
        let backend = ActionBackend::Installation("github-ocean-acme".to_owned());
        assert_eq!(backend_of(&after), Some(backend));
        let work = &after["invocationMethod"]["integrationActionExecutionProperties"];
        assert_eq!(work["workflowInputs"]["extra"], "1");
        assert!(work.get("type").is_none() && work.get("omitPayload").is_none());
        let webhook = json!({ "type": "WEBHOOK", "url": "https://x.example" });
        found.insert("invocationMethod".to_owned(), webhook);
        let refusal = overlaid_action(&found, &wanted).unwrap_err().to_string();
        assert!(refusal.contains("starts no workflow"), "{refusal}");
    }
}
