//! Grants as an operator writes them, and what is refused about them before anything runs.
//!
//! The core decides with what is read here, and allows nothing that no grant names; a grant that would say less, or more, than
//! its author can have meant is refused here.

use serde::{Deserialize, Deserializer};

use crate::grants::{ChangeScope, Grant, Grants, Operation, Template};
use crate::image;
use crate::near::near;

impl<'de> Deserialize<'de> for Grants {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let tables = Vec::<GrantTable>::deserialize(from)?;
        Ok(Self(
            tables.into_iter().map(|GrantTable(grant)| grant).collect(),
        ))
    }
}

#[derive(Deserialize)]
struct GrantTable(#[serde(with = "GrantFields")] Grant);

/// The table `[[grants]]`: what it leaves out is empty.
#[derive(Default, Deserialize)]
#[serde(remote = "Grant", deny_unknown_fields, default)]
struct GrantFields {
    #[serde(deserialize_with = "operations")]
    allow: Vec<Operation>,
    #[serde(deserialize_with = "one_or_many")]
    repository: Vec<String>,
    #[serde(deserialize_with = "one_or_many")]
    path: Vec<Template>,
    #[serde(deserialize_with = "one_or_many")]
    base: Vec<Template>,
    #[serde(deserialize_with = "one_or_many")]
    head: Vec<Template>,
    changes: ChangeScope,
    #[serde(deserialize_with = "one_or_many")]
    keys: Vec<String>,
    #[serde(deserialize_with = "one_or_many")]
    blueprint: Vec<String>,
    #[serde(deserialize_with = "one_or_many")]
    entity: Vec<Template>,
    #[serde(deserialize_with = "one_or_many")]
    properties: Vec<String>,
    #[serde(deserialize_with = "one_or_many")]
    relations: Vec<String>,
    #[serde(rename = "after", deserialize_with = "is_merge")]
    after_merge: bool,
    #[serde(deserialize_with = "some_template")]
    holds: Option<Template>,
    #[serde(rename = "in", deserialize_with = "one_or_many")]
    evidence: Vec<Template>,
    target: Option<String>,
    #[serde(deserialize_with = "one_or_many")]
    image: Vec<Template>,
    #[serde(deserialize_with = "one_or_many")]
    labels: Vec<String>,
    #[serde(deserialize_with = "one_or_many")]
    reviewers: Vec<String>,
    #[serde(deserialize_with = "one_or_many")]
    teams: Vec<String>,
}

/// Reads the event that must come before a call: there is only the merge.
fn is_merge<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum AfterName {
        Merge,
    }
    AfterName::deserialize(deserializer).map(|AfterName::Merge| true)
}

fn operations<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Operation>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let mut allow = Vec::new();
    for name in names {
        allow.extend(Operation::named(&name).map_err(serde::de::Error::custom)?);
    }
    Ok(allow)
}

fn some_template<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Template>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Template::parse(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
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
    texts
        .into_iter()
        .map(|text| T::try_from(text).map_err(serde::de::Error::custom))
        .collect()
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; Self::NAMES.len()] = {
        let mut all = [Self::Note; Self::NAMES.len()];
        let mut at = 0;
        while at < all.len() {
            all[at] = Self::NAMES[at].0;
            at += 1;
        }
        all
    };

    /// Returns the operations that a name in a grant stands for: one, or with `github.read` all that only read GitHub.
    ///
    /// # Errors
    /// Lists the names that there are.
    pub fn named(name: &str) -> Result<Vec<Self>, String> {
        let meant: Vec<Self> = Self::ALL
            .into_iter()
            .filter(|operation| {
                let known = operation.name();
                known == name || (name == "github.read" && known.starts_with("github.read-"))
            })
            .collect();
        if meant.is_empty() {
            let known = Self::ALL.map(Self::name);
            let hint = near(name, known.into_iter().chain(["github.read"]));
            let hint = hint.map(|near| format!("; did you mean `{near}`?"));
            return Err(format!(
                "unknown operation `{name}`; there are github.read, {}{}",
                known.join(", "),
                hint.unwrap_or_default()
            ));
        }
        Ok(meant)
    }

    /// Whether it is about a repository.
    pub fn is_github(self) -> bool {
        self.name().starts_with("github.")
    }

    /// Whether it is about entities.
    pub fn is_port(self) -> bool {
        self.name().starts_with("port.")
    }
}

