//! `provenance`: the image was built from a commit of the service's default branch.

use super::reason;
use crate::catalog::named;
use crate::facts::{Facts, ImageProvenance};
use crate::host::Ancestry;
use crate::types::Reason;

/// Refuses an image whose commit is not known, or not on the branch.
pub fn check(facts: &Facts) -> Vec<Reason> {
    let Some(image) = &facts.image else {
        return Vec::new();
    };
    match &facts.provenance {
        ImageProvenance::NotAsked => Vec::new(),
        ImageProvenance::Unknown(what) => vec![reason("provenance", what.clone())],
        ImageProvenance::Known {
            status: Ancestry::Identical | Ancestry::Behind,
            ..
        } => Vec::new(),
        ImageProvenance::Known {
            repository,
            branch,
            commit,
            ..
        } => vec![reason(
            "provenance",
            format!(
                "{} was built from commit {commit}, which is not on branch `{branch}` of {repository}: merge it first",
                named(&image.key)
            ),
        )],
    }
}
