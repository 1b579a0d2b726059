//! What an operator may decide, and nothing else: an unknown key is an error.
//!
//! The schema that the host checks settings against stands in `settings.schema.json`, the guide in `README.md`; a test
//! holds all three to the same keys and defaults.

use serde::{Deserialize, Deserializer, Serialize};

use crate::host::MergeMethod;
use crate::image::Reference;

/// JSON Schema of the settings.
pub const SCHEMA: &str = include_str!("../settings.schema.json");

/// The operator's settings. Each key is documented in `README.md`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub struct Settings {
    #[serde(default = "staging")]
    pub staging: String,
    #[serde(default = "production")]
    pub production: String,
    #[serde(default = "environment")]
    pub environment: String,
    #[serde(default = "runtime_blueprint")]
    pub runtime_blueprint: String,
    #[serde(default = "image")]
    pub image_blueprint: String,
    #[serde(default = "image")]
    pub image_relation: String,
    #[serde(default = "reference")]
    pub reference: String,
    #[serde(default)]
    pub repository: Option<String>,
    #[serde(default = "base")]
    pub base: String,
    #[serde(deserialize_with = "one_or_many")]
    pub manifest: Vec<Manifest>,
    #[serde(default)]
    pub mode: Mode,
    #[serde(default)]
    pub method: Method,
    #[serde(default)]
    pub checks: Checks,
    #[serde(default)]
    pub verify: Verify,
    #[serde(default = "yes")]
    pub supersede: bool,
    #[serde(default = "title")]
    pub title: String,
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    pub labels: Vec<String>,
    #[serde(default)]
    pub reviewers: Vec<String>,
    #[serde(default)]
    pub team_reviewers: Vec<String>,
    #[serde(default)]
    pub digest: Digest,
    #[serde(default = "digest_property")]
    pub digest_property: String,
    #[serde(default = "mutable_tags")]
    pub mutable_tags: Vec<String>,
    #[serde(default)]
    pub allow_other_repository: bool,
    #[serde(default)]
    pub allow_downgrade: bool,
    #[serde(default)]
    pub lock: Lock,
    #[serde(default)]
    pub freeze: Freeze,
    #[serde(default)]
    pub health: Health,
    #[serde(default)]
    pub soak: Soak,
    #[serde(default)]
    pub freshness: Freshness,
    #[serde(default)]
    pub people: People,
    #[serde(default)]
    pub provenance: Provenance,
}

/// One scalar to change in one file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub struct Manifest {
    pub path: String,
    pub image: String,
    #[serde(default)]
    pub part: Part,
    #[serde(default)]
    pub document: Document,
}

/// Which document of a file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub struct Document {
    pub kind: Option<String>,
    pub name: Option<String>,
}

/// Which part of the image's reference a scalar holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub enum Part {
    #[default]
    Reference,
    Repository,
    Tag,
    Digest,
}

/// How far a run goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub enum Mode {
    #[default]
    Merge,
    Checks,
    AutoMerge,
    PullRequest,
}

/// Which checks are waited for, and how long.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub struct Checks {
    pub names: Vec<String>,
    pub deadline: String,
    pub every: String,
}

/// What happens after the merge.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub struct Verify {
    pub enabled: bool,
    pub after: String,
    pub every: String,
    pub deadline: String,
    pub revert: bool,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            deadline: "10m".to_owned(),
            every: "15s".to_owned(),
        }
    }
}

impl Default for Verify {
    fn default() -> Self {
        Self {
            enabled: false,
            after: "30s".to_owned(),
            every: "15s".to_owned(),
            deadline: "10m".to_owned(),
            revert: false,
        }
    }
}

/// How to merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub enum Method {
    Merge,
    #[default]
    Squash,
    Rebase,
}

/// The lock on a service.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub struct Lock {
    pub enabled: bool,
    pub property: String,
    pub reason: String,
}

impl Default for Lock {
    fn default() -> Self {
        Self {
            enabled: true,
            property: "locked_in_prod".to_owned(),
            reason: "locked_reason_prod".to_owned(),
        }
    }
}

/// Whether the digest that the catalog knows is added to the reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub enum Digest {
    #[default]
    Ignore,
    Prefer,
    Require,
}

/// When nobody promotes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub struct Freeze {
    pub file: String,
    pub zone: String,
    pub windows: Vec<String>,
    pub holidays: Vec<String>,
    pub exempt: Vec<String>,
    pub hotfix_input: String,
}

