//! One inquiry: every rule is asked what it needs, gets it, and judges.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Rule, RuleAnswer, RuleStep, RuleSubject, RuleVerdict, facts};
use crate::call::{Call, Reply};
use crate::contract::ruling::{FactRead, Need};
use crate::contract::{Entity, Failure, PullFilter, Reason, ReasonCure, Request, StopPoint};
use crate::gate::describe;
use crate::journal::json;
use crate::limits::Limits;
use crate::text;

/// How often a rule is asked what it needs.
pub const ROUNDS: usize = 3;
/// Most reads that one rule may need.
const MAX_NEEDS: usize = 20;
/// Most bytes of facts that one rule is given.
const MAX_FACTS: usize = 8 << 20;
/// Most reasons of one rule that are told.
const MAX_REASONS: usize = 20;

/// A question to all rules: the run, the service, the subject, and the step that comes next.
#[derive(Clone, Copy, Debug)]
pub struct RuleQuestion<'a> {
    /// The request of the run.
    pub request: &'a Request,
    /// The service, as Port has it now.
    pub service: &'a Entity,
    /// What is judged.
    pub subject: &'a RuleSubject,
    /// What comes next.
    pub step: RuleStep,
    /// The time.
    pub now: Timestamp,
}

/// The rules of a run, while they are asked.
pub struct RuleInquiry {
    common: Map<String, Value>,
    asked: Vec<AskedRule>,
    limits: Limits,
    /// What was read, by the text of the call: a fact, or why there is none.
    answers: BTreeMap<String, Result<Value, String>>,
}

struct AskedRule {
    rule: Rule,
    /// The text of the call behind each name.
    needs: BTreeMap<String, String>,
    /// Why it cannot judge, in words that follow "the rule".
    fault: Option<String>,
}

impl RuleInquiry {
    /// Begins to ask.
    pub fn new(rules: &[Rule], question: RuleQuestion<'_>, limits: &Limits) -> Self {
        let RuleQuestion {
            request,
            service,
            subject,
            step,
            now,
        } = question;
        let asked = rules.iter().map(|rule| AskedRule {
            rule: rule.clone(),
            needs: BTreeMap::new(),
            fault: None,
        });
        Self {
            common: facts::common(request, service, subject, step, now),
            asked: asked.collect(),
            limits: limits.clone(),
            answers: BTreeMap::new(),
        }
    }

    /// Asks every rule what it needs, and returns the reads that are not known yet.
    pub async fn needs(&mut self) -> Vec<Call> {
        let mut tasks = tokio::task::JoinSet::new();
        for (index, asked) in self.asked.iter().enumerate() {
            if asked.fault.is_none() {
                let facts = self.facts(asked);
                let (program, limits) = (asked.rule.program.clone(), self.limits.clone());
                tasks.spawn(async move {
                    let needs = match facts {
                        Ok(facts) => program.needs(&facts, &limits).await,
                        Err(fault) => Err(fault),
                    };
                    (index, needs)
                });
            }
        }
        let mut missing = BTreeMap::new();
        let mut answers = join(tasks).await;
        answers.sort_by_key(|(index, _)| *index);
        for (index, needs) in answers {
            let asked = &mut self.asked[index];
            match needs.and_then(|needs| asked.take(needs)) {
                Ok(calls) => missing.extend(calls),
                Err(fault) => asked.fault = Some(fault),
            }
        }
        missing.retain(|text, _| !self.answers.contains_key(text));
        missing.into_values().collect()
    }

    /// Returns why rules could not say what they need.
    pub(super) fn faults(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().filter_map(|asked| asked.fault.as_deref())
    }

    /// Takes the answer to a read.
    pub fn learn(&mut self, call: &Call, answer: &Result<Reply, Failure>) {
        let fact = match answer {
            Ok(reply) => Ok(facts::fact(reply)),
            Err(failure) => Err(describe(failure).to_owned()),
        };
        self.answers.insert(key(call), fact);
    }

    /// Asks every rule for its verdict.
    pub async fn verdicts(self) -> Vec<RuleVerdict> {
        let mut tasks = tokio::task::JoinSet::new();
        for (index, asked) in self.asked.iter().enumerate() {
            let ready = match (&asked.fault, self.unanswered(asked)) {
                (Some(fault), _) => Err(fault.clone()),
                (None, Some(why)) => Err(why),
                (None, None) => self.facts(asked),
            };
            let (program, limits) = (asked.rule.program.clone(), self.limits.clone());
            tasks.spawn(async move {
                let reasons = match ready {
                    Ok(facts) => program.check(&facts, &limits).await,
                    Err(fault) => Err(fault),
                };
                (index, reasons)
            });
        }
        let mut answers = join(tasks).await;
        answers.sort_by_key(|(index, _)| *index);
        let verdict = |(index, reasons): (usize, Result<Vec<Reason>, String>)| {
            let rule = &self.asked[index].rule;
            match reasons {
                Ok(reasons) => RuleVerdict {
                    rule: rule.name.clone(),
                    mode: rule.mode,
                    on_no: rule.on_no,
                    reasons: reasons
                        .into_iter()
                        .take(MAX_REASONS)
                        .map(|reason| named(rule, reason))
                        .collect(),
                },
                Err(fault) => RuleVerdict::unable(rule, &fault),
            }
        };
        answers.into_iter().map(verdict).collect()
    }

