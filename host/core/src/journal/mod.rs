//! The record of a run as it is written: audit trail, input of a replay, one format. [`crate::journal::record`] reads it.
//!
//! JSON lines, UTF-8; JOURNAL.md has the format. Every line holds its own number and a sum over itself and the sum before
//! it, so a cut, an edit or an exchange of lines is found and located. A line is written before the thing that it
//! announces happens, and is on the disk before a write is made. Nothing that a credential is part of ever reaches this
//! module.
//!
//! A journal that is written and read again, and one that was edited; [`record::read`] does this for whole journals:
//!
//! ```
//! use promote_core::call::{Call, Reply};
//! use promote_core::journal::record::JournalLine;
//! use promote_core::journal::{Journal, JournalEntry};
//!
//! let at = "2026-01-06T10:00:00Z".parse()?;
//! let call: JournalEntry = JournalEntry::Call { number: 1, at, request: Call::Now };
//! let reply: JournalEntry = JournalEntry::Reply { number: 1, at, reply: Reply::Time(at.to_string()) };
//! let (mut journal, bytes) = Journal::in_memory();
//! journal.add(&call)?;
//! journal.add(&reply)?;
//!
//! let text = String::from_utf8(bytes.lock().unwrap().clone())?;
//! let lines: Vec<JournalLine> = text.lines().filter_map(JournalLine::parse).collect();
//! assert!(lines[0].follows("") && lines[1].follows(lines[0].sum));
//! assert_eq!(lines[1].sum, journal.sum());
//! assert_eq!(serde_json::from_str::<JournalEntry>(lines[0].entry)?, call);
//!
//! let edited = text.replace("10:00", "11:00");
//! let line = edited.lines().find_map(JournalLine::parse);
//! assert!(line.is_some_and(|line| !line.follows("")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Next: [`policy`](crate::policy).

pub mod record;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

use crate::call::{Call, Reply};
use crate::contract::{Failure, Outcome, Request};
use crate::limits::Limits;
use crate::rule::{RuleRecord, RuleStep, RuleSubject, RuleVerdict};

/// Version of the format; raised when a reader of the old one would misread the new.
pub const FORMAT: u32 = 1;

/// The start of a run: with the replies of the calls, all that decides how it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalHeader {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the host.
    pub host: String,
    /// Package and version of the contract.
    pub contract: String,
    /// SHA-256 of the component, in hex.
    pub component: String,
    /// The rule that chose the component, if the configuration has such rules and one fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// `run`, `plan` or `test`.
    pub mode: String,
    /// The guest's clock at the start, which is when the run started.
    pub started_at: Timestamp,
    /// Seed of the guest's random numbers.
    pub seed: u64,
    /// The seal of the journal before, if the run goes on with a promotion: the last one that Port's log of the run holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<String>,
    /// The request, settings included.
    pub request: Request,
    /// The limits.
    pub limits: Limits,
    /// The operator's grants, and the place where the run was started.
    #[serde(default)]
    pub audit: RunAudit,
    /// The rules that applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleRecord>,
    /// The grants with their templates filled in, as they were decided on.
    #[serde(default)]
    pub grants: Vec<GrantRecord>,
}

/// The configuration and the workflow run, from which it can be told later who could change what a run was allowed. Nothing is
/// decided on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAudit {
    /// SHA-256 of `promote.toml`, in hex.
    pub config: Option<String>,
    /// SHA-256 of the plan that the run keeps to, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The commit of the workflow.
    pub commit: Option<String>,
    /// The workflow file and the branch or tag that it was started at.
    pub workflow_ref: Option<String>,
    /// The user of GitHub whose event started the workflow.
    pub actor: Option<String>,
    /// The user of GitHub who started this attempt.
    pub triggering_actor: Option<String>,
}

