//! Finds files: those that are named, and those of a kind in folders.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The files that are named, and in folders, however deep, those that end in the extension; sorted, each once.
///
/// # Errors
/// Names the path that does not exist or cannot be searched.
pub(super) fn find(paths: &[PathBuf], extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        search(path, extension, &mut found)
            .with_context(|| format!("searching {}", path.display()))?;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn search(path: &Path, wanted: &str, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.metadata()?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in path.read_dir()? {
        let (entry, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            search(&entry, wanted, found)?;
        } else if entry
            .extension()
            .is_some_and(|extension| extension == wanted)
        {
            found.push(entry);
        }
    }
    Ok(())
}
