//! What a run has seen and done, as far as later calls depend on it.
//!
//! Some grants are about order: the catalog may name an image only after the base branch holds it, and only what this
//! run proposed may be merged. The evidence for that is kept here, from the calls themselves.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::call::{Call, Reply};
use crate::contract::{Entity, EntityKey, Merged, Proposal, PullRequest, PullState, Relation};
use crate::grants::Resolved;

/// The evidence of one run.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Entities by identifier and blueprint.
    entities: BTreeMap<(String, String), Entity>,
    /// Content of files by repository, path and blob.
    files: BTreeMap<(String, String, String), String>,
    /// What base branches hold, by repository, base and path; only files that a grant lets a proposal change.
    base: BTreeMap<(String, String, String), String>,
    /// What this run proposed, by repository and number.
    proposed: BTreeMap<(String, u32), (Proposal, PullRequest)>,
    /// Head branches of pull requests that were proposed or read.
    heads: BTreeMap<(String, u32), String>,
    merged: bool,
}

impl Evidence {
    /// Takes note of a call that succeeded.
    pub fn observe(&mut self, grants: &Resolved, call: &Call, reply: &Reply) {
        match (call, reply) {
            (_, Reply::Entity(Some(entity)) | Reply::Updated(entity)) => self.entity(entity),
            (_, Reply::Entities(entities)) => {
                entities.iter().flatten().for_each(|e| self.entity(e))
            }
            (_, Reply::Found(entities)) => entities.iter().for_each(|e| self.entity(e)),
            (
                Call::ReadFile {
                    repository,
                    path,
                    revision,
                },
                Reply::File(Some(file)),
            ) => {
                let key = (repository.clone(), path.clone(), file.blob.clone());
                self.files.insert(key, file.content.clone());
                if grants.governs(repository, path, revision) {
                    let key = (repository.clone(), revision.clone(), path.clone());
                    self.base.insert(key, file.content.clone());
                }
            }
            (Call::Propose { proposal }, Reply::PullRequest(pull)) => {
                self.head_of(&proposal.repository, pull);
                let key = (proposal.repository.clone(), pull.number);
                self.proposed.insert(key, (proposal.clone(), pull.clone()));
                if pull.state == PullState::Merged {
                    self.merge(&proposal.repository, pull.number);
                }
            }
            (Call::GetPullRequest { repository, .. }, Reply::PullRequest(pull)) => {
                self.head_of(repository, pull);
            }
            (Call::FindPullRequests { repository, .. }, Reply::PullRequests(pulls)) => {
                pulls.iter().for_each(|pull| self.head_of(repository, pull));
            }
            (
                Call::Merge {
                    repository, number, ..
                }
                | Call::MergeWhenReady {
                    repository, number, ..
                },
                Reply::Merged(Merged::Now(_)),
            ) => self.merge(repository, *number),
            _ => {}
        }
    }

    /// The content of a file, if this run has read that blob at that path.
    pub fn file(&self, repository: &str, path: &str, blob: &str) -> Option<&str> {
        let key = (repository.to_owned(), path.to_owned(), blob.to_owned());
        self.files.get(&key).map(String::as_str)
    }

    /// What this run proposed under that number.
    pub fn proposed(&self, repository: &str, number: u32) -> Option<(&Proposal, &PullRequest)> {
        self.proposed
            .get(&(repository.to_owned(), number))
            .map(|(proposal, pull)| (proposal, pull))
    }

    /// The head branch of a pull request that this run has proposed or read.
    pub fn head(&self, repository: &str, number: u32) -> Option<&str> {
        self.heads
            .get(&(repository.to_owned(), number))
            .map(String::as_str)
    }

    /// Whether this run has proposed or read a pull request of this number, in any repository.
    pub fn knows_pull_request(&self, number: u32) -> bool {
        self.heads.keys().any(|(_, known)| *known == number)
    }

    /// The entity with this identifier, if this run has read exactly one such, whatever its blueprint.
    pub fn entity_named(&self, identifier: &str) -> Option<&Entity> {
        let mut found = self
            .entities
            .values()
            .filter(|entity| entity.key.identifier == identifier);
        found.next().filter(|_| found.next().is_none())
    }

    /// Whether a granted file on a base branch is known to hold the text as a whole token.
    pub fn base_holds(&self, text: &str) -> bool {
        !text.is_empty() && self.base.values().any(|content| holds_token(content, text))
    }

    /// Whether something was merged in this run.
    pub fn has_merged(&self) -> bool {
        self.merged
    }

    fn entity(&mut self, entity: &Entity) {
        let EntityKey {
            blueprint,
            identifier,
        } = entity.key.clone();
        self.entities
            .insert((identifier, blueprint), entity.clone());
    }

    fn head_of(&mut self, repository: &str, pull: &PullRequest) {
        self.heads
            .insert((repository.to_owned(), pull.number), pull.head.clone());
    }

    fn merge(&mut self, repository: &str, number: u32) {
        self.merged = true;
        let Some((proposal, _)) = self.proposed.get(&(repository.to_owned(), number)) else {
            return;
        };
        for change in &proposal.changes {
            let key = (
                repository.to_owned(),
                proposal.base.clone(),
                change.path.clone(),
            );
            self.base.insert(key, change.content.clone());
        }
    }
}

/// The entity as templates see it, in grants as in the settings of a policy: its own fields, `properties` and `relations`.
pub fn entity_context(entity: &Entity) -> Value {
    let properties: Map<String, Value> =
        serde_json::from_str(&entity.properties).unwrap_or_default();
    let relation = |relation: &Relation| match &relation.targets[..] {
        [] => (relation.name.clone(), Value::Null),
        [one] => (relation.name.clone(), json!(one)),
        targets => (relation.name.clone(), json!(targets)),
    };
    let relations: Value = entity.relations.iter().map(relation).collect();
    json!({
        "identifier": entity.key.identifier,
        "blueprint": entity.key.blueprint,
        "title": entity.title,
        "teams": entity.teams,
        "updatedAt": entity.updated_at,
        "properties": properties,
        "relations": relations,
    })
}

/// Whether the text stands in the content with nothing of a longer name, tag or digest directly before or after it.
fn holds_token(content: &str, text: &str) -> bool {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    content.match_indices(text).any(|(at, found)| {
        let before = content[..at].chars().next_back();
        let after = content[at + found.len()..].chars().next();
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_whole_or_not_at_all() {
        let manifest = "image: ghcr.io/acme/web:1.4.2 # now\n";
        for (text, expected) in [
            ("ghcr.io/acme/web:1.4.2", true),
            ("1.4.2", true),
            ("1.4", false),
            ("1.4.20", false),
            ("web", true),
            ("eb:1.4.2", false),
        ] {
            assert_eq!(holds_token(manifest, text), expected, "{text}");
        }
    }
}
