//! Journals as files: finds and reads them. What they hold is not looked at here.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// No run writes a larger journal: its calls and answers have a limit.
const LARGEST: u64 = 256 << 20;

/// Every journal at and below these paths, sorted: the files that are named, and `*.jsonl` in folders.
///
/// # Errors
/// Names the path that cannot be searched, or says that there is no journal.
pub(super) fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        search(path, &mut found).with_context(|| format!("looking for journals in {}", path.display()))?;
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        bail!("there is no journal: in a folder, journals are the files that end in `.jsonl`");
    }
    Ok(found)
}

fn search(path: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.metadata()?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in path.read_dir()? {
        let (entry, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            search(&entry, found)?;
        } else if entry.extension().is_some_and(|extension| extension == "jsonl") {
            found.push(entry);
        }
    }
    Ok(())
}

/// The bytes of a journal.
///
/// # Errors
/// When it cannot be read, or is larger than any journal.
pub(super) fn bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = read().with_context(|| format!("reading {}", path.display()))?;
    if bytes.len() as u64 > LARGEST {
        bail!("{} has more than {LARGEST} bytes, which no journal has", path.display());
    }
    Ok(bytes)
}
