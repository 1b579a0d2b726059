//! Reads the journal of a run again, and finds every change that was made to it since.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::journal::{FORMAT, Journal, JournalEntry, chain};

/// The bytes of a journal in memory.
struct SharedBytes(Arc<Mutex<Vec<u8>>>);

impl Write for SharedBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Journal {
    /// Starts a journal in memory, which shares its bytes with whoever reads them.
    pub fn in_memory() -> (Self, Arc<Mutex<Vec<u8>>>) {
        let bytes = Arc::default();
        (Self::over(SharedBytes(Arc::clone(&bytes))), bytes)
    }
}

/// A line as it was written; its entry is not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLine<'a> {
    /// The number that it gives itself, from 1.
    pub number: usize,
    /// Its sum, in hex.
    pub sum: &'a str,
    /// The text of its entry, JSON.
    pub entry: &'a str,
}

impl<'a> JournalLine<'a> {
    /// Takes a line apart; none if no journal has such a line.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (number, rest) = text.strip_prefix("{\"line\":")?.split_once(",\"sum\":\"")?;
        let (sum, entry) = rest.split_once("\",\"is\":")?;
        let entry = entry.strip_suffix('}')?;
        Some(Self {
            number: number.parse().ok()?,
            sum,
            entry,
        })
    }

    /// Whether it is what was written after the line with that sum.
    pub fn follows(&self, before: &str) -> bool {
        chain(before, self.number, self.entry) == self.sum
    }
}

/// The reason why a journal is not what was written.
#[derive(Debug, thiserror::Error)]
pub enum JournalDamage {
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

/// Reads a journal and checks its chain. A last line without its end, which a crash leaves in the middle of a character even, is
/// not read.
///
/// # Errors
/// Names the first line that is damaged.
pub fn read(bytes: &[u8]) -> Result<Vec<JournalEntry>, JournalDamage> {
    let mut before = "";
    let mut entries = Vec::new();
    for (text, number) in whole_lines(bytes)?.split_terminator('\n').zip(1..) {
        let line = JournalLine::parse(text).ok_or_else(|| JournalDamage::Unreadable {
            line: number,
            why: "it was not written by this program".to_owned(),
        })?;
        if line.number != number || !line.follows(before) {
            return Err(JournalDamage::Broken { line: number });
        }
        let entry = serde_json::from_str(line.entry);
        entries.push(entry.map_err(|why| JournalDamage::Unreadable {
            line: number,
            why: why.to_string(),
        })?);
        before = line.sum;
    }
    match entries.first() {
        Some(JournalEntry::Header(header)) if header.format != FORMAT => {
            Err(JournalDamage::Format(header.format))
        }
        Some(JournalEntry::Header(_)) => Ok(entries),
        _ => Err(JournalDamage::Headless),
    }
}

/// What was written whole: all up to the last line's end.
fn whole_lines(bytes: &[u8]) -> Result<&str, JournalDamage> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    let whole = end.map_or(&[][..], |end| &bytes[..=end]);
    std::str::from_utf8(whole).map_err(|why| {
        let before = &whole[..why.valid_up_to()];
        JournalDamage::Unreadable {
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            why: "it is not UTF-8".to_owned(),
        }
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::Timestamp;

    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::call::{Call, Reply};
    use crate::contract::{Entity, EntityKey, Failure, Request};
    use crate::journal::{JournalHeader, RunAudit, digest};
    use crate::limits::Limits;

    fn written() -> String {
        let (mut journal, bytes) = Journal::in_memory();
        let subject = EntityKey {
            blueprint: "service".to_owned(),
            identifier: "web".to_owned(),
        };
        let request = Request::trial("r", Entity::named(subject));
        let header = JournalHeader {
            format: FORMAT,
            host: "0.1.0".to_owned(),
            contract: "promote:policy@0.1.0".to_owned(),
            component: digest(b"component"),
            team: None,
            mode: "run".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            seed: 7,
            earlier: None,
            request,
            limits: Limits::default(),
            rules: Vec::new(),
            audit: RunAudit::default(),
            grants: Vec::new(),
        };
        journal
            .add::<Call, Reply, Failure>(&JournalEntry::Header(Box::new(header)))
            .unwrap();
        for number in 1..=3 {
            let at = Timestamp::UNIX_EPOCH;
            journal
                .add::<_, Reply, Failure>(&JournalEntry::Call {
                    number,
                    at,
                    request: Call::Now,
                })
                .unwrap();
            journal
                .add::<Call, _, Failure>(&JournalEntry::Reply {
                    number,
                    at,
                    reply: Reply::Time(at.to_string()),
                })
                .unwrap();
        }
        drop(journal);
        String::from_utf8(Arc::into_inner(bytes).unwrap().into_inner().unwrap()).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let entries = read(written().as_bytes()).unwrap();
        assert_eq!(entries.len(), 7);
        assert!(matches!(&entries[6], JournalEntry::Reply { number: 3, .. }));
    }

    #[test]
    fn every_change_is_found_and_a_cut_last_line_is_forgiven() {
        let text = written();
        let lines: Vec<&str> = text.lines().collect();
        let join = |lines: &[&str]| lines.join("\n") + "\n";
        assert!(matches!(
            read(text.replacen("\"number\":1", "\"number\":9", 1).as_bytes()),
            Err(JournalDamage::Broken { line: 2 })
        ));
        assert!(matches!(
            read(text.replacen("\"line\":3", "\"line\":4", 1).as_bytes()),
            Err(JournalDamage::Broken { line: 3 })
        ));
        assert!(matches!(
            read(join(&[&lines[..2], &lines[3..]].concat()).as_bytes()),
            Err(JournalDamage::Broken { line: 3 })
        ));
        assert!(matches!(
            read(join(&[lines[0], lines[2], lines[1]]).as_bytes()),
            Err(JournalDamage::Broken { line: 2 })
        ));
        assert!(matches!(
            read(join(&lines[1..]).as_bytes()),
            Err(JournalDamage::Broken { line: 1 })
        ));
        assert!(matches!(
            read(b"not json\n"),
            Err(JournalDamage::Unreadable { line: 1, .. })
        ));
        assert!(matches!(read(b""), Err(JournalDamage::Headless)));
        assert!(matches!(
            read(text.replacen("\"format\":1", "\"format\":2", 1).as_bytes()),
            Err(JournalDamage::Broken { line: 1 })
        ));
        assert_eq!(read(&text.as_bytes()[..text.len() - 10]).unwrap().len(), 6);
    }

    #[test]
    fn a_long_journal_reaches_the_disk_on_the_way() {
        struct FlushCount(Arc<AtomicUsize>);
        impl std::io::Write for FlushCount {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                self.0.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        }
        let flushes = Arc::new(AtomicUsize::new(0));
        let mut journal = Journal::over(FlushCount(Arc::clone(&flushes)));
        for number in 1..=2_500 {
            let entry: JournalEntry = JournalEntry::Call {
                number,
                at: Timestamp::UNIX_EPOCH,
                request: Call::Now,
            };
            journal.add(&entry).unwrap();
        }
        assert_eq!(flushes.load(Ordering::Relaxed), 2);
    }
}
