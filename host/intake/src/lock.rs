//! `promote.lock`: what each component was when people reviewed it. Reading and holding to it; `promote lock` writes it.
//!
//! The digest binds. Contract, tier and authority stand beside it so that a review sees, line by line, what an update could
//! do that the version before could not.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

use crate::component::{ComponentRef, is_digest};
use promote_core::contract::CONTRACT;
use promote_core::policy::PolicyTier;

/// Version of the format; raised when a reader of the old one would misread the new.
const FORMAT: u32 = 1;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    format: u32,
    /// SHA-256 of the organisation's baseline, in hex, if the configuration has one.
    baseline: Option<String>,
    /// By reference, each once.
    #[serde(default, rename = "component")]
    pub components: Vec<LockedComponent>,
    /// The rules, in the order in which they are asked.
    #[serde(default, rename = "rule")]
    pub rules: Vec<LockedRule>,
}

/// One rule, and the reads that it needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedRule {
    /// Its name.
    pub name: String,
    /// Where it is written down.
    pub origin: String,
    /// Its component, as the configuration names it.
    pub component: String,
    /// The reads that it needs first, for a made-up service. They bind nobody: what a rule may read, the grants say.
    pub needs: Vec<String>,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedComponent {
    /// As `promote.toml` names it.
    pub reference: String,
    /// SHA-256 of the component, in hex; of `builtin` too, so that an upgrade of the host shows.
    pub sha256: String,
    /// Package and version of the contract that it was made for.
    pub contract: String,
    /// The smallest world that has all its imports.
    pub tier: PolicyTier,
    /// The functions of the contract that it imports and that need a grant.
    pub authority: Vec<String>,
}

/// The reason why a lock, or a component by it, is refused.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is there and cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// It is no lock.
    #[error("{}: {why}; `promote lock` writes it anew, for a review", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The fault.
        why: String,
    },
    /// The component is not in it.
    #[error("`{0}` is not in the lock: `promote lock` adds it, for a review")]
    Missing(String),
    /// It is another component.
    #[error(
        "`{reference}` has the SHA-256 {found}, and {locked} is locked: it is not the component that was reviewed; `promote lock` shows what it could do more, and locks it"
    )]
    Changed {
        /// As `promote.toml` names it.
        reference: String,
        /// What it is.
        found: String,
        /// The locked one.
        locked: String,
    },
    /// The organisation's baseline is another one, or missing.
    #[error(
        "the baseline that is locked is {locked}, and the configuration's is {found}: name the locked one in `[baseline]`, or have `promote lock` and a review change it"
    )]
    Baseline {
        /// SHA-256 of the locked one.
        locked: String,
        /// SHA-256 of the configuration's.
        found: String,
    },
    /// This host serves another contract.
    #[error(
        "`{0}` was locked for {1}, and this host serves {CONTRACT}: `promote lock` locks it anew, for a review"
    )]
    Contract(String, String),
}

impl Lock {
    /// Returns the path of a configuration's lock: beside it, by the same name with `.lock`.
    pub fn path(config: &Path) -> PathBuf {
        config.with_extension("lock")
    }

    /// A lock of these components.
    pub fn new(mut components: Vec<LockedComponent>) -> Self {
        components.sort_by(|one, other| one.reference.cmp(&other.reference));
        Self {
            format: FORMAT,
            baseline: None,
            components,
            rules: Vec::new(),
        }
    }

    /// The same lock with these rules.
    #[must_use]
    pub fn with_rules(self, rules: Vec<LockedRule>) -> Self {
        Self { rules, ..self }
    }

    /// The same lock of a configuration with this baseline.
    #[must_use]
    pub fn with_baseline(self, sha256: Option<String>) -> Self {
        Self {
            baseline: sha256,
            ..self
        }
    }

    /// Holds the baseline to the lock: a configuration that was locked with one does not run without it.
    ///
    /// # Errors
    /// When the configuration has another one, or none.
    pub fn check_baseline(&self, found: Option<&str>) -> Result<(), LockError> {
        if self.baseline.as_deref() == found {
            return Ok(());
        }
        Err(LockError::Baseline {
            locked: self.baseline.clone().unwrap_or_else(|| "none".to_owned()),
            found: found.unwrap_or("none").to_owned(),
        })
    }

