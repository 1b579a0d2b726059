//! Differences between two trees, and between two versions of a file.

use std::collections::BTreeMap;

use similar::TextDiff;

use super::object::{FileMode, ObjectId, PathEntry, TreeObject};
use super::store::ObjectStore;

/// A path that differs. Renames are not looked for: they are a deletion and an addition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathChange {
    /// The path.
    pub path: String,
    /// The old entry, unless the path is new.
    pub old: Option<PathEntry>,
    /// The new entry, unless the path is deleted.
    pub new: Option<PathEntry>,
}

/// The lines that two versions of a file do not share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineDiff {
    /// Number of lines that only the new version has.
    pub additions: usize,
    /// Number of lines that only the old version has.
    pub deletions: usize,
    /// The hunks, without file headers; none if either version is not text.
    pub patch: Option<String>,
}

impl ObjectStore {
    /// The files, links and submodules that differ between two trees, by path.
    pub fn changes(&self, old: Option<ObjectId>, new: Option<ObjectId>) -> Vec<PathChange> {
        let mut found = Vec::new();
        self.changes_below(old, new, "", &mut found);
        found
    }

    fn changes_below(
        &self,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
        prefix: &str,
        found: &mut Vec<PathChange>,
    ) {
        if old == new {
            return;
        }
        let entries = |id: Option<ObjectId>| {
            let tree = id.and_then(|id| self.tree(id));
            tree.map(TreeObject::entries).unwrap_or_default()
        };
        let mut names: BTreeMap<&str, (Option<PathEntry>, Option<PathEntry>)> = BTreeMap::new();
        for (name, entry) in entries(old) {
            names.entry(name).or_default().0 = Some(*entry);
        }
        for (name, entry) in entries(new) {
            names.entry(name).or_default().1 = Some(*entry);
        }
        for (name, (old, new)) in names {
            if old == new {
                continue;
            }
            let path = format!("{prefix}{name}");
            let is_tree = |entry: &PathEntry| entry.mode == FileMode::Tree;
            let old_leaf = old.filter(|e| !is_tree(e));
            let new_leaf = new.filter(|e| !is_tree(e));
            if old_leaf.is_some() || new_leaf.is_some() {
                found.push(PathChange {
                    path: path.clone(),
                    old: old_leaf,
                    new: new_leaf,
                });
            }
            let tree = |entry: Option<PathEntry>| entry.filter(is_tree).map(|entry| entry.id);
            self.changes_below(tree(old), tree(new), &format!("{path}/"), found);
        }
    }

    /// Compares the two versions of a changed file.
    pub fn line_diff(&self, change: &PathChange) -> LineDiff {
        let content = |entry: Option<PathEntry>| match entry {
            Some(entry) => self.blob(entry.id).map(str::from_utf8),
            None => Some(Ok("")),
        };
        let (Some(Ok(old)), Some(Ok(new))) = (content(change.old), content(change.new)) else {
            return LineDiff::default();
        };
        let diff = TextDiff::from_lines(old, new);
        let mut result = LineDiff::default();
        for line in diff.iter_all_changes() {
            match line.tag() {
                similar::ChangeTag::Insert => result.additions += 1,
                similar::ChangeTag::Delete => result.deletions += 1,
                similar::ChangeTag::Equal => {}
            }
        }
        result.patch = Some(diff.unified_diff().context_radius(3).to_string());
        result
    }
}
