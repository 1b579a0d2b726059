//! Who opened, wrote, reviewed and merged a pull request, and which pull requests brought a commit.

use serde::Deserialize;

use super::pulls::{UserName, WirePull};
use crate::contract::{Failure, PullPeople, PullRequest, Review, ReviewState};
use crate::service::github::{Repo, rejected};
use crate::service::http::{CallResult, or_none, seg};

/// The reviewer whose account is gone, by the name that GitHub shows for them.
const GHOST: &str = "ghost";
/// The most reviewers who are asked about.
const MAX_REVIEWERS: usize = 30;
/// The most commits that GitHub lists of a pull request.
const MAX_COMMITS: usize = 250;

/// A review as "List reviews for a pull request" sends it.
#[derive(Clone, Debug, Deserialize)]
struct WireReview {
    user: Option<UserName>,
    state: String,
    commit_id: Option<String>,
    submitted_at: Option<String>,
}

/// A commit as "List commits on a pull request" sends it: the accounts behind its signatures, where GitHub knows them. An account
/// that is gone is an object without a login.
#[derive(Clone, Debug, Deserialize)]
struct PullCommit {
    author: Option<CommitAccount>,
    committer: Option<CommitAccount>,
}

#[derive(Clone, Debug, Deserialize)]
struct CommitAccount {
    login: Option<String>,
}

impl Repo<'_> {
    /// Reads the people behind a pull request.
    pub async fn people(&self, number: u32) -> CallResult<PullPeople> {
        let reviews = format!("/pulls/{number}/reviews?per_page=100");
        let commits = format!("/pulls/{number}/commits?per_page=100");
        let (pull, reviews, commits) = tokio::try_join!(
            self.pull(number),
            self.pages::<Vec<WireReview>>(reviews),
            self.pages::<Vec<PullCommit>>(commits),
        )?;
        let commits_read: usize = commits.pages.iter().map(Vec::len).sum();
        // GitHub lists no more than 250 commits of a pull request, and says nothing of the others.
        for (what, is_whole) in [
            ("reviews", reviews.is_whole),
            ("commits", commits.is_whole && commits_read < MAX_COMMITS),
        ] {
            if !is_whole {
                return Err(Failure::Unavailable(format!(
                    "pull request #{number} has more {what} than are read"
                )));
            }
        }
        let mut reviews = standing(reviews.pages.concat());
        let deciding = reviews
            .iter_mut()
            .filter(|review| decides(review) && !review.is_bot && review.reviewer != GHOST);
        for (at, review) in deciding.enumerate() {
            if at == MAX_REVIEWERS {
                return Err(Failure::Unavailable(format!(
                    "pull request #{number} has more than {MAX_REVIEWERS} reviewers"
                )));
            }
            review.can_write = self.can_write(&review.reviewer).await?;
        }
        let name = |user: Option<UserName>| user.map(|user| user.login);
        Ok(PullPeople {
            author: name(pull.user),
            committers: committers(commits.pages.concat()),
            head_commit: pull.head.sha,
            merged_by: name(pull.merged_by),
            reviews,
        })
    }

    /// Returns the pull requests that brought a commit; GitHub answers 422 for one that it does not know.
    pub(crate) async fn commit_pulls(&self, commit: &str) -> CallResult<Vec<PullRequest>> {
        if !(7..=64).contains(&commit.len()) || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
            return rejected(format!("{commit:?} is not the identifier of a commit"));
        }
        let list = format!("/commits/{}/pulls?per_page=100", seg(commit));
        let pulls = match self.pages::<Vec<WirePull>>(list).await {
            Err(error) if error.says(422, "No commit found") => return Ok(Vec::new()),
            other => other?,
        };
        if !pulls.is_whole {
            return Err(Failure::Unavailable(format!(
                "commit {commit} has more pull requests than are read"
            )));
        }
        let pulls = pulls.pages.into_iter().flatten();
        Ok(pulls.map(WirePull::into_contract).collect())
    }

    /// Returns whether somebody may write to the repository; a stranger to it may not.
    async fn can_write(&self, login: &str) -> CallResult<bool> {
        #[derive(Deserialize)]
        struct CollaboratorPermission {
            permission: String,
        }
        let asked = format!("/collaborators/{}/permission", seg(login));
        let found: Option<CollaboratorPermission> = or_none(self.get(asked).await)?;
        // Roles of an organisation's own, and `maintain`, are told as the one of these that they contain.
        Ok(found.is_some_and(|it| matches!(it.permission.as_str(), "admin" | "write")))
    }
}

