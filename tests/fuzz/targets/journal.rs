//! A journal as somebody hands it in, and the same entries chained anew: a change of one byte breaks the chain, and
//! nothing behind the chain would ever be reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_core::journal::record::{self, JournalLine};
use promote_core::journal::{Journal, chain};
use promote_kit::verify::{JournalEnd, check};

fuzz_target!(|text: &str| {
    check_reading(text);
    check_reading(&chain_anew(text));
});

/// Checks that a journal that can be read is read as the same after it was written again, and that a journal that is found
/// to be whole can be read.
fn check_reading(text: &str) {
    let verified = check(text.as_bytes());
    let is_whole = verified.findings.is_empty() && matches!(verified.end, JournalEnd::Said { .. });
    let Ok(entries) = record::read(text.as_bytes()) else {
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
        record::read(written.as_bytes()).expect("it was just written"),
        entries
    );
}

/// Returns every line with the number and the sum that it would have there. A line that is not one of a journal is taken
/// for an entry.
fn chain_anew(text: &str) -> String {
    let mut sum = String::new();
    let mut chained = String::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let entry = JournalLine::parse(line).map_or(line, |line| line.entry);
        sum = chain(&sum, number, entry);
        chained += &format!("{{\"line\":{number},\"sum\":\"{sum}\",\"is\":{entry}}}\n");
    }
    chained
}
