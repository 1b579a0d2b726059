//! The message of Port, or of anybody who may start the workflow.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_intake::payload::Payload;

fuzz_target!(|text: &str| {
    for payload in [Payload::read(text), Payload::read_event(text)]
        .into_iter()
        .flatten()
    {
        let mut names = vec![&payload.run];
        if let Some(key) = &payload.subject {
            names.extend([&key.identifier, &key.blueprint]);
        }
        for name in names {
            assert!(
                !name.is_empty() && !matches!(name.as_str(), "." | ".."),
                "{name:?}"
            );
            assert!(
                !name.contains(|c: char| c.is_control() || c.is_whitespace()),
                "{name:?}"
            );
        }
    }
});
