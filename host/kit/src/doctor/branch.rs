//! The branch that production follows: its rules, against the way in which the policy merges.

use serde_json::Value;

use super::credentials::GithubActor;
use super::github::read;
use crate::finding::{DoctorFindings, FindingCode};
use crate::marks::{MarkedSettings, SettingRole};
use promote_core::contract::MergeMethod;
use promote_core::service::github::{BranchDemand, BranchProtection, Client, STATUS};
use promote_core::service::http::seg;

/// The number of GitHub Actions among the Apps.
const ACTIONS_APP: i64 = 15_368;

/// Holds the way of merging against the rules of the branch. A policy that does not mark how it merges is held against
/// nothing that depends on it.
pub(super) fn check(
    protection: &BranchProtection,
    marks: &MarkedSettings,
    subject: &str,
    actor: GithubActor,
    findings: &mut DoctorFindings,
) {
    let rules = &protection.rules;
    let mode = marks.get(SettingRole::MergeMode);
    let is_mode = |word: &str| mode.is_some_and(|mode| mode.text == word);
    let mode_name = mode.map_or("mode", |mode| mode.name.as_str());
    if let Some(method) = marks.get(SettingRole::MergeMethod)
        && !is_mode("pull-request")
        && !rules
            .methods
            .iter()
            .any(|one| method_name(*one) == method.text)
    {
        let allowed: Vec<&str> = rules.methods.iter().map(|one| method_name(*one)).collect();
        findings.error(
            FindingCode::MergeMethod,
            subject,
            format!(
                "`{}` is not allowed here, only {}",
                method.text,
                allowed.join(", ")
            ),
            &format!(
                "set `policy.settings.{}` to one that is, or allow it in the repository",
                method.name
            ),
        );
    }
    // The host itself sees to its own status.
    let checks = rules.required_checks.iter().filter(|name| *name != STATUS);
    let checks = checks.map(String::as_str).collect::<Vec<_>>().join(", ");
    if actor == GithubActor::Workflow {
        check_starts(protection, subject, findings);
    }
    if !checks.is_empty() && is_mode("merge") {
        findings.error(
            FindingCode::ChecksRequired,
            subject,
            format!("{checks} must pass before a merge, and `{mode_name}` merges at once"),
            &format!("set `policy.settings.{mode_name}` to `checks` or `auto-merge`"),
        );
    }
    if rules.merge_queue && actor == GithubActor::Workflow && !is_mode("pull-request") {
        findings.error(
            FindingCode::MergeQueue,
            subject,
            "merges go through a queue, and what GITHUB_TOKEN puts into it starts no workflow: it would block the queue for everybody",
            "act as a GitHub App: `promote init --app` writes the workflow for it",
        );
    } else if rules.merge_queue && (is_mode("merge") || is_mode("checks")) {
        findings.error(
            FindingCode::MergeQueue,
            subject,
            "merges go through a queue",
            &format!("set `policy.settings.{mode_name} = \"auto-merge\"`"),
        );
    }
    check_demands(protection, subject, actor, findings);
    if rules.required_approvals > 0 && !is_mode("pull-request") {
        findings.warning(
            FindingCode::ReviewsRequired,
            subject,
            format!(
                "{} approving reviews are needed: a run waits until people gave them",
                rules.required_approvals
            ),
            &format!(
                "set `{mode_name} = \"pull-request\"` or `\"auto-merge\"`, or let the App bypass the rule"
            ),
        );
    }
}

/// Finds checks that only GitHub Actions reports, and that a pull request of a workflow's own token does not start by itself.
fn check_starts(protection: &BranchProtection, subject: &str, findings: &mut DoctorFindings) {
    let by_actions = protection.checks.iter().filter(|check| match check.app {
        Some(app) => app == ACTIONS_APP,
        None => check.name != STATUS,
    });
    let names: Vec<&str> = by_actions.map(|check| check.name.as_str()).collect();
    if names.is_empty() {
        return;
    }
    findings.error(
        FindingCode::ChecksNeverStart,
        subject,
        format!(
            "{} must pass, and workflows on a pull request by GITHUB_TOKEN start only after a person approves them",
            names.join(", ")
        ),
        "act as a GitHub App: `promote init --app` writes the workflow for it",
    );
}