    /// Reads the lock of a configuration, if there is one.
    ///
    /// # Errors
    /// When it is there and is no lock: then it is not as if there were none.
    pub fn read(path: &Path) -> Result<Option<Self>, LockError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(why) => {
                return Err(LockError::Read {
                    path: path.to_owned(),
                    why,
                });
            }
        };
        Self::parse(&text)
            .map(Some)
            .map_err(|why| LockError::Invalid {
                path: path.to_owned(),
                why,
            })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let lock: Self = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text[..span.start].matches('\n').count() + 1);
            format!("line {}: {}", line.unwrap_or(1), error.message())
        })?;
        if lock.format != FORMAT {
            return Err(format!(
                "its format is {}, and this version reads {FORMAT}",
                lock.format
            ));
        }
        let mut names: Vec<&str> = lock
            .components
            .iter()
            .map(|it| it.reference.as_str())
            .collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("`{}` is locked twice", twice[0]));
        }
        match lock.components.iter().find(|it| !is_digest(&it.sha256)) {
            Some(wrong) => Err(format!(
                "the `sha256` of `{}` is no SHA-256 in lowercase hex",
                wrong.reference
            )),
            None => Ok(lock),
        }
    }

    /// Finds the component that is locked under a name.
    ///
    /// # Errors
    /// When nothing is, or it was for another contract than this host's.
    pub fn of(&self, component: &ComponentRef) -> Result<&LockedComponent, LockError> {
        let name = component.to_string();
        let Some(locked) = self
            .components
            .iter()
            .find(|locked| locked.reference == name)
        else {
            return Err(LockError::Missing(name));
        };
        match locked.contract == CONTRACT {
            true => Ok(locked),
            false => Err(LockError::Contract(name, locked.contract.clone())),
        }
    }

    /// Holds a component to the lock, by its SHA-256.
    ///
    /// # Errors
    /// When it is not in the lock, or is another one there.
    pub fn check(&self, component: &ComponentRef, digest: &str) -> Result<(), LockError> {
        let locked = self.of(component)?;
        if locked.sha256 == digest {
            return Ok(());
        }
        let reference = component.to_string();
        Err(LockError::Changed {
            reference,
            found: digest.to_owned(),
            locked: locked.sha256.clone(),
        })
    }

    /// The text of the file: a line for each thing that a review should see change.
    pub fn print(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut text = format!(
            "# Written by `promote lock`, to be reviewed: what each component of promote.toml is, and could ever do.\n\
             format = {}\n",
            self.format
        );
        if let Some(baseline) = &self.baseline {
            let _ = writeln!(text, "baseline = {}", quoted(baseline));
        }
        for one in &self.components {
            let _ = write!(
                text,
                "\n[[component]]\nreference = {}\nsha256 = {}\ncontract = {}\ntier = {}\nauthority = [\n",
                quoted(&one.reference),
                quoted(&one.sha256),
                quoted(&one.contract),
                quoted(one.tier.name()),
            );
            for function in &one.authority {
                let _ = writeln!(text, "    {},", quoted(function));
            }
            text.push_str("]\n");
        }
        for one in &self.rules {
            let _ = write!(
                text,
                "\n[[rule]]\nname = {}\norigin = {}\ncomponent = {}\nneeds = [\n",
                quoted(&one.name),
                quoted(&one.origin),
                quoted(&one.component),
            );
            for need in &one.needs {
                let _ = writeln!(text, "    {},", quoted(need));
            }
            text.push_str("]\n");
        }
        text
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn locked(reference: &str) -> LockedComponent {
        LockedComponent {
            reference: reference.to_owned(),
            sha256: "0".repeat(64),
            contract: CONTRACT.to_owned(),
            tier: PolicyTier::Propose,
            authority: vec![
                "port-read.get-entity".to_owned(),
                "github-propose.propose".to_owned(),
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let rule = LockedRule {
            name: "incidents".to_owned(),
            origin: "promote.toml".to_owned(),
            component: "cel".to_owned(),
            needs: vec!["search incident".to_owned()],
        };
        let lock = Lock::new(vec![locked("policies/a \"b\".wasm"), locked("builtin")])
            .with_rules(vec![rule]);
        assert_eq!(Lock::parse(&lock.print()), Ok(lock.clone()));
        assert_eq!(lock.components[0].reference, "builtin");
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        let good = Lock::new(vec![locked("builtin")]).print();
        let cases = [
            (good.replace("format = 1", "format = 2"), "its format is 2"),
            (
                good.replace("tier = \"propose\"", "tier = \"root\""),
                "line 8: unknown variant `root`",
            ),
            (
                good.replace("tier =", "level ="),
                "line 8: unknown field `level`",
            ),
            (
                good.replace(&"0".repeat(64), &"A".repeat(64)),
                "the `sha256` of `builtin` is no",
            ),
            (
                format!("{good}{}", &good[good.find("\n[[").unwrap()..]),
                "`builtin` is locked twice",
            ),
            (String::new(), "line 1: missing field `format`"),
        ];
        for (text, expected) in cases {
            let error = Lock::parse(&text).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn holds_a_component_to_what_was_locked() {
        let other = LockedComponent {
            contract: "promote:policy@0.9.0".to_owned(),
            ..locked("old.wasm")
        };
        let lock = Lock::new(vec![locked("builtin"), other]);
        let check = |name: &str, digest: &str| {
            let component = ComponentRef::try_from(name.to_owned()).unwrap();
            lock.check(&component, digest)
                .map_err(|error| error.to_string())
        };
        let (same, another) = ("0".repeat(64), "1".repeat(64));
        assert_eq!(check("builtin", &same), Ok(()));
        let said = [
            (check("builtin", &another), "`builtin` has the SHA-256 1111"),
            (check("new.wasm", &same), "`new.wasm` is not in the lock"),
            (
                check("old.wasm", &same),
                "`old.wasm` was locked for promote:policy@0.9.0",
            ),
        ];
        for (result, expected) in said {
            let error = result.unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
