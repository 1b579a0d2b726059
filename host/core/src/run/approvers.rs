//! Who has approved a promotion, for people who ask later.

use crate::call::{Call, Reply};
use crate::contract::{EnvironmentVerdict, PullPeople, Request, ReviewState};

/// Returns who approved, each with what: the run in Port, its environment, and the pull requests whose people were read. An
/// approval of an older commit is left out; whether one counts is for rules to say.
pub fn approvers<'a>(
    request: &Request,
    answers: impl Iterator<Item = (&'a Call, &'a Reply)>,
) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(approval) = &request.approval {
        let by = approval.by.as_deref().unwrap_or("somebody");
        all.push(format!("{by} (the run in Port)"));
    }
    for review in request.environment_reviews.iter().flatten() {
        if review.verdict == EnvironmentVerdict::Approved {
            all.push(format!(
                "{} (environment {})",
                review.reviewer, review.environment
            ));
        }
    }
    for (call, reply) in answers {
        if let (Call::GetPullPeople { repository, number }, Reply::PullPeople(people)) =
            (call, reply)
        {
            all.extend(of_pull(repository, *number, people));
        }
    }
    let mut once = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

/// Returns who approves a pull request as it is.
pub(super) fn of_pull(repository: &str, number: u32, people: &PullPeople) -> Vec<String> {
    let approving = people.reviews.iter().filter(|review| {
        review.state == ReviewState::Approved && review.commit.as_ref() == Some(&people.head_commit)
    });
    approving
        .map(|review| format!("{} ({repository}#{number})", review.reviewer))
        .collect()
}
