//! Port's action: what starts it and on what, what it starts, what it sends, and who ends its runs.

use serde_json::Value;

use super::port::read;
use crate::finding::{DoctorFindings, FindingCode};
use promote_core::service::http::{ServiceError, seg};
use promote_core::service::port::{Client, WorkflowReport};

/// What actions are checked against.
pub(super) struct ActionChecks<'a> {
    pub(super) client: &'a Client,
    /// The blueprint of services.
    pub(super) service: &'a str,
}

impl ActionChecks<'_> {
    /// Checks one action.
    ///
    /// # Errors
    /// If Port does not answer.
    pub(super) async fn check(
        &self,
        name: &str,
        findings: &mut DoctorFindings,
    ) -> Result<(), ServiceError> {
        let subject = format!("action {name}");
        let target = format!("/v1/actions/{}", seg(name));
        let Some(found) = read(self.client, &target, "action").await? else {
            return self.add_missing(name, findings).await;
        };
        self.check_trigger(&found["trigger"], &subject, findings);
        let method = &found["invocationMethod"];
        let work = match method["type"].as_str() {
            Some("GITHUB") => {
                findings.warning(
                    FindingCode::PortAction,
                    &subject,
                    "it is started by Port's GitHub app, which Port has ended the support of: a click may start nothing",
                    "`promote init --migrate` moves it to Port's GitHub integration",
                );
                method
            }
            Some("INTEGRATION_ACTION")
                if method["integrationActionType"] == "dispatch_workflow" =>
            {
                let installation = method["installationId"].as_str().unwrap_or_default();
                check_installation(self.client, installation, &subject, findings).await?;
                &method["integrationActionExecutionProperties"]
            }
            _ => {
                findings.error(
                    FindingCode::PortAction,
                    &subject,
                    format!("it starts no workflow: its backend is {}", method["type"]),
                    "`promote init --port-action NAME` makes another",
                );
                return Ok(());
            }
        };
        if !work["workflowInputs"].to_string().contains(".run.id") {
            findings.error(
                FindingCode::PortAction,
                &subject,
                "it does not send the id of its run",
                "`promote init` sets its `workflowInputs`",
            );
        }
        check_report(&WorkflowReport::of(method), &subject, findings);
        Ok(())
    }

    async fn add_missing(
        &self,
        name: &str,
        findings: &mut DoctorFindings,
    ) -> Result<(), ServiceError> {
        let renamed = format!("{}_{name}", self.service);
        let target = format!("/v1/actions/{}", seg(&renamed));
        let (what, fix) = match read(self.client, &target, "action").await? {
            Some(_) => (
                format!(
                    "Port has no such action, but `{renamed}`: it gave actions of the old kind that name"
                ),
                "write that name into `[port.actions]`, or run `promote init`, which finds it",
            ),
            None => (
                "Port has no such action".to_owned(),
                "`promote init` creates it, or name yours in `[port.actions]`",
            ),
        };
        let subject = format!("action {name}");
        findings.error(FindingCode::PortAction, &subject, what, fix);
        Ok(())
    }

    fn check_trigger(&self, trigger: &Value, subject: &str, findings: &mut DoctorFindings) {
        if trigger["blueprintIdentifier"] != self.service {
            let what = format!(
                "it is started on {}, not on {}",
                trigger["blueprintIdentifier"], self.service
            );
            findings.error(
                FindingCode::PortAction,
                subject,
                what,
                "`promote init --port-action NAME` makes another",
            );
        }
        match trigger["operation"].as_str() {
            Some("CREATE") => findings.error(
                FindingCode::PortAction,
                subject,
                "it is started on no entity (operation CREATE): a promotion needs to know its service",
                "set its operation to DAY-2 in Port, or `promote init --port-action NAME` makes another",
            ),
            Some("DELETE") => findings.warning(
                FindingCode::PortAction,
                subject,
                "Port shows it as an action that deletes the service (operation DELETE): people will not expect a promotion",
                "set its operation to DAY-2 in Port",
            ),
            _ => {}
        }
    }
}

/// The host ends a run, which knows whether it waits; Port's integration must leave that to it.
fn check_report(report: &WorkflowReport, subject: &str, findings: &mut DoctorFindings) {
    const OFF: &str = "set `reportWorkflowStatus` to false: `promote init` does";
    match report {
        WorkflowReport::Off => {}
        WorkflowReport::On => findings.error(
            FindingCode::PortAction,
            subject,
            "Port's integration ends a run with its workflow, also one that waits",
            OFF,
        ),
        WorkflowReport::Text(text) => findings.error(
            FindingCode::PortAction,
            subject,
            format!(
                "its `reportWorkflowStatus` is the text `{text}`, and Port's integration takes any text for yes: it ends a run with its workflow, also one that waits"
            ),
            "set `reportWorkflowStatus` to false, which is not a text: `promote init` does",
        ),
        WorkflowReport::Unsaid => findings.warning(
            FindingCode::PortAction,
            subject,
            "it does not say `reportWorkflowStatus`, which Port's documentation takes for yes: a run that waits may be ended with its workflow",
            OFF,
        ),
    }
}

/// The installations of Port's integration that start workflows.
enum KnownInstallations {
    /// These, each with whether it processes actions.
    Listed(Vec<(String, bool)>),
    /// The credentials may not list them.
    Hidden,
}

async fn installations(client: &Client) -> Result<KnownInstallations, ServiceError> {
    let answer = match client.get("/v1/integration".to_owned()).await {
        Err(error) if error.says(403, "") || error.says(404, "") => {
            return Ok(KnownInstallations::Hidden);
        }
        other => other?,
    };
    let all: Vec<Value> = answer.field("integrations")?;
    let known = all.iter().filter_map(|it| {
        let id = it["installationId"]
            .as_str()
            .or(it["identifier"].as_str())?;
        Some((id.to_owned(), it["actionsProcessingEnabled"] != false))
    });
    Ok(KnownInstallations::Listed(known.collect()))
}

/// Checks the installation behind an action.
async fn check_installation(
    client: &Client,
    installation: &str,
    subject: &str,
    findings: &mut DoctorFindings,
) -> Result<(), ServiceError> {
    let known = match installations(client).await? {
        KnownInstallations::Listed(known) => known,
        KnownInstallations::Hidden => {
            findings.note(
                FindingCode::PortInstallation,
                subject,
                format!("these credentials may not list Port's integrations, so `{installation}` was not looked up"),
                "run this once with an admin's credentials, or look at the page of data sources in Port",
            );
            return Ok(());
        }
    };
    match known.iter().find(|(id, _)| id == installation) {
        Some((_, true)) => {}
        Some((_, false)) => findings.error(
            FindingCode::PortInstallation,
            subject,
            format!("the installation `{installation}` behind it does not start actions"),
            "turn its processing of actions on, in Port or in the settings of the integration that you host",
        ),
        None => findings.error(
            FindingCode::PortInstallation,
            subject,
            format!("Port has no installation `{installation}`, which should start it"),
            "`promote init --installation ID` names the one that is there",
        ),
    }
    Ok(())
}
