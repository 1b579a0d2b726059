//! The gate asks the rules: before a proposal, before a merge, and when a policy wants to know early.
//!
//! What the rules need is read like a call of a policy: under the operator's grants, through the same source, with a line in
//! the journal. It is no evidence for the policy's own calls.

use jiff::Timestamp;

use super::{Admitted, Denial, Gate, describe, trap};
use crate::call::{Call, Fault, Reply};
use crate::contract::{Candidate, Entity, Failure, Proposal, Reason, Request, StopPoint};
use crate::gate::candidate::derive_candidate;
use crate::gate::known::KnownFacts;
use crate::journal::{FactAnswer, JournalEntry, json};
use crate::rule::{
    AwaitedRules, Rule, RuleInquiry, RuleMode, RuleQuestion, RuleStep, RuleSubject, RuleVerdict,
    StoppedByRules,
};

/// The rules of a run, and what was read lately.
#[derive(Default)]
pub struct RuleBench {
    rules: Vec<Rule>,
    request: Option<Request>,
    known: KnownFacts,
    /// What the policy was told last, as far as it may be waited for.
    pub(super) awaited: AwaitedRules,
}

impl RuleBench {
    /// The rules that apply to a request.
    pub fn new(rules: Vec<Rule>, request: &Request) -> Self {
        Self {
            rules,
            request: Some(request.clone()),
            known: KnownFacts::default(),
            awaited: AwaitedRules::default(),
        }
    }

    /// Returns whether there are no rules.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns whether a rule's no is obeyed.
    pub(super) fn has_enforced(&self) -> bool {
        self.rules.iter().any(|rule| rule.mode == RuleMode::Enforce)
    }

    /// Takes note of a call that was answered.
    pub(super) fn observe(&mut self, call: &Call, reply: &Reply, now: Timestamp) {
        if !self.rules.is_empty() {
            self.known.observe(call, reply, now);
        }
    }

    fn recall(&self, call: &Call, now: Timestamp) -> Option<Reply> {
        self.known.recall(call, now)
    }
}

impl Gate {
    /// Asks the rules before a proposal or a merge.
    ///
    /// # Errors
    /// Ends the policy if an enforced rule says no: as refused, or as waiting.
    pub(super) async fn ask_before(&mut self, call: &Call) -> Result<(), Fault> {
        if self.bench.rules.is_empty() {
            return Ok(());
        }
        let Some((step, subject)) = self.subject_of(call) else {
            return Ok(());
        };
        let is_left = matches!(call, Call::MergeWhenReady { .. });
        let verdicts = self.ask(step, subject.clone(), is_left).await?;
        self.keep_status(&subject, &verdicts).await?;
        let request = self.bench.request.as_ref();
        match request.and_then(|it| StoppedByRules::by(&verdicts, step, &subject, it)) {
            Some(stopped) => Err(trap(stopped)),
            None => Ok(()),
        }
    }

    /// Asks the rules for a policy.
    pub(super) async fn ask_early(&mut self, candidate: &Candidate) -> Result<Vec<Reason>, Fault> {
        if self.bench.rules.is_empty() {
            return Ok(Vec::new());
        }
        let subject = RuleSubject {
            candidate: candidate.clone(),
            pull_request: None,
            head_commit: None,
        };
        let step = RuleStep::Propose;
        let verdicts = self.ask(step, subject.clone(), false).await?;
        self.bench.awaited = AwaitedRules::of(&verdicts, &subject);
        Ok(verdicts.iter().flat_map(RuleVerdict::told).collect())
    }

    /// Asks the rules before a step, which may be a merge that is left to GitHub.
    pub(super) async fn ask(
        &mut self,
        step: RuleStep,
        subject: RuleSubject,
        is_left: bool,
    ) -> Result<Vec<RuleVerdict>, Fault> {
        let Some(request) = self.bench.request.clone() else {
            return Ok(Vec::new());
        };
        let now = self.run.clock.now();
        let service = match self.service(&request, now).await? {
            Ok(service) => service,
            Err(failure) => return Ok(self.unable(&failure)),
        };
        let question = RuleQuestion {
            request: &request,
            service: &service,
            subject: &subject,
            step,
            now,
        };
        let limits = &self.run.limits;
        let mut inquiry = RuleInquiry::new(&self.bench.rules, question, limits);
        for _ in 0..crate::rule::ROUNDS {
            let missing = inquiry.needs().await;
            if missing.is_empty() {
                break;
            }
            for call in missing {
                let answer = self.fact(&call).await?;
                inquiry.learn(&call, &answer);
            }
        }
        let mut verdicts = inquiry.verdicts().await;
        if is_left {
            verdicts.extend(self.unheld(&subject).await?);
        }
        let number = u32::try_from(self.timeline.len()).unwrap_or(u32::MAX);
        self.run
            .write(
                &JournalEntry::Rules {
                    number,
                    at: now,
                    step,
                    subject,
                    verdicts: verdicts.clone(),
                },
                false,
            )
            .map_err(trap)?;
        self.tell_unheeded(&verdicts);
        self.check_deadline()?;
        Ok(verdicts)
    }

