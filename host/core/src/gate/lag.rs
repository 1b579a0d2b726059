//! GitHub tells of a merge at once, and may go on showing the branch as it was before it for a while. A run that sees both
//! would take the image before the merge for one that came after it, and tell the catalog so.

use jiff::Timestamp;

use super::Gate;
use crate::call::{Call, Reply};
use crate::contract::{Ancestry, Failure, PullRequest, PullState};
use crate::run::resume::MERGE_LAG;

impl Gate {
    /// Fails with a conflict for an answer that shows the base branch as it was before a merge which this run knows of, after
    /// a short wait for the branch: the policy then looks again.
    pub(super) async fn check_lag(&self, call: &Call, reply: &Reply) -> Result<(), Failure> {
        let Some(doubt) = self.doubt(call, reply) else {
            return Ok(());
        };
        let repo = self.run.source.live().github.repo(doubt.repository)?;
        // What cannot be told goes on, as it does once the merge is older.
        let Ok(found) = repo.compare(doubt.merge, doubt.head).await else {
            return Ok(());
        };
        if matches!(found.status, Ancestry::Identical | Ancestry::Ahead) {
            return Ok(());
        }
        // Whether it is there by then or not, only another look tells.
        let _ = repo.contains(doubt.base, doubt.merge).await;
        Err(Failure::Conflict(format!(
            "GitHub has shown {} as it was before pull request {} was merged into it",
            doubt.base, doubt.pull
        )))
    }

    /// Returns the merge that the base branch may not have held yet when this run read it; none if it did, or if nothing
    /// says that there was one.
    fn doubt<'a>(&'a self, call: &'a Call, reply: &'a Reply) -> Option<LagDoubt<'a>> {
        let doubt = match (call, reply) {
            // A list tells of a merge that the branch did not show before.
            (
                Call::FindPullRequests {
                    repository, base, ..
                },
                Reply::PullRequests(pulls),
            ) => {
                let head = self.evidence.head(repository, base)?;
                let (pull, merge) = newest_merge(pulls, base, self.run.clock.now())?;
                LagDoubt {
                    repository,
                    base,
                    head,
                    merge,
                    pull: pull.number,
                }
            }
            // A file is read again after a merge of this run.
            (
                Call::ReadFile {
                    repository,
                    revision,
                    ..
                },
                Reply::File(Some(file)),
            ) => {
                let (pull, merge) = self.evidence.last_merge_into(repository, revision)?;
                LagDoubt {
                    repository,
                    base: revision,
                    head: &file.commit,
                    merge,
                    pull,
                }
            }
            _ => return None,
        };
        (doubt.merge != doubt.head).then_some(doubt)
    }
}

/// A head at which a base branch was read, and a merge that it may lack.
struct LagDoubt<'a> {
    repository: &'a str,
    base: &'a str,
    head: &'a str,
    merge: &'a str,
    /// The number of the pull request that was merged.
    pull: u32,
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
