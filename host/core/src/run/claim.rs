//! Claims and their confirmation: a payload names a run, and everything else of the request is Port's word.

use serde_json::Value;

use super::RefusedStart;
use super::resume::WorkflowAccess;
use crate::contract::{
    Actor, Approval, Entity, EntityKey, EnvironmentReview, Failure, Request, Workflow,
};
use crate::gate::{RunParts, describe};
use crate::service::port::{PortRun, RunStatus};

/// The claim of a message: a run, and perhaps the entity that it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct RunClaim {
    /// Port's identifier of the action run.
    pub run_id: String,
    /// The entity, to be read beside the run.
    pub subject: Option<EntityKey>,
}

/// What a confirmation is decided on, beside the claim.
pub(super) struct ConfirmTerms<'a> {
    pub(super) actions: &'a [String],
    pub(super) workflow: &'a Workflow,
    /// The way to what reviewers of environments said of that workflow run, if it is to be read.
    pub(super) workflows: Option<WorkflowAccess<'a>>,
    pub(super) reads_actor: bool,
    /// Whether a run that has ended goes on all the same, to record what was merged.
    pub(super) records_ended: bool,
}

/// Reads from Port what the claim only names, and returns the request that Port confirms. Its settings are still missing.
///
/// # Errors
/// Says why nothing may be started: by Port's word, or since Port did not answer.
pub(super) async fn confirm(
    parts: &RunParts,
    claim: &RunClaim,
    terms: &ConfirmTerms<'_>,
) -> Result<Request, RefusedStart> {
    let ConfirmTerms {
        actions,
        workflow,
        workflows,
        reads_actor,
        records_ended,
    } = *terms;
    let port = &parts.source.live().port;
    let guess = async {
        match &claim.subject {
            Some(key) => Some(parts.source.entity(key).await),
            None => None,
        }
    };
    let (run, guess) = tokio::join!(port.run(), guess);
    let run = run.map_err(|failure| RefusedStart::failed("reading the Port run", &failure))?;
    // Whoever wrote this message shall not end somebody else's run with it, nor write into it.
    let refuse = |rule: &'static str, message: String| {
        port.untie();
        RefusedStart::Rule { rule, message }
    };
    let key =
        check_subject(&run, claim, actions).map_err(|(rule, message)| refuse(rule, message))?;
    if let Err((rule, message)) = check_status(parts, &run, workflow, records_ended).await? {
        return Err(refuse(rule, message));
    }
    let subject = match guess {
        Some(read) => read,
        None => parts.source.entity(&key).await,
    };
    let subject = subject.map_err(|failure| {
        RefusedStart::failed("reading the entity that the run was started on", &failure)
    })?;
    let subject = subject.ok_or_else(|| {
        RefusedStart::Unusable(format!(
            "there is no {} in Port, which the run {} is about",
            show(&key),
            run.id
        ))
    })?;
    let actor = actor(parts, &run, reads_actor).await?;
    let mut request = request(run, subject, actor, workflow);
    if let Some(access) = workflows {
        let reviews = environment_reviews(access, workflow).await;
        request.environment_reviews = Some(reviews.map_err(|failure| {
            RefusedStart::failed(
                "reading what reviewers of the environment said (`run.reviews`; the job needs `actions: read`)",
                &failure,
            )
        })?);
    }
    Ok(request)
}

/// Returns the entity that a run is about, if it is the claimed one and the run is of a known action; else the rule that
/// says no, with the reason.
fn check_subject(
    run: &PortRun,
    claim: &RunClaim,
    actions: &[String],
) -> Result<EntityKey, (&'static str, String)> {
    let id = &run.id;
    let Some(key) = run.subject() else {
        return Err((
            "port-run",
            format!(
                "the Port run {id} is about no entity: its action must be started on one (operation DAY-2)"
            ),
        ));
    };
    if let Some(claimed) = &claim.subject
        && *claimed != key
    {
        return Err((
            "payload",
            format!(
                "the payload is about {}, but the Port run {id} is about {}: start the action in Port",
                show(claimed),
                show(&key)
            ),
        ));
    }
    let action = run.action();
    if !actions.iter().any(|known| known == action) {
        return Err((
            "action",
            format!(
                "the Port run {id} is of the action `{action}`, and `[port.actions]` names {}",
                names(actions)
            ),
        ));
    }
    Ok(key)
}

