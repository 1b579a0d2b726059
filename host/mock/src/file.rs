//! World files: a [`World`] as TOML. `sample.toml` documents every key.
//!
//! Owns the form of the file and no rule: each entity, run and pull request goes through the checks of its service, and
//! an error names the line and the key.

mod access;
mod event;
mod folder;
mod github;
mod port;
mod registry;
mod repository;
mod rules;
mod workflow;

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

pub use event::EventFile;
pub(crate) use event::ThenFile;
pub use github::GitHubFile;
pub use port::PortFile;
pub use registry::RegistryFile;

use toml::Spanned;

use super::{ServiceFaults, World};

/// Why a world file is not one.
#[derive(Debug, thiserror::Error)]
pub enum WorldFileError {
    /// It is not TOML, or holds a key or a value that has no meaning here. The text names line, column and key.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// A value contradicts another one, or a rule of Port or GitHub. The error names its place.
    #[error("line {line}: {key}: {message}")]
    Meaning {
        /// The line of the file.
        line: usize,
        /// The key that is wrong.
        key: String,
        /// The reason, in words.
        message: String,
    },
}

/// A world file as it is written, before any rule of Port or GitHub is applied to it.
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
    registry: RegistryFile,
    #[serde(default)]
    faults: ServiceFaults,
    #[serde(default)]
    events: Vec<Spanned<EventFile>>,
}

impl World {
    /// Builds the world that a file describes. Paths in it are relative to the folder.
    ///
    /// Fails if the file is not one, or if what it says breaks the rules of Port or GitHub.
    pub fn from_toml(text: &str, folder: &Path) -> Result<Self, WorldFileError> {
        Self::of(toml::from_str(text)?, &FilePlace { text, folder })
    }

    /// Builds the world of a file that a program put together from several. It has no text, so line numbers in errors
    /// are always 1.
    pub fn assembled(file: WorldFile, folder: &Path) -> Result<Self, WorldFileError> {
        Self::of(file, &FilePlace { text: "", folder })
    }

    fn of(file: WorldFile, at: &FilePlace<'_>) -> Result<Self, WorldFileError> {
        let mut world = Self {
            now: file.start.unwrap_or_default(),
            faults: file.faults,
            ..Self::default()
        };
        file.port.build(at, world.now, &mut world.port)?;
        file.github.build(at, &mut world)?;
        file.registry.build(at, &mut world.registry)?;
        for event in file.events {
            event::schedule(at, event, &mut world)?;
        }
        Ok(world)
    }
}

/// The text of a world file and the folder that its paths start from.
struct FilePlace<'a> {
    text: &'a str,
    folder: &'a Path,
}

impl FilePlace<'_> {
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

/// Whether a text is a JSON object, where it might be the path of a file with one.
fn is_inline(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Asks whether the most similar of the known names was meant by one that is unknown; empty if none is similar.
fn meant<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> String {
    let similar = known
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .min();
    match similar {
        Some((distance, known)) if distance <= known.len() / 3 => {
            format!("; did you mean `{known}`?")
        }
        _ => String::new(),
    }
}

fn duration(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}