impl Grants {
    /// Checks that every grant makes sense on its own.
    ///
    /// # Errors
    /// Names the grant (from 1) and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        for (index, grant) in self.0.iter().enumerate() {
            grant
                .check()
                .map_err(|what| format!("grant {}: {what}", index + 1))?;
        }
        Ok(())
    }

    /// The repositories that are named, sorted.
    pub fn repositories(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .0
            .iter()
            .flat_map(|grant| grant.repository.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The hosts of registries whose images may be read, sorted.
    pub fn registries(&self) -> Vec<String> {
        let hosts = self.0.iter().flat_map(|grant| &grant.image);
        let hosts = hosts.filter_map(|image| Some(image.source().split_once('/')?.0.to_owned()));
        let mut hosts: Vec<String> = hosts.collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// Whether an operation is granted on anything at all.
    pub fn mention(&self, operation: Operation) -> bool {
        self.0.iter().any(|grant| grant.covers(operation))
    }
}

impl Grant {
    /// Whether it allows the operation on something.
    pub fn covers(&self, operation: Operation) -> bool {
        self.allow.contains(&operation)
    }

    /// Checks that the fields fit the operations.
    ///
    /// # Errors
    /// Says which field is missing or has no meaning, and for which operation.
    fn check(&self) -> Result<(), String> {
        if self.allow.is_empty() {
            return Err("`allow` is empty; name at least one operation".to_owned());
        }
        for field in self.fields() {
            if field.is_given && self.first(field.applies).is_none() {
                let names: Vec<&str> = self
                    .allow
                    .iter()
                    .map(|operation| operation.name())
                    .collect();
                return Err(format!(
                    "`{}` says nothing about {}; remove it or move it",
                    field.name,
                    names.join(", ")
                ));
            }
            if let Some(operation) = self.first(field.needed)
                && !field.is_given
            {
                return Err(too_wide(operation, field.name));
            }
        }
        for image in &self.image {
            check_host(image.source())?;
        }
        if self.covers(Operation::UpdateEntity)
            && self.properties.is_empty()
            && self.relations.is_empty()
        {
            return Err(too_wide(
                Operation::UpdateEntity,
                "properties` or `relations",
            ));
        }
        let workflow = self.path.iter().find(|path| is_workflow(path.source()));
        if let Some(path) = workflow.filter(|_| self.covers(Operation::Propose)) {
            return Err(format!(
                "`{}` names workflow files: GitHub takes a change of them neither from GITHUB_TOKEN nor from the App's token \
                 that `promote` asks for, and a promotion has none to make; name the folder of the manifests",
                path.source()
            ));
        }
        for (name, is_given) in [
            ("holds", self.holds.is_some()),
            ("in", !self.evidence.is_empty()),
            ("target", self.target.is_some()),
        ] {
            if is_given && !self.after_merge {
                return Err(format!(
                    "`{name}` has no meaning without `after = \"merge\"`"
                ));
            }
        }
        Ok(())
    }

    /// Returns the first of the operations that is granted.
    fn first(&self, operations: &[Operation]) -> Option<Operation> {
        self.allow
            .iter()
            .copied()
            .find(|operation| operations.contains(operation))
    }

    fn fields(&self) -> [GrantField; 18] {
        use Operation as O;
        const GITHUB: &[O] = &[
            O::ReadFile,
            O::ReadPullRequest,
            O::ReadChecks,
            O::ReadRules,
            O::ReadCommits,
            O::ReadAttestations,
            O::Propose,
            O::Decorate,
            O::Merge,
            O::KeepStatus,
            O::KeepComment,
            O::KeepDeployment,
        ];
        const PORT: &[O] = &[O::GetEntity, O::Search, O::UpdateEntity];
        const BRANCH: &[O] = &[O::Propose, O::Merge, O::KeepStatus];
        const UPDATE: &[O] = &[O::UpdateEntity];
        let field = |name, is_given, applies, needed| GrantField {
            name,
            is_given,
            applies,
            needed,
        };
        [
            field("repository", !self.repository.is_empty(), GITHUB, GITHUB),
            field("blueprint", !self.blueprint.is_empty(), PORT, PORT),
            field(
                "path",
                !self.path.is_empty(),
                &[O::ReadFile, O::Propose, O::Merge],
                &[O::Propose],
            ),
            field("base", !self.base.is_empty(), BRANCH, BRANCH),
            field("head", !self.head.is_empty(), &[O::Propose, O::Merge], &[]),
            field(
                "changes",
                self.changes != ChangeScope::Values,
                &[O::Propose],
                &[],
            ),
            field("keys", !self.keys.is_empty(), &[O::Propose], &[]),
            field(
                "entity",
                !self.entity.is_empty(),
                &[O::GetEntity, O::UpdateEntity],
                UPDATE,
            ),
            field("properties", !self.properties.is_empty(), UPDATE, &[]),
            field("relations", !self.relations.is_empty(), UPDATE, &[]),
            field("after", self.after_merge, UPDATE, &[]),
            field("holds", self.holds.is_some(), UPDATE, &[]),
            field("in", !self.evidence.is_empty(), UPDATE, &[]),
            field("target", self.target.is_some(), UPDATE, &[]),
            field(
                "image",
                !self.image.is_empty(),
                &[O::ReadImage],
                &[O::ReadImage],
            ),
            field("labels", !self.labels.is_empty(), &[O::Decorate], &[]),
            field("reviewers", !self.reviewers.is_empty(), &[O::Decorate], &[]),
            field("teams", !self.teams.is_empty(), &[O::Decorate], &[]),
        ]
    }
}

/// Whether a pattern of paths begins in the folder that GitHub starts workflows from.
fn is_workflow(path: &str) -> bool {
    path.starts_with(".github/workflows/") || path == ".github/workflows"
}

/// A field of a grant, and the operations that it is about.
struct GrantField {
    name: &'static str,
    is_given: bool,
    /// The operations that it means something for.
    applies: &'static [Operation],
    /// The operations that would be too wide without it.
    needed: &'static [Operation],
}

/// The host of an image is the operator's word: no wildcard and no value of the catalog leads credentials elsewhere.
fn check_host(image: &str) -> Result<(), String> {
    let host = image.split_once('/').map(|(host, _)| host);
    if host.is_some_and(image::is_host) {
        return Ok(());
    }
    Err(format!(
        "`image` names no registry in `{image}`: write its host before the path, `ghcr.io/acme/*` for example"
    ))
}

fn too_wide(operation: Operation, field: &str) -> String {
    format!(
        "`{}` needs `{field}`: a grant without it would be too wide",
        operation.name()
    )
}
