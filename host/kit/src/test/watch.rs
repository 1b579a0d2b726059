//! `promote test --watch`: again whenever something changes. It looks at times and sizes of files, a few times a second:
//! that works on every file system, and needs nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::scenario::ScenarioRunner;

/// The pause between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// The time of each file's last change, and its length.
type FileStamps = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Runs, waits for a change, and runs again, until somebody ends the program.
///
/// # Errors
/// Never: what is wrong may be what is being written.
pub(super) async fn watch(
    paths: &[PathBuf],
    runner: &ScenarioRunner,
    say: &(dyn Fn(&str) + Sync),
    run_once: impl AsyncFn() -> anyhow::Result<u8>,
) -> anyhow::Result<u8> {
    loop {
        let before = stamps(paths, runner);
        if let Err(error) = run_once().await {
            say(&format!("{error:#}"));
        }
        say("waiting for a change; Ctrl-C ends it");
        // What the run has learned to look at is no change.
        let mut known = stamps(paths, runner);
        known.extend(before);
        while stamps(paths, runner) == known {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

fn stamps(paths: &[PathBuf], runner: &ScenarioRunner) -> FileStamps {
    let mut found = FileStamps::new();
    for path in paths {
        if path.is_dir() {
            look(path, &mut found);
        } else {
            // The files beside a scenario are those that it names.
            beside(path.parent().unwrap_or(Path::new(".")), &mut found);
        }
    }
    for file in runner.policy_files() {
        stamp(file, &mut found);
    }
    found
}

fn look(folder: &Path, found: &mut FileStamps) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => look(&entry.path(), found),
            _ => stamp(entry.path(), found),
        }
    }
}

fn beside(folder: &Path, found: &mut FileStamps) {
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

fn stamp(path: PathBuf, found: &mut FileStamps) {
    if let Ok(file) = path.metadata() {
        found.insert(path, (file.modified().ok(), file.len()));
    }
}
