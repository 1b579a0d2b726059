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
        let any = |of: fn(Operation) -> bool| self.allow.iter().copied().find(|operation| of(*operation));
        let only = |operations: &[Operation]| self.allow.iter().copied().find(|o| operations.contains(o));
        use Operation as O;
        // The field, whether it is given, an operation that it has a meaning for, and one that is too wide without it.
        let fields = [
            ("repository", !self.repository.is_empty(), any(O::is_github), any(O::is_github)),
            ("blueprint", !self.blueprint.is_empty(), any(O::is_port), any(O::is_port)),
            ("path", !self.path.is_empty(), only(&[O::ReadFile, O::Propose, O::Merge]), only(&[O::Propose])),
            ("base", !self.base.is_empty(), only(&[O::Propose, O::Merge]), only(&[O::Propose, O::Merge])),
            ("head", !self.head.is_empty(), only(&[O::Propose, O::Merge]), None),
            ("changes", self.changes != Changes::Values, only(&[O::Propose]), None),
            (
                "entity",
                !self.entity.is_empty(),
                only(&[O::GetEntity, O::UpdateEntity]),
                only(&[O::UpdateEntity]),
            ),
            ("properties", !self.properties.is_empty(), only(&[O::UpdateEntity]), None),
            ("relations", !self.relations.is_empty(), only(&[O::UpdateEntity]), None),
            ("after", self.after.is_some(), only(&[O::UpdateEntity]), None),
            ("holds", self.holds.is_some(), only(&[O::UpdateEntity]), None),
        ];
        for (field, given, means, _) in fields {
            if given && means.is_none() {
                let names = self.allow.iter().map(|o| o.name()).collect::<Vec<_>>().join(", ");
                return Err(format!("`{field}` says nothing about {names}; remove it or move it"));
            }
        }
        let changes_nothing = self.properties.is_empty() && self.relations.is_empty();
        let what = only(&[O::UpdateEntity]).filter(|_| changes_nothing);
        let needs = fields.iter().map(|(field, given, _, needs)| (*field, needs.filter(|_| !given)));
        for (field, needs) in needs.chain([("properties` or `relations", what)]) {
            if let Some(operation) = needs {
                let name = operation.name();
                return Err(format!("`{name}` needs `{field}`: a grant without it would be too wide"));
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
