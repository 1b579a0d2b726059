//! Reads the journal of a run again, and finds every change that was made to it since.

use crate::core::journal::{Entry, Line, digest};

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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::core::call::{Call, Reply};
    use crate::core::contract::Workflow;
    use crate::core::journal::{FORMAT, Header, Journal};
    use crate::core::limits::Limits;
    use crate::request::payload::Payload;

    fn written() -> String {
        let (mut journal, bytes) = Journal::in_memory();
        let request =
            Payload::read(r#"{ "context": { "runId": "r", "entity": "web", "blueprint": "service" } }"#)
                .unwrap()
                .into_request("{}".to_owned(), Workflow { repository: None, url: None, attempt: 1 });
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
