//! The beginning of a run: everything that happens before the policy starts.

use serde_json::{Value, json};

use super::claim::{ConfirmTerms, RunClaim, confirm, show};
use super::ending::Ending;
use super::record::RecordBasis;
use super::resume::WorkflowClient;
use super::{ChosenPolicy, PolicyChoice, RunMode, RunOrigin};
use crate::contract::{CONTRACT, Outcome, Reason, ReasonCure, Request, StopPoint, Workflow};
use crate::gate::context::entity_context;
use crate::gate::{RunParts, describe};
use crate::grants::{Grants, Operation, ResolvedGrants};
use crate::journal::{FORMAT, JournalEntry, JournalHeader, RunAudit};
use crate::policy::engine::Program;
use crate::rule::Rule;
use crate::service::github::PlanBond;
use crate::service::port::{EarlierAttempts, PLANNED};

/// The host's last act before the policy starts; a run that fails here has a journal without calls.
pub const STARTING: &str = "telling the Port run that it starts";

/// Everything that the beginning of a run is decided on.
pub(super) struct RunTerms<'a> {
    pub(super) choice: &'a dyn PolicyChoice,
    pub(super) grants: &'a Grants,
    pub(super) actions: Vec<String>,
    pub(super) workflow: Workflow,
    pub(super) workflows: Option<WorkflowClient>,
    pub(super) audit: RunAudit,
    /// The plan that the run keeps to.
    pub(super) plan: Option<String>,
    pub(super) seed: u64,
}

/// A run whose policy can start.
pub(super) struct RunBeginning {
    pub(super) program: Program,
    pub(super) grants: ResolvedGrants,
    pub(super) request: Request,
    pub(super) rules: Vec<Rule>,
    pub(super) basis: RecordBasis,
}

/// The reason why a policy does not start.
#[derive(Debug)]
pub(super) enum RefusedStart {
    /// Port's word stands against it.
    Rule {
        /// The host's rule.
        rule: &'static str,
        /// The fault, and the remedy.
        message: String,
    },
    /// A service failed.
    Failed(String),
    /// The configuration, the policy or the request cannot be used.
    Unusable(String),
}

impl From<RefusedStart> for Ending {
    fn from(refused: RefusedStart) -> Self {
        match refused {
            RefusedStart::Rule { rule, message } => Self::Decided(Outcome::Refused(vec![Reason {
                rule: rule.to_owned(),
                message,
                stops: StopPoint::Propose,
                cure: ReasonCure::Nothing,
            }])),
            RefusedStart::Failed(what) => Self::Failed(what),
            RefusedStart::Unusable(what) => Self::Unusable(what),
        }
    }
}

/// Confirms the request with Port, chooses the policy and fills in the grants by it, opens the journal and tells Port that
/// the run starts.
///
/// # Errors
/// Says why a run cannot begin.
pub(super) async fn begin(
    parts: &mut RunParts,
    origin: RunOrigin,
    rest: RunTerms<'_>,
) -> Result<RunBeginning, RefusedStart> {
    let (claim, resumed) = match origin {
        RunOrigin::Probe(request) => return begin_confirmed(parts, rest, *request, None).await,
        RunOrigin::PortRun(claim) => (claim, None),
        RunOrigin::Resumed(resumed) => {
            let claim = RunClaim {
                run_id: resumed.run_id.clone(),
                subject: None,
            };
            (claim, Some(resumed))
        }
    };
    if rest.actions.is_empty() {
        return Err(RefusedStart::Unusable(
            "promote.toml names no action that may start a run: add `[port.actions]` with `promote = \"promote_to_production\"`".to_owned(),
        ));
    }
    let confirming = ConfirmTerms {
        actions: &rest.actions,
        workflow: &rest.workflow,
        workflows: rest
            .workflows
            .as_ref()
            .map(WorkflowClient::access)
            .filter(|_| resumed.is_none() && rest.grants.mention(Operation::ReadReviews)),
        reads_actor: rest.grants.mention(Operation::ReadActor),
        records_ended: resumed.as_ref().is_some_and(|it| it.records_ended),
    };
    let mut request = confirm(parts, &claim, &confirming).await?;
    let mut earlier = None;
    if let Some(resumed) = resumed {
        if rest.grants.mention(Operation::ReadReviews) {
            request.environment_reviews = resumed.reviews;
        }
        request.resumed = resumed.proposal;
        earlier = Some(earlier_attempts(parts, request.resumed.is_some()).await?);
    }
    begin_confirmed(parts, rest, request, earlier).await
}