/// What a healthy runtime looks like.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub struct Health {
    pub enabled: bool,
    pub property: String,
    pub value: String,
    pub sync_property: String,
    pub sync_value: String,
    pub manifest: String,
}

/// How long an image stays in staging.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub struct Soak {
    pub at_least: String,
    pub since: String,
}

/// What comes of a change between the click and the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub enum Freshness {
    Ignore,
    #[default]
    Report,
    Refuse,
}

/// Who may promote.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub struct People {
    pub users: Vec<String>,
    pub teams: Vec<String>,
    pub user_blueprint: String,
    pub four_eyes: bool,
    pub author: String,
}

/// Where an image must come from.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(
    missing_docs,
    reason = "documented in settings.schema.json, which operators see"
)]
pub struct Provenance {
    pub enabled: bool,
    pub repository: String,
    pub branch: String,
    pub commit: String,
}

impl Default for Freeze {
    fn default() -> Self {
        Self {
            file: String::new(),
            zone: "UTC".to_owned(),
            windows: Vec::new(),
            holidays: Vec::new(),
            exempt: Vec::new(),
            hotfix_input: String::new(),
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self {
            enabled: true,
            property: "healthStatus".to_owned(),
            value: "Healthy".to_owned(),
            sync_property: "syncStatus".to_owned(),
            sync_value: "Synced".to_owned(),
            manifest: String::new(),
        }
    }
}

impl Default for Soak {
    fn default() -> Self {
        Self {
            at_least: "0s".to_owned(),
            since: "{staging.updatedAt}".to_owned(),
        }
    }
}

impl Default for People {
    fn default() -> Self {
        Self {
            users: Vec::new(),
            teams: Vec::new(),
            user_blueprint: "_user".to_owned(),
            four_eyes: false,
            author: "{image.triggeredBy}".to_owned(),
        }
    }
}

impl Default for Provenance {
    fn default() -> Self {
        Self {
            enabled: false,
            repository: "{service.url}".to_owned(),
            branch: "main".to_owned(),
            commit: "{image.commitHash}".to_owned(),
        }
    }
}

fn yes() -> bool {
    true
}

fn title() -> String {
    "Promote {service.identifier} to {environment}: {reference}".to_owned()
}

fn digest_property() -> String {
    "digest".to_owned()
}

fn mutable_tags() -> Vec<String> {
    vec!["latest".to_owned()]
}

fn staging() -> String {
    "{service.relations.test_runtime}".to_owned()
}

fn production() -> String {
    "{service.relations.prod_runtime}".to_owned()
}

fn environment() -> String {
    "production".to_owned()
}

fn runtime_blueprint() -> String {
    "running_service".to_owned()
}

fn image() -> String {
    "image".to_owned()
}

fn reference() -> String {
    "{identifier}".to_owned()
}

fn base() -> String {
    "main".to_owned()
}

/// `manifest` is a table, or a list of tables that change together.
fn one_or_many<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<Manifest>, D::Error> {
    use serde::de::Error;
    let value = serde_json::Value::deserialize(source)?;
    let list = match value {
        serde_json::Value::Array(list) => list,
        one => vec![one],
    };
    if list.is_empty() {
        return Err(D::Error::custom("`manifest` is an empty list"));
    }
    list.into_iter()
        .map(|item| serde_json::from_value(item).map_err(D::Error::custom))
        .collect()
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names the key that is unknown, missing or of the wrong type.
    pub fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json)
            .and_then(|value: serde_json::Value| serde_json::from_value(value))
            .map_err(|error| format!("policy.settings: {error}"))
    }
}

impl Part {
    /// The text that stands in the manifest for an image; none if the reference has no such part.
    pub fn of(self, image: &Reference) -> Option<String> {
        match self {
            Self::Reference => Some(image.to_string()),
            Self::Repository => Some(image.repository.clone()),
            Self::Tag => image.tag.clone(),
            Self::Digest => image.digest.clone(),
        }
    }

    /// What people call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Repository => "repository",
            Self::Tag => "tag",
            Self::Digest => "digest",
        }
    }
}

impl From<Method> for MergeMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Merge => Self::Merge,
            Method::Squash => Self::Squash,
            Method::Rebase => Self::Rebase,
        }
    }
}
