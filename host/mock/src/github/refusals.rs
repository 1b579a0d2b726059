//! The check of a pull request against the rules of its base, in GitHub's words.
//!
//! The words are those of public issues and code that quote them. A client must not depend on them: it may read the
//! state of the pull request.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::checks::{CheckVerdict, required_verdict, verdict};
use super::rules::{BranchRules, CODE_SCANNER};
use super::state::{PullRequest, RepositoryState, ReviewState};

/// Returns the reason why the rules of the base refuse this pull request now, if they do.
pub(super) fn refusal(
    repository: &RepositoryState,
    pull: &PullRequest,
    now: Timestamp,
) -> Option<String> {
    let rules = repository.rules_of(&pull.base);
    if rules.restricts_pushes {
        return Some("You're not authorized to push to this branch.".into());
    }
    let reason = missing_reviews(&rules, pull)
        .or_else(|| unmet_checks(&rules, repository, pull, now))
        .or_else(|| unmet_ruleset(&rules, repository, pull, now))
        .or_else(|| missing_signatures(&rules, repository, pull))?;
    Some(rules.worded(&reason))
}

/// Returns the reason why a pull request that is behind its base is refused under a strict rule. GitHub takes every
/// required check as missing then, also those that have passed.
pub(super) fn refusal_behind(rules: &BranchRules) -> Option<String> {
    let reason = match rules.required_checks.as_slice() {
        [] => return None,
        [name] => format!("Required status check \"{name}\" is expected."),
        names => format!(
            "{0} of {0} required status checks are expected.",
            names.len()
        ),
    };
    Some(rules.worded(&reason))
}

fn missing_reviews(rules: &BranchRules, pull: &PullRequest) -> Option<String> {
    let newest: BTreeMap<&str, ReviewState> = pull
        .reviews
        .iter()
        .map(|review| (review.user.as_str(), review.state))
        .collect();
    if rules.conversation_resolution
        && newest
            .values()
            .any(|state| *state == ReviewState::Commented)
    {
        let reason = "A conversation must be resolved before this pull request can be merged.";
        return Some(reason.to_owned());
    }
    // The newest opinion of each reviewer counts; a comment is no opinion.
    let opinions: BTreeMap<&str, ReviewState> = pull
        .reviews
        .iter()
        .filter(|review| review.state != ReviewState::Commented)
        .map(|review| (review.user.as_str(), review.state))
        .collect();
    let number_of =
        |wanted: ReviewState| opinions.values().filter(|state| **state == wanted).count();
    let wanted = rules.required_approvals as usize;
    match number_of(ReviewState::ChangesRequested) {
        0 => {}
        _ if wanted == 0 => {}
        1 => return Some("1 review requesting changes by reviewers with write access.".to_owned()),
        several => {
            return Some(format!(
                "{several} reviews requesting changes by reviewers with write access."
            ));
        }
    }
    if number_of(ReviewState::Approved) < wanted {
        let reviews_are = if wanted == 1 {
            "review is"
        } else {
            "reviews are"
        };
        return Some(format!(
            "At least {wanted} approving {reviews_are} required by reviewers with write access."
        ));
    }
    let approves = |user: &str| opinions.get(user) == Some(&ReviewState::Approved);
    if !rules.code_owners.is_empty() && !rules.code_owners.iter().any(|owner| approves(owner)) {
        let owners = rules.code_owners.join(", ");
        return Some(format!("Waiting on code owner review from {owners}."));
    }
    let approved_newest = pull.reviews.iter().any(|review| {
        review.commit == pull.head_sha && review.user != pull.author && approves(&review.user)
    });
    if rules.last_push_approval && !approved_newest {
        let reason = "New changes require approval from someone other than the last pusher";
        return Some(reason.to_owned());
    }
    None
}

fn unmet_checks(
    rules: &BranchRules,
    repository: &RepositoryState,
    pull: &PullRequest,
    now: Timestamp,
) -> Option<String> {
    let unmet: Vec<(&String, &str)> = rules
        .required_checks
        .iter()
        .filter_map(|name| {
            let app = rules.check_apps.get(name).copied();
            match required_verdict(repository, pull.head_sha, name, app, now) {
                CheckVerdict::Passed => None,
                CheckVerdict::Absent => Some((name, "expected")),
                CheckVerdict::Pending => Some((name, "pending")),
                CheckVerdict::Failed => Some((name, "failing")),
            }
        })
        .collect();
    match unmet.as_slice() {
        [] => None,
        [(name, state)] => Some(format!("Required status check \"{name}\" is {state}.")),
        [(_, state), ..] => Some(format!(
            "{} of {} required status checks are {state}.",
            unmet.len(),
            rules.required_checks.len()
        )),
    }
}

/// Checks the rules that only rulesets have.
fn unmet_ruleset(
    rules: &BranchRules,
    repository: &RepositoryState,
    pull: &PullRequest,
    now: Timestamp,
) -> Option<String> {
    let passes = |name: &str| verdict(repository, pull.head_sha, name, now) == CheckVerdict::Passed;
    if let Some(name) = &rules.required_workflow
        && !passes(name)
    {
        return Some(format!("Required workflow '{name}' is not satisfied"));
    }
    if rules.code_scanning && !passes(CODE_SCANNER) {
        let reason = "Waiting for Code Scanning results. Code Scanning may not be configured for the target branch.";
        return Some(reason.to_owned());
    }
    None
}

fn missing_signatures(
    rules: &BranchRules,
    repository: &RepositoryState,
    pull: &PullRequest,
) -> Option<String> {
    let base = repository.branch(&pull.base)?;
    let commits = repository.git.ahead(base, pull.head_sha);
    let unsigned = rules.required_signatures
        && commits
            .iter()
            .any(|commit| !repository.verified.contains(commit));
    unsigned.then(|| "Commits must have verified signatures.".to_owned())
}
