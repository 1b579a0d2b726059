//! One run, from the request to the last word.

use std::future::Future;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::call::Call;
use super::contract::{
    CONTRACT, Entity, EntityKey, Failure, Outcome, Promotion, Request, Severity, Waiting,
};
use super::ending::Ending;
use super::engine::{Engine, Program, Verdict};
use super::gate::{Gate, NoJournal, Step, describe};
use super::grants::{Grants, Resolved};
use super::journal::{Entry, FORMAT, Header};
use super::port::Run;
use super::sandbox::{Door as _, Surroundings};
use super::seen::{Seen, entity_context};

/// What the host does last before the policy starts; a run that fails here has a journal without calls.
pub const STARTING: &str = "telling the Port run that it starts";

/// Whether writes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    Run,
    /// They are kept back and shown.
    Plan,
}

impl Mode {
    /// A word for the journal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Plan => "plan",
        }
    }
}

/// Decides which policy runs.
#[async_trait]
pub trait Choice: Sync {
    /// The policy for a subject, which is as Port describes it; what the operator set for it, JSON text; and the rule that
    /// chose it, if one did.
    ///
    /// # Errors
    /// Says why there is none that can run.
    async fn choose(&self, subject: &Entity) -> Result<(Program, String, Option<String>), String>;
}

/// Everything that one run needs.
pub struct Job<'a> {
    /// Runs the policy.
    pub engine: &'a Engine,
    /// Knows the policy.
    pub policy: &'a dyn Choice,
    /// What it may do.
    pub grants: &'a Grants,
    /// Whether it sets the status of the Port run, as its very last call, or leaves that to Port's own integration.
    pub sets_status: bool,
    /// What it is asked, but for the settings. Until Port has confirmed it, it is a claim.
    pub request: Request,
    /// Seed of the guest's random numbers.
    pub seed: u64,
    /// The door that it gets, which allows nothing yet.
    pub gate: Gate,
}

/// What a run came to.
pub struct Done {
    /// How it ended.
    pub ending: Ending,
    /// What the last word to people was; foreign text in it is not neutralised yet.
    pub message: String,
    /// The calls of the policy, with their answers.
    pub timeline: Vec<Step>,
    /// What the policy printed.
    pub printed: String,
    /// The sum of the journal's last line; kept elsewhere, it proves the journal.
    pub journal_sum: String,
}

/// Runs a job to its end. Whatever happens, Port is told, minted tokens are revoked and the journal is closed; `cancel`
/// ends the policy early.
pub async fn run(job: Job<'_>, cancel: impl Future<Output = ()>) -> Done {
    let Job {
        engine,
        policy,
        grants,
        sets_status,
        request,
        seed,
        mut gate,
    } = job;
    let surroundings = Surroundings {
        now: gate.clock.now(),
        seed,
    };
    let mut header = Header {
        format: FORMAT,
        host: env!("CARGO_PKG_VERSION").to_owned(),
        contract: CONTRACT.to_owned(),
        component: String::new(),
        team: None,
        mode: gate.source.mode().name().to_owned(),
        started_at: surroundings.now,
        seed,
        request,
        limits: gate.budget.limits().clone(),
    };
    let wall = header.limits.wall;
    let mut printed = String::new();
    // A service that does not answer ends the run as surely as a policy that does not.
    let begun = tokio::time::timeout(
        gate.time_left(),
        begin(&mut gate, grants, policy, &mut header),
    )
    .await;
    let ending = match begun {
        Err(_) => Ending::Failed(format!(
            "nothing came back from Port within {wall:?} (`limits.wall`)"
        )),
        Ok(Err(ending)) => ending,
        Ok(Ok(program)) => {
            let verdict;
            (verdict, gate, printed) = engine
                .run(&program, &header.request, gate, &surroundings, cancel)
                .await;
            let unproven = unproven(&verdict, &gate.seen);
            ending(
                verdict,
                gate.violations.iter().cloned().chain(unproven).collect(),
            )
        }
    };
    finish(ending, gate, sets_status, printed).await
}

/// The policy of a run that has begun, or how one ends that has not.
type Begun = Result<Program, Ending>;

