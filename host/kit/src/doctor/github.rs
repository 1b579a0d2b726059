//! The credentials of GitHub, the repository, and the rules of the branch that production follows.

use jiff::fmt::strtime;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use crate::finding::{DoctorFindings, FindingCode, Severity};
use crate::marks::{MarkedSettings, SettingRole};
use promote_core::contract::{BranchRules, MergeMethod};
use promote_core::gate::describe;
use promote_core::grants::Operation;
use promote_core::service::github::Client;
use promote_core::service::http::{HttpAnswer, ServiceError, ServiceResult, seg};
use promote_intake::config::Config;

/// Scopes of a classic token that a promotion has a use for.
const SCOPES: [&str; 3] = ["repo", "public_repo", "repo:status"];

/// Checks everything about GitHub, and returns whether services can be planned with it.
pub(super) async fn check(
    client: &Client,
    config: &Config,
    marks: &MarkedSettings,
    is_app: bool,
    findings: &mut DoctorFindings,
) -> bool {
    let Some(is_workflow_token) = check_credentials(client, is_app, findings).await else {
        return false;
    };
    let mut is_usable = true;
    for name in config.grants.repositories() {
        is_usable &= check_repository(client, config, &name, findings).await;
    }
    if let (true, Some(name), Some(base)) = (
        is_usable,
        marks.text(SettingRole::Repository),
        marks.get(SettingRole::BaseBranch),
    ) {
        let subject = format!("{name} {}", base.text);
        let rules = match client.repo(name) {
            Ok(repository) => repository.branch_rules(&base.text).await,
            Err(failure) => Err(failure),
        };
        match rules {
            Ok(rules) => check_branch(&rules, marks, &subject, is_workflow_token, findings),
            Err(failure) => findings.add(
                Severity::of_failure(&failure),
                FindingCode::BaseBranch,
                &subject,
                describe(&failure),
                &format!(
                    "check `{}` in promote.toml, and that the credentials may read metadata and contents",
                    base.name
                ),
            ),
        }
        if marks.text(SettingRole::MergeMode) == Some("auto-merge") {
            check_auto_merge(client, name, findings).await;
            check_late_push(client, name, &base.text, findings).await;
        }
    }
    is_usable
}

/// Checks that the token works, when it ends and what it could do. Returns whether it is a workflow's own; none if it does
/// not work.
async fn check_credentials(
    client: &Client,
    is_app: bool,
    findings: &mut DoctorFindings,
) -> Option<bool> {
    let answer = match client
        .read(if is_app { "/rate_limit" } else { "/user" }.to_owned())
        .await
    {
        Ok(answer) => answer,
        // A token of an installation has no user: it is a workflow's own, or was minted elsewhere.
        Err(ServiceError::Refused(refusal)) if refusal.status == 403 && !is_app => {
            return Some(true);
        }
        Err(error) => {
            let fix =
                "make a new token or key, and set it as the secret that the workflow passes on";
            findings.add(
                Severity::of_error(&error),
                FindingCode::GithubCredentials,
                "GitHub",
                error.to_string(),
                fix,
            );
            return None;
        }
    };
    if let Some(scopes) = answer.header("x-oauth-scopes") {
        let all: Vec<&str> = scopes
            .split(',')
            .map(str::trim)
            .filter(|scope| !scope.is_empty())
            .collect();
        let more: Vec<&str> = all
            .iter()
            .copied()
            .filter(|scope| !SCOPES.contains(scope))
            .collect();
        let what = match more[..] {
            [] => "a classic token reaches every repository of its user".to_owned(),
            _ => format!(
                "a classic token reaches every repository of its user, and has {}",
                more.join(", ")
            ),
        };
        findings.warning(
            FindingCode::TokenWide,
            "GITHUB_TOKEN",
            what,
            "use a GitHub App, or a fine-grained token for the one repository",
        );
    }
    if let Some(end) = answer
        .header("github-authentication-token-expiration")
        .and_then(expiry)
    {
        let soon = Timestamp::now()
            .checked_add((14 * 24).hours())
            .is_ok_and(|soon| end < soon);
        if soon {
            findings.warning(
                FindingCode::TokenExpiry,
                "GITHUB_TOKEN",
                format!("it ends on {end}"),
                "renew it, or use a GitHub App, whose tokens live for one run",
            );
        }
    }
    Some(false)
}

