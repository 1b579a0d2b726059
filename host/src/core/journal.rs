//! The record of a run: audit trail, input of a replay, one format.
//!
//! JSON lines, UTF-8; JOURNAL.md has the format. Every line holds its own number and a sum over itself and the sum before
//! it, so a cut, an edit or an exchange of lines is found and located. A line is written before the thing that it
//! announces happens, and is on the disk before a write is made. Nothing that a credential is part of ever reaches this
//! module.

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

/// Writes a journal.
#[derive(Debug)]
pub struct Journal {
    sink: Sink,
    lines: usize,
    sum: String,
    torn: bool,
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
        Ok(Self::over(Sink::File(options.open(path)?)))
    }

    /// Starts a journal in memory; the bytes are shared with the caller.
    pub fn in_memory() -> (Self, Arc<Mutex<Vec<u8>>>) {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        (Self::over(Sink::Memory(Arc::clone(&bytes))), bytes)
    }

    fn over(sink: Sink) -> Self {
        Self { sink, lines: 0, sum: String::new(), torn: false }
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// The sum of the last line, which stands for the whole journal.
    pub fn sum(&self) -> &str {
        &self.sum
    }

    /// Adds a line. After a line that could not be written whole there is no other.
    ///
    /// # Errors
    /// When it cannot be written whole.
    pub fn add(&mut self, entry: Entry) -> io::Result<()> {
        if self.torn {
            return Err(io::Error::other("an earlier line was not written whole"));
        }
        let (number, entry) = (self.lines + 1, serde_json::to_string(&entry)?);
        let sum = chain(&self.sum, number, &entry);
        let text = format!("{{\"line\":{number},\"sum\":\"{sum}\",\"is\":{entry}}}\n");
        self.torn = true;
        match &mut self.sink {
            Sink::File(file) => file.write_all(text.as_bytes())?,
            Sink::Memory(bytes) => {
                bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(text.as_bytes());
            }
        }
        (self.lines, self.sum, self.torn) = (number, sum, false);
        Ok(())
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

/// The sum of a line: over the sum of the line before it, its number and the text of its entry, a line each.
pub fn chain(before: &str, number: usize, entry: &str) -> String {
    digest(format!("{before}\n{number}\n{entry}").as_bytes())
}

/// A line as it was written; its entry is not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The number that it gives itself, from 1.
    pub number: usize,
    /// Its sum, in hex.
    pub sum: &'a str,
    /// The text of its entry, JSON.
    pub entry: &'a str,
}

impl<'a> Line<'a> {
    /// Takes a line apart; none if it was not written by [`Journal::add`].
    pub fn parse(text: &'a str) -> Option<Self> {
        let (number, rest) = text.strip_prefix("{\"line\":")?.split_once(",\"sum\":\"")?;
        let (sum, entry) = rest.split_once("\",\"is\":")?;
        let entry = entry.strip_suffix('}')?;
        Some(Self { number: number.parse().ok()?, sum, entry })
    }

    /// Whether it is what was written after the line with that sum.
    pub fn follows(&self, before: &str) -> bool {
        chain(before, self.number, self.entry) == self.sum
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
        why: String,
    },
    /// A line does not follow the one before it.
    #[error(
        "line {line} of the journal does not follow the one before it: something was changed, removed or moved; `promote verify` says what"
    )]
    Broken {
        /// Its number, from 1.
        line: usize,
    },
    /// It has no header.
    #[error("the journal has no header")]
    Headless,
    /// It is written in another format.
    #[error(
        "the journal has the format {0}, and this version reads {FORMAT}: read it with the version that wrote it"
    )]
    Format(u32),
}

/// Reads a journal and checks its chain. A last line without its end, which a crash leaves, is not read.
///
/// # Errors
/// Names the first line that is damaged.
pub fn read(text: &str) -> Result<Vec<Entry>, Damage> {
    let (mut before, mut entries) = ("", Vec::new());
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for (index, text) in whole.split('\n').enumerate().filter(|_| !whole.is_empty()) {
        let (number, why) = (index + 1, "it was not written by this program".to_owned());
        let line = Line::parse(text).ok_or(Damage::Unreadable { line: number, why })?;
        if line.number != number || !line.follows(before) {
            return Err(Damage::Broken { line: number });
        }
        let entry = serde_json::from_str(line.entry);
        entries.push(entry.map_err(|why| Damage::Unreadable { line: number, why: why.to_string() })?);
        before = line.sum;
    }
    match entries.first() {
        Some(Entry::Header(header)) if header.format != FORMAT => Err(Damage::Format(header.format)),
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
            Err(Damage::Broken { line: 2 })
        ));
        assert!(matches!(
            read(&text.replacen("\"line\":3", "\"line\":4", 1)),
            Err(Damage::Broken { line: 3 })
        ));
        assert!(matches!(read(&join(&[&lines[..2], &lines[3..]].concat())), Err(Damage::Broken { line: 3 })));
        assert!(matches!(read(&join(&[lines[0], lines[2], lines[1]])), Err(Damage::Broken { line: 2 })));
        assert!(matches!(read(&join(&lines[1..])), Err(Damage::Broken { line: 1 })));
        assert!(matches!(read("not json\n"), Err(Damage::Unreadable { line: 1, .. })));
        assert!(matches!(read(""), Err(Damage::Headless)));
        assert!(matches!(
            read(&text.replacen("\"format\":1", "\"format\":2", 1)),
            Err(Damage::Broken { line: 1 })
        ));
        assert_eq!(read(&text[..text.len() - 10]).unwrap().len(), 6);
    }
}
