//! GitHub tells of a merge at once, and may go on showing the branch as it was before it for a while. A run that sees both
//! would take the image before the merge for one that came after it, and tell the catalog so.

use jiff::Timestamp;

use super::Gate;
use crate::call::{Call, Reply};
use crate::contract::{Ancestry, Failure, PullRequest, PullState};
use crate::run::resume::MERGE_LAG;

impl Gate {
    /// Fails with a conflict for an answer that tells of a merge which the base branch did not hold yet when this run read it,
    /// after a short wait for the branch: the policy then looks again.
    pub(super) async fn check_lag(&self, call: &Call, reply: &Reply) -> Result<(), Failure> {
        let (
            Call::FindPullRequests {
                repository, base, ..
            },
            Reply::PullRequests(pulls),
        ) = (call, reply)
        else {
            return Ok(());
        };
        let Some(read) = self.evidence.head(repository, base) else {
            return Ok(());
        };
        let now = self.run.clock.now();
        let Some((pull, commit)) = newest_merge(pulls, base, now) else {
            return Ok(());
        };
        if commit == read {
            return Ok(());
        }
        let repo = self.run.source.live().github.repo(repository)?;
        // What cannot be told goes on, as it does once the merge is older.
        let Ok(found) = repo.compare(commit, read).await else {
            return Ok(());
        };
        if matches!(found.status, Ancestry::Identical | Ancestry::Ahead) {
            return Ok(());
        }
        // Whether it is there by then or not, only another look tells.
        let _ = repo.contains(base, commit).await;
        Err(Failure::Conflict(format!(
            "GitHub has shown {base} as it was before pull request {} was merged into it",
            pull.number
        )))
    }
}

/// The newest of the merges into a base that GitHub may not show yet, with its commit.
fn newest_merge<'a>(
    pulls: &'a [PullRequest],
    base: &str,
    now: Timestamp,
) -> Option<(&'a PullRequest, &'a str)> {
    let fresh = pulls.iter().filter_map(|pull| {
        let at: Timestamp = pull.merged_at.as_deref()?.parse().ok()?;
        let commit = pull.merge_commit.as_deref()?;
        let is_fresh = now.duration_since(at) < MERGE_LAG;
        let is_merge = pull.state == PullState::Merged && pull.base == base;
        (is_fresh && is_merge).then_some((at, pull, commit))
    });
    let newest = fresh.max_by_key(|(at, pull, _)| (*at, pull.number))?;
    Some((newest.1, newest.2))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::contract::Mergeability;

    fn pull(number: u32, base: &str, state: PullState, merged_at: &str) -> PullRequest {
        PullRequest {
            number,
            url: String::new(),
            title: String::new(),
            state,
            head: "promote/web/production/web".to_owned(),
            head_commit: "c".to_owned(),
            base: base.to_owned(),
            merge_commit: Some(format!("m{number}")),
            merged_at: Some(merged_at.to_owned()),
            mergeable: Mergeability::Unknown,
            image: None,
            runs: Vec::new(),
        }
    }

    #[test]
    fn only_a_merge_into_the_base_a_moment_ago_may_not_be_shown_yet() {
        use PullState::{Closed, Merged};
        let now: Timestamp = "2026-01-06T10:10:00Z".parse().unwrap();
        let table = [
            (
                vec![pull(1, "main", Merged, "2026-01-06T10:09:59Z")],
                Some("m1"),
            ),
            (vec![pull(1, "main", Merged, "2026-01-06T10:00:00Z")], None),
            (vec![pull(1, "other", Merged, "2026-01-06T10:09:59Z")], None),
            (vec![pull(1, "main", Closed, "2026-01-06T10:09:59Z")], None),
            (vec![pull(1, "main", Merged, "yesterday")], None),
            (
                vec![
                    pull(2, "main", Merged, "2026-01-06T10:05:00Z"),
                    pull(1, "main", Merged, "2026-01-06T10:08:00Z"),
                ],
                Some("m1"),
            ),
            (
                vec![
                    pull(1, "main", Merged, "2026-01-06T10:08:00Z"),
                    pull(2, "main", Merged, "2026-01-06T10:08:00Z"),
                ],
                Some("m2"),
            ),
        ];
        for (pulls, expected) in table {
            let found = newest_merge(&pulls, "main", now).map(|(_, commit)| commit);
            assert_eq!(found, expected, "{pulls:?}");
        }
    }
}
