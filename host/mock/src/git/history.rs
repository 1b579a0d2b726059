//! The order of commits: ancestors, merge bases, and what one branch has ahead of another.

use std::collections::BTreeSet;

use super::object::ObjectId;
use super::store::ObjectStore;

impl ObjectStore {
    /// Returns the commit and all its ancestors.
    pub fn ancestors(&self, of: ObjectId) -> BTreeSet<ObjectId> {
        let mut seen = BTreeSet::new();
        let mut open = vec![of];
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                let parents = self.commit(id).map(|commit| commit.parents.as_slice());
                open.extend_from_slice(parents.unwrap_or_default());
            }
        }
        seen
    }

    /// Returns true if `older` is `newer` or one of its ancestors.
    pub fn is_ancestor(&self, older: ObjectId, newer: ObjectId) -> bool {
        older == newer || self.ancestors(newer).contains(&older)
    }

    /// The best common ancestor, the youngest if there are several.
    pub fn merge_base(&self, one: ObjectId, other: ObjectId) -> Option<ObjectId> {
        let ones = self.ancestors(one);
        let others = self.ancestors(other);
        let common: BTreeSet<ObjectId> = ones.intersection(&others).copied().collect();
        let dominated: BTreeSet<ObjectId> = common
            .iter()
            .filter_map(|id| self.commit(*id))
            .flat_map(|commit| commit.parents.iter().copied())
            .flat_map(|parent| self.ancestors(parent))
            .collect();
        let best = common.difference(&dominated).copied();
        best.max_by_key(|id| self.commit(*id).map(|commit| commit.committer.time))
    }

    /// The commits that `head` has and `base` has not, parents before children.
    pub fn ahead(&self, base: ObjectId, head: ObjectId) -> Vec<ObjectId> {
        let mut seen = self.ancestors(base);
        let mut order = Vec::new();
        let mut open = vec![(head, false)];
        while let Some((id, parents_done)) = open.pop() {
            if parents_done {
                order.push(id);
            } else if seen.insert(id) {
                open.push((id, true));
                let parents = self.commit(id).map(|commit| commit.parents.as_slice());
                let parents = parents.unwrap_or_default().iter().rev();
                open.extend(parents.map(|parent| (*parent, false)));
            }
        }
        order
    }

    /// The newest commits that changed a path, the newest first, as `git log -- PATH` simplifies history: behind a commit of
    /// which a parent has the same there, only that parent is followed.
    pub fn changing(&self, head: ObjectId, path: &str, most: usize) -> Vec<ObjectId> {
        let at = |id| self.entry_at(self.tree_of(id)?, path);
        let time = |id| self.commit(id).map(|commit| commit.committer.time);
        let mut changing = Vec::new();
        let mut seen = BTreeSet::from([head]);
        let mut open = vec![head];
        while let Some(next) =
            (0..open.len()).max_by_key(|at| (time(open[*at]), std::cmp::Reverse(*at)))
            && changing.len() < most
        {
            let id = open.remove(next);
            let parents = self.commit(id).map(|commit| commit.parents.as_slice());
            let parents = parents.unwrap_or_default();
            let same = parents.iter().find(|parent| at(**parent) == at(id));
            if same.is_none() && (!parents.is_empty() || at(id).is_some()) {
                changing.push(id);
            }
            let followed = same.map_or(parents, std::slice::from_ref);
            open.extend(followed.iter().filter(|parent| seen.insert(**parent)));
        }
        changing
    }

    /// The tree of a commit.
    pub fn tree_of(&self, commit: ObjectId) -> Option<ObjectId> {
        Some(self.commit(commit)?.tree)
    }
}