/// `2026-04-29 12:00:00 UTC`, or with an offset.
fn expiry(text: &str) -> Option<Timestamp> {
    let (time, zone) = text.rsplit_once(' ')?;
    let offset = if zone == "UTC" { "+0000" } else { zone };
    strtime::parse("%Y-%m-%d %H:%M:%S %z", format!("{time} {offset}"))
        .ok()?
        .to_timestamp()
        .ok()
}

/// Reads what stands below a repository's path.
async fn read(client: &Client, name: &str, below: String) -> ServiceResult<HttpAnswer> {
    match client.repo(name) {
        Ok(repository) => repository.read(below).await,
        Err(failure) => Err(ServiceError::Malformed(describe(&failure).to_owned())),
    }
}

async fn check_repository(
    client: &Client,
    config: &Config,
    name: &str,
    findings: &mut DoctorFindings,
) -> bool {
    let found = match read(client, name, String::new()).await {
        Ok(answer) => answer.json::<Value>(),
        Err(error) => Err(error),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let fix = "check the name in promote.toml; GITHUB_TOKEN reaches the workflow's own repository only, for another one use a GitHub App";
            findings.add(
                Severity::of_error(&error),
                FindingCode::RepositoryAccess,
                name,
                error.to_string(),
                fix,
            );
            return false;
        }
    };
    if found["archived"] == true {
        findings.error(
            FindingCode::RepositoryArchived,
            name,
            "it is archived: nothing can be proposed",
            "unarchive it, or name another in promote.toml",
        );
    }
    let writes = [Operation::Propose, Operation::Merge];
    let writes = writes
        .iter()
        .any(|operation| config.grants.mention(*operation));
    if writes && found["permissions"]["push"] == false {
        findings.error(
            FindingCode::RepositoryAccess,
            name,
            "the credentials may not write",
            "give them contents: write and pull-requests: write",
        );
    }
    true
}

/// Holds the way of merging against the rules of the branch. A policy that does not mark how it merges is held against
/// nothing that depends on it.
fn check_branch(
    rules: &BranchRules,
    marks: &MarkedSettings,
    subject: &str,
    is_workflow_token: bool,
    findings: &mut DoctorFindings,
) {
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
    let checks = rules.required_checks.join(", ");
    if !checks.is_empty() && is_workflow_token {
        findings.error(
            FindingCode::ChecksNeverStart,
            subject,
            format!("{checks} must pass, and a pull request by GITHUB_TOKEN starts no workflow: they would never report"),
            "act as a GitHub App: `promote init --app` writes the workflow for it",
        );
    }
    if !checks.is_empty() && is_mode("merge") {
        findings.error(
            FindingCode::ChecksRequired,
            subject,
            format!("{checks} must pass before a merge, and `{mode_name}` merges at once"),
            &format!("set `policy.settings.{mode_name}` to `checks` or `auto-merge`"),
        );
    }
    if rules.merge_queue && (is_mode("merge") || is_mode("checks")) {
        findings.error(
            FindingCode::MergeQueue,
            subject,
            "merges go through a queue",
            &format!("set `policy.settings.{mode_name} = \"auto-merge\"`"),
        );
    }
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

fn method_name(method: MergeMethod) -> &'static str {
    match method {
        MergeMethod::Merge => "merge",
        MergeMethod::Squash => "squash",
        MergeMethod::Rebase => "rebase",
    }
}

async fn check_auto_merge(client: &Client, name: &str, findings: &mut DoctorFindings) {
    let Ok(answer) = read(client, name, String::new()).await else {
        return;
    };
    if answer
        .json::<Value>()
        .is_ok_and(|found| found["allow_auto_merge"] == false)
    {
        findings.error(
            FindingCode::AutoMerge,
            name,
            "the repository does not allow auto-merge",
            "allow it in the repository's settings, or set another `mode`",
        );
    }
}

/// Finds an armed auto-merge that a later push can ride along with. Classic protection is told to administrators only.
async fn check_late_push(client: &Client, name: &str, base: &str, findings: &mut DoctorFindings) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_when_a_token_ends() {
        for (text, expected) in [
            ("2026-04-29 12:00:00 UTC", Some("2026-04-29T12:00:00Z")),
            ("2026-04-29 12:00:00 +0200", Some("2026-04-29T10:00:00Z")),
            ("soon", None),
        ] {
            assert_eq!(
                expiry(text).map(|end| end.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
