//! Whether a call may be made: its grant, and what the grant demands of the calls before it.
//!
//! Pure decisions on what the gate remembers. Nothing is called from here.

use super::Gate;
use crate::core::call::Call;
use crate::core::contract::Change;
use crate::core::grants::{After, Changes, Grant, In, Operation, Target};
use crate::core::seen::entity_context;
use crate::core::template::Template;
use crate::core::values::only_values_change;

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
            let mut conditions = allowed.into_iter().map(|grant| self.check_condition(call, grant));
            let first = conditions.next().unwrap_or(Ok(()));
            if first.is_err() && !conditions.any(|condition| condition.is_ok()) {
                return first;
            }
            self.check_pull_request(call, operation, target)?;
        }
        self.source.admit(call)
    }

    fn check_condition(&self, call: &Call, allowed: &Grant) -> Result<(), String> {
        match call {
            Call::UpdateEntity { change, .. } if allowed.after == Some(After::Merge) => {
                self.check_order(change, allowed.holds.as_ref())
            }
            Call::Propose { proposal } if allowed.changes == Changes::Values => {
                for change in &proposal.changes {
                    let read = self.seen.file(&proposal.repository, &change.path, &change.expected_blob);
                    let old = read.ok_or_else(|| {
                        format!("github.propose on {}: this run has not read that version of it", change.path)
                    })?;
                    only_values_change(old, &change.content).map_err(|what| {
                        format!(
                            "github.propose on {}: {what}; a grant with changes = \"any\" would allow it",
                            change.path
                        )
                    })?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The catalog is never ahead of git, nor emptied.
    fn check_order(&self, change: &Change, holds: Option<&Template>) -> Result<(), String> {
        if change.properties.is_some() && !self.seen.has_merged() {
            return Err(
                "port.update-entity: `after = \"merge\"` allows no property before this run has merged"
                    .to_owned(),
            );
        }
        for relation in &change.relations {
            if relation.targets.is_empty() {
                let name = &relation.name;
                return Err(format!(
                    "port.update-entity: `after = \"merge\"` does not allow to clear the relation {name}"
                ));
            }
            relation.targets.iter().try_for_each(|target| self.check_evidence(target, holds))?;
        }
        Ok(())
    }

    /// What a relation points at must be on the base branch.
    fn check_evidence(&self, target: &str, holds: Option<&Template>) -> Result<(), String> {
        let rule = "`after = \"merge\"`";
        let entity = self.seen.entity_named(target).ok_or_else(|| {
            format!("port.update-entity to {target}: {rule} needs to know it, and this run has not read it")
        })?;
        let text = match holds {
            None => target.to_owned(),
            Some(template) => template
                .render(&entity_context(entity), str::to_owned)
                .map_err(|error| format!("port.update-entity to {target}: `holds` of the grant: {error}"))?,
        };
        if self.seen.base_holds(&text) {
            return Ok(());
        }
        Err(format!(
            "port.update-entity to {target}: {rule} allows it only when a granted file on the base branch holds `{text}`, and this run has neither merged nor read such a file"
        ))
    }

    /// Calls about a pull request by number: its branches must be granted, and only what this run proposed is merged.
    fn check_pull_request(
        &self,
        call: &Call,
        operation: Operation,
        target: &Target<'_>,
    ) -> Result<(), String> {
        let (Target::Repository(at @ In { number: Some(number), .. }), true) = (target, call.is_write())
        else {
            return Ok(());
        };
        let of = format!("{} on {}", operation.name(), (self.words.target)(target));
        let (head, base) = match call {
            Call::Merge { expected_head, .. } | Call::MergeWhenReady { expected_head, .. } => {
                let proposed = self.seen.proposed(at.repository, *number);
                let (proposal, pull) =
                    proposed.ok_or_else(|| format!("{of}: this run has not proposed it"))?;
                if pull.head_commit != *expected_head {
                    return Err(format!("{of}: {expected_head} is not the commit that this run proposed"));
                }
                (proposal.head.as_str(), Some(proposal.base.as_str()))
            }
            _ => {
                let head = self.seen.head(at.repository, *number);
                (head.ok_or_else(|| format!("{of}: this run has neither proposed nor read it"))?, None)
            }
        };
        let target = Target::Repository(In { head: Some(head), base, ..at.clone() });
        self.allow(operation, &target).map(drop)
    }

    fn allow(&self, operation: Operation, target: &Target<'_>) -> Result<Vec<&Grant>, String> {
        self.grants.allow(operation, target).map_err(|_| (self.words.denied)(operation, target))
    }
}
