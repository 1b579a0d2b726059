//! The decisions of an operator, and nothing else: an unknown key is an error.
//!
//! `settings.schema.json` is the one place for names, types, words and defaults: `schema` checks settings against it and
//! fills them in from it, and what is left to do here is to name the parts. The guide is `README.md`; a test holds all
//! three to each other.

mod manifest;
mod schema;

use serde_json::Value;

use crate::calendar::FreezeCalendar;
use crate::host::MergeMethod;

/// JSON Schema of the settings.
pub const SCHEMA: &str = include_str!("../settings.schema.json");

/// Takes its value out of settings that fit the schema.
trait SettingValue {
    fn take(value: &Value) -> Self;
}

/// Returns the key of a field: its name, without the mark of one that is a word of Rust.
const fn key_of(field: &str) -> &str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// A struct whose fields are the keys of an object.
macro_rules! object {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[allow(missing_docs, reason = "documented in settings.schema.json, which operators see")]
        pub struct $name { $(pub $field: $kind,)* }

        impl $name {
            /// The keys that the code knows.
            pub const KEYS: &[&str] = &[$(key_of(stringify!($field))),*];
        }

        impl SettingValue for $name {
            fn take(value: &Value) -> Self {
                Self { $($field: SettingValue::take(&value[key_of(stringify!($field))]),)* }
            }
        }
    };
}

/// An enumeration; the first word stands for what no schema lets through.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $first:ident = $first_word:literal, $($variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "documented in settings.schema.json, which operators see")]
        pub enum $name { $first, $($variant,)* }

        impl $name {
            /// The words that the code knows.
            pub const WORDS: &[&str] = &[$first_word, $($word),*];

            /// Its word in the settings.
            pub fn word(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl SettingValue for $name {
            fn take(value: &Value) -> Self {
                match value.as_str() {
                    $(Some($word) => Self::$variant,)*
                    _ => Self::$first,
                }
            }
        }
    };
}

object! {
    /// The operator's settings. Each key is documented in `README.md`.
    Settings {
        staging: Vec<String>,
        production: Vec<String>,
        environment: String,
        chain: Vec<Link>,
        runtime_blueprint: String,
        image_blueprint: String,
        image_relation: String,
        image: String,
        reference: String,
        digest: Digest,
        exists: Exists,
        digest_property: String,
        repository: Option<String>,
        base: String,
        manifest: Vec<Manifest>,
        mode: Mode,
        method: Method,
        checks: Checks,
        verify: Verify,
        supersede: bool,
        newer: Newer,
        title: String,
        body: String,
        commits: bool,
        portal: String,
        labels: Vec<String>,
        reviewers: Vec<String>,
        team_reviewers: Vec<String>,
        mutable_tags: Vec<String>,
        allow_other_repository: bool,
        allow_downgrade: bool,
        rollback: Rollback,
        lock: Lock,
        freeze: Freeze,
        health: Health,
        soak: Soak,
        freshness: Freshness,
        people: People,
        approvals: Vec<ApprovalSettings>,
        provenance: ProvenanceSettings,
    }
}

object! {
    /// One environment of a chain.
    Link { name: String, runtime: String, }
}

object! {
    /// Which runs go back.
    Rollback { enabled: bool, input: String, rules: Vec<RollbackRule>, again: String, }
}

words! {
    /// A rule that may stop a way back too.
    RollbackRule { Lock = "lock", Freeze = "freeze", }
}

object! {
    /// One image in one file.
    Manifest {
        path: Option<String>,
        image: Option<String>,
        part: Option<Part>,
        kustomize: Option<String>,
        name: Option<String>,
        helm_values: Option<String>,
        argocd_application: Option<String>,
        at: Option<String>,
        kubernetes: Option<String>,
        container: Option<String>,
        document: DocumentChoice,
        registry: Option<String>,
        shared: bool,
    }
}

object! {
    /// Which document of a file.
    DocumentChoice { kind: Option<String>, name: Option<String>, namespace: Option<String>, index: Option<usize>, }
}

words! {
    /// Which part of the image's reference a scalar holds.
    Part {
        Reference = "reference",
        Registry = "registry",
        Repository = "repository",
        Tag = "tag",
        Digest = "digest",
        TagDigest = "tag@digest",
    }
}

words! {
    /// What becomes of the digest that the catalog knows.
    Digest {
        Keep = "keep",
        Ignore = "ignore",
        Prefer = "prefer",
        Require = "require",
        Resolve = "resolve",
    }
}

words! {
    /// When the registry is asked whether it has the image.
    Exists { Never = "never", Granted = "granted", Always = "always", }
}

words! {
    /// How far a run goes.
    Mode { PullRequest = "pull-request", Merge = "merge", Checks = "checks", AutoMerge = "auto-merge", }
}

words! {
    /// How to merge.
    Method { Squash = "squash", Merge = "merge", Rebase = "rebase", }
}

words! {
    /// What becomes of a promotion that waits once staging runs another image.
    Newer { Keep = "keep", Replace = "replace", }
}

object! {
    /// Which checks are waited for, and how long.
    Checks { names: Vec<String>, deadline: String, every: String, }
}

object! {
    /// What happens after the merge.
    Verify {
        enabled: bool,
        revision: String,
        image: String,
        degraded: String,
        deadline: String,
        revert: bool,
    }
}

