//! The decision that another policy, or other settings, would have made: one recorded run at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::answers::RecordedAnswers;
use super::recording::RunRecording;
use super::rulings::RuleShelf;
use super::trial_rules::TrialRules;
use promote_core::call::Call;
use promote_core::contract::Outcome;
use promote_core::limits::Limits;
use promote_core::policy::Policy;
use promote_core::policy::engine::Engine;
use promote_core::rule::Rule;
use promote_core::run::ending::Ending;
use promote_core::run::last_word::message;
use promote_core::run::{RunMode, ending, settled, within_plan};
use promote_core::source::dry_run::planned_number;
use promote_intake::rule::RuleConfig;

/// The time that a policy which only computes has: no journal of hundreds may hold up the others.
const COMPUTE_TIMEOUT: Duration = Duration::from_secs(10);

/// A policy that is tried on recorded runs.
pub struct PolicyTrial<'a> {
    /// Runs it.
    pub engine: &'a Engine,
    /// The policy.
    pub policy: &'a Policy,
    /// Settings in place of the recorded ones, JSON text.
    pub settings: Option<String>,
    /// Limits in place of the recorded ones.
    pub limits: Option<Limits>,
    /// The rules that are asked.
    pub rules: RuleChoice<'a>,
}

/// The rules that a trial asks.
#[derive(Clone, Copy)]
pub enum RuleChoice<'a> {
    /// Those of each recorded run.
    Recorded(&'a RuleShelf<'a>),
    /// Those of a configuration, for the services that they are for.
    Configured(&'a [(RuleConfig, Rule)]),
}

impl RuleChoice<'_> {
    /// Returns the rules for a recorded run.
    fn rules(&self, recording: &RunRecording) -> TrialRules {
        TrialRules::new(match self {
            Self::Recorded(shelf) => shelf.rules(recording),
            Self::Configured(rules) => {
                let subject = &recording.header.request.subject;
                let applying = rules.iter().filter(|(rule, _)| rule.applies_to(subject));
                (applying.map(|(_, rule)| rule.clone()).collect(), Vec::new())
            }
        })
    }
}

/// One recorded run, as it was and as it would have been.
#[derive(Clone, Debug)]
pub struct TrialResult {
    /// Port's identifier of the run.
    pub run: String,
    /// The entity that was promoted.
    pub subject: String,
    /// When the run started.
    pub started_at: jiff::Timestamp,
    /// The comparison of the two.
    pub change: DecisionChange,
    /// The recorded ending; none if the run was cut off.
    pub old: Option<RunDecision>,
    /// The ending now; none if it depends on something that the recording does not tell.
    pub new: Option<RunDecision>,
    /// The explanation: the new reasons, the reasons that are gone, or the unknown.
    pub why: String,
    /// True if the new ending supposes that a write which was not recorded would have gone well.
    pub simulated: bool,
    /// The first call that is another one, recorded and now; none if all are the same.
    pub parting: Option<FirstDifference>,
    /// The recorded writes, log lines left out.
    pub old_writes: Vec<String>,
    /// The writes now.
    pub new_writes: Vec<String>,
}

/// The comparison of a new decision with the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecisionChange {
    /// Another kind of ending.
    Flipped,
    /// The same kind, in other words or with other writes.
    Changed,
    /// It depends on something that the recording does not tell, or the recorded run came to no end.
    Unknown,
    /// The same.
    Same,
}

impl DecisionChange {
    /// All, the most telling first.
    pub const ALL: [Self; 4] = [Self::Flipped, Self::Changed, Self::Unknown, Self::Same];

    /// A stable word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flipped => "flipped",
            Self::Changed => "changed",
            Self::Unknown => "unknown",
            Self::Same => "same",
        }
    }
}

/// The ending of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDecision {
    /// The kind of ending.
    pub kind: String,
    /// The words for it.
    pub message: String,
    /// The rules that refuse; none where they are not known apart from the words.
    pub rules: Vec<String>,
}

/// The first call in which two runs differ.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstDifference {
    /// The recorded call; none if the run had ended.
    pub recorded: Option<Call>,
    /// The call now; none if the policy has ended.
    pub now: Option<Call>,
}

