//! What the merged pull requests of a service and an environment tell of its past.

use crate::host::{PullRequest, PullState};

/// The number of pull requests that the history is read back.
const FAR: usize = 12;

/// The merged ones of pull requests, the oldest first, as far back as the history is read.
pub(super) fn merged(pulls: Vec<PullRequest>) -> Vec<PullRequest> {
    let mut merged: Vec<_> = pulls
        .into_iter()
        .filter(|pull| pull.state == PullState::Merged)
        .collect();
    merged
        .sort_by(|one, other| (&one.merged_at, one.number).cmp(&(&other.merged_at, other.number)));
    merged.drain(..merged.len().saturating_sub(FAR));
    merged
}

/// Returns the pull request that took an image back since it was promoted last.
pub(super) fn taken_back_by(merged: &[PullRequest], image: &str) -> Option<u32> {
    let mut last = None;
    let mut taken = None;
    for pull in merged {
        let is_same = last == Some(image);
        last = pull.image.as_deref();
        if last == Some(image) {
            taken = None;
        } else if is_same && is_way_back(pull) {
            taken = Some(pull.number);
        }
    }
    taken
}

/// The branch of the pull request that a branch of GitHub's button "Revert" takes back (GitHub docs, "Reverting a pull
/// request").
pub(super) fn reverted(head: &str) -> Option<&str> {
    let (number, reverted) = head.strip_prefix("revert-")?.split_once('-')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(reverted)
}

/// Whether a pull request took a promotion back: a run that goes back, one whose promotion did not come up, or a person.
pub(super) fn is_way_back(pull: &PullRequest) -> bool {
    if reverted(&pull.head).is_some() {
        return true;
    }
    let name = pull.head.rsplit('/').next().unwrap_or_default();
    name.starts_with("rollback-") || name.starts_with("revert-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Mergeability;

    /// A merged pull request: `back` for a way back, and its image.
    fn pull(number: u32, back: bool, image: &str) -> PullRequest {
        let name = if back { "rollback-1" } else { "web-1" };
        PullRequest {
            number,
            url: String::new(),
            title: String::new(),
            state: PullState::Merged,
            head: format!("promote/web/production/{name}"),
            head_commit: String::new(),
            base: "main".to_owned(),
            merge_commit: None,
            merged_at: None,
            mergeable: Mergeability::Unknown,
            image: (!image.is_empty()).then(|| image.to_owned()),
            runs: Vec::new(),
        }
    }

    #[test]
    fn a_revert_by_a_person_is_a_way_back() {
        let of = |head: &str| PullRequest {
            head: head.to_owned(),
            ..pull(3, false, "")
        };
        for (head, expected) in [
            ("promote/web/production/rollback-1", true),
            ("promote/web/production/revert-web-1", true),
            ("revert-12-promote/web/production/web-1", true),
            ("promote/web/production/web-1", false),
            ("revert-x-promote/web/production/web-1", false),
            ("revert-promote/web/production/web-1", false),
            ("revert--promote/web/production/web-1", false),
        ] {
            assert_eq!(is_way_back(&of(head)), expected, "{head}");
        }
    }

    #[test]
    fn an_image_is_taken_back_until_it_is_promoted_again() {
        let history = [
            pull(1, false, "one"),
            pull(2, false, "two"),
            pull(3, true, "one"),
        ];
        assert_eq!(taken_back_by(&history, "two"), Some(3));
        assert_eq!(taken_back_by(&history, "one"), None);
        assert_eq!(taken_back_by(&history, "three"), None);
        // Another image after it does not make it better.
        let later = [&history[..], &[pull(4, false, "three")]].concat();
        assert_eq!(taken_back_by(&later, "two"), Some(3));
        let again = [&later[..], &[pull(5, false, "two")]].concat();
        assert_eq!(taken_back_by(&again, "two"), None);
        // A pull request that does not say what it brought takes nothing back by name.
        let silent = [pull(1, false, ""), pull(2, true, "")];
        assert_eq!(taken_back_by(&silent, "two"), None);
    }
}
