//! The files of a repository, in a world file or in a folder beside it.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::Deserialize;

use crate::git::FileMode;
use crate::github::FileSpec;

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum ContentFile {
    Text(String),
    Special { text: String, mode: ModeFile },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ModeFile {
    Executable,
    Symlink,
}

/// Collects the files of a folder by their path in the repository. Links and the folder `.git` are left out.
pub(super) fn collect(
    root: &Path,
    below: &Path,
    files: &mut BTreeMap<String, FileSpec>,
) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(root.join(below))?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        let path = below.join(entry.file_name());
        if kind.is_dir() && entry.file_name() != ".git" {
            collect(root, &path, files)?;
        } else if kind.is_file() {
            let parts = path.components().filter_map(|part| match part {
                Component::Normal(part) => part.to_str(),
                _ => None,
            });
            let name: Vec<&str> = parts.collect();
            let text = std::fs::read_to_string(entry.path())
                .map_err(|error| std::io::Error::other(format!("{}: {error}", path.display())))?;
            files.insert(name.join("/"), text.into());
        }
    }
    Ok(())
}

impl From<ContentFile> for FileSpec {
    fn from(file: ContentFile) -> Self {
        match file {
            ContentFile::Text(text) => text.into(),
            ContentFile::Special { text, mode } => Self {
                text,
                mode: match mode {
                    ModeFile::Executable => FileMode::Executable,
                    ModeFile::Symlink => FileMode::Symlink,
                },
            },
        }
    }
}
