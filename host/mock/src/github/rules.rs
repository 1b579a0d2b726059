//! The rules of a branch (GitHub REST, Rules; About rulesets), and the list that the API shows of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::state::MergeStyle;

/// The check by which code scanning reports.
pub(super) const CODE_SCANNER: &str = "CodeQL";

/// The rules of a branch. The default demands nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BranchRules {
    /// Names of checks or statuses that must pass.
    pub required_checks: Vec<String>,
    /// The App that must report a required check, by the check's name; any App may report the others.
    pub check_apps: BTreeMap<String, u64>,
    /// True if the branch must be up to date with its base before a merge.
    pub strict: bool,
    /// The number of approvals that a merge needs.
    pub required_approvals: u32,
    /// The code owners of all files, of whom one must approve.
    pub code_owners: Vec<String>,
    /// True if somebody other than the author must approve the newest commit.
    pub last_push_approval: bool,
    /// True if each review comment must be followed by an approval of the same reviewer, which resolves it.
    pub conversation_resolution: bool,
    /// The check of a workflow that a ruleset requires.
    pub required_workflow: Option<String>,
    /// True if a check named `CodeQL` must pass.
    pub code_scanning: bool,
    /// True if every change needs a pull request.
    pub require_pull_request: bool,
    /// The ways to merge, if the rules restrict them.
    pub allowed_methods: Option<Vec<MergeStyle>>,
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

    /// Returns the reason why a direct push is refused, if it is.
    pub(super) fn push_refusal(&self) -> Option<String> {
        if self.merge_queue {
            Some(self.worded("Changes must be made through the merge queue"))
        } else if self.require_pull_request || self.required_approvals > 0 {
            Some(self.worded("Changes must be made through a pull request."))
        } else if self.restricts_pushes {
            Some("You're not authorized to push to this branch.".to_owned())
        } else {
            None
        }
    }

    /// Returns a refusal as GitHub words it: bare for branch protection, under a heading for rulesets.
    pub(super) fn worded(&self, reason: &str) -> String {
        if self.classic {
            reason.to_owned()
        } else {
            format!("Repository rule violations found\n\n{reason}\n\n")
        }
    }

    /// Returns the rules of an update of the branch, as GraphQL tells them to everybody (GraphQL reference,
    /// `RefUpdateRule`).
    pub(super) fn update_rule(&self) -> Value {
        let reviews = self.required_approvals > 0 || self.require_pull_request;
        json!({
            "requiredApprovingReviewCount": reviews.then_some(self.required_approvals),
            "requiredStatusCheckContexts": self.required_checks,
            "requiresCodeOwnerReviews": !self.code_owners.is_empty(),
            "requiresConversationResolution": self.conversation_resolution,
            "requiresLinearHistory": self.linear_history,
            "requiresSignatures": self.required_signatures,
            "viewerCanPush": self.push_refusal().is_none(),
        })
    }

    fn list(&self) -> Vec<Value> {
        let mut rules = Vec::new();
        if self.require_pull_request
            || self.required_approvals > 0
            || self.allowed_methods.is_some()
            || !self.code_owners.is_empty()
            || self.last_push_approval
            || self.conversation_resolution
        {
            let methods = self.allowed_methods.as_deref().unwrap_or(&MergeStyle::ALL);
            let methods: Vec<&str> = methods.iter().map(|method| method.name()).collect();
            rules.push(json!({"type": "pull_request", "parameters": {
                "allowed_merge_methods": methods,
                "dismiss_stale_reviews_on_push": false,
                "require_code_owner_review": !self.code_owners.is_empty(),
                "require_last_push_approval": self.last_push_approval,
                "required_approving_review_count": self.required_approvals,
                "required_review_thread_resolution": self.conversation_resolution,
            }}));
        }
        if !self.required_checks.is_empty() {
            let checks = self
                .required_checks
                .iter()
                .map(|name| match self.check_apps.get(name) {
                    Some(app) => json!({"context": name, "integration_id": app}),
                    None => json!({"context": name}),
                });
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
        if let Some(name) = &self.required_workflow {
            let path = format!(".github/workflows/{name}.yml");
            rules.push(json!({"type": "workflows", "parameters": {
                "do_not_enforce_on_create": false,
                "workflows": [{"path": path, "repository_id": 1}],
            }}));
        }
        if self.code_scanning {
            rules.push(
                json!({"type": "code_scanning", "parameters": {"code_scanning_tools": [{
                    "tool": CODE_SCANNER,
                    "alerts_threshold": "errors",
                    "security_alerts_threshold": "high_or_higher",
                }]}}),
            );
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
