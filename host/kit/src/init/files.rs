//! The workflow files and `promote.toml` where they are: what would change, what stays, and the writing.
//!
//! A file carries the sum of its own text. So a later run tells what it wrote itself, and may renew, from a person's work,
//! which it shows and leaves alone.

#[cfg(test)]
pub(super) mod tests;

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::answers::SetupAnswers;
use super::contents::{config, is_unchanged, resume, workflow};
use super::dialog::{SetupDialog, SetupDifference};
use super::guide;

/// The workflow file, below the repository.
pub(super) const WORKFLOW: &str = ".github/workflows/promote-production.yml";
/// The name of the workflow, as Port's action calls it.
pub(super) const WORKFLOW_NAME: &str = "promote-production.yml";
/// The workflow that carries on what waits, below the repository.
pub(super) const RESUME: &str = ".github/workflows/promote-resume.yml";
/// The operator's configuration.
pub(super) const CONFIG: &str = "promote.toml";

/// The files that would change, and what stays although it differs.
pub(super) struct SetupFiles {
    pub(super) all: Vec<SetupFile>,
    /// Files that differ and stay, with the difference.
    pub(super) kept: Vec<SetupDifference>,
    /// What a person has to know or do besides.
    pub(super) notes: Vec<String>,
}

/// A file that would change.
pub(super) struct SetupFile {
    folder: PathBuf,
    pub(super) difference: SetupDifference,
}

/// Whose work a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileOrigin {
    /// There is none.
    Absent,
    /// `promote init` wrote it, and nobody changed it.
    Own,
    /// It is the workflow of Port's guide.
    Guide,
    /// A person wrote or changed it.
    Person,
}

/// Compares what is there with what should be.
pub(super) fn plan(
    answers: &SetupAnswers,
    folder: &Path,
    overwrite: bool,
) -> anyhow::Result<SetupFiles> {
    let mut files = SetupFiles {
        all: Vec::new(),
        kept: Vec::new(),
        notes: Vec::new(),
    };
    for (name, after) in [
        (WORKFLOW, workflow(answers)),
        (RESUME, resume(answers)),
        (CONFIG, config(answers)?),
    ] {
        refuse_links(folder, name)?;
        let before = read(&folder.join(name))?.unwrap_or_default();
        if before == after {
            continue;
        }
        let origin = origin(&before);
        if origin == FileOrigin::Guide {
            files.notes.extend(guide_notes(name, &before, answers));
        }
        let difference = SetupDifference {
            name: name.to_owned(),
            before,
            after,
        };
        if origin == FileOrigin::Person && !overwrite {
            files.kept.push(difference);
        } else {
            files.all.push(SetupFile {
                folder: folder.to_owned(),
                difference,
            });
        }
    }
    files.notes.extend(other_workflows(folder)?);
    Ok(files)
}

/// Reads a file; none if it is not there.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn origin(text: &str) -> FileOrigin {
    if text.is_empty() {
        FileOrigin::Absent
    } else if is_unchanged(text) {
        FileOrigin::Own
    } else if guide::is_guides_workflow(text) {
        FileOrigin::Guide
    } else {
        FileOrigin::Person
    }
}

/// What somebody who comes from Port's guide has to know.
fn guide_notes(name: &str, text: &str, answers: &SetupAnswers) -> Vec<String> {
    let mut notes = vec![format!(
        "{name} is the workflow of Port's guide: it is replaced, git keeps the old one"
    )];
    notes.extend(guide::left_secrets(text).into_iter().map(|secret| {
        format!(
            "the secret {secret} is not needed any more: gh secret delete {secret} --repo {}",
            answers.workflow_repository
        )
    }));
    notes
}

/// Finds the guide's workflow under other names: it stays, and whatever starts it promotes past `promote`.
fn other_workflows(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut notes = Vec::new();
    let workflows = folder.join(".github/workflows");
    let Ok(entries) = workflows.read_dir() else {
        return Ok(notes);
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_workflow = name.ends_with(".yml") || name.ends_with(".yaml");
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_workflow || !is_file || name == WORKFLOW_NAME {
            continue;
        }
        if read(&entry.path())?.is_some_and(|text| guide::is_guides_workflow(&text)) {
            notes.push(format!(
                ".github/workflows/{name} promotes as Port's guide does, past `promote`: remove it, and the action in Port that starts it"
            ));
        }
    }
    notes.sort();
    Ok(notes)
}

/// Writes the files.
pub(super) fn write(files: &SetupFiles, dialog: &SetupDialog<'_>) -> anyhow::Result<()> {
    for file in &files.all {
        let path = file.folder.join(&file.difference.name);
        refuse_links(&file.folder, &file.difference.name)?;
        replace(&path, &file.difference.after)
            .with_context(|| format!("writing {}", path.display()))?;
        (dialog.say)(&format!("wrote {}", file.difference.name));
    }
    Ok(())
}

/// Refuses a file below the folder that is a symbolic link, or lies behind one: a cloned repository could lead a write to
/// any other place by it.
fn refuse_links(folder: &Path, name: &str) -> anyhow::Result<()> {
    let mut path = folder.to_owned();
    for part in Path::new(name) {
        path.push(part);
        match path.symlink_metadata() {
            Ok(found) if found.is_symlink() => bail!(
                "{} is a symbolic link, and nothing is written through one: put a file or a folder in its place, or name another folder with `--folder`",
                path.display()
            ),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }
    Ok(())
}

/// Writes a new file beside the place and moves it there: a link that appears meanwhile is replaced, not followed.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = std::fs::File::create_new(&draft)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| std::fs::rename(&draft, path));
    if written.is_err() {
        // The first failure is the one to report.
        let _ = std::fs::remove_file(&draft);
    }
    written
}