/// Reads what reviewers of environments said of the workflow run that this is. Nothing but a workflow has reviewers.
async fn environment_reviews(
    access: WorkflowAccess<'_>,
    workflow: &Workflow,
) -> Result<Vec<EnvironmentReview>, Failure> {
    let number = workflow.url.as_deref().and_then(run_number);
    let Some(number) = number else {
        return Ok(Vec::new());
    };
    let repo = access.github.repo(access.repository)?;
    repo.environment_reviews(number).await
}

/// The number at the end of the address of a workflow run.
fn run_number(url: &str) -> Option<u64> {
    url.rsplit_once("/actions/runs/")?.1.parse().ok()
}

/// Only a run that is under way starts anything; one that has ended goes on only for the workflow run that it started.
async fn check_status(
    parts: &RunParts,
    run: &PortRun,
    workflow: &Workflow,
    records_ended: bool,
) -> Result<Result<(), (&'static str, String)>, RefusedStart> {
    let id = &run.id;
    let ended = match &run.status() {
        RunStatus::InProgress => return Ok(Ok(())),
        RunStatus::WaitingForApproval => {
            return Ok(Err((
                "approval",
                format!(
                    "the Port run {id} waits for approval: nothing is started before it is approved in Port"
                ),
            )));
        }
        RunStatus::Declined => {
            return Ok(Err((
                "approval",
                format!("the Port run {id} was declined in Port"),
            )));
        }
        RunStatus::Other(status) => {
            return Ok(Err((
                "port-run",
                format!(
                    "the Port run {id} has the status {status}, which this version does not know"
                ),
            )));
        }
        RunStatus::Ended(status) => status.clone(),
    };
    let port = &parts.source.live().port;
    let is_rerun = match &workflow.url {
        _ if records_ended => true,
        Some(url) if workflow.attempt > 1 => port
            .mentions(url)
            .await
            .map_err(|failure| RefusedStart::failed("reading the log of the Port run", &failure))?,
        _ => false,
    };
    if !is_rerun {
        return Ok(Err((
            "port-run",
            format!(
                "the Port run {id} has ended already ({ended}), and this is no re-run of the workflow run that it started: start the action in Port again"
            ),
        )));
    }
    parts.observer.say(&format!(
        "the Port run {id} has ended already ({ended}): this attempt is not reported there"
    ));
    port.untie();
    Ok(Ok(()))
}

/// Port names the starter by an identifier. Who that is costs a request, and is personal data: it is asked if a grant says so.
async fn actor(parts: &RunParts, run: &PortRun, reads_actor: bool) -> Result<Actor, RefusedStart> {
    let id = run.created_by().to_owned();
    let mut actor = Actor {
        email: id.contains('@').then(|| id.clone()),
        name: None,
        id,
    };
    if reads_actor && actor.email.is_none() {
        let found = parts
            .source
            .live()
            .port
            .user(&actor.id)
            .await
            .map_err(|failure| {
                RefusedStart::failed("reading who started the Port run", &failure)
            })?;
        if let Some(user) = found {
            actor.name = user.name();
            actor.email = Some(user.email);
        }
    }
    Ok(actor)
}

fn request(run: PortRun, subject: Entity, actor: Actor, workflow: &Workflow) -> Request {
    Request {
        action: run.action().to_owned(),
        actor,
        approval: run.approval().map(|approval| Approval {
            by: approval.user_id,
            comment: approval.description,
        }),
        requested_at: run.created_at(),
        subject,
        inputs: Value::Object(run.inputs()).to_string(),
        settings: "{}".to_owned(),
        workflow: workflow.clone(),
        environment_reviews: None,
        resumed: None,
        run_id: run.id,
    }
}

fn names(actions: &[String]) -> String {
    let quoted: Vec<String> = actions.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Returns an entity as people write it.
pub(super) fn show(key: &EntityKey) -> String {
    format!("{}/{}", key.blueprint, key.identifier)
}

impl RefusedStart {
    /// Says that a service failed at the beginning of a run.
    pub(super) fn failed(doing: &str, failure: &Failure) -> Self {
        Self::Failed(format!("{doing}: {}", describe(failure)))
    }
}
