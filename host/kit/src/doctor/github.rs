//! The credentials of GitHub, the repository, and the rules of the branch that production follows.

use jiff::fmt::strtime;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use super::{Findings, Severity};
use promote_core::contract::{BranchRules, Failure, MergeMethod};
use promote_core::gate::describe;
use promote_core::grants::Operation;
use promote_core::service::github::Client;
use promote_core::service::http::ServiceError;
use promote_intake::config::Config;

/// Scopes of a classic token that a promotion has a use for.
const SCOPES: [&str; 3] = ["repo", "public_repo", "repo:status"];

/// Checks everything about GitHub; whether it is worth going on.
pub(super) async fn check(
    client: &Client,
    config: &Config,
    settings: &Value,
    app: bool,
    findings: &mut Findings,
) -> bool {
    let Some(actions) = credentials(client, app, findings).await else {
        return false;
    };
    let mut usable = true;
    for name in config.grants.repositories() {
        usable &= repository(client, config, &name, findings).await;
    }
    let Some(name) = settings["repository"].as_str().filter(|_| usable) else {
        return usable;
    };
    let base = settings["base"].as_str().unwrap_or("main");
    let subject = format!("{name} {base}");
    let rules = match client.repo(name) {
        Ok(repository) => repository.branch_rules(base).await,
        Err(failure) => Err(failure),
    };
    match rules {
        Ok(rules) => branch(&rules, settings, &subject, actions, findings),
        Err(failure) => {
            let fix = "check `base` in promote.toml, and that the credentials may read metadata and contents";
            findings.add(
                severity(&failure),
                "base-branch",
                &subject,
                describe(&failure),
                fix,
            );
        }
    }
    if settings["mode"] == "auto-merge" {
        auto_merge(client, name, findings).await;
    }
    usable
}

/// Whether the token works, when it ends and what it could do; whether it is a workflow's own. None if it does not work.
async fn credentials(client: &Client, app: bool, findings: &mut Findings) -> Option<bool> {
    let answer = match client
        .read(if app { "/rate_limit" } else { "/user" }.to_owned())
        .await
    {
        Ok(answer) => answer,
        // A token of an installation has no user: it is a workflow's own, or was minted elsewhere.
        Err(ServiceError::Refused(refusal)) if refusal.status == 403 && !app => return Some(true),
        Err(error) => {
            let severity = if error.is_uncertain() {
                Severity::Unknown
            } else {
                Severity::Error
            };
            let fix =
                "make a new token or key, and set it as the secret that the workflow passes on";
            findings.add(
                severity,
                "github-credentials",
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
            "token-wide",
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
                "token-expiry",
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

async fn repository(client: &Client, config: &Config, name: &str, findings: &mut Findings) -> bool {
    let found = match client.read(format!("/repos/{name}")).await {
        Ok(answer) => answer.json::<Value>(),
        Err(error) => Err(error),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let severity = if error.is_uncertain() {
                Severity::Unknown
            } else {
                Severity::Error
            };
            let fix = "check the name in promote.toml; GITHUB_TOKEN reaches the workflow's own repository only, for another one use a GitHub App";
            findings.add(severity, "repository-access", name, error.to_string(), fix);
            return false;
        }
    };
    if found["archived"] == true {
        findings.error(
            "repository-archived",
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
            "repository-access",
            name,
            "the credentials may not write",
            "give them contents: write and pull-requests: write",
        );
    }
    true
}

fn branch(
    rules: &BranchRules,
    settings: &Value,
    subject: &str,
    actions: bool,
    findings: &mut Findings,
) {
    let (mode, method) = (
        settings["mode"].as_str().unwrap_or("merge"),
        settings["method"].as_str().unwrap_or("squash"),
    );
    let wanted = match method {
        "merge" => MergeMethod::Merge,
        "rebase" => MergeMethod::Rebase,
        _ => MergeMethod::Squash,
    };
    if mode != "pull-request" && !rules.methods.contains(&wanted) {
        let allowed: Vec<String> = rules
            .methods
            .iter()
            .map(|method| format!("{method:?}").to_lowercase())
            .collect();
        let what = format!(
            "`{method}` is not allowed here, only {}",
            allowed.join(", ")
        );
        findings.error(
            "merge-method",
            subject,
            what,
            "set `policy.settings.method` to one that is, or allow it in the repository",
        );
    }
    let checks = rules.required_checks.join(", ");
    if !checks.is_empty() && actions {
        findings.error(
            "checks-never-start",
            subject,
            format!("{checks} must pass, and a pull request by GITHUB_TOKEN starts no workflow: they would never report"),
            "act as a GitHub App: `promote init --app` writes the workflow for it",
        );
    }
    if !checks.is_empty() && mode == "merge" {
        findings.error(
            "checks-required",
            subject,
            format!("{checks} must pass before a merge, and `mode` merges at once"),
            "set `policy.settings.mode` to `checks` or `auto-merge`",
        );
    }
    if rules.merge_queue && matches!(mode, "merge" | "checks") {
        findings.error(
            "merge-queue",
            subject,
            "merges go through a queue",
            "set `policy.settings.mode = \"auto-merge\"`",
        );
    }
    if rules.required_approvals > 0 && mode != "pull-request" {
        let what = format!(
            "{} approving reviews are needed: a run ends as pending until people gave them",
            rules.required_approvals
        );
        findings.warning(
            "reviews-required",
            subject,
            what,
            "set `mode = \"pull-request\"` or `\"auto-merge\"`, or let the App bypass the rule",
        );
    }
}

async fn auto_merge(client: &Client, name: &str, findings: &mut Findings) {
    let Ok(answer) = client.read(format!("/repos/{name}")).await else {
        return;
    };
    if answer
        .json::<Value>()
        .is_ok_and(|found| found["allow_auto_merge"] == false)
    {
        findings.error(
            "auto-merge",
            name,
            "the repository does not allow auto-merge",
            "allow it in the repository's settings, or set another `mode`",
        );
    }
}

/// Whether a failure says something about the set-up, or only that nobody answered.
pub(super) fn severity(failure: &Failure) -> Severity {
    match failure {
        Failure::Unavailable(_) | Failure::RateLimited(_) => Severity::Unknown,
        _ => Severity::Error,
    }
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
