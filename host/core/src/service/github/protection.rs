//! The demands of a branch on a merge: rulesets, classic protection and the merge queue, as far as they are told without an
//! administrator's rights.
//!
//! REST lists rulesets, and of classic protection the checks only. GraphQL's `RefUpdateRule` tells of both what binds
//! whoever asks, without names of Apps. Together they are everything but the restrictions that only administrators see.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::contract::{BranchRules, MergeMethod};
use crate::service::github::Repo;
use crate::service::http::{CallResult, ServiceError, ServiceResult, or_none, segs};

/// The names of the methods, in the order in which they are preferred.
const METHODS: [(MergeMethod, &str, &str); 3] = [
    (MergeMethod::Merge, "merge", "allow_merge_commit"),
    (MergeMethod::Squash, "squash", "allow_squash_merge"),
    (MergeMethod::Rebase, "rebase", "allow_rebase_merge"),
];

/// The rules of an update of a branch, of whichever kind, and its queue.
pub(in crate::service::github) const UPDATE_RULE: &str =
    "query($owner: String!, $name: String!, $branch: String!, $ref: String!) {
    repository(owner: $owner, name: $name) { mergeQueue(branch: $branch) { id }
    ref(qualifiedName: $ref) { refUpdateRule { requiredApprovingReviewCount requiredStatusCheckContexts
    requiresCodeOwnerReviews requiresConversationResolution requiresLinearHistory requiresSignatures } } } }";

/// All that a branch demands of a merge.
#[derive(Clone, Debug, PartialEq)]
pub struct BranchProtection {
    /// The part that a policy is told.
    pub rules: BranchRules,
    /// The required checks, sorted: once for each App that must report one.
    pub checks: Vec<RequiredCheck>,
    /// What else must hold before a merge is allowed.
    pub demands: BTreeSet<BranchDemand>,
}

/// A check that a branch requires.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequiredCheck {
    /// The name of the check run, or the context of the commit status.
    pub name: String,
    /// The number of the App that must report it; none if any may, or if that is not told.
    pub app: Option<i64>,
}

/// A demand of a branch besides checks, approvals and the queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BranchDemand {
    /// An owner of the changed files must approve.
    CodeOwners,
    /// Somebody other than the last to push must approve.
    LastPush,
    /// Every conversation of the pull request must be resolved.
    Conversations,
    /// Every commit must carry a signature that GitHub knows.
    Signatures,
    /// Workflows that a ruleset names must pass.
    Workflows,
    /// Deployments to these environments must have succeeded.
    Deployments,
    /// Code scanning must have looked at the change.
    CodeScanning,
    /// Nobody without a bypass may change the branch.
    Locked,
    /// A rule that this host has no word for, by GitHub's name of its kind.
    Other(String),
}

/// The rules that rulesets and classic protection tell by REST.
pub(super) struct ListedRules {
    rules: Vec<RulesetRule>,
    /// The required checks, sorted.
    pub(super) required: Vec<RequiredCheck>,
}

#[derive(Deserialize)]
struct RulesetRule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Value,
}

/// What GraphQL tells of the rules of an update; everything is absent where there are none.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UpdateRule {
    required_approving_review_count: Option<u32>,
    required_status_check_contexts: Option<Vec<Option<String>>>,
    requires_code_owner_reviews: bool,
    requires_conversation_resolution: bool,
    requires_linear_history: bool,
    requires_signatures: bool,
}

impl Repo<'_> {
    /// Reads the demands of a branch: its rulesets, its classic protection, its queue, and the methods that the repository
    /// allows.
    ///
    /// Fails with `not-found` if the repository does not exist.
    pub async fn protection(&self, branch: &str) -> CallResult<BranchProtection> {
        let (settings, listed, (update, has_queue)) = tokio::try_join!(
            async { Ok(self.get::<Value>(String::new()).await?) },
            async { Ok(self.listed_rules(branch).await?) },
            self.update_rule(branch),
        )?;
        let is_linear = update.requires_linear_history;
        // Without write access the settings are not told; then nothing is known to be forbidden.
        let methods = METHODS
            .into_iter()
            .filter(|(_, _, setting)| settings[*setting] != false)
            .filter(|(method, name, _)| listed.allow_method(*method, name, is_linear))
            .map(|(method, ..)| method)
            .collect();
        let merge_queue = has_queue || listed.of_kind("merge_queue").next().is_some();
        let required_approvals = listed
            .approvals()
            .max(update.required_approving_review_count.unwrap_or(0));
        let demands = listed.demands().chain(update.demands()).collect();
        let checks = with_contexts(listed.required, update.required_status_check_contexts);
        let mut required_checks: Vec<_> = checks.iter().map(|check| check.name.clone()).collect();
        required_checks.dedup();
        let rules = BranchRules {
            methods,
            required_checks,
            required_approvals,
            merge_queue,
        };
        Ok(BranchProtection {
            rules,
            checks,
            demands,
        })
    }

    /// Reads what GraphQL tells of the branch, and whether it has a queue. Where it may not be asked, REST must do.
    async fn update_rule(&self, branch: &str) -> CallResult<(UpdateRule, bool)> {
        let variables = json!({
            "owner": self.named.owner,
            "name": self.named.name,
            "branch": branch,
            "ref": format!("refs/heads/{branch}"),
        });
        let answer = match self.graphql(UPDATE_RULE, &variables).await {
            Err(error) if !error.is_uncertain() && !matches!(error, ServiceError::Limited(_)) => {
                Value::Null
            }
            answer => answer?,
        };
        let repository = &answer["data"]["repository"];
        let rule = &repository["ref"]["refUpdateRule"];
        let rule = Option::deserialize(rule).unwrap_or_default();
        Ok((
            rule.unwrap_or_default(),
            !repository["mergeQueue"].is_null(),
        ))
    }

    /// Reads the rules of a branch that REST lists.
    ///
    /// Protection itself is for admins, but "Get a branch" tells its checks. A plan without rulesets answers 403.
    pub(super) async fn listed_rules(&self, branch: &str) -> ServiceResult<ListedRules> {
        let (rules, branch) = tokio::join!(
            self.pages::<Vec<RulesetRule>>(format!(
                "/rules/branches/{}?per_page=100",
                segs(branch)
            )),
            self.get::<Value>(format!("/branches/{}", segs(branch))),
        );
        let rules: Vec<RulesetRule> = match rules {
            Ok(list) => list.pages.into_iter().flatten().collect(),
            Err(error) if error.says(403, "Upgrade to") => Vec::new(),
            Err(error) => return Err(error),
        };
        // A branch that is not there yet has no protection.
        let branch = or_none(branch)?.unwrap_or_default();
        let classic = &branch["protection"]["required_status_checks"];
        let mut required: Vec<RequiredCheck> = [&classic["contexts"], &classic["checks"]]
            .into_iter()
            .chain(
                rules
                    .iter()
                    .map(|rule| &rule.parameters["required_status_checks"]),
            )
            .flat_map(|list| list.as_array().into_iter().flatten())
            .filter_map(RequiredCheck::read)
            .collect();
        required.sort();
        required.dedup();
        Ok(ListedRules { rules, required })
    }
}

