//! The objects by id, with reads and edits of trees.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::object::{CommitObject, FileMode, GitObject, ObjectId, PathEntry, TreeObject};

/// Objects under their ids. Cloning shares everything: a scenario clones a world thousands of times a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectStore {
    objects: Arc<BTreeMap<ObjectId, Arc<GitObject>>>,
}

/// Why a tree cannot be edited as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A path with an empty part, `.`, `..` or `.git`.
    #[error("{0:?} is not a path that Git stores")]
    Path(String),
    /// A path to delete that is not there.
    #[error("{0:?} is not in the tree")]
    Missing(String),
    /// A path that would be a file and a directory.
    #[error("{0:?} cannot be both a file and a directory")]
    Clash(String),
}

/// The new entry of each path; `None` deletes the path.
pub type TreeEdits = BTreeMap<String, Option<PathEntry>>;

impl ObjectStore {
    /// Keeps the object and returns its id.
    pub fn insert(&mut self, object: GitObject) -> ObjectId {
        let id = object.id();
        if !self.objects.contains_key(&id) {
            Arc::make_mut(&mut self.objects).insert(id, Arc::new(object));
        }
        id
    }

    /// Keeps a blob and returns its id.
    pub fn insert_blob(&mut self, content: impl Into<Vec<u8>>) -> ObjectId {
        self.insert(GitObject::Blob(content.into()))
    }

    /// The object, of any kind.
    pub fn object(&self, id: ObjectId) -> Option<&GitObject> {
        self.objects.get(&id).map(|object| &**object)
    }

    /// The content of a blob.
    pub fn blob(&self, id: ObjectId) -> Option<&[u8]> {
        match self.object(id)? {
            GitObject::Blob(content) => Some(content),
            _ => None,
        }
    }

    /// The tree of this id.
    pub fn tree(&self, id: ObjectId) -> Option<&TreeObject> {
        match self.object(id)? {
            GitObject::Tree(tree) => Some(tree),
            _ => None,
        }
    }

    /// The commit of this id.
    pub fn commit(&self, id: ObjectId) -> Option<&CommitObject> {
        match self.object(id)? {
            GitObject::Commit(commit) => Some(commit),
            _ => None,
        }
    }

    /// The number of objects, reachable or not.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Returns true before the first object.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Returns the entry at a path of the tree. The empty path is the tree itself.
    pub fn entry_at(&self, tree: ObjectId, path: &str) -> Option<PathEntry> {
        let root = PathEntry {
            mode: FileMode::Tree,
            id: tree,
        };
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        parts.try_fold(root, |entry, part| self.tree(entry.id)?.entry(part))
    }

    /// Every entry below the tree, directories included, in the order of `git ls-tree -r -t`.
    pub fn walk(&self, tree: ObjectId) -> Vec<(String, PathEntry)> {
        let mut found = Vec::new();
        self.walk_into(tree, "", &mut found);
        found
    }

    fn walk_into(&self, tree: ObjectId, prefix: &str, found: &mut Vec<(String, PathEntry)>) {
        let entries = self.tree(tree).map(TreeObject::entries).unwrap_or_default();
        for (name, entry) in entries {
            let path = format!("{prefix}{name}");
            found.push((path.clone(), *entry));
            if entry.mode == FileMode::Tree {
                self.walk_into(entry.id, &format!("{path}/"), found);
            }
        }
    }

    /// Writes the tree that `base` becomes when the edits are made; without a base only the edits remain.
    ///
    /// # Errors
    ///
    /// If a path is not one, is to be deleted and absent, or is both a file and a directory.
    pub fn edit_tree(
        &mut self,
        base: Option<ObjectId>,
        edits: &TreeEdits,
    ) -> Result<ObjectId, TreeError> {
        let mut split = Vec::new();
        for (path, entry) in edits {
            let parts: Vec<&str> = path.split('/').collect();
            if !parts.iter().all(|part| is_storable(part)) || path.contains('\0') {
                return Err(TreeError::Path(path.clone()));
            }
            split.push((parts, *entry));
        }
        let edited = self.edit_level(base, &split, 0)?;
        Ok(edited.unwrap_or_else(|| self.insert(GitObject::Tree(TreeObject::default()))))
    }

    /// Edits one directory; none if nothing is left in it, since Git keeps no empty directories.
    fn edit_level(
        &mut self,
        tree: Option<ObjectId>,
        edits: &[(Vec<&str>, Option<PathEntry>)],
        depth: usize,
    ) -> Result<Option<ObjectId>, TreeError> {
        let known = tree.and_then(|id| self.tree(id));
        let known = known.map(TreeObject::entries).unwrap_or_default();
        let mut entries: BTreeMap<String, PathEntry> = known.iter().cloned().collect();
        for group in edits.chunk_by(|one, other| one.0[depth] == other.0[depth]) {
            let name = group[0].0[depth];
            let path = || group[0].0[..=depth].join("/");
            let edited = match group {
                [(parts, entry)] if parts.len() == depth + 1 => {
                    if entry.is_none() && !entries.contains_key(name) {
                        return Err(TreeError::Missing(path()));
                    }
                    *entry
                }
                _ if group.iter().any(|(parts, _)| parts.len() == depth + 1) => {
                    return Err(TreeError::Clash(path()));
                }
                _ => {
                    let below = entries
                        .get(name)
                        .filter(|entry| entry.mode == FileMode::Tree);
                    let below = self.edit_level(below.map(|entry| entry.id), group, depth + 1)?;
                    below.map(|id| PathEntry {
                        mode: FileMode::Tree,
                        id,
                    })
                }
            };
            match edited {
                Some(entry) => entries.insert(name.into(), entry),
                None => entries.remove(name),
            };
        }
        let entries: Vec<_> = entries.into_iter().collect();
        Ok((!entries.is_empty()).then(|| self.insert(GitObject::Tree(TreeObject::new(entries)))))
    }
}

/// Returns true if Git stores a path part of this name.
fn is_storable(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git")
}
