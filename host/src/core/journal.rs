//! The record of a run: audit trail, input of a replay, one format.
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

#[derive(Serialize, Deserialize)]
struct Line {
    prev: String,
    #[serde(flatten)]
    entry: Entry,
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

/// Why a journal is not what was written.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// A line is not an entry.
    #[error("line {line} of the journal is not an entry: {why}")]
    Unreadable {
        /// Its number, from 1.
        line: usize,
        /// Why.
        why: serde_json::Error,
    },
    /// A line does not follow the one before it.
    #[error("line {line} of the journal does not follow line {}: something was changed, removed or moved", line - 1)]
    Broken {
        /// Its number, from 1.
        line: usize,
    },
    /// It has no header.
    #[error("the journal has no header")]
    Headless,
}

/// Reads a journal and checks its chain. A last line without its end, which a crash leaves, is not read.
///
/// # Errors
/// Names the first line that is damaged.
pub fn read(text: &str) -> Result<Vec<Entry>, Damage> {
    let mut prev = String::new();
    let mut entries = Vec::new();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for (index, line) in whole.lines().enumerate() {
        let parsed: Line =
            serde_json::from_str(line).map_err(|why| Damage::Unreadable { line: index + 1, why })?;
        if parsed.prev != prev {
            return Err(Damage::Broken { line: index + 1 });
        }
        prev = digest(line.as_bytes());
        entries.push(parsed.entry);
    }
    match entries.first() {
        Some(Entry::Header(_)) => Ok(entries),
        _ => Err(Damage::Headless),
    }
}

/// SHA-256 in hex.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn written() -> String {
        let (mut journal, bytes) = Journal::in_memory();
        let request = crate::core::payload::tests::request();
        let header = Header {
            format: FORMAT,
            host: "0.1.0".to_owned(),
            contract: "promote:policy@0.1.0".to_owned(),
            component: digest(b"component"),
            mode: "run".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            seed: 7,
            request,
            limits: Limits::default(),
        };
        journal.add(Entry::Header(Box::new(header))).unwrap();
        for number in 1..=3 {
            let at = Timestamp::UNIX_EPOCH;
            journal.add(Entry::Call { number, at, request: Call::Now }).unwrap();
            journal.add(Entry::Reply { number, at, reply: Reply::Time(at.to_string()) }).unwrap();
        }
        drop(journal);
        String::from_utf8(Arc::into_inner(bytes).unwrap().into_inner().unwrap()).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let entries = read(&written()).unwrap();
        assert_eq!(entries.len(), 7);
        assert!(matches!(&entries[6], Entry::Reply { number: 3, .. }));
    }

    #[test]
    fn every_change_is_found_and_a_cut_last_line_is_forgiven() {
        let text = written();
        let lines: Vec<&str> = text.lines().collect();
        let join = |lines: &[&str]| lines.join("\n") + "\n";
        assert!(matches!(
            read(&text.replacen("\"number\":1", "\"number\":9", 1)),
            Err(Damage::Broken { line: 3 })
        ));
        assert!(matches!(read(&join(&[&lines[..2], &lines[3..]].concat())), Err(Damage::Broken { line: 3 })));
        assert!(matches!(read(&join(&[lines[0], lines[2], lines[1]])), Err(Damage::Broken { line: 2 })));
        assert!(matches!(read(&join(&lines[1..])), Err(Damage::Broken { line: 1 })));
        assert!(matches!(read("not json\n"), Err(Damage::Unreadable { line: 1, .. })));
        assert!(matches!(read(""), Err(Damage::Headless)));
        assert_eq!(read(&text[..text.len() - 10]).unwrap().len(), 6);
    }
}
