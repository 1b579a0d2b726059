//! A folder of files that only this user can write. What is not so is not used.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io};

/// The number of files that are kept; the oldest go first.
const MOST: usize = 32;
/// A Python policy of 18 MB has 70 MB of native code.
const LARGEST: u64 = 256 << 20;

/// A folder that was checked.
#[derive(Debug)]
pub struct CodeCache(PathBuf);

/// The reason why a folder or a file is not used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be reached.
    #[error("{}: {why}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Others could have written it.
    #[error("{} {what}: it must belong to you, and nobody else may write it", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// The fault.
        what: &'static str,
    },
}

impl CodeCache {
    /// Opens the folder, and makes it if it is not there.
    ///
    /// # Errors
    /// Says why the folder, or one above it, cannot be trusted.
    pub fn open(folder: &Path) -> Result<Self, CacheError> {
        make(folder).map_err(io_at(folder))?;
        let found = fs::symlink_metadata(folder).map_err(io_at(folder))?;
        check(folder, &found, PathKind::Folder)?;
        // Who can rename a folder on the way can put another in its place.
        let real = folder.canonicalize().map_err(io_at(folder))?;
        for above in real.ancestors().skip(1) {
            let found = fs::symlink_metadata(above).map_err(io_at(above))?;
            check(above, &found, PathKind::Above)?;
        }
        Ok(Self(real))
    }

    /// Reads the file of a key, which is its name, if there is one.
    ///
    /// # Errors
    /// When there is a file and others could have written it, or it cannot be read.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        use io::Read as _;
        let path = self.path(key);
        let named = match fs::symlink_metadata(&path) {
            Ok(named) => named,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(CacheError::Io { path, why }),
        };
        check(&path, &named, PathKind::File)?;
        let file = fs::File::open(&path).map_err(io_at(&path))?;
        // What was opened, not what the name stands for by now.
        check(
            &path,
            &file.metadata().map_err(io_at(&path))?,
            PathKind::File,
        )?;
        let mut bytes = Vec::with_capacity(usize::try_from(named.len().min(LARGEST)).unwrap_or(0));
        file.take(LARGEST)
            .read_to_end(&mut bytes)
            .map_err(io_at(&path))?;
        Ok(Some(bytes))
    }

    /// Puts bytes under a key, whole or not at all: another process sees the old file or the new one.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn put(&self, key: &str, bytes: &[u8]) -> Result<(), CacheError> {
        static WRITES: AtomicU32 = AtomicU32::new(0);
        let writer = format!(
            "{}-{}",
            std::process::id(),
            WRITES.fetch_add(1, Ordering::Relaxed)
        );
        let (unfinished, path) = (self.0.join(format!("{key}.{writer}.new")), self.path(key));
        // Left behind by a process of the same number, if it is there.
        let _ = fs::remove_file(&unfinished);
        let written = write_new(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, &path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written.map_err(io_at(&path))?;
        self.tidy();
        Ok(())
    }

    /// Deletes the oldest files beyond the most that are kept. That one stays is untidy, not wrong.
    fn tidy(&self) {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort();
        for (_, path) in files.iter().rev().skip(MOST) {
            let _ = fs::remove_file(path);
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.0.join(key)
    }
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> CacheError {
    let path = path.to_owned();
    move |why| CacheError::Io { path, why }
}

/// The kind that a path must be of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PathKind {
    File,
    Folder,
    Above,
}

#[cfg(unix)]
fn check(path: &Path, found: &fs::Metadata, kind: PathKind) -> Result<(), CacheError> {
    use std::os::unix::fs::MetadataExt as _;
    let open = |what| {
        Err(CacheError::Open {
            path: path.to_owned(),
            what,
        })
    };
    let me = rustix::process::geteuid().as_raw();
    let (others_write, sticky) = (found.mode() & 0o022 != 0, found.mode() & 0o1000 != 0);
    match kind {
        PathKind::File if !found.is_file() => open("is not a regular file"),
        PathKind::Folder if !found.is_dir() => open("is not a folder of its own"),
        // In a sticky folder, such as /tmp, nobody can rename what is another's.
        PathKind::Above if ![0, me].contains(&found.uid()) => open("belongs to somebody else"),
        PathKind::Above if others_write && !sticky => open("can be written by others"),
        PathKind::Above => Ok(()),
        _ if found.uid() != me => open("belongs to somebody else"),
        _ if others_write => open("can be written by others"),
        _ => Ok(()),
    }
}

/// Trusts no file, for it is not known here who can write it.
#[cfg(not(unix))]
fn check(path: &Path, _: &fs::Metadata, _: PathKind) -> Result<(), CacheError> {
    Err(CacheError::Open {
        path: path.to_owned(),
        what: "cannot be checked on this system",
    })
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}
