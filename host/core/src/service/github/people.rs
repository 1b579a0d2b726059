//! Who opened, reviewed and merged a pull request.

use serde::Deserialize;

use super::pulls::UserName;
use crate::contract::{Failure, PullPeople, Review, ReviewState};
use crate::service::github::Repo;
use crate::service::http::CallResult;

/// The reviewer whose account is gone, by the name that GitHub shows for them.
const GHOST: &str = "ghost";

/// A review as "List reviews for a pull request" sends it.
#[derive(Clone, Debug, Deserialize)]
struct WireReview {
    user: Option<UserName>,
    state: String,
    commit_id: Option<String>,
    submitted_at: Option<String>,
}

impl Repo<'_> {
    /// Reads the people behind a pull request.
    pub async fn people(&self, number: u32) -> CallResult<PullPeople> {
        let pull = self.pull(number).await?;
        let list = format!("/pulls/{number}/reviews?per_page=100");
        let reviews = self.pages::<Vec<WireReview>>(list).await?;
        if !reviews.is_whole {
            return Err(Failure::Unavailable(format!(
                "pull request #{number} has more reviews than are read"
            )));
        }
        let name = |user: Option<UserName>| user.map(|user| user.login);
        Ok(PullPeople {
            author: name(pull.user),
            merged_by: name(pull.merged_by),
            reviews: standing(reviews.pages.concat()),
        })
    }
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
        let reviewer = self.user.map(|user| user.login);
        Some(Review {
            reviewer: reviewer.unwrap_or_else(|| GHOST.to_owned()),
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
}