/// Adds the contexts that only GraphQL tells. It does not tell their Apps, which are known for the others.
fn with_contexts(
    mut checks: Vec<RequiredCheck>,
    contexts: Option<Vec<Option<String>>>,
) -> Vec<RequiredCheck> {
    for name in contexts.into_iter().flatten().flatten() {
        if checks.iter().all(|check| check.name != name) {
            checks.push(RequiredCheck { name, app: None });
        }
    }
    checks.sort();
    checks
}

impl RequiredCheck {
    /// Reads a check as rulesets and protection have it: a name, or an object with a `context`.
    fn read(check: &Value) -> Option<Self> {
        let name = check.as_str().or(check["context"].as_str())?;
        let app = check["integration_id"]
            .as_i64()
            .or(check["app_id"].as_i64());
        Some(Self {
            name: name.to_owned(),
            // "Any App" is told by no number, or by -1.
            app: app.filter(|number| *number > 0),
        })
    }
}

impl ListedRules {
    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &RulesetRule> {
        self.rules.iter().filter(move |rule| rule.kind == kind)
    }

    fn approvals(&self) -> u32 {
        self.of_kind("pull_request")
            .filter_map(|rule| rule.parameters["required_approving_review_count"].as_u64())
            .map(|count| count.try_into().unwrap_or(u32::MAX))
            .max()
            .unwrap_or(0)
    }

    fn allow_method(&self, method: MergeMethod, name: &str, is_linear: bool) -> bool {
        let is_linear = is_linear || self.of_kind("required_linear_history").next().is_some();
        let mut lists = self
            .of_kind("pull_request")
            .filter_map(|rule| rule.parameters["allowed_merge_methods"].as_array());
        !(is_linear && method == MergeMethod::Merge)
            && lists.all(|list| list.iter().any(|allowed| allowed == name))
    }

    fn demands(&self) -> impl Iterator<Item = BranchDemand> {
        self.rules.iter().flat_map(RulesetRule::demands)
    }
}

impl RulesetRule {
    /// Returns what the rule demands of a merge by pull request, if that is more than [`BranchRules`] holds ("Get rules for
    /// a branch").
    fn demands(&self) -> Vec<BranchDemand> {
        let is_set = |name: &str| self.parameters[name] == true;
        match self.kind.as_str() {
            "pull_request" => [
                ("require_code_owner_review", BranchDemand::CodeOwners),
                ("require_last_push_approval", BranchDemand::LastPush),
                (
                    "required_review_thread_resolution",
                    BranchDemand::Conversations,
                ),
            ]
            .into_iter()
            .filter(|(name, _)| is_set(name))
            .map(|(_, demand)| demand)
            .collect(),
            "required_signatures" => vec![BranchDemand::Signatures],
            "workflows" => vec![BranchDemand::Workflows],
            "required_deployments" => vec![BranchDemand::Deployments],
            "code_scanning" => vec![BranchDemand::CodeScanning],
            "update" => vec![BranchDemand::Locked],
            // These stand in `BranchRules`, or bind no merge of a pull request.
            "required_status_checks"
            | "required_linear_history"
            | "merge_queue"
            | "creation"
            | "deletion"
            | "non_fast_forward"
            | "branch_name_pattern"
            | "tag_name_pattern"
            | "copilot_code_review" => Vec::new(),
            other => vec![BranchDemand::Other(other.to_owned())],
        }
    }
}

impl UpdateRule {
    fn demands(&self) -> impl Iterator<Item = BranchDemand> + use<> {
        [
            (self.requires_code_owner_reviews, BranchDemand::CodeOwners),
            (
                self.requires_conversation_resolution,
                BranchDemand::Conversations,
            ),
            (self.requires_signatures, BranchDemand::Signatures),
        ]
        .into_iter()
        .filter(|(is_demanded, _)| *is_demanded)
        .map(|(_, demand)| demand)
    }
}
