//! Journals as files: finds and reads them. What they hold is not looked at here.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::files;

/// The most bytes of a journal: a run has a limit for its calls and answers.
const MAX_JOURNAL_BYTES: u64 = 256 << 20;

/// Finds every journal at and below these paths, sorted: the files that are named, and `*.jsonl` in folders.
///
/// # Errors
/// Names the path that cannot be searched, or says that there is no journal.
pub(super) fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let found = files::find(paths, "jsonl")?;
    if found.is_empty() {
        bail!("there is no journal: in a folder, journals are the files that end in `.jsonl`");
    }
    Ok(found)
}

/// Reads the bytes of a journal.
///
/// # Errors
/// When it cannot be read, or is larger than any journal.
pub(super) fn bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_JOURNAL_BYTES + 1).read_to_end(&mut bytes))
        .with_context(|| format!("reading {}", path.display()))?;
    if bytes.len() as u64 > MAX_JOURNAL_BYTES {
        bail!(
            "{} has more than {MAX_JOURNAL_BYTES} bytes, which no journal has",
            path.display()
        );
    }
    Ok(bytes)
}