/// Tells what else a merge waits for, and finds what would never come.
fn check_demands(
    protection: &BranchProtection,
    subject: &str,
    actor: GithubActor,
    findings: &mut DoctorFindings,
) {
    let demands = &protection.demands;
    if demands.contains(&BranchDemand::Signatures) && actor == GithubActor::Person {
        findings.error(
            FindingCode::CommitsUnsigned,
            subject,
            "commits must be signed, and GitHub signs those of Apps and GITHUB_TOKEN only",
            "act as a GitHub App: `promote init --app` writes the workflow for it",
        );
    }
    if demands.contains(&BranchDemand::Locked) {
        findings.error(
            FindingCode::BranchDemands,
            subject,
            "a ruleset lets nobody update the branch without a bypass",
            "give the App a bypass for pull requests, or take the rule away",
        );
    }
    let words: Vec<String> = demands.iter().filter_map(demand_in_words).collect();
    if !words.is_empty() {
        findings.note(
            FindingCode::BranchDemands,
            subject,
            format!("a merge also needs {}", words.join(", ")),
            "nothing, if that comes by itself; else a run waits for it",
        );
    }
}

fn demand_in_words(demand: &BranchDemand) -> Option<String> {
    let words = match demand {
        BranchDemand::CodeOwners => "the approval of a code owner",
        BranchDemand::LastPush => "the approval of somebody other than the last to push",
        BranchDemand::Conversations => "every conversation resolved",
        BranchDemand::Workflows => "the workflows that a ruleset names",
        BranchDemand::Deployments => "deployments that succeeded",
        BranchDemand::CodeScanning => "the results of code scanning",
        BranchDemand::Other(kind) => return Some(format!("what the rule `{kind}` says")),
        BranchDemand::Signatures | BranchDemand::Locked => return None,
    };
    Some(words.to_owned())
}

fn method_name(method: MergeMethod) -> &'static str {
    match method {
        MergeMethod::Merge => "merge",
        MergeMethod::Squash => "squash",
        MergeMethod::Rebase => "rebase",
    }
}

/// What the mode `auto-merge` needs GitHub's auto-merge for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AutoMergeNeed {
    /// It merges.
    Always,
    /// A queue merges, which a pull request joins by it if checks or reviews are missing still.
    WhileWaiting,
    /// A queue merges, which takes every pull request at once.
    Never,
}

impl AutoMergeNeed {
    pub(super) fn of(protection: &BranchProtection) -> Self {
        let rules = &protection.rules;
        let waits = !rules.required_checks.is_empty() || rules.required_approvals > 0;
        match (rules.merge_queue, waits) {
            (false, _) => Self::Always,
            (true, true) => Self::WhileWaiting,
            (true, false) => Self::Never,
        }
    }
}

pub(super) async fn check_auto_merge(
    client: &Client,
    name: &str,
    need: AutoMergeNeed,
    findings: &mut DoctorFindings,
) {
    if need == AutoMergeNeed::Never {
        return;
    }
    let Ok(answer) = read(client, name, String::new()).await else {
        return;
    };
    if answer
        .json::<Value>()
        .is_ok_and(|found| found["allow_auto_merge"] == false)
    {
        if need == AutoMergeNeed::WhileWaiting {
            findings.warning(
                FindingCode::AutoMerge,
                name,
                "the repository does not allow auto-merge, by which a pull request joins the merge queue once its checks and reviews are there",
                "allow it in the repository's settings; else a run fails while something is missing",
            );
            return;
        }
        findings.error(
            FindingCode::AutoMerge,
            name,
            "the repository does not allow auto-merge",
            "allow it in the repository's settings, or set another `mode`",
        );
    }
}

/// Finds an armed auto-merge that a later push can ride along with. Classic protection is told to administrators only.
pub(super) async fn check_late_push(
    client: &Client,
    name: &str,
    base: &str,
    findings: &mut DoctorFindings,
) {
    let rules = read(client, name, format!("/rules/branches/{}", seg(base)));
    let rules = rules
        .await
        .and_then(|answer| answer.json::<Value>())
        .unwrap_or_default();
    let is_pinned = |place: &Value, stale: &str| {
        place["require_last_push_approval"] == true || place[stale] == true
    };
    let by_ruleset = rules.as_array().is_some_and(|rules| {
        rules
            .iter()
            .any(|rule| is_pinned(&rule["parameters"], "dismiss_stale_reviews_on_push"))
    });
    let protection = read(client, name, format!("/branches/{}/protection", seg(base)));
    let protection = protection
        .await
        .and_then(|answer| answer.json::<Value>())
        .unwrap_or_default();
    if by_ruleset
        || is_pinned(
            &protection["required_pull_request_reviews"],
            "dismiss_stale_reviews",
        )
    {
        return;
    }
    findings.warning(
        FindingCode::LatePush,
        &format!("{name} {base}"),
        "auto-merge takes along what is pushed after it is armed, and no rule that can be read demands a new approval after a push",
        "require approval of the most recent push, or dismiss stale approvals; or set `mode = \"checks\"`",
    );
}
