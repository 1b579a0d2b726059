//! Scenario files, and with them world files.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use promote_kit::scenario::Scenario;

fuzz_target!(|text: &str| {
    // Other files are not what is fuzzed here, and some of them have no end.
    if text.contains("/dev") || text.contains("/proc") || text.contains("/sys") {
        return;
    }
    if let Err(error) = Scenario::parse(text, Path::new("fuzz.toml")) {
        assert!(!error.to_string().is_empty());
    }
});