/// The accounts behind commits, each once.
fn committers(commits: Vec<PullCommit>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for commit in commits {
        for account in [commit.author, commit.committer].into_iter().flatten() {
            if let Some(login) = account.login
                && !names.contains(&login)
            {
                names.push(login);
            }
        }
    }
    names
}

/// The review that stands of each reviewer. What only comments takes back no decision, as GitHub counts it. Accounts that are
/// gone have one name: of these, each review stands, for two of them may be two people.
fn standing(all: Vec<WireReview>) -> Vec<Review> {
    let mut standing: Vec<Review> = Vec::new();
    for wire in all {
        let Some(review) = wire.into_contract() else {
            continue;
        };
        let earlier = standing
            .iter_mut()
            .find(|one| one.reviewer == review.reviewer && one.reviewer != GHOST);
        match earlier {
            None => standing.push(review),
            Some(one) if decides(&review) || !decides(one) => *one = review,
            Some(_) => {}
        }
    }
    standing
}

fn decides(review: &Review) -> bool {
    review.state != ReviewState::Commented
}

impl WireReview {
    /// None for a review that nobody but its author sees yet.
    fn into_contract(self) -> Option<Review> {
        let state = match self.state.as_str() {
            "APPROVED" => ReviewState::Approved,
            "CHANGES_REQUESTED" => ReviewState::ChangesRequested,
            "DISMISSED" => ReviewState::Dismissed,
            "PENDING" => return None,
            // A word that is not known yet decides nothing.
            _ => ReviewState::Commented,
        };
        let (reviewer, kind) = match self.user {
            Some(user) => (user.login, user.kind),
            None => (GHOST.to_owned(), None),
        };
        Some(Review {
            is_bot: kind.is_some_and(|kind| kind != "User"),
            can_write: false,
            reviewer,
            state,
            commit: self.commit_id,
            submitted_at: self.submitted_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_decision_of_each_reviewer_stands() {
        let wire = |text: &str| {
            let (user, state) = text.split_once(' ').unwrap_or_default();
            WireReview {
                user: Some(user)
                    .filter(|user| !user.is_empty())
                    .map(|user| UserName {
                        login: user.to_owned(),
                        kind: None,
                    }),
                state: state.to_owned(),
                commit_id: None,
                submitted_at: None,
            }
        };
        for (said, stands) in [
            (&["kim APPROVED"][..], &["kim Approved"][..]),
            (&["kim APPROVED", "kim COMMENTED"], &["kim Approved"]),
            (&["kim COMMENTED", "kim APPROVED"], &["kim Approved"]),
            (
                &["kim APPROVED", "dana APPROVED", "kim CHANGES_REQUESTED"],
                &["kim ChangesRequested", "dana Approved"],
            ),
            (
                &["kim CHANGES_REQUESTED", "kim DISMISSED"],
                &["kim Dismissed"],
            ),
            (&["kim APPROVED", "kim PENDING"], &["kim Approved"]),
            (&["kim BLESSED"], &["kim Commented"]),
            (
                &[" CHANGES_REQUESTED", " APPROVED"],
                &["ghost ChangesRequested", "ghost Approved"],
            ),
        ] {
            let all = said.iter().map(|text| wire(text)).collect();
            let found: Vec<String> = standing(all)
                .iter()
                .map(|one| format!("{} {:?}", one.reviewer, one.state).replace("ReviewState::", ""))
                .collect();
            assert_eq!(found, stands, "{said:?}");
        }
    }

    #[test]
    fn the_accounts_behind_commits_are_each_named_once() {
        let commits = serde_json::from_value(serde_json::json!([
            { "author": { "login": "dana" }, "committer": { "login": "web-flow" } },
            { "author": { "login": "kim" }, "committer": { "login": "dana" } },
            { "author": null, "committer": {} },
        ]));
        let names = commits.map(committers).unwrap_or_default();
        assert_eq!(names, ["dana", "web-flow", "kim"]);
    }
}
