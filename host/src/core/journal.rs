//! The record of a run as it is written: audit trail, input of a replay, one format. [`crate::record`] reads it.
//!
//! JSON lines, UTF-8. The first line is the header, then a `call` line before each call and a `reply`, `failure` or
//! `denied` line after it, last the footer. Every line holds the SHA-256 of the line before it, so a cut, an edit or an
//! exchange of lines is found. A line is written before the thing that it announces happens, and is on the disk before a
//! write is made. Nothing that a credential is part of ever reaches this module.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::call::{Call, Reply};
use super::contract::{Failure, Request};
use super::limits::Limits;

/// Version of the format; raised when a reader of the old one would misread the new.
pub const FORMAT: u32 = 1;

/// What a run started from: with the replies of the calls, all that decides how it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the host.
    pub host: String,
    /// Package and version of the contract.
    pub contract: String,
    /// SHA-256 of the component, in hex.
    pub component: String,
    /// `run`, `plan` or `test`.
    pub mode: String,
    /// The guest's clock at the start, which is when the run started.
    pub started_at: Timestamp,
    /// Seed of the guest's random numbers.
    pub seed: u64,
    /// The request, settings included.
    pub request: Request,
    /// The limits.
    pub limits: Limits,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// What the run started from.
    Header(Box<Header>),
    /// A call is about to be made.
    Call {
        /// Number of the call, from 1.
        number: u32,
        /// When.
        at: Timestamp,
        /// The call.
        request: Call,
    },
    /// A call was answered.
    Reply {
        /// Number of the call.
        number: u32,
        /// When.
        at: Timestamp,
        /// The answer.
        reply: Reply,
    },
    /// A call failed, and the policy was told.
    Failure {
        /// Number of the call.
        number: u32,
        /// When.
        at: Timestamp,
        /// Why.
        failure: Failure,
    },
    /// How the run ended.
    Footer {
        /// When.
        at: Timestamp,
        /// The kind of ending, as in the workflow's `outcome`.
        ending: String,
        /// The words for it.
        message: String,
    },
}

/// An entry as it is written, chained to the one before it.
#[derive(Serialize, Deserialize)]
pub struct Line {
    /// SHA-256 of the line before it, in hex; empty in the first.
    pub prev: String,
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
}

/// Writes a journal.
#[derive(Debug)]
pub struct Journal {
    sink: Sink,
    prev: String,
}

#[derive(Debug)]
enum Sink {
    File(File),
    Memory(Arc<Mutex<Vec<u8>>>),
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
        Ok(Self { sink: Sink::File(options.open(path)?), prev: String::new() })
    }

    /// Starts a journal in memory; the bytes are shared with the caller.
    pub fn in_memory() -> (Self, Arc<Mutex<Vec<u8>>>) {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        (Self { sink: Sink::Memory(Arc::clone(&bytes)), prev: String::new() }, bytes)
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.prev.is_empty()
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When it cannot be written whole.
    pub fn add(&mut self, entry: Entry) -> io::Result<()> {
        let line = Line { prev: std::mem::take(&mut self.prev), entry };
        let mut text = serde_json::to_vec(&line)?;
        self.prev = digest(&text);
        text.push(b'\n');
        match &mut self.sink {
            Sink::File(file) => file.write_all(&text),
            Sink::Memory(bytes) => {
                bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&text);
                Ok(())
            }
        }
    }

    /// Returns when everything added is on the disk.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn flush(&self) -> io::Result<()> {
        match &self.sink {
            Sink::File(file) => file.sync_data(),
            Sink::Memory(_) => Ok(()),
        }
    }
}

/// SHA-256 in hex.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
