//! Looks for secrets in every byte that a run emits. Every run of the program that a test starts passes through here.

use std::collections::BTreeMap;
use std::path::Path;

/// The first characters of each kind of token that is only made while a run goes on: Port's and an App's (a JWT), an
/// installation's, and a private key. The mock makes them as the services do.
pub(crate) const TOKEN_STARTS: [&str; 4] = ["eyJhbGci", "eyJ0eXAi", "ghs_", "PRIVATE KEY-----"];

/// The command that the runner takes out of the log; it hides the rest of the line from then on.
const MASK: &str = "::add-mask::";

/// Looks at what the program printed, and at the files that it wrote.
///
/// # Errors
/// Shows the line that holds a secret, and says where it is.
pub(crate) fn search(
    environment: &BTreeMap<String, String>,
    printed: &[&str],
    written: &Path,
) -> Result<(), String> {
    let lines = || printed.iter().flat_map(|text| text.lines());
    let masked = lines().filter_map(|line| line.strip_prefix(MASK));
    let secret = |name: &str| {
        ["SECRET", "TOKEN", "KEY"]
            .iter()
            .any(|word| name.contains(word))
    };
    let given = environment
        .iter()
        .filter(|(name, _)| secret(name) && !name.ends_with("_FILE"))
        .flat_map(|(_, value)| value.lines());
    let needles: Vec<&str> = TOKEN_STARTS
        .into_iter()
        .chain(masked)
        .chain(given)
        .collect();
    let shown: Vec<&str> = lines().filter(|line| !line.starts_with(MASK)).collect();
    let mut haystacks = vec![("the output".to_owned(), shown.join("\n"))];
    for file in std::fs::read_dir(written).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        haystacks.push((path.display().to_string(), text));
    }
    for (place, text) in haystacks {
        for needle in needles.iter().filter(|needle| !needle.is_empty()) {
            if let Some(line) = text.lines().find(|line| line.contains(needle)) {
                return Err(format!("a secret is in {place}: {line}"));
            }
        }
    }
    Ok(())
}

#[test]
fn it_finds_what_is_hidden_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let environment = BTreeMap::from([
        pair("GITHUB_TOKEN", "t0ken"),
        pair("GITHUB_APP_PRIVATE_KEY", "first line\nlast line"),
        pair("PORT_CLIENT_ID", "harmless"),
    ]);
    let search = |printed: &str| search(&environment, &[printed, ""], folder.path());
    assert_eq!(search("harmless\n::add-mask::made\n"), Ok(()));
    for leak in [
        "a t0ken",
        "x\nlast line y",
        "ghs_123",
        "eyJhbGciOi",
        "::add-mask::made\nsee made",
    ] {
        assert!(search(leak).is_err(), "{leak}");
    }
    std::fs::write(folder.path().join("journal.jsonl"), "{\"at\":\"t0ken\"}").unwrap();
    assert!(search("nothing").unwrap_err().contains("journal.jsonl"));
}
