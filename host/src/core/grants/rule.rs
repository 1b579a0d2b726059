//! One grant.

use serde::Deserialize;

use super::Operation;
use crate::core::template::Template;

/// One `[[grants]]` table of `promote.toml`, which [`crate::request`] reads and checks. A list that is empty allows nothing, but
/// for reads of any file or entity, and for `head`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// What is allowed.
    pub allow: Vec<Operation>,
    /// Repositories, `owner/name`, exact.
    pub repository: Vec<String>,
    /// Files, as globs: `*` stays within a folder, `**` does not.
    pub path: Vec<Template>,
    /// Branches that a change may be for, exact.
    pub base: Vec<Template>,
    /// Branches that may be created and deleted, as globs; `promote/**` unless given.
    pub head: Vec<Template>,
    /// How much of a file a proposal may change.
    pub changes: Changes,
    /// Blueprints, exact.
    pub blueprint: Vec<String>,
    /// Entities, exact.
    pub entity: Vec<Template>,
    /// Properties that an update may set.
    pub properties: Vec<String>,
    /// Relations that an update may set.
    pub relations: Vec<String>,
    /// What must have happened first.
    pub after: Option<After>,
    /// With `after = "merge"`: the text that the base branch must hold for the entity that a relation points at, a
    /// template over that entity; `{identifier}` unless given.
    pub holds: Option<Template>,
}

/// What must have happened before a call is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// The base branch holds the image that the catalog is going to name.
    Merge,
}

/// How much of a file a proposal may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Changes {
    /// Only values, each within its line.
    #[default]
    Values,
    /// Anything.
    Any,
}

impl Grant {
    /// Whether it allows the operation on something.
    pub fn covers(&self, operation: Operation) -> bool {
        self.allow.contains(&operation)
    }
}
