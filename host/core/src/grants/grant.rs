//! One grant.

use serde::Deserialize;

use crate::gate::values::USUAL_KEYS;
use crate::grants::{Operation, Template};

/// One `[[grants]]` table of `promote.toml`. A list that is empty allows nothing, except for reads of any file or entity, and
/// for `head`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The allowed operations.
    pub allow: Vec<Operation>,
    /// Repositories, `owner/name`, exact.
    pub repository: Vec<String>,
    /// Files, as globs: `*` stays within a folder, `**` does not.
    pub path: Vec<Template>,
    /// Branches that a change may be for, exact.
    pub base: Vec<Template>,
    /// Branches that may be created and deleted, as globs; `promote/**` unless given.
    pub head: Vec<Template>,
    /// The part of a file that a proposal may change.
    pub changes: ChangeScope,
    /// Keys whose values a proposal may change, and that prove what a file holds; the usual ones unless given.
    pub keys: Vec<String>,
    /// Blueprints, exact.
    pub blueprint: Vec<String>,
    /// Entities, exact.
    pub entity: Vec<Template>,
    /// Properties that an update may set.
    pub properties: Vec<String>,
    /// Relations that an update may set.
    pub relations: Vec<String>,
    /// `after = "merge"`: whether the base branch must hold the image that the catalog is going to name.
    pub after_merge: bool,
    /// What it must hold then: the text for the entity that a relation points at, a template over that entity;
    /// `{identifier}` unless given.
    pub holds: Option<Template>,
    /// `in`: the files that must hold it, as globs; without it, the only pattern that may be proposed.
    pub evidence: Vec<Template>,
    /// The blueprint of the entities that a relation points at; the relation's name unless given.
    pub target: Option<String>,
    /// Images in registries, as globs over `host/path`; the host is exact.
    pub image: Vec<Template>,
    /// Labels that a pull request may be given, exact.
    pub labels: Vec<String>,
    /// People who may be asked for a review, exact.
    pub reviewers: Vec<String>,
    /// Teams that may be asked for a review, exact. To see them, an App needs a permission of the organisation.
    pub teams: Vec<String>,
}

impl Grant {
    /// Returns the keys whose values a proposal may change.
    pub fn value_keys(&self) -> Vec<&str> {
        if self.keys.is_empty() {
            return USUAL_KEYS.to_vec();
        }
        self.keys.iter().map(String::as_str).collect()
    }
}

/// The part of a file that a proposal may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeScope {
    /// The values of a few keys, each within its line; an image keeps its repository.
    #[default]
    Values,
    /// The same, and an image may be put in the place of another one.
    Images,
    /// Anything.
    Any,
}
