//! The edit of a manifest: a path, a NUL, a value, a NUL, the manifest. A manifest alone is edited at the usual path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_policy::yaml::{self, ScalarAddress, YamlPath, YamlStream};

const PATH: &str = "spec.template.spec.containers[0].image";
const VALUE: &str = "ghcr.io/acme/web:1.4.2";

fuzz_target!(|input: &str| {
    let mut parts = input.splitn(3, '\0');
    let (path, value, text) = match (parts.next(), parts.next(), parts.next()) {
        (Some(path), Some(value), Some(text)) => (path, value, text),
        _ => (PATH, VALUE, input),
    };
    let _ = edit(text, path, value);
});

/// Edits a manifest, and checks that only the addressed scalar changes and that it reads back as what was asked for.
fn edit(text: &str, path: &str, value: &str) -> Result<(), String> {
    let address = ScalarAddress::from(path.parse::<YamlPath>()?);
    let site = yaml::find(&YamlStream::read(text)?, &address)?;
    let edited = yaml::replace(text, &site, value)?;
    let before = &text[..site.bytes.start];
    let after = &text[site.bytes.end..];
    assert!(edited.starts_with(before) && edited.ends_with(after));
    assert!(edited.len() >= before.len() + after.len());
    let again = yaml::find(&YamlStream::read(&edited)?, &address);
    assert_eq!(again.map(|site| site.value), Ok(value.to_owned()));
    Ok(())
}
