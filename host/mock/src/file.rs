//! World files: a [`World`] as TOML. `sample.toml` documents the format.
//!
//! Whatever the file says is checked by the rules of the services themselves, and an error names line and key.

#![expect(missing_docs, reason = "`sample.toml` documents every key")]

mod access;
pub mod event;
mod folder;
mod github;
mod port;
mod repository;
mod rules;

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

pub use event::{EventFile, ThenFile};
pub use github::GitHubFile;
pub use port::PortFile;

use toml::Spanned;

use super::{Faults, World};

/// Why a world file is not one.
#[derive(Debug, thiserror::Error)]
pub enum WorldFileError {
    /// It is not TOML, or holds a key or a value that has no meaning here. The text names line, column and key.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// What it says does not fit together.
    #[error("line {line}: {key}: {message}")]
    Meaning {
        /// The line of the file.
        line: usize,
        /// The key that is wrong.
        key: String,
        /// What is wrong with it.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WorldFile {
    #[serde(default)]
    start: Option<Timestamp>,
    #[serde(default)]
    port: PortFile,
    #[serde(default)]
    github: GitHubFile,
    #[serde(default)]
    faults: Faults,
    #[serde(default)]
    events: Vec<Spanned<EventFile>>,
}

impl World {
    /// The world of a file. Paths in it are relative to the folder.
    ///
    /// Fails if the file is not one, or if what it says breaks the rules of Port or GitHub.
    pub fn from_toml(text: &str, folder: &Path) -> Result<Self, WorldFileError> {
        Self::of(toml::from_str(text)?, &Place { text, folder })
    }

    /// The world of a file that was put together from several and that nobody has seen: lines in errors mean nothing.
    pub fn assembled(file: WorldFile, folder: &Path) -> Result<Self, WorldFileError> {
        Self::of(file, &Place { text: "", folder })
    }

    fn of(file: WorldFile, at: &Place<'_>) -> Result<Self, WorldFileError> {
        let mut world = Self {
            now: file.start.unwrap_or_default(),
            faults: file.faults,
            ..Self::default()
        };
        file.port.build(at, world.now, &mut world.port)?;
        file.github.build(at, &mut world)?;
        for event in file.events {
            event::schedule(at, event, &mut world)?;
        }
        Ok(world)
    }
}

/// Where a file is and what it says, for errors.
struct Place<'a> {
    text: &'a str,
    folder: &'a Path,
}

impl Place<'_> {
    fn error(&self, offset: usize, key: &str, message: impl Into<String>) -> WorldFileError {
        let before = self.text.get(..offset).unwrap_or_default();
        WorldFileError::Meaning {
            line: before.matches('\n').count() + 1,
            key: key.to_owned(),
            message: message.into(),
        }
    }

    fn read(&self, offset: usize, key: &str, file: &str) -> Result<String, WorldFileError> {
        std::fs::read_to_string(self.folder.join(file))
            .map_err(|error| self.error(offset, key, format!("cannot read {file}: {error}")))
    }
}

fn duration(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}