/// A grant as a run decided on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantRecord {
    /// Operations, by the names that grants use.
    pub allow: Vec<String>,
    /// Repositories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repository: Vec<String>,
    /// Files, as globs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// Branches that a change may be for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub base: Vec<String>,
    /// Branches that may be created, as globs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub head: Vec<String>,
    /// Images, as globs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image: Vec<String>,
    /// Blueprints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blueprint: Vec<String>,
    /// Entities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entity: Vec<String>,
    /// Properties and relations that may be set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum JournalEntry<C = Call, R = Reply, F = Failure> {
    /// The start of the run.
    Header(Box<JournalHeader>),
    /// A call is about to be made.
    Call {
        /// Number of the call, from 1.
        number: u32,
        /// When.
        at: Timestamp,
        /// The call.
        request: C,
    },
    /// A call was answered.
    Reply {
        /// Number of the call.
        number: u32,
        /// When.
        at: Timestamp,
        /// The answer.
        reply: R,
    },
    /// A call failed, and the policy was told.
    Failure {
        /// Number of the call.
        number: u32,
        /// When.
        at: Timestamp,
        /// Why.
        failure: F,
    },
    /// The rules needed a read, and it was made.
    Fact {
        /// Number of the call before which the rules are asked.
        number: u32,
        /// When it was answered.
        at: Timestamp,
        /// The read.
        request: C,
        /// What came of it.
        answer: FactAnswer<R, F>,
    },
    /// The rules were asked.
    Rules {
        /// Number of the call before which they were.
        number: u32,
        /// The time that they were told.
        at: Timestamp,
        /// What comes next.
        step: RuleStep,
        /// What they judged.
        subject: RuleSubject,
        /// What each said.
        verdicts: Vec<RuleVerdict>,
    },
    /// The host is about to set its status of a commit.
    Status {
        /// Number of the call that it belongs to.
        number: u32,
        /// When.
        at: Timestamp,
        /// `owner/name`.
        repository: String,
        /// The commit.
        commit: String,
        /// The state, in GitHub's words.
        state: String,
        /// The words for people.
        description: String,
    },
    /// The ending of the run: its sum is the seal, which Port is told with the last words.
    Footer {
        /// When.
        at: Timestamp,
        /// The kind of ending, as in the workflow's `outcome`.
        ending: String,
        /// The words for it.
        message: String,
        /// What the policy decided, if the run came to that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Outcome>,
        /// Who approved what of it, as far as the run knows.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approved_by: Vec<String>,
    },
    /// A closing write: the host publishes the ending, and with it the seal. Nothing else can follow the footer.
    Closing {
        /// When.
        at: Timestamp,
        /// The write.
        write: ClosingWrite,
        /// Why it was not made, or is not known to be, if so.
        failure: Option<String>,
    },
}

/// The writes that may follow the footer, each once, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClosingWrite {
    /// The record of the promotion in Port.
    Record {
        /// The blueprint.
        blueprint: String,
    },
    /// The deployment at GitHub.
    Deployment {
        /// `owner/name`.
        repository: String,
        /// The environment of GitHub.
        environment: String,
    },
    /// The comment under the pull request.
    Comment {
        /// `owner/name`.
        repository: String,
        /// The number of the pull request.
        number: u32,
    },
    /// The last words in the log of Port's run, and its status.
    LastWords,
}

impl ClosingWrite {
    /// Returns its name in sentences.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Record { .. } => "the record in Port",
            Self::Deployment { .. } => "the deployment",
            Self::Comment { .. } => "the comment",
            Self::LastWords => "the last words",
        }
    }

    /// Returns its place in the order of closing writes.
    #[must_use]
    pub fn rank(&self) -> usize {
        match self {
            Self::Record { .. } => 0,
            Self::Deployment { .. } => 1,
            Self::Comment { .. } => 2,
            Self::LastWords => 3,
        }
    }
}

/// The answer to a read for the rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactAnswer<R = Reply, F = Failure> {
    /// It was answered.
    Reply(R),
    /// It failed, or no grant allows it.
    Failure(F),
}

/// An entry as it is written: what crossed the border, in text already.
pub type RawEntry<'a> = JournalEntry<&'a RawValue, &'a RawValue, &'a RawValue>;

/// Writes a journal.
pub struct Journal {
    sink: Box<dyn Write + Send + Sync>,
    lines: usize,
    sum: String,
    torn: bool,
}

/// A file that is on the disk when it is flushed.
struct OnDisk(File);

impl Write for OnDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

impl Journal {
    /// Starts a journal in a new file that only the user can read.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self::over(OnDisk(options.open(path)?)))
    }

    /// Starts a journal over what keeps it: that has it when it is flushed.
    pub fn over(sink: impl Write + Send + Sync + 'static) -> Self {
        Self {
            sink: Box::new(sink),
            lines: 0,
            sum: String::new(),
            torn: false,
        }
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// The sum of the last line, which stands for all that was written so far.
    pub fn sum(&self) -> &str {
        &self.sum
    }

    /// Adds a line. After a line that could not be written whole there is no other.
    ///
    /// # Errors
    /// When it cannot be written whole.
    pub fn add<C, R, F>(&mut self, entry: &JournalEntry<C, R, F>) -> io::Result<()>
    where
        JournalEntry<C, R, F>: Serialize,
    {
        if self.torn {
            return Err(io::Error::other("an earlier line was not written whole"));
        }
        let number = self.lines + 1;
        let entry = serde_json::to_string(entry)?;
        let sum = chain(&self.sum, number, &entry);
        let text = format!("{{\"line\":{number},\"sum\":\"{sum}\",\"is\":{entry}}}\n");
        self.torn = true;
        self.sink.write_all(text.as_bytes())?;
        self.lines = number;
        self.sum = sum;
        self.torn = false;
        // A run of very many calls leaves its end little to wait for.
        if number.is_multiple_of(1_000) {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Returns when everything added is on the disk.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Returns the sum of a line: the digest of the sum before it, its number and the text of its entry, a line each.
pub fn chain(before: &str, number: usize, entry: &str) -> String {
    digest(format!("{before}\n{number}\n{entry}").as_bytes())
}

/// Returns a value of the contract as the journal holds it. Its length is what counts against `limits.traffic`.
pub fn json(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("the contract's values are JSON")
}

/// Returns the SHA-256 of these bytes, in hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    Sha256::digest(bytes)
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
