//! Whether a call may be made: its grant, and the evidence that the grant demands of the calls before it.
//!
//! Pure decisions on what the gate remembers. Nothing is called from here.

use super::Gate;
use super::evidence::Evidence;
use super::foresight::NO_FILE;
use super::values::{OtherChange, only_values_change};
use crate::call::Call;
use crate::contract::{Change, Entity, EntityKey, Failure, FileChange, Proposal, Relation};
use crate::grants::denial;
use crate::grants::{CallTarget, ChangeScope, Operation, Permission, RepositoryTarget};
use crate::id::{BranchFile, EntityId, PullId};
use crate::image::ImageAddress;

/// The part of a grant that demands evidence.
const RULE: &str = "`after = \"merge\"`";

/// The reason why a call is not made.
#[derive(Debug)]
pub(super) enum Denial {
    /// The policy does what it was not granted.
    Breach(String),
    /// A proposal changes values only, but others than its grant lets change, or such that the catalog could not be told
    /// afterwards: the operator's settings and grants do not fit each other. It is not made either, and a policy may refuse
    /// for it; any other end is a breach.
    Misfit(String),
}

impl From<String> for Denial {
    fn from(what: String) -> Self {
        Self::Breach(what)
    }
}

impl Gate {
    /// Decides whether the call may be made, with everything that its grant demands.
    pub(super) fn admit(&self, call: &Call) -> Result<(), Denial> {
        let Some((operation, targets)) = call.targets() else {
            return Ok(());
        };
        let has_denied = !self.violations.is_empty() || !self.misfits.is_empty();
        if call.is_write() && has_denied && !matches!(call, Call::Note { .. }) {
            return Err(Denial::Breach(format!(
                "{} after a denied call: a run that broke its grants changes nothing more",
                operation.name()
            )));
        }
        for target in &targets {
            let permissions = self.permissions(operation, target)?;
            self.check_pull_request(call, operation, target)?;
            self.check_conditions(call, &permissions)?;
        }
        Ok(self.run.source.admit(call)?)
    }

    /// One permission whose conditions hold is enough; else the first one's answer counts.
    fn check_conditions(&self, call: &Call, permissions: &[Permission<'_>]) -> Result<(), Denial> {
        let mut first_denial = Ok(());
        for permission in permissions {
            let condition = match call {
                Call::UpdateEntity { key, change } if permission.demands_merge() => self
                    .check_order(key, change, *permission)
                    .map_err(Denial::from),
                Call::Propose { proposal } => self.check_proposal(proposal, *permission),
                Call::AddLabels { labels, .. } => {
                    permission.check_labels(labels).map_err(Denial::from)
                }
                Call::RequestReviewers { users, teams, .. } => permission
                    .check_reviewers(users, teams)
                    .map_err(Denial::from),
                _ => Ok(()),
            };
            if condition.is_ok() {
                return condition;
            }
            if first_denial.is_ok() {
                first_denial = condition;
            }
        }
        first_denial
    }

    /// A proposal starts at a commit of the granted base that this run has seen, and changes what it has read there.
    fn check_proposal(
        &self,
        proposal: &Proposal,
        permission: Permission<'_>,
    ) -> Result<(), Denial> {
        let Proposal {
            repository,
            base,
            base_commit,
            changes,
            ..
        } = proposal;
        if !self.evidence.was_branch_at(repository, base, base_commit) {
            return Err(Denial::Breach(format!(
                "github.propose on {repository} to {base}: this run has not seen {base} at {base_commit}; \
                 a proposal starts at the commit at which a file of the base branch was read"
            )));
        }
        if permission.changes() != ChangeScope::Any {
            for change in changes {
                self.check_values(proposal, change, permission)?;
            }
        }
        self.check_record(proposal).map_err(Denial::Misfit)
    }

    /// Nothing changes but values, in a file that this run has read at the base branch.
    fn check_values(
        &self,
        proposal: &Proposal,
        change: &FileChange,
        permission: Permission<'_>,
    ) -> Result<(), Denial> {
        let FileChange {
            path,
            content,
            expected_blob,
        } = change;
        let file = BranchFile::new(&proposal.repository, &proposal.base, path);
        let told = |why: &str| format!("github.propose on {path}: {why}");
        let Some(old) = self.evidence.version(&file, expected_blob) else {
            let why = "this run has not read that version of it at the base branch";
            return Err(Denial::Breach(told(why)));
        };
        match only_values_change(old, content, &permission.value_keys(), permission.changes()) {
            Ok(()) => Ok(()),
            Err(OtherChange::Value(what)) => Err(Denial::Misfit(told(&what))),
            Err(OtherChange::Text(what)) => Err(Denial::Breach(told(&format!(
                "{what}; a grant with changes = \"any\" would allow it"
            )))),
        }
    }

    /// The catalog is never ahead of git, nor emptied.
    fn check_order(
        &self,
        key: &EntityKey,
        change: &Change,
        permission: Permission<'_>,
    ) -> Result<(), String> {
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
            for target in self.new_targets(key, relation) {
                self.check_evidence(key, &relation.name, target, permission)?;
            }
        }
        Ok(())
    }

