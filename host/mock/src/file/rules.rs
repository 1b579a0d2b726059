//! Settings, rules and checks of a repository, in a world file.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;

use crate::github::{BranchRules, MergeStyle, PushCheck, RepositorySettings};

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct SettingsFile {
    default_branch: Option<String>,
    private: Option<bool>,
    archived: Option<bool>,
    allow_merge_commit: Option<bool>,
    allow_squash_merge: Option<bool>,
    allow_rebase_merge: Option<bool>,
    allow_auto_merge: Option<bool>,
    delete_branch_on_merge: Option<bool>,
    has_issues: Option<bool>,
    actions_may_create_pulls: Option<bool>,
    rules_available: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct RulesFile {
    required_checks: Vec<String>,
    strict: bool,
    check_apps: BTreeMap<String, u64>,
    required_approvals: u32,
    code_owners: Vec<String>,
    last_push_approval: bool,
    conversation_resolution: bool,
    required_workflow: Option<String>,
    code_scanning: bool,
    require_pull_request: bool,
    allowed_methods: Option<Vec<MethodFile>>,
    merge_queue: bool,
    linear_history: bool,
    required_signatures: bool,
    restricts_pushes: bool,
    classic: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MethodFile {
    Merge,
    Squash,
    Rebase,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct CiFile {
    name: String,
    /// The time that it takes; a check without one never ends.
    takes: Option<SignedDuration>,
    #[serde(default = "success")]
    conclusion: String,
}

fn success() -> String {
    "success".to_owned()
}

impl From<SettingsFile> for RepositorySettings {
    fn from(file: SettingsFile) -> Self {
        let usual = Self::default();
        Self {
            default_branch: file.default_branch.unwrap_or(usual.default_branch),
            private: file.private.unwrap_or(usual.private),
            archived: file.archived.unwrap_or(usual.archived),
            allow_merge_commit: file.allow_merge_commit.unwrap_or(usual.allow_merge_commit),
            allow_squash_merge: file.allow_squash_merge.unwrap_or(usual.allow_squash_merge),
            allow_rebase_merge: file.allow_rebase_merge.unwrap_or(usual.allow_rebase_merge),
            allow_auto_merge: file.allow_auto_merge.unwrap_or(usual.allow_auto_merge),
            delete_branch_on_merge: file
                .delete_branch_on_merge
                .unwrap_or(usual.delete_branch_on_merge),
            has_issues: file.has_issues.unwrap_or(usual.has_issues),
            actions_may_create_pulls: file
                .actions_may_create_pulls
                .unwrap_or(usual.actions_may_create_pulls),
            rules_available: file.rules_available.unwrap_or(usual.rules_available),
        }
    }
}

impl From<RulesFile> for BranchRules {
    fn from(file: RulesFile) -> Self {
        Self {
            required_checks: file.required_checks,
            strict: file.strict,
            check_apps: file.check_apps,
            required_approvals: file.required_approvals,
            code_owners: file.code_owners,
            last_push_approval: file.last_push_approval,
            conversation_resolution: file.conversation_resolution,
            required_workflow: file.required_workflow,
            code_scanning: file.code_scanning,
            require_pull_request: file.require_pull_request,
            allowed_methods: file.allowed_methods.map(|methods| {
                methods
                    .into_iter()
                    .map(|method| match method {
                        MethodFile::Merge => MergeStyle::Merge,
                        MethodFile::Squash => MergeStyle::Squash,
                        MethodFile::Rebase => MergeStyle::Rebase,
                    })
                    .collect()
            }),
            merge_queue: file.merge_queue,
            linear_history: file.linear_history,
            required_signatures: file.required_signatures,
            restricts_pushes: file.restricts_pushes,
            classic: file.classic,
        }
    }
}

impl From<CiFile> for PushCheck {
    fn from(file: CiFile) -> Self {
        Self {
            name: file.name,
            takes: file.takes,
            conclusion: file.conclusion,
        }
    }
}
