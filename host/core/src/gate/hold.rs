//! The gate keeps a commit status on what was proposed, so that the rules hold merges that others make: people and
//! auto-merge. It is the host's own write, under a grant of its own.

use super::{Admitted, Gate, describe, trap};
use crate::call::{Call, Fault, Reply};
use crate::contract::{Reason, ReasonCure, StopPoint};
use crate::grants::{CallTarget, Operation, RepositoryTarget};
use crate::journal::JournalEntry;
use crate::rule::{RuleAnswer, RuleMode, RuleStep, RuleSubject, RuleVerdict};
use crate::service::github::{STATUS, StatusWord};

impl Gate {
    /// Returns whether the operator wants the status on proposals of this repository and base.
    pub(super) fn keeps_status(&self, repository: &str, base: Option<&str>) -> bool {
        if self.bench.is_empty() {
            return false;
        }
        let target = CallTarget::Repository(RepositoryTarget {
            repository,
            base,
            ..RepositoryTarget::default()
        });
        let permission = self.grants.allow(Operation::KeepStatus, &target);
        permission.is_some()
    }

    /// Takes the host's own status out of the checks that a policy is told: it would wait for itself.
    pub(super) fn without_status(&self, call: &Call, reply: Reply) -> Reply {
        match (call, reply) {
            (
                Call::GetChecks {
                    repository, base, ..
                },
                Reply::Checks(mut checks),
            ) if self.keeps_status(repository, Some(base)) => {
                checks.retain(|check| check.name != STATUS);
                Reply::Checks(checks)
            }
            (_, reply) => reply,
        }
    }

    /// Asks the rules what they have against the merge of what was proposed, and tells others by the status.
    pub(super) async fn hold_proposal(&mut self, call: &Call, reply: &Reply) -> Result<(), Fault> {
        let (Call::Propose { proposal }, Reply::PullRequest(pull)) = (call, reply) else {
            return Ok(());
        };
        if !self.keeps_status(&proposal.repository, Some(&proposal.base)) {
            return Ok(());
        }
        let subject = RuleSubject {
            candidate: self.candidate(proposal),
            pull_request: Some(pull.number),
            head_commit: Some(pull.head_commit.clone()),
        };
        let verdicts = self.ask(RuleStep::Merge, subject.clone(), false).await?;
        self.keep_status(&subject, &verdicts).await
    }

    /// Sets the status by what the rules have against the merge. A status that cannot be set is told to people: a branch that
    /// requires it lets nobody merge then.
    pub(super) async fn keep_status(
        &mut self,
        subject: &RuleSubject,
        verdicts: &[RuleVerdict],
    ) -> Result<(), Fault> {
        let candidate = &subject.candidate;
        let Some(commit) = &subject.head_commit else {
            return Ok(());
        };
        if !self.keeps_status(&candidate.repository, Some(&candidate.base)) {
            return Ok(());
        }
        let against = verdicts
            .iter()
            .flat_map(|verdict| verdict.refusals(RuleStep::Merge));
        let words: Vec<String> = against
            .map(|reason| format!("{}: {}", reason.rule, reason.message))
            .collect();
        let word = if words.is_empty() {
            StatusWord::Agreed
        } else {
            StatusWord::Held(words.join("; "))
        };
        let kept = (commit.clone(), word);
        if self.kept.as_ref() == Some(&kept) {
            return Ok(());
        }
        let (commit, word) = kept;
        let number = u32::try_from(self.timeline.len()).unwrap_or(u32::MAX);
        let entry = JournalEntry::Status {
            number,
            at: self.run.clock.now(),
            repository: candidate.repository.clone(),
            commit: commit.clone(),
            state: word.state().to_owned(),
            description: word.description(),
        };
        self.run.write(&entry, true).map_err(trap)?;
        let source = &mut self.run.source;
        let set = source.set_status(&candidate.repository, &commit, &word);
        match set.await {
            Ok(()) => self.kept = Some((commit, word)),
            Err(failure) => self.run.observer.say(&format!(
                "the status `{STATUS}` of {commit} could not be set: {}",
                describe(&failure)
            )),
        }
        self.check_deadline()
    }

    /// Returns what speaks against leaving the merge to GitHub: rules hold it only by a status that the branch requires.
    pub(super) async fn unheld(
        &mut self,
        subject: &RuleSubject,
    ) -> Result<Option<RuleVerdict>, Fault> {
        if !self.bench.has_enforced() {
            return Ok(None);
        }
        let candidate = &subject.candidate;
        let (repository, base) = (candidate.repository.clone(), candidate.base.clone());
        let call = Call::GetBranchRules {
            repository: repository.clone(),
            branch: base.clone(),
        };
        let answer = self.run.source.call(Admitted::new(&call, None)).await;
        self.note_fact(&call, &answer)?;
        let why = match answer {
            // It asks for required checks once more on a commit that it makes itself (GitHub, "Managing a merge queue").
            Ok(Reply::BranchRules(rules)) if rules.merge_queue => {
                return Ok(Some(refusal(format!(
                    "merges into `{base}` go through a queue, and no rule holds what a queue merges: the status `{STATUS}` is on \
                     the head of the pull request, and not on the commit that the queue makes; set the rules to `mode = \"monitor\"`, \
                     or let `{base}` be merged into without the queue"
                ))));
            }
            _ if !self.keeps_status(&repository, Some(&base)) => {
                "`github.status` is not granted".to_owned()
            }
            Ok(Reply::BranchRules(rules))
                if rules.required_checks.iter().any(|it| it == STATUS) =>
            {
                return Ok(None);
            }
            Ok(_) => format!("`{base}` does not require the status `{STATUS}`"),
            Err(failure) => format!(
                "it is not known whether `{base}` requires the status `{STATUS}`: {}",
                describe(&failure)
            ),
        };
        Ok(Some(refusal(format!(
            "GitHub would merge later without asking the rules, for {why}: grant `github.status` and have the branch require the status `promote`, or set a way of merging that does not leave it to GitHub"
        ))))
    }
}

/// The host's own rule: what GitHub merges later is held by the status.
const UNHELD: &str = "merge-status";

fn refusal(message: String) -> RuleVerdict {
    let reason = Reason {
        rule: UNHELD.to_owned(),
        message,
        stops: StopPoint::Merge,
        cure: ReasonCure::People,
    };
    RuleVerdict {
        rule: UNHELD.to_owned(),
        mode: RuleMode::Enforce,
        on_no: RuleAnswer::Refuse,
        reasons: vec![reason],
    }
}

/// The commit and the word of the status that a run has set last.
pub(super) type KeptStatus = Option<(String, StatusWord)>;