    /// The targets that an update has to prove: where the catalog names several already, those that it adds, since what it
    /// keeps brings the catalog no further. An update that adds nothing has to prove all.
    fn new_targets<'a>(&self, updated: &EntityKey, relation: &'a Relation) -> Vec<&'a str> {
        let entity = self.evidence.entity(&EntityId::from(updated));
        let known = entity.and_then(|it| it.relations.iter().find(|one| one.name == relation.name));
        let known = known.map_or(&[][..], |it| it.targets.as_slice());
        let all: Vec<&str> = relation.targets.iter().map(String::as_str).collect();
        let is_new = |target: &&str| known.iter().all(|one| one != target);
        let new: Vec<&str> = all.iter().copied().filter(is_new).collect();
        if known.len() < 2 || new.is_empty() {
            all
        } else {
            new
        }
    }

    /// The image that a relation points at must be on the base branch.
    fn check_evidence(
        &self,
        updated: &EntityKey,
        relation: &str,
        target: &str,
        permission: Permission<'_>,
    ) -> Result<(), String> {
        let denied = |why: String| Err(format!("port.update-entity to {target}: {why}"));
        let id = EntityId {
            blueprint: permission.target_blueprint().unwrap_or(relation).to_owned(),
            identifier: target.to_owned(),
        };
        let Some(entity) = self.evidence.entity(&id) else {
            return denied(format!(
                "{RULE} needs to know {}/{target}, and this run has not read it; `target` in the grant names another blueprint",
                id.blueprint
            ));
        };
        let text = self.held_text(permission, &EntityId::from(updated), entity)?;
        let Some(is_evidence) = self.grants.evidence_files(permission) else {
            return denied(NO_FILE.to_owned());
        };
        if self
            .evidence
            .holds(is_evidence, &self.grants.value_keys(), |value| {
                self.is_image(value, &text, entity)
            })
        {
            return Ok(());
        }
        denied(format!(
            "{RULE} allows it only when a granted file on the base branch holds `{text}` as a whole value, and this run has neither merged nor read such a file"
        ))
    }

    /// Returns whether a value of a manifest is the text that stands for an entity; a digest behind it counts only if it is the
    /// entity's own, or the one that the registry gave to this run for the text.
    pub(super) fn is_image(&self, value: &str, text: &str, entity: &Entity) -> bool {
        if text.is_empty() {
            return false;
        }
        match value.strip_prefix(text) {
            Some("") => true,
            Some(rest) => rest.strip_prefix('@').is_some_and(|digest| {
                has_digest(entity, digest) || self.evidence.is_digest_of(text, digest)
            }),
            None => false,
        }
    }

    /// Calls about a pull request by number: its branches must be granted, and only what this run proposed is merged.
    fn check_pull_request(
        &self,
        call: &Call,
        operation: Operation,
        target: &CallTarget<'_>,
    ) -> Result<(), String> {
        let CallTarget::Repository(
            at @ RepositoryTarget {
                number: Some(number),
                ..
            },
        ) = target
        else {
            return Ok(());
        };
        if !call.is_write() {
            return Ok(());
        }
        let of = format!("{} on {target}", operation.name());
        let pull = PullId::new(at.repository, *number);
        let (head, base) = match call {
            Call::Merge { expected_head, .. } | Call::MergeWhenReady { expected_head, .. } => {
                let Some(record) = self.evidence.proposal(&pull) else {
                    return Err(format!("{of}: this run has not proposed it"));
                };
                if record.pull.head_commit != *expected_head {
                    return Err(format!(
                        "{of}: {expected_head} is not the commit that this run proposed"
                    ));
                }
                let proposal = &record.proposal;
                (proposal.head.as_str(), Some(proposal.base.as_str()))
            }
            _ => match self.evidence.pull(&pull) {
                Some(pull) => (pull.head.as_str(), None),
                None => {
                    return Err(format!("{of}: this run has neither proposed nor read it"));
                }
            },
        };
        let target = CallTarget::Repository(RepositoryTarget {
            head: Some(head),
            base,
            ..at.clone()
        });
        self.permissions(operation, &target).map(drop)
    }

    /// Answers whether an image may be read.
    pub(super) fn is_granted(&self, reference: &str) -> Result<bool, Failure> {
        ImageAddress::parse(reference).map_err(Failure::Rejected)?;
        let target = CallTarget::Image { reference };
        Ok(self.grants.allow(Operation::ReadImage, &target).is_some())
    }

    fn permissions(
        &self,
        operation: Operation,
        target: &CallTarget<'_>,
    ) -> Result<Vec<Permission<'_>>, String> {
        self.grants.allow(operation, target).ok_or_else(|| {
            let what = denial::describe(operation, target);
            if self.grants.is_bounded() {
                return format!(
                    "{what}; the organisation's baseline must grant it too, at least as widely"
                );
            }
            what
        })
    }
}

/// Returns whether a property of the entity is this digest, alone or behind a reference.
fn has_digest(entity: &Entity, digest: &str) -> bool {
    let properties: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&entity.properties).unwrap_or_default();
    digest.contains(':')
        && properties
            .values()
            .filter_map(|value| value.as_str())
            .any(|text| {
                text == digest
                    || text
                        .strip_suffix(digest)
                        .is_some_and(|rest| rest.ends_with('@'))
            })
}

impl Evidence {
    /// Returns whether a granted file on a base branch holds an image reference, also behind a name, `web=`, or its tag or
    /// digest alone.
    pub fn proves(
        &self,
        is_file: impl Fn(&BranchFile) -> bool,
        keys: &[&str],
        image: &str,
    ) -> bool {
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (image, None),
        };
        let last = name.rfind('/').map_or(0, |at| at + 1);
        let tag = name[last..].split_once(':').map(|(_, tag)| tag);
        // Some charts want the digest without its algorithm.
        let hex = digest.and_then(|digest| digest.strip_prefix("sha256:"));
        self.holds(is_file, keys, |value| {
            // An annotation may list an image under a name.
            let value = value.split_once('=').map_or(value, |(_, listed)| listed);
            value == image
                || digest.is_some() && (Some(value) == digest || Some(value) == hex)
                || digest.is_none() && Some(value) == tag
                || value.split_once('@').is_some_and(|(before, after)| {
                    Some(after) == digest && (before == name || Some(before) == tag)
                })
        })
    }
}
