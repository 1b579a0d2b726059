//! One grant, as the operator writes it.

use serde::Deserialize;

use super::Operation;
use crate::core::template::Template;

/// One `[[grants]]` table of `promote.toml`. A field that is left out does not restrict, except where `check` demands it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grant {
    /// What is allowed.
    #[serde(deserialize_with = "operations")]
    pub allow: Vec<Operation>,
    /// Repositories, `owner/name`, exact.
    #[serde(deserialize_with = "one_or_many")]
    pub repository: Vec<String>,
    /// Files, as globs: `*` stays within a folder, `**` does not.
    #[serde(deserialize_with = "one_or_many")]
    pub path: Vec<Template>,
    /// Branches that a change may be for, exact.
    #[serde(deserialize_with = "one_or_many")]
    pub base: Vec<Template>,
    /// Branches that may be created and deleted, as globs; `promote/**` unless given.
    #[serde(deserialize_with = "one_or_many")]
    pub head: Vec<Template>,
    /// How much of a file a proposal may change.
    pub changes: Changes,
    /// Blueprints, exact.
    #[serde(deserialize_with = "one_or_many")]
    pub blueprint: Vec<String>,
    /// Entities, exact.
    #[serde(deserialize_with = "one_or_many")]
    pub entity: Vec<Template>,
    /// Properties that an update may set.
    #[serde(deserialize_with = "one_or_many")]
    pub properties: Vec<String>,
    /// Relations that an update may set.
    #[serde(deserialize_with = "one_or_many")]
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

    /// Every template of the grant that is filled in from the request.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.path.iter().chain(&self.base).chain(&self.head).chain(&self.entity)
    }

    /// Checks that the fields fit the operations.
    ///
    /// # Errors
    /// Says which field is missing or has no meaning, and for which operation.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.allow.is_empty() {
            return Err("`allow` is empty; name at least one operation".to_owned());
        }
        let any = |of: fn(Operation) -> bool| self.allow.iter().any(|operation| of(*operation));
        let only = |operations: &[Operation]| self.allow.iter().any(|o| operations.contains(o));
        use Operation as O;
        let fields = [
            ("repository", !self.repository.is_empty(), any(O::is_github)),
            ("path", !self.path.is_empty(), only(&[O::ReadFile, O::Propose, O::Merge])),
            ("base", !self.base.is_empty(), only(&[O::Propose, O::Merge])),
            ("head", !self.head.is_empty(), only(&[O::Propose, O::Merge])),
            ("changes", self.changes != Changes::Values, only(&[O::Propose])),
            ("blueprint", !self.blueprint.is_empty(), any(O::is_port)),
            ("entity", !self.entity.is_empty(), only(&[O::GetEntity, O::UpdateEntity])),
            ("properties", !self.properties.is_empty(), only(&[O::UpdateEntity])),
            ("relations", !self.relations.is_empty(), only(&[O::UpdateEntity])),
            ("after", self.after.is_some(), only(&[O::UpdateEntity])),
            ("holds", self.holds.is_some(), only(&[O::UpdateEntity])),
        ];
        for (field, given, has_meaning) in fields {
            if given && !has_meaning {
                let names: Vec<&str> = self.allow.iter().map(|o| o.name()).collect();
                return Err(format!(
                    "`{field}` says nothing about {}; remove it or move it",
                    names.join(", ")
                ));
            }
        }
        self.check_required()
    }

    fn check_required(&self) -> Result<(), String> {
        use Operation as O;
        for operation in &self.allow {
            let name = operation.name();
            let need = |given: bool, field: &str| {
                given
                    .then_some(())
                    .ok_or_else(|| format!("`{name}` needs `{field}`: a grant without it would be too wide"))
            };
            if operation.is_github() {
                need(!self.repository.is_empty(), "repository")?;
            }
            if operation.is_port() {
                need(!self.blueprint.is_empty(), "blueprint")?;
            }
            match operation {
                O::Propose => {
                    need(!self.path.is_empty(), "path")?;
                    need(!self.base.is_empty(), "base")?;
                }
                O::Merge => need(!self.base.is_empty(), "base")?,
                O::UpdateEntity => {
                    need(!self.entity.is_empty(), "entity")?;
                    need(
                        !(self.properties.is_empty() && self.relations.is_empty()),
                        "properties` or `relations",
                    )?;
                }
                _ => {}
            }
        }
        if self.holds.is_some() && self.after.is_none() {
            return Err("`holds` has no meaning without `after = \"merge\"`".to_owned());
        }
        Ok(())
    }
}

fn operations<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Operation>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let mut allow = Vec::new();
    for name in names {
        allow.extend(Operation::named(&name).map_err(serde::de::Error::custom)?);
    }
    Ok(allow)
}

/// Takes `"a"` as `["a"]`.
fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: TryFrom<String, Error: std::fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text or a list of texts")]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    let texts = match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    };
    texts.into_iter().map(|text| T::try_from(text).map_err(serde::de::Error::custom)).collect()
}
