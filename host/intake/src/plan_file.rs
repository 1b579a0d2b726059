//! A plan as a file: what was approved, and for what. `promote plan --out` writes it, `promote run --plan` keeps to it.
//!
//! JSON, one object, format 1; an unknown key is an error, and so is a write that this version would not have written so.
//! Whoever can change the file can change what is approved: keep it as safe as the approval.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use promote_core::contract::CONTRACT;
use promote_core::journal::digest;
use promote_core::source::approved::PlannedWrite;

/// Version of the format; raised when a reader of the old one would misread the new.
const FORMAT: u32 = 1;

/// No plan is larger: what it writes has a limit.
const LARGEST: u64 = 64 << 20;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlanFile {
    /// 1.
    pub format: u32,
    /// Version of the host.
    pub host: String,
    /// Package and version of the contract.
    pub contract: String,
    /// When the plan was made.
    pub made_at: Timestamp,
    /// The run that it is for.
    #[serde(rename = "for")]
    pub target: PlanTarget,
    /// The ending of the run, in a word.
    pub outcome: String,
    /// The ending of the run, for people.
    pub message: String,
    /// The writes that it will make, in order; log lines are left out.
    pub writes: Vec<PlannedWrite>,
}

/// The run that a plan is for: it fits no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlanTarget {
    /// Port's identifier of the run.
    pub run: String,
    /// SHA-256 of `promote.toml`.
    pub config: String,
    /// SHA-256 of the component.
    pub component: String,
}

/// The reason why a plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not one.
    #[error("it is not a plan: {0}")]
    Invalid(String),
    /// It is of another version.
    #[error("it has the {what} {found}, and this version has {expected}: plan again")]
    Version {
        /// The difference.
        what: &'static str,
        /// In the file.
        found: String,
        /// Here.
        expected: String,
    },
    /// It is for something else.
    #[error(
        "it is for another {what} ({found}, here {expected}): plan again, and have that approved"
    )]
    Other {
        /// The difference.
        what: &'static str,
        /// In the file.
        found: String,
        /// Here.
        expected: String,
    },
}

impl PlanTarget {
    /// Names a Port run and the text of a configuration. The component is chosen later; who, what and the inputs are Port's
    /// word on the run, which does not change.
    pub fn new(run: &str, config: &[u8]) -> Self {
        Self {
            run: run.to_owned(),
            config: digest(config),
            component: String::new(),
        }
    }
}

impl PlanFile {
    /// A plan that was just made.
    pub fn new(
        target: PlanTarget,
        outcome: &str,
        message: &str,
        writes: Vec<PlannedWrite>,
        now: Timestamp,
    ) -> Self {
        Self {
            format: FORMAT,
            host: env!("CARGO_PKG_VERSION").to_owned(),
            contract: CONTRACT.to_owned(),
            made_at: now,
            target,
            outcome: outcome.to_owned(),
            message: message.to_owned(),
            writes,
        }
    }

    /// Writes it into a new file that only the user can read: an approved plan is never replaced.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), PlanError> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::from)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        Ok(file.sync_all()?)
    }

    /// Reads a file that is for this run, and its SHA-256.
    ///
    /// # Errors
    /// When it is not a plan, of another version, or for something else.
    pub fn read(path: &Path, target: &PlanTarget) -> Result<(Self, String), PlanError> {
        let mut text = String::new();
        std::fs::File::open(path)?
            .take(LARGEST)
            .read_to_string(&mut text)?;
        let plan = Self::parse(&text)?;
        plan.target.check(target)?;
        Ok((plan, digest(text.as_bytes())))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// When it is not a plan, or of another version.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        let invalid = |error: serde_json::Error| PlanError::Invalid(error.to_string());
        let raw: Value = serde_json::from_str(text).map_err(invalid)?;
        let version = |what, found: String, expected: String| match found == expected {
            true => Ok(()),
            false => Err(PlanError::Version {
                what,
                found,
                expected,
            }),
        };
        version("format", raw["format"].to_string(), FORMAT.to_string())?;
        let plan: Self = serde_json::from_value(raw.clone()).map_err(invalid)?;
        version("contract", plan.contract.clone(), CONTRACT.to_owned())?;
        // Calls take keys that they do not know; a plan does not.
        for (index, planned) in plan.writes.iter().enumerate() {
            let written = serde_json::to_value(planned).map_err(invalid)?;
            if !planned.write.is_write() || written != raw["writes"][index] {
                let number = index + 1;
                return Err(PlanError::Invalid(format!(
                    "write {number} is not written as a plan has it"
                )));
            }
        }
        Ok(plan)
    }
}

impl PlanTarget {
    /// With the SHA-256 of the component that was chosen.
    #[must_use]
    pub fn of(self, component: &str) -> Self {
        Self {
            component: component.to_owned(),
            ..self
        }
    }

    /// Whether it is for the same run; its component is held to when it is chosen.
    fn check(&self, here: &Self) -> Result<(), PlanError> {
        let pairs = [
            ("Port run", &self.run, &here.run),
            ("configuration", &self.config, &here.config),
        ];
        match pairs
            .into_iter()
            .find(|(_, found, expected)| found != expected)
        {
            None => Ok(()),
            Some((what, found, expected)) => Err(PlanError::Other {
                what,
                found: found.clone(),
                expected: expected.clone(),
            }),
        }
    }
}
