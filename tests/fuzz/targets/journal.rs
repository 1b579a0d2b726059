//! A journal as somebody hands it in. What can be read can be written again, and is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote::core::journal::Journal;
use promote::record;

fuzz_target!(|text: &str| {
    let Ok(entries) = record::read(text) else {
        return;
    };
    let (mut journal, bytes) = Journal::in_memory();
    for entry in &entries {
        journal.add(entry).expect("memory takes every line");
    }
    let written = bytes.lock().expect("nobody panicked").clone();
    let written = String::from_utf8(written).expect("JSON is text");
    assert_eq!(record::read(&written).expect("it was just written"), entries);
});
