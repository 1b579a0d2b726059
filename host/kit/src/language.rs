//! The languages that a policy may be written in, as far as this program knows them. The contract knows none.

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

/// A language that there is a template and a way to build for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyLanguage {
    /// Rust, a component of about 100 KB
    Rust,
    /// JavaScript, on an embedded QuickJS, about 2 MB
    Js,
    /// TypeScript, as JavaScript, its types checked by the build
    Ts,
    /// Python, on an embedded CPython, about 19 MB
    Python,
}

impl PolicyLanguage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rust, Self::Js, Self::Ts, Self::Python];

    /// Returns its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Js => "JavaScript",
            Self::Ts => "TypeScript",
            Self::Python => "Python",
        }
    }

    /// The file that makes a folder a project of this language.
    pub fn manifest(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Js => "package.json",
            Self::Ts => "tsconfig.json",
            Self::Python => "pyproject.toml",
        }
    }

    /// Finds out what a folder is written in, by its manifest.
    ///
    /// # Errors
    /// When it holds none or several of them.
    pub fn of(folder: &Path) -> anyhow::Result<Self> {
        folder
            .read_dir()
            .with_context(|| format!("looking into {}", folder.display()))?;
        let is_there = |language: &Self| folder.join(language.manifest()).is_file();
        let mut found: Vec<Self> = Self::ALL.into_iter().filter(is_there).collect();
        // A project in TypeScript has the manifest of one in JavaScript, too.
        if found.contains(&Self::Ts) {
            found.retain(|language| *language != Self::Js);
        }
        match found[..] {
            [language] => Ok(language),
            [] => bail!(
                "{} is no policy project: it has no {}; `promote new NAME --lang rust` makes one",
                folder.display(),
                Self::ALL.map(Self::manifest).join(", no ")
            ),
            _ => {
                let manifests: Vec<&str> =
                    found.iter().map(|language| language.manifest()).collect();
                bail!(
                    "{} has {}: say which with `--lang`",
                    folder.display(),
                    manifests.join(" and ")
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_project_is_known_by_its_manifest() {
        for (files, expected) in [
            (&["Cargo.toml"][..], Ok(PolicyLanguage::Rust)),
            (&["package.json", "README.md"], Ok(PolicyLanguage::Js)),
            (&["package.json", "tsconfig.json"], Ok(PolicyLanguage::Ts)),
            (&["pyproject.toml"], Ok(PolicyLanguage::Python)),
            (
                &["README.md"],
                Err("is no policy project: it has no Cargo.toml, no package.json"),
            ),
            (
                &["package.json", "Cargo.toml"],
                Err("has Cargo.toml and package.json: say which"),
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for file in files {
                std::fs::write(folder.path().join(file), "").unwrap();
            }
            match (PolicyLanguage::of(folder.path()), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{files:?}: {found:?}"),
            }
        }
    }
}