impl PolicyTrial<'_> {
    /// Tries the policy on a recorded run.
    pub fn on(&self, recording: RunRecording, runtime: &Runtime) -> TrialResult {
        let recording = Arc::new(recording);
        let header = &recording.header;
        let mut request = header.request.clone();
        if let Some(settings) = &self.settings {
            request.settings.clone_from(settings);
        }
        let limits = self.limits.clone().unwrap_or_else(|| header.limits.clone());
        let rules = self.rules.rules(&recording);
        let answers = RecordedAnswers::new(Arc::clone(&recording), limits, rules);
        let surroundings = recording.surroundings();
        // Made inside the future, where there is a runtime.
        let timeout = async { tokio::time::sleep(COMPUTE_TIMEOUT).await };
        let run = self.engine.run(
            &self.policy.program,
            &request,
            answers,
            &surroundings,
            timeout,
        );
        let (verdict, answers, _) = runtime.block_on(run);
        let mode = recording.mode();
        let mut violations = answers.violations.clone();
        if !verdict.is_refusal() {
            violations.extend(answers.misfits.iter().cloned());
        }
        let new = match answers.unknown {
            Some(_) => None,
            None => {
                let verdict = settled(verdict, &answers.rules.awaited, &request);
                let ending = within_plan(ending(verdict, violations), header.audit.plan.as_deref());
                Some(RunDecision::of(&ending, mode))
            }
        };
        compare(&recording, &answers, new)
    }
}

impl RunDecision {
    fn of(ending: &Ending, mode: RunMode) -> Self {
        let rules = match ending {
            Ending::Decided(Outcome::Refused(reasons)) => {
                reasons.iter().map(|reason| reason.rule.clone()).collect()
            }
            _ => Vec::new(),
        };
        Self {
            kind: ending.kind().to_owned(),
            message: message(ending, mode),
            rules,
        }
    }
}

fn compare(
    recording: &RunRecording,
    answers: &RecordedAnswers,
    new: Option<RunDecision>,
) -> TrialResult {
    let header = &recording.header;
    let old = recording.footer.as_ref().map(|footer| RunDecision {
        kind: footer.ending.clone(),
        message: footer.message.clone(),
        rules: Vec::new(),
    });
    let same_writes = answers.writes == answers.recorded_writes();
    let change = match (&old, &new) {
        (Some(_), Some(_)) if recording.is_cut() => DecisionChange::Unknown,
        (Some(old), Some(new)) if old.kind != new.kind => DecisionChange::Flipped,
        (Some(_), Some(new)) if same_writes && says(recording, new) => DecisionChange::Same,
        (Some(_), Some(_)) => DecisionChange::Changed,
        _ => DecisionChange::Unknown,
    };
    let key = &header.request.subject.key;
    let words = |calls: &[Call]| {
        calls
            .iter()
            .map(|call| planned_number::replace(&call.to_string()))
            .collect()
    };
    TrialResult {
        run: header.request.run_id.clone(),
        subject: format!("{}/{}", key.blueprint, key.identifier),
        started_at: header.started_at,
        change,
        why: planned_number::replace(&why(recording, answers, change, old.as_ref(), new.as_ref())),
        simulated: new.is_some() && answers.simulated,
        parting: parting(recording, answers),
        old_writes: words(answers.recorded_writes()),
        new_writes: words(&answers.writes),
        old,
        new,
    }
}

/// Returns whether a recorded run ended in the words of a decision.
fn says(recording: &RunRecording, decision: &RunDecision) -> bool {
    let footer = recording.footer.as_ref();
    footer.is_some_and(|footer| footer.says(&decision.message))
}

fn why(
    recording: &RunRecording,
    answers: &RecordedAnswers,
    change: DecisionChange,
    old: Option<&RunDecision>,
    new: Option<&RunDecision>,
) -> String {
    match (change, old, new, &answers.unknown) {
        (.., Some(unknown)) => match answers.writes.first() {
            // How far it got tells more than where it stopped.
            Some(first) if answers.recorded_writes().is_empty() => {
                format!("{unknown}; before that it would {first}")
            }
            _ => unknown.to_string(),
        },
        (DecisionChange::Same, ..) => String::new(),
        (DecisionChange::Unknown, ..) => format!(
            "the recorded run came to no end of its own: {}",
            recording.end()
        ),
        (DecisionChange::Flipped, Some(old), Some(new), _)
            if old.kind == "refused" && new.rules.is_empty() =>
        {
            format!("{}; no longer {}", new.message, old.message)
        }
        (DecisionChange::Changed, Some(_), Some(new), _) if says(recording, new) => {
            "the same words, with other writes".to_owned()
        }
        (.., Some(new), _) => new.message.clone(),
        _ => String::new(),
    }
}

/// The first call that is another one; log lines and questions about the time are left out.
fn parting(recording: &RunRecording, answers: &RecordedAnswers) -> Option<FirstDifference> {
    let counts = |call: &&Call| !matches!(call, Call::Now | Call::Note { .. });
    let recorded: Vec<&Call> = recording
        .steps
        .iter()
        .map(|step| &step.call)
        .filter(counts)
        .collect();
    let now: Vec<&Call> = answers.calls.iter().filter(counts).collect();
    let at = (0..recorded.len().max(now.len())).find(|at| recorded.get(*at) != now.get(*at))?;
    Some(FirstDifference {
        recorded: recorded.get(at).map(|call| (*call).clone()),
        now: now.get(at).map(|call| (*call).clone()),
    })
}
