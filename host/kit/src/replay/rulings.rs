//! Rules, asked again with what a journal holds: they can call nothing and remember nothing, so the same facts must have the
//! same answer. What the journal lacks makes an answer unknown: nobody guesses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::runtime::Runtime;

use super::recording::RunRecording;
use promote_core::call::{Call, Reply};
use promote_core::contract::{Entity, Failure};
use promote_core::journal::digest;
use promote_core::policy::engine::Engine;
use promote_core::rule::{
    ROUNDS, Rule, RuleInquiry, RuleProgram, RuleQuestion, RuleStep, RuleSubject, RuleVerdict,
};
use promote_intake::builtin;
use promote_intake::config::Config;
use promote_intake::registry::RegistryAccess;
use promote_intake::rule::RuleConfig;
use promote_intake::supply::{self, Supply};

/// The rule components that are at hand, by their digest.
pub struct RuleShelf<'a> {
    engine: &'a Engine,
    cache: Option<&'a Path>,
    programs: Mutex<BTreeMap<String, RuleProgram>>,
}

impl<'a> RuleShelf<'a> {
    /// The rule for expressions, which every binary has, and the components of these files.
    ///
    /// # Errors
    /// Names the file that is no rule.
    pub fn new(
        engine: &'a Engine,
        files: &[PathBuf],
        cache: Option<&'a Path>,
    ) -> anyhow::Result<Self> {
        let mut programs = BTreeMap::new();
        for file in files {
            let name = format!("the rule {}", file.display());
            let bytes = supply::read(file, &name)?;
            let program = builtin::load_rule(engine, &bytes, cache, &|_| {}).context(name)?;
            programs.insert(digest(&bytes), program);
        }
        Ok(Self {
            engine,
            cache,
            programs: Mutex::new(programs),
        })
    }

    /// Returns the rules of a recorded run, and the names of those whose component is not at hand.
    pub fn rules(&self, recording: &RunRecording) -> (Vec<Rule>, Vec<String>) {
        let mut rules = Vec::new();
        let mut missing = Vec::new();
        for record in &recording.header.rules {
            match self.program(&record.component) {
                Some(program) => rules.push(Rule {
                    name: record.name.clone(),
                    origin: record.origin.clone(),
                    mode: record.mode,
                    on_no: record.on_no,
                    settings: record.settings.clone(),
                    program,
                }),
                None => missing.push(record.name.clone()),
            }
        }
        (rules, missing)
    }

    /// Returns a component; expressions are loaded once somebody asks for them.
    fn program(&self, wanted: &str) -> Option<RuleProgram> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if !programs.contains_key(wanted) && digest(builtin::CEL) == wanted {
            let loaded = builtin::load_rule(self.engine, builtin::CEL, self.cache, &|_| {});
            programs.insert(wanted.to_owned(), loaded.ok()?);
        }
        programs.get(wanted).cloned()
    }
}

/// Loads the rules of a configuration.
///
/// # Errors
/// Names the rule that cannot be used.
pub(super) fn load(
    config: &Config,
    file: &Path,
    engine: &Engine,
    cache: Option<&Path>,
) -> anyhow::Result<Vec<(RuleConfig, Rule)>> {
    let load = || {
        let runtime = Runtime::new().context("preparing to ask rules")?;
        let cache = cache.map(Path::to_owned);
        let supply = Supply::new(engine, file, cache, RegistryAccess::default(), &|_| {});
        let mut rules = Vec::new();
        for rule in &config.rule {
            let loaded = runtime.block_on(rule.load(&supply));
            let loaded = loaded.with_context(|| file.display().to_string())?;
            rules.push((rule.clone(), loaded));
        }
        Ok(rules)
    };
    // On a thread of its own: the caller's may be busy with a runtime already.
    let loaded = std::thread::scope(|scope| scope.spawn(load).join());
    loaded.map_err(|_| anyhow::anyhow!("loading the rules broke off"))?
}

/// What rules are asked about a recorded run.
pub(super) struct RecordedQuestion<'a> {
    pub(super) recording: &'a RunRecording,
    /// The number of the step whose answers, and those before it, are known.
    pub(super) number: usize,
    /// The number of that step's facts that are known; none if all are.
    pub(super) facts: Option<usize>,
    pub(super) step: RuleStep,
    pub(super) subject: &'a RuleSubject,
    pub(super) now: Timestamp,
}

/// The answer of rules to a question about a recorded run.
pub(super) enum RecordedRuling {
    /// They have spoken.
    Verdicts(Vec<RuleVerdict>),
    /// Nobody was asked, for Port did not tell the service.
    NoService,
    /// The journal lacks what they need.
    Unknown(Box<Call>),
}

/// Asks rules what they have against a step of a recorded run.
pub(super) async fn ask(rules: &[Rule], asked: &RecordedQuestion<'_>) -> RecordedRuling {
    let header = &asked.recording.header;
    let service = match service(asked) {
        Some(service) => service,
        None => return RecordedRuling::NoService,
    };
    let question = RuleQuestion {
        request: &header.request,
        service: &service,
        subject: asked.subject,
        step: asked.step,
        now: asked.now,
    };
    let mut inquiry = RuleInquiry::new(rules, question, &header.limits);
    for _ in 0..ROUNDS {
        let missing = inquiry.needs().await;
        if missing.is_empty() {
            break;
        }
        for call in missing {
            let Some(answer) = recall(asked, &call) else {
                return RecordedRuling::Unknown(Box::new(call));
            };
            inquiry.learn(&call, &answer);
        }
    }
    RecordedRuling::Verdicts(inquiry.verdicts().await)
}

/// Returns the service as it was last read before a step; none if it could not be read.
fn service(asked: &RecordedQuestion<'_>) -> Option<Entity> {
    let subject = &asked.recording.header.request.subject;
    let key = subject.key.clone();
    match recall(asked, &Call::GetEntity { key }) {
        Some(Ok(Reply::Entity(entity))) => entity,
        Some(_) => None,
        None => Some(subject.clone()),
    }
}

/// Returns the newest answer that the journal has to a read, up to a step.
fn recall(asked: &RecordedQuestion<'_>, wanted: &Call) -> Option<Result<Reply, Failure>> {
    let steps = asked.recording.steps.get(..=asked.number)?;
    for (number, step) in steps.iter().enumerate().rev() {
        let known = asked.facts.filter(|_| number == asked.number);
        let facts = step.facts.get(..known.unwrap_or(step.facts.len()))?;
        if let Some(fact) = facts.iter().rev().find(|fact| fact.call == *wanted) {
            return Some(fact.answer.result.clone());
        }
        if step.call == *wanted
            && let Some(answer) = &step.answer
        {
            return Some(answer.result.clone());
        }
        if let (Call::GetEntities { keys }, Call::GetEntity { key }) = (&step.call, wanted)
            && let Some(at) = keys.iter().position(|known| known == key)
            && let Some(Reply::Entities(entities)) = step.reply()
        {
            return Some(Ok(Reply::Entity(entities.get(at).cloned().flatten())));
        }
    }
    None
}
