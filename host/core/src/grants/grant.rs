//! One grant.

use crate::grants::{Operation, Template};

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
    /// Whether a proposal may change anything in a file, not only values, each within its line.
    pub any_change: bool,
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
}
