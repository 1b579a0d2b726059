//! The beginning of a run: everything that happens before the policy starts.

use serde_json::{Value, json};

use super::ending::Ending;
use super::{ChosenPolicy, PolicyChoice, RunMode, RunOrigin};
use crate::contract::{Entity, EntityKey, Failure};
use crate::gate::evidence::entity_context;
use crate::gate::{RunParts, describe};
use crate::grants::{Grants, Resolved};
use crate::journal::{Entry, Header};
use crate::policy::engine::Program;
use crate::service::port::Run;

/// The host's last act before the policy starts; a run that fails here has a journal without calls.
pub const STARTING: &str = "telling the Port run that it starts";

/// Confirms the request with Port, chooses the policy and fills in the grants by it, opens the journal and tells Port that
/// the run starts.
///
/// # Errors
/// Says how a run ends that cannot begin.
pub(super) async fn begin(
    parts: &mut RunParts,
    grants: &Grants,
    choice: &dyn PolicyChoice,
    origin: RunOrigin,
    header: &mut Header,
) -> Result<(Program, Resolved), Ending> {
    let subject = match origin {
        RunOrigin::PortRun => confirm(parts, &header.request.subject.key).await?,
        RunOrigin::Probe => header.request.subject.clone(),
    };
    let ChosenPolicy {
        program,
        settings,
        team,
    } = choice.choose(&subject).await.map_err(Ending::Unusable)?;
    header.component = program.digest().to_owned();
    header.team = team;
    if let Some(settings) = settings {
        header.request.settings = settings;
    }
    let inputs: Value = serde_json::from_str(&header.request.inputs).unwrap_or_default();
    let context = json!({
        "service": entity_context(&subject), "inputs": inputs, "run": { "id": header.request.run_id },
    });
    let grants = Resolved::new(grants, &context).map_err(Ending::Unusable)?;
    parts
        .write(&Entry::Header(Box::new(header.clone())), true)
        .map_err(|error| Ending::Unusable(error.to_string()))?;
    if parts.source.mode() == RunMode::Run {
        parts
            .source
            .announce(first_line(header))
            .await
            .map_err(|failure| failed(STARTING, &failure))?;
    }
    Ok((program, grants))
}

fn first_line(header: &Header) -> String {
    let team = match &header.team {
        Some(team) => format!(" ({team})"),
        None => String::new(),
    };
    format!(
        "promote {} starts: policy {}{team} on {}",
        header.host,
        &header.component[..12],
        show(&header.request.subject.key)
    )
}

/// Reads from Port what the request only claims, and returns its subject.
async fn confirm(parts: &RunParts, key: &EntityKey) -> Result<Entity, Ending> {
    let live = parts.source.live();
    let (run, subject) = tokio::join!(live.port.run(), parts.source.entity(key));
    let run = run.map_err(|failure| failed("reading the Port run", &failure))?;
    let subject = subject
        .map_err(|failure| failed("reading the entity that the run was started on", &failure))?;
    let (on, Run { id, status, .. }) = (show(key), &run);
    let Some(subject) = subject else {
        return Err(Ending::Unusable(format!(
            "there is no {on} in Port, which the payload names"
        )));
    };
    if !run.is_about(key) {
        // Whoever wrote this payload shall not end somebody else's run with it.
        live.port.untie();
        return Err(Ending::Unusable(format!(
            "the payload is about {on}, but the Port run {id} is not: start the action in Port"
        )));
    }
    if !run.is_open() {
        parts.observer.say(&format!(
            "the Port run {id} has ended already ({status}): this attempt is not reported there"
        ));
        live.port.untie();
    }
    Ok(subject)
}

fn failed(doing: &str, failure: &Failure) -> Ending {
    Ending::Failed(format!("{doing}: {}", describe(failure)))
}

fn show(key: &EntityKey) -> String {
    format!("{}/{}", key.blueprint, key.identifier)
}