/// Confirms the request with Port, chooses the policy and fills in the grants by it, opens the journal and tells Port that
/// the run starts.
async fn begin(
    gate: &mut Gate,
    grants: &Grants,
    policy: &dyn Choice,
    header: &mut Header,
) -> Begun {
    let subject = confirm(gate, &header.request.subject.key).await?;
    let (program, settings, team) = policy.choose(&subject).await.map_err(Ending::Unusable)?;
    (header.component, header.team, header.request.settings) =
        (program.digest().to_owned(), team, settings);
    let inputs: Value = serde_json::from_str(&header.request.inputs).unwrap_or_default();
    let context = json!({
        "service": entity_context(&subject), "inputs": inputs, "run": { "id": header.request.run_id },
    });
    gate.grants = Resolved::new(grants, &context).map_err(Ending::Unusable)?;
    gate.write(&Entry::Header(Box::new(header.clone())), true)
        .map_err(|error| Ending::Unusable(error.to_string()))?;
    if gate.source.mode() == Mode::Run {
        let (version, policy, on) = (
            &header.host,
            &header.component[..12],
            show(&header.request.subject.key),
        );
        let team = header
            .team
            .as_ref()
            .map(|team| format!(" ({team})"))
            .unwrap_or_default();
        let line = format!("promote {version} starts: policy {policy}{team} on {on}");
        let told = gate
            .source
            .call(&Call::Note {
                severity: Severity::Info,
                message: line,
            })
            .await;
        told.map_err(|failure| failed(STARTING, &failure))?;
    }
    Ok(program)
}

/// Reads from Port what the request only claims, and returns its subject.
async fn confirm(gate: &Gate, key: &EntityKey) -> Result<Entity, Ending> {
    let live = gate.source.live();
    let (run, subject) = tokio::join!(live.port.run(), gate.source.entity(key));
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
        let what = format!(
            "the payload is about {on}, but the Port run {id} is not: start the action in Port"
        );
        return Err(Ending::Unusable(what));
    }
    if !run.is_open() {
        let what = format!(
            "the Port run {id} has ended already ({status}): this attempt is not reported there"
        );
        gate.observer.say(&what);
        live.port.untie();
    }
    Ok(subject)
}

/// What a policy is told off for, if nothing that was seen proves what it says.
pub fn unproven(verdict: &Verdict, seen: &Seen) -> Option<String> {
    let Verdict::Returned(Ok(outcome)) = verdict else {
        return None;
    };
    match outcome {
        Outcome::Promoted(Promotion { image, .. })
            if !seen.has_merged() && !seen.base_holds(image) =>
        {
            Some(format!(
                "it says that {image} was promoted, and nothing was merged"
            ))
        }
        Outcome::Pending(Waiting {
            pull_request: number,
            ..
        }) if !seen.knows_pull_request(*number) => Some(format!(
            "it says that pull request #{number} waits, and this run has neither proposed nor read it"
        )),
        _ => None,
    }
}

/// How a run ends with this verdict and these violations.
pub fn ending(verdict: Verdict, violations: Vec<String>) -> Ending {
    match verdict {
        _ if !violations.is_empty() => Ending::Violation(violations),
        Verdict::Returned(Ok(outcome)) => Ending::Decided(outcome),
        Verdict::Returned(Err(failure)) => Ending::Failed(describe(&failure).to_owned()),
        Verdict::Limit(limit) => Ending::Limit(limit.to_string()),
        Verdict::Cancelled => Ending::Cancelled,
        Verdict::Trapped(trap) => match trap.downcast_ref::<NoJournal>() {
            Some(error) => Ending::Failed(error.to_string()),
            None => Ending::Trapped(trap.root_cause().to_string()),
        },
    }
}

/// The last words: to Port, to GitHub about its token, to the journal.
async fn finish(ending: Ending, mut gate: Gate, sets_status: bool, printed: String) -> Done {
    let mode = gate.source.mode();
    let mut message = (gate.words.last_word)(&ending, mode, &gate.timeline);
    let [kind, label] = (gate.words.names)(&ending);
    let mut said = gate.source.unsent();
    gate.settle().await;
    let live = gate.source.live();
    if mode == Mode::Run {
        said.push((gate.words.line)(&message));
        let status = sets_status.then(|| ending.status());
        if let Err(failure) = live.port.end(&said.join("\n"), label, status).await {
            message = format!("{message} Port could not be told: {}", describe(&failure));
        }
    }
    if let Err(failure) = live.github.revoke().await {
        let why = describe(&failure);
        let what =
            format!("the installation token could not be revoked, it ends within the hour: {why}");
        gate.observer.say(&what);
    }
    let footer = Entry::Footer {
        at: gate.clock.now(),
        ending: kind.to_owned(),
        message: message.clone(),
    };
    // A run that never began has no header, and a journal without one is none.
    if !gate.journal.is_empty()
        && let Err(error) = gate.write(&footer, true)
    {
        gate.observer.say(&error.to_string());
    }
    let journal_sum = gate.journal.sum().to_owned();
    Done {
        ending,
        message,
        timeline: gate.timeline,
        printed,
        journal_sum,
    }
}

fn failed(doing: &str, failure: &Failure) -> Ending {
    Ending::Failed(format!("{doing}: {}", describe(failure)))
}

fn show(key: &EntityKey) -> String {
    format!("{}/{}", key.blueprint, key.identifier)
}
