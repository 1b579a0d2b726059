//! Three-way merges: of trees, file by file, and of files, line by line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::diff::PathChange;
use super::object::{ObjectId, PathEntry};
use super::store::{ObjectStore, TreeEdits};

impl ObjectStore {
    /// Merges two trees that grew from one.
    ///
    /// # Errors
    ///
    /// The paths on which both sides disagree.
    pub fn merge_trees(
        &mut self,
        base: ObjectId,
        ours: ObjectId,
        theirs: ObjectId,
    ) -> Result<ObjectId, Vec<String>> {
        let by_path = |changes: Vec<PathChange>| -> BTreeMap<String, PathChange> {
            let keyed = changes
                .into_iter()
                .map(|change| (change.path.clone(), change));
            keyed.collect()
        };
        let mine = by_path(self.changes(Some(base), Some(ours)));
        let other = by_path(self.changes(Some(base), Some(theirs)));
        let mut edits = TreeEdits::new();
        let mut conflicts = BTreeSet::new();
        for (path, their) in &other {
            match mine.get(path) {
                None => {
                    edits.insert(path.clone(), their.new);
                }
                Some(our) if our.new == their.new => {}
                Some(our) => match self.merge_entries(our, their) {
                    Some(entry) => {
                        edits.insert(path.clone(), Some(entry));
                    }
                    None => {
                        conflicts.insert(path.clone());
                    }
                },
            }
        }
        conflicts.extend(self.clashes(ours, &edits));
        if !conflicts.is_empty() {
            return Err(conflicts.into_iter().collect());
        }
        let edited = self.edit_tree(Some(ours), &edits);
        edited.map_err(|error| vec![error.to_string()])
    }

    /// Both sides changed the path: merges content and mode, or gives up.
    fn merge_entries(&mut self, our: &PathChange, their: &PathChange) -> Option<PathEntry> {
        let ours = our.new?;
        let theirs = their.new?;
        if !ours.mode.is_file() || !theirs.mode.is_file() {
            return None;
        }
        let base = our.old.filter(|entry| entry.mode.is_file());
        let mode = match base {
            Some(base) if ours.mode == base.mode => theirs.mode,
            _ => ours.mode,
        };
        if ours.id == theirs.id {
            return Some(PathEntry { mode, id: ours.id });
        }
        let base = self.blob(base?.id)?;
        let merged = merge_lines(base, self.blob(ours.id)?, self.blob(theirs.id)?)?;
        let id = self.insert_blob(merged);
        Some(PathEntry { mode, id })
    }

    /// Paths to write below what is a file on our side, or in place of a directory of ours.
    fn clashes(&self, ours: ObjectId, edits: &TreeEdits) -> Vec<String> {
        let deleted = |path: &str| matches!(edits.get(path), Some(None));
        let written = edits.iter().filter(|(_, entry)| entry.is_some());
        let clash = |path: &str| {
            let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
            let below_file = above.any(|parent| {
                let entry = self.entry_at(ours, parent);
                entry.is_some_and(|entry| entry.mode.kind() != "tree") && !deleted(parent)
            });
            let entry = self.entry_at(ours, path);
            let over_directory = entry.is_some_and(|entry| {
                let mut below = self.walk(entry.id).into_iter();
                entry.mode.kind() == "tree"
                    && below.any(|(name, entry)| {
                        entry.mode.kind() != "tree" && !deleted(&format!("{path}/{name}"))
                    })
            });
            below_file || over_directory
        };
        let clashing = written.filter(|(path, _)| clash(path));
        clashing.map(|(path, _)| path.clone()).collect()
    }
}

/// Merges two texts that grew from one, or returns none if they touch the same or neighbouring lines differently.
pub(super) fn merge_lines(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    if [base, ours, theirs].iter().any(|text| text.contains(&0)) {
        return None; // Git takes a zero byte for binary, and merges no binary files.
    }
    let base = lines(base);
    let mut ours = MergeSide::new(&base, ours);
    let mut theirs = MergeSide::new(&base, theirs);
    let mut merged = Vec::new();
    let mut done = 0;
    while let Some(start) = [ours.next_start(), theirs.next_start()]
        .into_iter()
        .flatten()
        .min()
    {
        merged.extend_from_slice(&base[done..start]);
        let our_start = ours.position(start);
        let their_start = theirs.position(start);
        done = start;
        while let Some(end) = ours.absorb(done).or_else(|| theirs.absorb(done)) {
            done = end;
        }
        let our_lines = &ours.lines[our_start..ours.position(done)];
        let their_lines = &theirs.lines[their_start..theirs.position(done)];
        let unchanged = &base[start..done];
        if our_lines == their_lines || their_lines == unchanged {
            merged.extend_from_slice(our_lines);
        } else if our_lines == unchanged {
            merged.extend_from_slice(their_lines);
        } else {
            return None;
        }
    }
    merged.extend_from_slice(&base[done..]);
    Some(merged.concat())
}

/// One side of a merge, walked from top to bottom.
struct MergeSide<'a> {
    lines: Vec<&'a [u8]>,
    /// Stretches of base lines, and what this side has instead, last first.
    hunks: Vec<(Range<usize>, Range<usize>)>,
    /// The distance of this side's lines from the base's so far.
    shift: isize,
}

impl<'a> MergeSide<'a> {
    fn new(base: &[&[u8]], text: &'a [u8]) -> Self {
        let lines = lines(text);
        let ops = capture_diff_slices(Algorithm::Myers, base, &lines);
        let changed = ops
            .iter()
            .rev()
            .filter(|op| !matches!(op, DiffOp::Equal { .. }));
        let hunks = changed.map(|op| (op.old_range(), op.new_range())).collect();
        Self {
            lines,
            hunks,
            shift: 0,
        }
    }

    fn next_start(&self) -> Option<usize> {
        self.hunks.last().map(|(base, _)| base.start)
    }

    /// Where this side is when the base is at `line`.
    fn position(&self, line: usize) -> usize {
        line.saturating_add_signed(self.shift)
    }

    /// Takes the next hunk if it touches a region that ends here, and returns where the region ends now.
    fn absorb(&mut self, end: usize) -> Option<usize> {
        let (base, side) = self.hunks.pop_if(|(base, _)| base.start <= end)?;
        self.shift = side.end.cast_signed() - base.end.cast_signed();
        Some(end.max(base.end))
    }
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}
