//! The rules of a branch (GitHub REST, Rules; About rulesets), and the check of a pull request against them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::checks::{CheckVerdict, verdict};
use super::state::{Method, PullRequest, Repository, ReviewState};

/// The rules of a branch. The default demands nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BranchRules {
    /// Names of checks or statuses that must pass.
    pub required_checks: Vec<String>,
    /// True if the branch must be up to date with its base before a merge.
    pub strict: bool,
    /// The number of approvals that a merge needs.
    pub required_approvals: u32,
    /// True if every change needs a pull request.
    pub require_pull_request: bool,
    /// The ways to merge, if the rules restrict them.
    pub allowed_methods: Option<Vec<Method>>,
    /// True if every change goes through the merge queue.
    pub merge_queue: bool,
    /// True if merge commits are forbidden.
    pub linear_history: bool,
    /// True if commits must be signed.
    pub required_signatures: bool,
    /// True if only some people may push, and the caller is not among them.
    pub restricts_pushes: bool,
    /// True if they are the older branch protection, which `rules/branches` does not list.
    pub classic: bool,
}

impl BranchRules {
    /// Returns true if there is any rule.
    pub fn any(&self) -> bool {
        *self
            != Self {
                classic: self.classic,
                ..Self::default()
            }
    }

    /// Why a direct push is refused, if it is.
    pub(super) fn push_refusal(&self) -> Option<&'static str> {
        if self.merge_queue {
            Some("Changes must be made through the merge queue")
        } else if self.require_pull_request || self.required_approvals > 0 {
            Some("Changes must be made through a pull request.")
        } else if self.restricts_pushes {
            Some("You're not authorized to push to this branch.")
        } else {
            None
        }
    }

    fn list(&self) -> Vec<Value> {
        let mut rules = Vec::new();
        if self.require_pull_request
            || self.required_approvals > 0
            || self.allowed_methods.is_some()
        {
            let methods = self.allowed_methods.as_deref().unwrap_or(&Method::ALL);
            let methods: Vec<&str> = methods.iter().map(|method| method.name()).collect();
            rules.push(json!({"type": "pull_request", "parameters": {
                "allowed_merge_methods": methods,
                "dismiss_stale_reviews_on_push": false,
                "require_code_owner_review": false,
                "require_last_push_approval": false,
                "required_approving_review_count": self.required_approvals,
                "required_review_thread_resolution": false,
            }}));
        }
        if !self.required_checks.is_empty() {
            let checks = self
                .required_checks
                .iter()
                .map(|name| json!({"context": name}));
            rules.push(json!({"type": "required_status_checks", "parameters": {
                "required_status_checks": checks.collect::<Vec<_>>(),
                "strict_required_status_checks_policy": self.strict,
                "do_not_enforce_on_create": false,
            }}));
        }
        if self.merge_queue {
            rules.push(json!({"type": "merge_queue", "parameters": {
                "check_response_timeout_minutes": 60,
                "grouping_strategy": "ALLGREEN",
                "max_entries_to_build": 5,
                "max_entries_to_merge": 5,
                "merge_method": "MERGE",
                "min_entries_to_merge": 1,
                "min_entries_to_merge_wait_minutes": 5,
            }}));
        }
        if self.linear_history {
            rules.push(json!({"type": "required_linear_history"}));
        }
        if self.required_signatures {
            rules.push(json!({"type": "required_signatures"}));
        }
        rules
    }
}

pub(super) fn list(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    if !repository.settings.rules_available {
        let message =
            "Upgrade to GitHub Pro or make this repository public to enable this feature.";
        return Err(GitHubAnswer::error(403, message));
    }
    // The branch need not exist.
    let rules = repository.rules_of(call.part("branch"));
    let mut rules = if rules.classic {
        Vec::new()
    } else {
        rules.list()
    };
    for rule in &mut rules {
        rule["ruleset_source_type"] = "Repository".into();
        rule["ruleset_source"] = repository.full_name().into();
        rule["ruleset_id"] = 1.into();
    }
    call.page(github, rules, |_, shown| shown.into())
}

/// Why the rules of the base refuse this pull request now, in GitHub's words; none if they do not.
pub(super) fn refusal(
    repository: &Repository,
    pull: &PullRequest,
    now: Timestamp,
) -> Option<String> {
    let rules = repository.rules_of(&pull.base);
    if rules.restricts_pushes {
        return Some("You're not authorized to push to this branch.".into());
    }
    if let Some(message) = missing_approvals(&rules, pull) {
        return Some(message);
    }
    let unmet = rules.required_checks.iter().filter_map(|name| {
        let state = match verdict(repository, pull.head_sha, name, now) {
            CheckVerdict::Passed => return None,
            CheckVerdict::Absent => "expected",
            CheckVerdict::Pending => "pending",
            CheckVerdict::Failed => "failing",
        };
        Some((name, state))
    });
    let unmet: Vec<_> = unmet.collect();
    match unmet.as_slice() {
        [] => {}
        [(name, state)] => return Some(format!("Required status check \"{name}\" is {state}.")),
        several => {
            let all = rules.required_checks.len();
            let count = several.len();
            return Some(format!(
                "{count} of {all} required status checks are {}.",
                several[0].1
            ));
        }
    }
    let base = repository.branch(&pull.base)?;
    if rules.required_signatures
        && repository
            .git
            .ahead(base, pull.head_sha)
            .iter()
            .any(|id| !repository.verified.contains(id))
    {
        return Some("Commits must have verified signatures.".into());
    }
    None
}

fn missing_approvals(rules: &BranchRules, pull: &PullRequest) -> Option<String> {
    let wanted = rules.required_approvals as usize;
    // The newest opinion of each reviewer counts; a comment is no opinion.
    let mut opinions = std::collections::BTreeMap::new();
    for review in &pull.reviews {
        if review.state != ReviewState::Commented {
            opinions.insert(&review.user, review.state);
        }
    }
    if wanted > 0
        && opinions
            .values()
            .any(|state| *state == ReviewState::ChangesRequested)
    {
        return Some("Changes requested by a reviewer with write access.".into());
    }
    let approvals = opinions
        .values()
        .filter(|state| **state == ReviewState::Approved)
        .count();
    if approvals >= wanted {
        return None;
    }
    let (reviews, are) = if wanted == 1 {
        ("review", "is")
    } else {
        ("reviews", "are")
    };
    Some(format!(
        "At least {wanted} approving {reviews} {are} required by reviewers with write access."
    ))
}
