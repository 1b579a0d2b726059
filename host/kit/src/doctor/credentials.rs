//! The credentials of GitHub: whose they are, whether they work, and how wide they are.

use jiff::fmt::strtime;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use crate::finding::{DoctorFindings, FindingCode, Severity};
use promote_core::service::github::Client;
use promote_core::service::http::{HttpAnswer, Refusal, ServiceError};

/// Scopes of a classic token that a promotion has a use for.
const SCOPES: [&str; 3] = ["repo", "public_repo", "repo:status"];

/// The number of requests an hour that GitHub gives a workflow's own token, and no other ("Rate limits for the REST API").
const WORKFLOW_LIMIT: u64 = 1_000;

/// The one that acts with the credentials, which decides what they can start and what GitHub tells of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GithubActor {
    /// A user, by a token of theirs.
    Person,
    /// A workflow, by its own token.
    Workflow,
    /// An App, by a token of an installation.
    App,
}

/// Checks that the credentials work, when they end and what they could do. Returns whose they are; none if they do not work.
pub(super) async fn check(
    client: &Client,
    is_app: bool,
    findings: &mut DoctorFindings,
) -> Option<GithubActor> {
    let whose = if is_app { "/rate_limit" } else { "/user" };
    match client.read(whose.to_owned()).await {
        Ok(_) if is_app => Some(GithubActor::App),
        Ok(answer) => {
            check_scopes(&answer, findings);
            check_expiry(&answer, findings);
            Some(GithubActor::Person)
        }
        // A token of an installation has no user.
        Err(error) if !is_app && error.says(403, "not accessible by integration") => {
            Some(installation_of(client).await)
        }
        Err(error) => {
            findings.add(
                Severity::of_error(&error),
                FindingCode::GithubCredentials,
                "GitHub",
                error.to_string(),
                cure(&error),
            );
            None
        }
    }
}

/// Tells a workflow's own token from one of another App. Where large companies are given the same limit for both, it is taken
/// for an App's, so that nothing false is said.
async fn installation_of(client: &Client) -> GithubActor {
    let limits = client.read("/rate_limit".to_owned()).await;
    let limits = limits.and_then(|answer| answer.json::<Value>());
    let limit = limits.unwrap_or_default()["resources"]["core"]["limit"].as_u64();
    if limit == Some(WORKFLOW_LIMIT) {
        GithubActor::Workflow
    } else {
        GithubActor::App
    }
}

/// Says what to do about credentials that do not work.
fn cure(error: &ServiceError) -> &'static str {
    match error {
        ServiceError::Limited(_) => {
            "run it again in an hour: these credentials have used up their requests"
        }
        ServiceError::NoAnswer(..) => {
            "check the network and the address of GitHub (GITHUB_API_URL), then run this again"
        }
        ServiceError::Unreadable(..) => {
            "check GITHUB_API_URL: what answers there is not GitHub's API"
        }
        ServiceError::Malformed(_) => {
            "check GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY and the repositories of the grants"
        }
        ServiceError::NoToken(_) => "put that right at the App: the credentials themselves arrived",
        ServiceError::Refused(refusal) => cure_refusal(refusal),
    }
}

fn cure_refusal(refusal: &Refusal) -> &'static str {
    let says = |text| refusal.message.contains(text);
    match refusal.status.as_u16() {
        401 => "make a new token, and set it as the secret that the workflow passes on",
        403 if says("SAML") => {
            "authorise the token for the organisation's single sign-on, or use a GitHub App"
        }
        403 if says("suspended") => "have the account's suspension lifted, or use a GitHub App",
        403 => "do what GitHub says there; the token may be right",
        500.. => "run it again when GitHub answers",
        _ => "check the address of GitHub (GITHUB_API_URL)",
    }
}

/// Finds a classic token. A user's token of an App names no scope, and neither does a classic one that can do nothing.
fn check_scopes(answer: &HttpAnswer, findings: &mut DoctorFindings) {
    let scopes = answer.header("x-oauth-scopes").unwrap_or_default();
    let scopes = || scopes.split(',').map(str::trim).filter(|it| !it.is_empty());
    if scopes().next().is_none() {
        return;
    }
    let more: Vec<&str> = scopes().filter(|scope| !SCOPES.contains(scope)).collect();
    let mut what = "a classic token reaches every repository of its user".to_owned();
    if !more.is_empty() {
        what += &format!(", and has {}", more.join(", "));
    }
    findings.warning(
        FindingCode::TokenWide,
        "GITHUB_TOKEN",
        what,
        "use a GitHub App, or a fine-grained token for the one repository",
    );
}

fn check_expiry(answer: &HttpAnswer, findings: &mut DoctorFindings) {
    let header = answer.header("github-authentication-token-expiration");
    let Some(end) = header.and_then(expiry) else {
        return;
    };
    let soon = Timestamp::now().checked_add((14 * 24).hours());
    if soon.is_ok_and(|soon| end < soon) {
        findings.warning(
            FindingCode::TokenExpiry,
            "GITHUB_TOKEN",
            format!("it ends on {end}"),
            "renew it, or use a GitHub App, whose tokens live for one run",
        );
    }
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
