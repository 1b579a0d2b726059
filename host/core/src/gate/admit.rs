//! Whether a call may be made: its grant, and what the grant demands of the calls before it.
//!
//! Pure decisions on what the gate remembers. Nothing is called from here.

use crate::call::Call;
use crate::contract::{Change, FileChange};
use crate::gate::Gate;
use crate::gate::evidence::entity_context;
use crate::gate::values::only_values_change;
use crate::grants::denial;
use crate::grants::{Grant, Operation, RepositoryTarget, Target, Template};

/// What a grant says that demands evidence.
const RULE: &str = "`after = \"merge\"`";

impl Gate {
    /// Whether the call may be made, with everything that its grant demands.
    pub(super) fn admit(&self, call: &Call) -> Result<(), String> {
        let Some((operation, targets)) = call.targets() else {
            return Ok(());
        };
        if call.is_write() && !self.violations.is_empty() && !matches!(call, Call::Note { .. }) {
            return Err(format!(
                "{} after a denied call: a run that broke its grants changes nothing more",
                operation.name()
            ));
        }
        for target in &targets {
            let allowed = self.allow(operation, target)?;
            let mut conditions = allowed
                .into_iter()
                .map(|grant| self.check_condition(call, grant));
            let first = conditions.next().unwrap_or(Ok(()));
            if first.is_err() && !conditions.any(|condition| condition.is_ok()) {
                return first;
            }
            self.check_pull_request(call, operation, target)?;
        }
        self.run.source.admit(call)
    }

    fn check_condition(&self, call: &Call, allowed: &Grant) -> Result<(), String> {
        match call {
            Call::UpdateEntity { change, .. } if allowed.after_merge => {
                self.check_order(change, allowed.holds.as_ref())
            }
            Call::Propose { proposal } if !allowed.any_change => proposal
                .changes
                .iter()
                .try_for_each(|change| self.check_values(&proposal.repository, change)),
            _ => Ok(()),
        }
    }

    /// Nothing changes but values, in a file that this run has read.
    fn check_values(&self, repository: &str, change: &FileChange) -> Result<(), String> {
        let FileChange {
            path,
            content,
            expected_blob,
        } = change;
        let old = self.evidence.file(repository, path, expected_blob);
        let why = match old.map(|old| only_values_change(old, content)) {
            Some(Ok(())) => return Ok(()),
            Some(Err(what)) => format!("{what}; a grant with changes = \"any\" would allow it"),
            None => "this run has not read that version of it".to_owned(),
        };
        Err(format!("github.propose on {path}: {why}"))
    }

    /// The catalog is never ahead of git, nor emptied.
    fn check_order(&self, change: &Change, holds: Option<&Template>) -> Result<(), String> {
        if change.properties.is_some() && !self.evidence.has_merged() {
            return Err(format!(
                "port.update-entity: {RULE} allows no property before this run has merged"
            ));
        }
        for relation in &change.relations {
            if relation.targets.is_empty() {
                let name = &relation.name;
                return Err(format!(
                    "port.update-entity: {RULE} does not allow to clear the relation {name}"
                ));
            }
            relation
                .targets
                .iter()
                .try_for_each(|target| self.check_evidence(target, holds))?;
        }
        Ok(())
    }

    /// What a relation points at must be on the base branch.
    fn check_evidence(&self, target: &str, holds: Option<&Template>) -> Result<(), String> {
        let text = self
            .evidence
            .entity_named(target)
            .map(|entity| match holds {
                Some(template) => template.render(&entity_context(entity), str::to_owned),
                None => Ok(target.to_owned()),
            });
        let why = match text {
            Some(Ok(text)) if self.evidence.base_holds(&text) => return Ok(()),
            Some(Ok(text)) => format!(
                "{RULE} allows it only when a granted file on the base branch holds `{text}`, and this run has neither merged nor read such a file"
            ),
            Some(Err(error)) => format!("`holds` of the grant: {error}"),
            None => format!("{RULE} needs to know it, and this run has not read it"),
        };
        Err(format!("port.update-entity to {target}: {why}"))
    }

    /// Calls about a pull request by number: its branches must be granted, and only what this run proposed is merged.
    fn check_pull_request(
        &self,
        call: &Call,
        operation: Operation,
        target: &Target<'_>,
    ) -> Result<(), String> {
        let (
            Target::Repository(
                at @ RepositoryTarget {
                    number: Some(number),
                    ..
                },
            ),
            true,
        ) = (target, call.is_write())
        else {
            return Ok(());
        };
        let of = format!("{} on {}", operation.name(), target);
        let (head, base) = match call {
            Call::Merge { expected_head, .. } | Call::MergeWhenReady { expected_head, .. } => {
                let proposed = self.evidence.proposed(at.repository, *number);
                let (proposal, pull) =
                    proposed.ok_or_else(|| format!("{of}: this run has not proposed it"))?;
                if pull.head_commit != *expected_head {
                    return Err(format!(
                        "{of}: {expected_head} is not the commit that this run proposed"
                    ));
                }
                (proposal.head.as_str(), Some(proposal.base.as_str()))
            }
            _ => {
                let head = self.evidence.head(at.repository, *number);
                (
                    head.ok_or_else(|| format!("{of}: this run has neither proposed nor read it"))?,
                    None,
                )
            }
        };
        let target = Target::Repository(RepositoryTarget {
            head: Some(head),
            base,
            ..at.clone()
        });
        self.allow(operation, &target).map(drop)
    }

    fn allow(&self, operation: Operation, target: &Target<'_>) -> Result<Vec<&Grant>, String> {
        self.grants
            .allow(operation, target)
            .ok_or_else(|| denial::describe(operation, target))
    }
}