    /// Tells people, once, what speaks against the promotion and stops nothing.
    fn tell_unheeded(&mut self, verdicts: &[RuleVerdict]) {
        for verdict in verdicts {
            for reason in verdict.told().filter(|it| it.stops == StopPoint::Nothing) {
                let text = match verdict.mode {
                    RuleMode::Monitor => format!(
                        "the rule {} would refuse (it is only monitored): {}",
                        reason.rule, reason.message
                    ),
                    RuleMode::Enforce => format!("{}: {}", reason.rule, reason.message),
                };
                if !self.told.contains(&text) {
                    self.run.observer.say(&text);
                    self.told.push(text);
                }
            }
        }
    }

    /// Returns the service as Port has it: the host's own read, which needs no grant.
    async fn service(
        &mut self,
        request: &Request,
        now: Timestamp,
    ) -> Result<Result<Entity, Failure>, Fault> {
        let key = request.subject.key.clone();
        let call = Call::GetEntity { key };
        let reply = match self.bench.recall(&call, now) {
            Some(reply) => reply,
            None => {
                let answer = self.run.source.call(Admitted::new(&call, None)).await;
                self.note_fact(&call, &answer)?;
                match answer {
                    Ok(reply) => reply,
                    Err(failure) => return Ok(Err(failure)),
                }
            }
        };
        Ok(match reply {
            Reply::Entity(Some(entity)) => Ok(entity),
            _ => Err(Failure::NotFound(format!(
                "`{}` is not in Port any more",
                request.subject.key.identifier
            ))),
        })
    }

    /// Returns the verdicts of rules that cannot be asked, for the service is not known.
    fn unable(&self, failure: &Failure) -> Vec<RuleVerdict> {
        let fault = format!(
            "cannot be asked, for the service is not known: {}",
            describe(failure)
        );
        let rules = self.bench.rules.iter();
        rules
            .map(|rule| RuleVerdict::unable(rule, &fault))
            .collect()
    }

    /// Returns what a rule needs, read now if nobody has read it lately.
    async fn fact(&mut self, call: &Call) -> Result<Result<Reply, Failure>, Fault> {
        let now = self.run.clock.now();
        if let Some(reply) = self.bench.recall(call, now) {
            return Ok(Ok(reply));
        }
        let answer = match self.admit(call) {
            Ok(()) => self.run.source.call(Admitted::new(call, None)).await,
            Err(Denial::Breach(what) | Denial::Misfit(what)) => Err(Failure::Denied(what)),
        };
        self.note_fact(call, &answer)?;
        Ok(answer)
    }

    /// Writes a read for the rules to the journal, and remembers it for a while.
    pub(super) fn note_fact(
        &mut self,
        call: &Call,
        answer: &Result<Reply, Failure>,
    ) -> Result<(), Fault> {
        let number = u32::try_from(self.timeline.len()).unwrap_or(u32::MAX);
        let at = self.run.clock.now();
        let request = json(call);
        let text = match answer {
            Ok(reply) => json(reply),
            Err(failure) => json(failure),
        };
        let told = match answer {
            Ok(_) => FactAnswer::Reply(&*text),
            Err(_) => FactAnswer::Failure(&*text),
        };
        let entry = JournalEntry::Fact {
            number,
            at,
            request: &*request,
            answer: told,
        };
        self.run.write(&entry, false).map_err(trap)?;
        self.budget
            .carry(request.get().len() + text.get().len())
            .map_err(trap)?;
        if let Ok(reply) = answer {
            self.bench.observe(call, reply, at);
        }
        Ok(())
    }

    /// Returns what a call proposes or merges.
    fn subject_of(&self, call: &Call) -> Option<(RuleStep, RuleSubject)> {
        if let Call::Propose { proposal } = call {
            let subject = RuleSubject {
                candidate: self.candidate(proposal),
                pull_request: None,
                head_commit: None,
            };
            return Some((RuleStep::Propose, subject));
        }
        let record = self.evidence.merged_by(call)?;
        let subject = RuleSubject {
            candidate: self.candidate(&record.proposal),
            pull_request: Some(record.pull.number),
            head_commit: Some(record.pull.head_commit.clone()),
        };
        Some((RuleStep::Merge, subject))
    }

    pub(super) fn candidate(&self, proposal: &Proposal) -> Candidate {
        derive_candidate(proposal, &self.grants.value_keys(), |file, blob| {
            self.evidence.version(file, blob)
        })
    }
}