object! {
    /// The lock on a service.
    Lock { enabled: bool, property: String, reason: String, }
}

words! {
    /// What becomes of a promotion that is kept away for a while.
    OnNo { Refuse = "refuse", Wait = "wait", }
}

object! {
    /// When nobody promotes.
    Freeze {
        file: String,
        zone: String,
        windows: Vec<String>,
        holidays: Vec<String>,
        exempt: Vec<String>,
        hotfix_input: String,
        on_no: OnNo,
    }
}

object! {
    /// What a healthy runtime looks like.
    Health {
        enabled: bool,
        property: String,
        value: String,
        sync_property: String,
        sync_value: String,
        manifest: String,
        on_no: OnNo,
    }
}

object! {
    /// How long an image stays in staging.
    Soak { at_least: String, since: String, on_no: OnNo, }
}

words! {
    /// What comes of a change between the click and the run.
    Freshness { Refuse = "refuse", Report = "report", Ignore = "ignore", }
}

object! {
    /// Who may promote.
    People {
        users: Vec<String>,
        teams: Vec<String>,
        user_blueprint: String,
        four_eyes: bool,
        on_no: OnNo,
        author: String,
        author_from: AuthorSource,
        login: Option<String>,
    }
}

words! {
    /// Who counts as the author of an image.
    AuthorSource { Catalog = "catalog", PullRequest = "pull-request", }
}

object! {
    /// Approvals that a promotion needs.
    ApprovalSettings { of: ApprovedThing, count: usize, environment: Option<String>, }
}

words! {
    /// What must be approved.
    ApprovedThing {
        PullRequest = "pull-request",
        Image = "image",
        Environment = "environment",
        Port = "port",
    }
}

object! {
    /// Where an image must come from.
    ProvenanceSettings {
        enabled: bool,
        repository: String,
        branch: String,
        commit: String,
        built_by: Option<String>,
        r#ref: Option<String>,
        issuer: String,
        kept: Keeper,
    }
}

words! {
    /// Who keeps the attestations.
    Keeper { GitHub = "github", Registry = "registry", }
}

impl SettingValue for String {
    fn take(value: &Value) -> Self {
        value.as_str().unwrap_or_default().to_owned()
    }
}

impl SettingValue for usize {
    fn take(value: &Value) -> Self {
        value
            .as_u64()
            .and_then(|number| Self::try_from(number).ok())
            .unwrap_or_default()
    }
}

impl SettingValue for bool {
    fn take(value: &Value) -> Self {
        value.as_bool().unwrap_or_default()
    }
}

impl<T: SettingValue> SettingValue for Option<T> {
    fn take(value: &Value) -> Self {
        (!value.is_null()).then(|| T::take(value))
    }
}

impl<T: SettingValue> SettingValue for Vec<T> {
    /// One value stands for a list of one, as `manifest` may.
    fn take(value: &Value) -> Self {
        match value {
            Value::Array(items) => items.iter().map(T::take).collect(),
            one => vec![T::take(one)],
        }
    }
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names the key that is unknown, missing or of the wrong type.
    pub fn parse(json: &str) -> Result<Self, String> {
        let settings = Self::take(&Self::filled(json)?);
        for (at, manifest) in settings.manifest.iter().enumerate() {
            let what = |what| format!("policy.settings.manifest[{at}] {what}");
            let located = manifest.located().map_err(what)?;
            located
                .search(manifest, |text| Ok(text.to_owned()))
                .map_err(what)?;
        }
        for (at, approval) in settings.approvals.iter().enumerate() {
            let what = |what| format!("policy.settings.approvals[{at}] {what}");
            approval.check().map_err(what)?;
        }
        FreezeCalendar::read(&settings.freeze)
            .map_err(|what| format!("policy.settings.freeze.{what}"))?;
        Ok(settings)
    }

    /// Whether something in these settings needs the grant to search images.
    pub fn searches_images(&self) -> bool {
        let goes_back = self.rollback.enabled || !self.rollback.input.is_empty();
        goes_back || (self.verify.enabled && self.verify.revert)
    }

    /// The settings as they are with every default filled in.
    ///
    /// # Errors
    /// As [`Settings::parse`].
    pub fn filled(json: &str) -> Result<Value, String> {
        let read = |text: &str| {
            serde_json::from_str(text).map_err(|error| format!("policy.settings: {error}"))
        };
        let (schema, mut settings) = (read(SCHEMA)?, read(json)?);
        schema::fit(&schema, &schema, &mut settings, "policy.settings")?;
        Ok(settings)
    }
}

impl ApprovalSettings {
    /// Refuses what nobody can have meant.
    fn check(&self) -> Result<(), &'static str> {
        match (self.of, self.count, &self.environment) {
            (_, 0, _) => Err("has `count = 0`: leave it out if nobody must approve"),
            (ApprovedThing::Port, 2.., _) => {
                Err("asks for several approvals in Port, which tells of one")
            }
            (ApprovedThing::Environment, _, _) | (_, _, None) => Ok(()),
            _ => Err("has `environment`, which means something with `of = \"environment\"` only"),
        }
    }
}

impl Part {
    /// Its name for people.
    pub fn noun(self) -> &'static str {
        match self {
            Self::TagDigest => "tag with the digest",
            other => other.word(),
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
