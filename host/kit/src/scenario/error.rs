//! Errors in a scenario file: the line, the key, and the name that may have been meant.

use std::ops::Range;
use std::path::{Path, PathBuf};

pub(super) use promote_core::near::near;

/// A scenario file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It cannot be read.
    #[error("{path}: cannot be read: {why}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: std::io::Error,
    },
    /// It is not a scenario.
    #[error("{path}:{line}: {what}", path = path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The key, what is wrong with it, and what may have been meant.
        what: String,
    },
}

/// A file's text, for errors about it.
pub(super) struct ScenarioText<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl ScenarioText<'_> {
    /// The line of a place, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.text
            .get(..offset)
            .unwrap_or_default()
            .matches('\n')
            .count()
            + 1
    }

    /// Something is wrong at a place.
    pub(super) fn wrong(&self, at: &Range<usize>, what: impl Into<String>) -> ScenarioError {
        self.wrong_in(self.line(at.start), what)
    }

    fn wrong_in(&self, line: usize, what: impl Into<String>) -> ScenarioError {
        ScenarioError::Wrong {
            path: self.path.to_owned(),
            line,
            what: what.into(),
        }
    }

    /// It is no TOML, or holds a key or value that has no meaning.
    pub(super) fn syntax(&self, error: &toml::de::Error) -> ScenarioError {
        let line = self.line(error.span().unwrap_or_default().start);
        let message = error.message().trim_end();
        let key = self.text.lines().nth(line - 1).unwrap_or_default();
        let key = key.split('=').next().unwrap_or_default().trim();
        let key = if message.contains('`') || key.is_empty() || key.starts_with('[') {
            String::new()
        } else {
            format!("{key}: ")
        };
        self.wrong_in(line, format!("{key}{message}{}", hint(message)))
    }

    /// Returns an error that was found in the result of laying this file's `section` over another: its line is that of the first
    /// quoted name in the message that the section mentions, else the section's own.
    pub(super) fn laid(&self, section: &str, message: &str) -> ScenarioError {
        let lines = || self.text.lines().enumerate();
        let header = |line: &str| {
            let line = line.trim_start().trim_start_matches('[');
            line.strip_prefix(section)
                .is_some_and(|rest| rest.starts_with(['.', ']', ' ', '=']))
        };
        let start = lines()
            .find(|(_, line)| header(line))
            .map_or(0, |(at, _)| at);
        let names = message.split(['`', '"']).skip(1).step_by(2);
        let line = names
            .filter(|name| !name.is_empty())
            .find_map(|name| lines().skip(start).find(|(_, line)| line.contains(name)))
            .map_or(start, |(at, _)| at);
        self.wrong_in(line + 1, format!("{section}: {message}{}", hint(message)))
    }
}

/// Names what may have been meant by an unknown name, from serde's own words: `` unknown field `x`, expected one of `y`, `z` ``.
pub(super) fn hint(message: &str) -> String {
    let near = match message.split_once("unexpected keys in table: ") {
        // So it says of one of several tables, each with keys of its own.
        Some((_, keys)) => keys
            .split_once(", available keys: ")
            .and_then(|(unknown, known)| {
                near(
                    unknown.split(", ").next().unwrap_or_default(),
                    known.trim_end().split(", "),
                )
            }),
        None if message.contains("unknown") => {
            let mut names = message.split('`').skip(1).step_by(2);
            let unknown = names.next().unwrap_or_default();
            near(unknown, names)
        }
        None => None,
    };
    near.map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default()
}