    /// Returns why a need of a rule has no answer, if one has none.
    fn unanswered(&self, asked: &AskedRule) -> Option<String> {
        asked.needs.iter().find_map(|(name, call)| {
            let why = match self.answers.get(call) {
                Some(Ok(_)) => return None,
                Some(Err(why)) => why.as_str(),
                None => "it was not read",
            };
            Some(format!("cannot read what it needs (`{name}`): {why}"))
        })
    }

    /// Returns the facts for one rule, JSON text.
    fn facts(&self, asked: &AskedRule) -> Result<String, String> {
        let mut facts = self.common.clone();
        let settings = serde_json::from_str(&asked.rule.settings).unwrap_or_default();
        facts.insert("settings".to_owned(), settings);
        let mut needs = Map::new();
        for (name, call) in &asked.needs {
            if let Some(Ok(fact)) = self.answers.get(call) {
                needs.insert(name.clone(), fact.clone());
            }
        }
        facts.insert("needs".to_owned(), needs.into());
        let text = Value::Object(facts).to_string();
        if text.len() > MAX_FACTS {
            return Err(format!("needs more than {MAX_FACTS} bytes of facts"));
        }
        Ok(text)
    }
}

impl AskedRule {
    /// Takes what the rule needs; returns each read with its text.
    fn take(&mut self, needs: Vec<Need>) -> Result<Vec<(String, Call)>, String> {
        let mut calls = Vec::new();
        for need in needs {
            if !is_name(&need.name) {
                return Err(format!(
                    "calls a need `{}`: a name has letters, digits and `_`, and no digit first",
                    text::line(&need.name)
                ));
            }
            let call = read(need.read);
            let text = key(&call);
            self.needs.insert(need.name, text.clone());
            calls.push((text, call));
        }
        if self.needs.len() > MAX_NEEDS {
            return Err(format!("needs more than {MAX_NEEDS} reads"));
        }
        Ok(calls)
    }
}

/// What came back from all; a rule whose task is gone is asked no more, which nobody but the end of the program does.
async fn join<T: 'static>(mut tasks: tokio::task::JoinSet<T>) -> Vec<T> {
    let mut done = Vec::new();
    while let Some(task) = tasks.join_next().await {
        done.extend(task);
    }
    done
}

fn key(call: &Call) -> String {
    json(call).get().to_owned()
}

fn read(read: FactRead) -> Call {
    match read {
        FactRead::Entity(key) => Call::GetEntity { key },
        FactRead::Search(search) => Call::Search {
            blueprint: search.blueprint,
            query: search.query,
        },
        FactRead::File(file) => Call::ReadFile {
            repository: file.repository,
            path: file.path,
            revision: file.revision,
        },
        FactRead::PullRequest(pull) => Call::GetPullRequest {
            repository: pull.repository,
            number: pull.number,
        },
        FactRead::PullPeople(pull) => Call::GetPullPeople {
            repository: pull.repository,
            number: pull.number,
        },
        FactRead::PullRequests(pulls) => Call::FindPullRequests {
            repository: pulls.repository,
            head: pulls.head,
            base: pulls.base,
            filter: PullFilter::Any,
        },
        FactRead::Checks(checks) => Call::GetChecks {
            repository: checks.repository,
            commit: checks.commit,
            base: checks.base,
        },
        FactRead::Commit(commit) => Call::GetCommit {
            repository: commit.repository,
            revision: commit.revision,
        },
        FactRead::CommitPulls(commit) => Call::GetCommitPulls {
            repository: commit.repository,
            commit: commit.revision,
        },
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= 64
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A reason under the rule's own name: what a component calls itself cannot pass for another rule.
fn named(rule: &Rule, reason: Reason) -> Reason {
    let is_part = |name: &str| {
        !name.is_empty()
            && name.len() <= 64
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let name = match reason.rule.as_str() {
        part if part != rule.name && is_part(part) => format!("{}/{part}", rule.name),
        _ => rule.name.clone(),
    };
    Reason {
        rule: name,
        message: text::line(&reason.message),
        stops: reason.stops,
        cure: match reason.cure {
            ReasonCure::Time(until) => {
                ReasonCure::Time(until.filter(|until| until.parse::<Timestamp>().is_ok()))
            }
            cure => cure,
        },
    }
}

impl RuleVerdict {
    /// The verdict of a rule that cannot answer, a no: nobody knows that it would agree. `fault` follows "the rule".
    pub(crate) fn unable(rule: &Rule, fault: &str) -> Self {
        let message = format!(
            "the rule {fault}; a rule that cannot answer refuses: mend it, or what it reads ({})",
            rule.origin
        );
        let reason = Reason {
            rule: rule.name.clone(),
            message: text::line(&message),
            stops: StopPoint::Propose,
            cure: ReasonCure::People,
        };
        Self {
            rule: rule.name.clone(),
            mode: rule.mode,
            on_no: RuleAnswer::Refuse,
            reasons: vec![reason],
        }
    }
}
