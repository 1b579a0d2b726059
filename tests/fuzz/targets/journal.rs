//! A journal as somebody hands it in, and the same entries chained anew: a change of one byte breaks the chain, and
//! nothing behind it would ever be reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_core::journal::record::{self, Line};
use promote_core::journal::{Journal, chain};
use promote_kit::verify::{JournalEnd, check};

fuzz_target!(|text: &str| {
    look_at(text);
    look_at(&chained(text));
});

/// What can be read can be written again, and is read as the same. What is found to be whole can be read.
fn look_at(text: &str) {
    let verified = check(text.as_bytes());
    let is_whole = verified.findings.is_empty() && matches!(verified.end, JournalEnd::Said { .. });
    let Ok(entries) = record::read(text) else {
        assert!(!is_whole, "whole, and not to be read");
        return;
    };
    let (mut journal, bytes) = Journal::in_memory();
    for entry in &entries {
        journal.add(entry).expect("memory takes every line");
    }
    let written = bytes.lock().expect("nobody panicked").clone();
    let written = String::from_utf8(written).expect("JSON is text");
    assert_eq!(
        record::read(&written).expect("it was just written"),
        entries
    );
}

/// Every line with the number and the sum that it would have there. A line that is none is taken for an entry.
fn chained(text: &str) -> String {
    let (mut sum, mut chained) = (String::new(), String::new());
    for (index, line) in text.lines().enumerate() {
        let (number, entry) = (index + 1, Line::parse(line).map_or(line, |line| line.entry));
        sum = chain(&sum, number, entry);
        chained += &format!("{{\"line\":{number},\"sum\":\"{sum}\",\"is\":{entry}}}\n");
    }
    chained
}
