//! `promote.toml`: which policy, with which settings, grants and limits. The operator's word, and the only one.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::limits::Table;
use crate::core::ending::Report;
use crate::core::grants::Grants;
use crate::core::limits::Limits;
use crate::policy::Tier;

/// The whole file. An unknown key is an error: a misspelt grant must not pass for an absent one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[policy]`
    pub policy: PolicyConfig,
    /// `[port]`
    pub port: PortConfig,
    /// `[[grants]]`
    pub grants: Grants,
    /// `[limits]`
    #[serde(with = "Table")]
    pub limits: Limits,
}

/// `[policy]`: the component and its settings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// `builtin` or a path, relative to the file; `builtin` unless given.
    pub component: ComponentRef,
    /// What the component's SHA-256 must be, in hex.
    pub sha256: Option<String>,
    /// The most that the component may be able to do: `observe`, `propose` or `promote`, which is meant unless given.
    pub tier: Option<Tier>,
    /// The policy's settings, whatever it takes.
    pub settings: toml::Table,
}

/// Where a component comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum ComponentRef {
    /// The default policy, which is part of the binary.
    #[default]
    Builtin,
    /// A file.
    Path(PathBuf),
}

impl From<String> for ComponentRef {
    fn from(text: String) -> Self {
        match text.as_str() {
            "builtin" => Self::Builtin,
            path => Self::Path(path.into()),
        }
    }
}

/// `[port]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PortConfig {
    /// Who sets the status of the Port run.
    pub report: Report,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {why}; `--config FILE` names another", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{path}: {why}", path = path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, key and reason.
        why: String,
    },
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Names the file, and the line or grant that is wrong.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|why| ConfigError::Read { path: path.to_owned(), why })?;
        Self::parse(&text).map_err(|why| ConfigError::Invalid { path: path.to_owned(), why })
    }

    /// Reads and checks a text.
    ///
    /// # Errors
    /// Names the line or grant that is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let at = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            format!("{at}{}", error.message())
        })?;
        config.grants.check()?;
        Ok(config)
    }

    /// The settings as the policy gets them, JSON text.
    pub fn settings(&self) -> String {
        serde_json::to_string(&self.policy.settings).unwrap_or_else(|_| "{}".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_grants_nothing() {
        let config = Config::parse("").unwrap_or_default();
        assert!(config.grants.0.is_empty());
        assert_eq!(config.policy.component, ComponentRef::Builtin);
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_line() {
        let cases = [
            ("[policy]\ncomponent = \"builtin\"\nsetting = 1\n", "line 3: unknown field `setting`"),
            ("[grant]\n", "line 1: unknown field `grant`"),
            ("[limits]\nmemory = 64\n", "line 2: invalid type: integer `64`"),
            ("\n[[grants]]\nallow = [\"port.read\"]\n", "line 3: unknown operation `port.read`"),
            (
                "[[grants]]\nallow = [\"github.merge\"]\nrepository = \"a/b\"\n",
                "grant 1: `github.merge` needs `base`",
            ),
        ];
        for (text, expected) in cases {
            let error = Config::parse(text).err().unwrap_or_default();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
