//! Looks for secrets in every byte that a run emits. Every run of the program that a test starts passes through here.

use std::collections::BTreeMap;
use std::path::Path;

/// How each kind of token begins that is only made while a run goes on: Port's and an App's (a JWT), an installation's,
/// and a private key. The mock makes them as the services do.
pub(crate) const MADE: [&str; 4] = ["eyJhbGci", "eyJ0eXAi", "ghs_", "PRIVATE KEY-----"];

/// What the runner takes out of the log, and what it hides from then on.
const MASK: &str = "::add-mask::";

/// Fails if a secret is in what the program printed, or in a file that it wrote.
pub(crate) fn search(environment: &BTreeMap<String, String>, printed: &[&str], written: &Path) {
    let shown: Vec<&str> =
        printed.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with(MASK)).collect();
    let masked = printed.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix(MASK));
    let secret = |name: &str| ["SECRET", "TOKEN", "KEY"].iter().any(|word| name.contains(word));
    let given = environment
        .iter()
        .filter(|(name, _)| secret(name) && !name.ends_with("_FILE"))
        .flat_map(|(_, value)| value.lines());
    let needles: Vec<&str> = MADE.into_iter().chain(masked).chain(given).collect();
    let mut haystacks = vec![("the output".to_owned(), shown.join("\n"))];
    for file in std::fs::read_dir(written).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        haystacks.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    for (place, text) in haystacks {
        for needle in needles.iter().filter(|needle| !needle.is_empty()) {
            let line = text.lines().find(|line| line.contains(needle));
            assert!(line.is_none(), "a secret is in {place}: {}", line.unwrap_or_default());
        }
    }
}
