//! What a proposal would change, as rules judge it.

use crate::contract::{Candidate, Proposal, ValueChange};
use crate::gate::values::manifest_values;
use crate::id::BranchFile;

/// Derives from a proposal what rules judge: the values of these keys that it changes, by the host's own reading. `before` has
/// the text of a file by its blob.
pub fn derive_candidate<'a>(
    proposal: &Proposal,
    keys: &[&str],
    before: impl Fn(&BranchFile, &str) -> Option<&'a str>,
) -> Candidate {
    let mut changes = Vec::new();
    for change in &proposal.changes {
        let file = BranchFile::new(&proposal.repository, &proposal.base, &change.path);
        let old = before(&file, &change.expected_blob).unwrap_or_default();
        changes.extend(changed_values(&change.path, old, &change.content, keys));
    }
    Candidate {
        repository: proposal.repository.clone(),
        base: proposal.base.clone(),
        changes,
    }
}

/// The values that differ. What is not understood as a value is a change of the file as a whole, without values: no change is
/// hidden from a rule.
fn changed_values(path: &str, old: &str, new: &str, keys: &[&str]) -> Vec<ValueChange> {
    let (before, after) = (manifest_values(old, keys), manifest_values(new, keys));
    let mut changes = Vec::new();
    let mut add = |before: &str, after: &str| {
        changes.push(ValueChange {
            path: path.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        });
    };
    if before.len() == after.len() {
        for (old, new) in before.iter().zip(&after) {
            if old.value != new.value {
                add(&old.value, &new.value);
            }
        }
    } else {
        for new in after
            .iter()
            .filter(|new| !before.iter().any(|old| old.value == new.value))
        {
            add("", &new.value);
        }
    }
    if changes.is_empty() && old != new {
        changes.push(ValueChange {
            path: path.to_owned(),
            before: String::new(),
            after: String::new(),
        });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_that_differ_are_told_with_both_sides() {
        let values = |old: &str, new: &str| {
            changed_values("a.yaml", old, new, &["image"])
                .into_iter()
                .map(|change| (change.before, change.after))
                .collect::<Vec<_>>()
        };
        let pair = |one: &str, other: &str| vec![(one.to_owned(), other.to_owned())];
        assert_eq!(
            values("name: a\nimage: web:1\n", "name: a\nimage: web:2\n"),
            pair("web:1", "web:2")
        );
        assert_eq!(values("image: web:1\n", "image: web:1\n"), []);
        assert_eq!(values("a: 1\n", "a: 1\nimage: web:2\n"), pair("", "web:2"));
        assert_eq!(values("a: 1\n", "a: 2\n"), pair("", ""));
    }
}
