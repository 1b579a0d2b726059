//! `promote test --watch`: again whenever something changes. It looks at times and sizes of files, a few times a second:
//! that works on every file system, and needs nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Out, TestArgs, once};
use crate::scenario::Runner;

/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// When files were last changed, and how long they are.
type Stamps = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Runs, waits for a change, and runs again, until somebody ends the program.
///
/// # Errors
/// Never: what is wrong may be what is being written.
pub(super) async fn watch(
    args: &TestArgs,
    runner: &Arc<Runner>,
    out: &Out<'_>,
) -> anyhow::Result<u8> {
    loop {
        let before = stamps(args, runner);
        if let Err(error) = once(args, runner, out).await {
            (out.say)(&format!("{error:#}"));
        }
        (out.say)("waiting for a change; Ctrl-C ends it");
        // What the run has learned to look at is no change.
        let mut known = stamps(args, runner);
        known.extend(before);
        while stamps(args, runner) == known {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn stamps(args: &TestArgs, runner: &Runner) -> Stamps {
    let mut found = Stamps::new();
    for path in &args.paths {
        match path.is_dir() {
            true => look(path, &mut found),
            // What stands beside a scenario is what it names.
            false => beside(path.parent().unwrap_or(Path::new(".")), &mut found),
        }
    }
    for file in runner.policy_files() {
        stamp(file, &mut found);
    }
    found
}

fn look(folder: &Path, found: &mut Stamps) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => look(&entry.path(), found),
            _ => stamp(entry.path(), found),
        }
    }
}

fn beside(folder: &Path, found: &mut Stamps) {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
            stamp(entry.path(), found);
        }
    }
}

fn stamp(path: PathBuf, found: &mut Stamps) {
    if let Ok(file) = path.metadata() {
        found.insert(path, (file.modified().ok(), file.len()));
    }
}
