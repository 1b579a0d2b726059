//! Whether the catalog could be told of a proposal once it is merged.
//!
//! A grant with `after = "merge"` asks for a text that the base branch must hold. A proposal that holds none such would be
//! merged, and then the run would be kept from recording it: git ahead of the catalog, and nobody to cure it. It is refused
//! before it is made, since all that it takes to see that is known by then.

use super::Gate;
use super::context::entity_context;
use super::values::manifest_values;
use crate::contract::{Entity, Proposal};
use crate::grants::Permission;
use crate::id::{BranchFile, EntityId};

/// Why a grant to update can never be met.
pub(super) const NO_FILE: &str = "`after = \"merge\"` cannot tell which file proves it, since several may be proposed: name it in the grant, `in = \"…\"`";

/// Most texts and values that a message shows.
const MAX_SHOWN: usize = 3;

impl Gate {
    /// Checks that some grant to tell the catalog would be met by a proposal, if there are grants for its files.
    pub(super) fn check_record(&self, proposal: &Proposal) -> Result<(), String> {
        let keys = self.grants.value_keys();
        let changed = self.changed_values(proposal, &keys);
        let mut first_refusal = Ok(());
        for permission in self.grants.updates_after_merge() {
            let Some(is_evidence) = self.grants.evidence_files(permission) else {
                if first_refusal.is_ok() {
                    first_refusal = Err(format!("{}: {NO_FILE}", about(proposal)));
                }
                continue;
            };
            if !changed.iter().any(|(file, _)| is_evidence(file)) {
                continue;
            }
            let wanted = self.recordable(permission);
            // It may be read only after this, and then nothing is known yet.
            if wanted.is_empty() {
                continue;
            }
            let is_beside = |file: &BranchFile| {
                is_evidence(file) && !changed.iter().any(|(known, _)| known == file)
            };
            let is_met = wanted.iter().any(|(text, entity)| {
                let fits = |value: &str| self.is_image(value, text, entity);
                changed
                    .iter()
                    .any(|(file, value)| is_evidence(file) && fits(value))
                    || self.evidence.holds(is_beside, &keys, fits)
            });
            if is_met {
                return Ok(());
            }
            if first_refusal.is_ok() {
                first_refusal = Err(unmet(proposal, &wanted, &changed));
            }
        }
        first_refusal
    }

    /// The values that a proposal changes, each with its file.
    fn changed_values(&self, proposal: &Proposal, keys: &[&str]) -> Vec<(BranchFile, String)> {
        let mut changed = Vec::new();
        for change in &proposal.changes {
            let file = BranchFile::new(&proposal.repository, &proposal.base, &change.path);
            let old = self.evidence.version(&file, &change.expected_blob);
            let old = manifest_values(old.unwrap_or_default(), keys);
            let new = manifest_values(&change.content, keys).into_iter();
            let new = new.filter(|found| !old.contains(found));
            changed.extend(new.map(|found| (file.clone(), found.value)));
        }
        changed
    }

    /// The texts that may have to be held for an update, each with the entity that it stands for, as far as they are known.
    fn recordable<'a>(&'a self, permission: Permission<'a>) -> Vec<(String, &'a Entity)> {
        let mut found = Vec::new();
        for blueprint in permission.target_blueprints() {
            for target in self.evidence.entities_of(blueprint) {
                let texts: Vec<String> = permission
                    .updated()
                    .into_iter()
                    .filter_map(|id| self.held_text(permission, &id, target).ok())
                    .collect();
                found.extend(texts.into_iter().map(|text| (text, target)));
            }
        }
        found.dedup();
        found
    }

    /// The text that the base branch must hold before an entity may be pointed at another one.
    pub(super) fn held_text(
        &self,
        permission: Permission<'_>,
        updated: &EntityId,
        target: &Entity,
    ) -> Result<String, String> {
        let Some(template) = permission.holds() else {
            return Ok(target.key.identifier.clone());
        };
        let mut context = entity_context(target);
        if let Some(entity) = self.evidence.entity(updated) {
            context["entity"] = entity_context(entity);
        }
        template
            .render(&context, str::to_owned)
            .map_err(|error| format!("`holds` of the grant: {error}"))
    }
}

fn about(proposal: &Proposal) -> String {
    format!(
        "github.propose on {}: after its merge the catalog could not be told",
        proposal.repository
    )
}

fn unmet(
    proposal: &Proposal,
    wanted: &[(String, &Entity)],
    changed: &[(BranchFile, String)],
) -> String {
    let shown = |texts: &mut dyn Iterator<Item = &String>, joint: &str| {
        let texts = texts.map(|text| format!("`{}`", text.escape_debug()));
        texts.take(MAX_SHOWN).collect::<Vec<_>>().join(joint)
    };
    format!(
        "{}, for `after = \"merge\"` asks for the whole value {}, and what it changes holds {}: \
         `holds` of the grant for port.update-entity has to say what stands there",
        about(proposal),
        shown(&mut wanted.iter().map(|(text, _)| text), " or "),
        shown(&mut changed.iter().map(|(_, value)| value), ", "),
    )
}