/// The rest of the beginning, once it is known what the run is about.
async fn begin_confirmed(
    parts: &mut RunParts,
    terms: RunTerms<'_>,
    mut request: Request,
    earlier: Option<EarlierAttempts>,
) -> Result<RunBeginning, RefusedStart> {
    let ChosenPolicy {
        program,
        settings,
        team,
        rules,
        bound,
    } = terms
        .choice
        .choose(&request.subject, &request.action)
        .await
        .map_err(RefusedStart::Unusable)?;
    if let Some(settings) = settings {
        request.settings = settings;
    }
    let grants = resolve(terms.grants, bound.as_ref(), &request).map_err(RefusedStart::Unusable)?;
    parts.live.github.bind(match (&earlier, &terms.plan) {
        (Some(earlier), _) => PlanBond::GoesOn(earlier.plan.clone()),
        (None, Some(plan)) => PlanBond::Makes(plan.clone()),
        (None, None) => PlanBond::Free,
    });
    let header = JournalHeader {
        format: FORMAT,
        host: env!("CARGO_PKG_VERSION").to_owned(),
        contract: CONTRACT.to_owned(),
        component: program.digest().to_owned(),
        team,
        mode: parts.source.mode().name().to_owned(),
        started_at: parts.clock.now(),
        seed: terms.seed,
        earlier: earlier.and_then(|it| it.seal),
        request: request.clone(),
        limits: parts.limits.clone(),
        audit: RunAudit {
            plan: terms.plan,
            ..terms.audit
        },
        rules: rules.iter().map(Rule::record).collect(),
        grants: grants.records(),
    };
    let line = first_line(&header);
    let basis = basis(&header);
    parts
        .write(&JournalEntry::Header(Box::new(header)), true)
        .map_err(|error| RefusedStart::Unusable(error.to_string()))?;
    if parts.source.mode() == RunMode::Run {
        parts
            .source
            .announce(line)
            .await
            .map_err(|failure| RefusedStart::failed(STARTING, &failure))?;
    }
    Ok(RunBeginning {
        program,
        grants,
        request,
        rules,
        basis,
    })
}

/// Fills the grants in for a request, within those of the baseline if there is one.
fn resolve(
    grants: &Grants,
    bound: Option<&Grants>,
    request: &Request,
) -> Result<ResolvedGrants, String> {
    let inputs: Value = serde_json::from_str(&request.inputs).unwrap_or_default();
    let context = json!({
        "service": entity_context(&request.subject), "inputs": inputs, "run": { "id": request.run_id },
    });
    let mut resolved = ResolvedGrants::new(grants, &context)?;
    if let Some(bound) = bound {
        let bound =
            ResolvedGrants::new(bound, &context).map_err(|why| format!("[baseline]: {why}"))?;
        resolved = resolved.within(bound);
    }
    resolved.check_evidence(grants)?;
    Ok(resolved)
}

/// Reads what the log of the run tells of earlier attempts. Where something was proposed, its commit tells too whether a plan
/// was approved for it; where nothing was, only the log does.
async fn earlier_attempts(
    parts: &RunParts,
    has_proposed: bool,
) -> Result<EarlierAttempts, RefusedStart> {
    match parts.live.port.earlier_attempts().await {
        Ok(earlier) => Ok(earlier),
        Err(failure) if has_proposed => {
            parts.observer.say(&format!(
                "what was said of earlier attempts could not be read: {}",
                describe(&failure)
            ));
            Ok(EarlierAttempts::default())
        }
        Err(failure) => Err(RefusedStart::failed(
            "reading the log of the Port run",
            &failure,
        )),
    }
}

fn basis(header: &JournalHeader) -> RecordBasis {
    let rules = header.rules.iter();
    RecordBasis {
        policy: header.component.clone(),
        team: header.team.clone(),
        rules: rules
            .map(|rule| format!("{}@{}", rule.name, rule.component))
            .collect(),
        began: header.started_at,
    }
}

/// Returns the host's first line in the log of the Port run. By the address in it, a re-run of the same workflow run is known.
fn first_line(header: &JournalHeader) -> String {
    let team = match &header.team {
        Some(team) => format!(" ({team})"),
        None => String::new(),
    };
    let place = match &header.request.workflow.url {
        Some(url) => format!(", in {url}"),
        None => String::new(),
    };
    let starts = match &header.audit.plan {
        Some(plan) => format!("{PLANNED}{plan}"),
        None => " starts".to_owned(),
    };
    format!(
        "promote {}{starts}: policy {}{team} on {}{place}",
        header.host,
        &header.component[..12],
        show(&header.request.subject.key)
    )
}
