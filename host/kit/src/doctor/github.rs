//! GitHub, as a promotion needs it: the credentials, each repository, and the branch that production follows.

use serde_json::Value;

use super::branch::AutoMergeNeed;
use super::credentials::{self, GithubActor};
use super::{branch, rules};
use crate::finding::{DoctorFindings, FindingCode, Severity};
use crate::marks::{MarkedSettings, SettingRole};
use promote_core::gate::describe;
use promote_core::grants::Operation;
use promote_core::service::github::Client;
use promote_core::service::http::{HttpAnswer, ServiceError, ServiceResult, segs};
use promote_intake::config::Config;

/// Checks everything about GitHub, and returns whether services can be planned with it.
pub(super) async fn check(
    client: &Client,
    config: &Config,
    marks: &MarkedSettings,
    is_app: bool,
    findings: &mut DoctorFindings,
) -> bool {
    let Some(actor) = credentials::check(client, is_app, findings).await else {
        return false;
    };
    let mut is_usable = true;
    for name in config.grants.repositories() {
        is_usable &= check_repository(client, config, &name, actor, findings).await;
    }
    if let (true, Some(name), Some(base)) = (
        is_usable,
        marks.text(SettingRole::Repository),
        marks.get(SettingRole::BaseBranch),
    ) {
        let subject = format!("{name} {}", base.text);
        let protection = match client.repo(name) {
            Ok(repository) => repository.protection(&base.text).await,
            Err(failure) => Err(failure),
        };
        let need = protection
            .as_ref()
            .map_or(AutoMergeNeed::Always, AutoMergeNeed::of);
        match protection {
            Ok(protection) => {
                branch::check(&protection, marks, &subject, actor, findings);
                rules::check_held(&protection, config, &subject, findings);
            },
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
        if marks.text(SettingRole::MergeMode) == Some("checks") {
            check_reads_of_checks(client, name, &base.text, findings).await;
        }
        if marks.text(SettingRole::MergeMode) == Some("auto-merge") {
            branch::check_auto_merge(client, name, need, findings).await;
            branch::check_late_push(client, name, &base.text, findings).await;
        }
    }
    is_usable
}

/// Finds credentials that may not read what the mode `checks` waits for.
async fn check_reads_of_checks(
    client: &Client,
    name: &str,
    base: &str,
    findings: &mut DoctorFindings,
) {
    for (below, permission) in [("check-runs", "checks"), ("status", "statuses")] {
        let target = format!("/commits/{}/{below}?per_page=1", segs(base));
        if let Err(error) = read(client, name, target).await {
            findings.add(
                Severity::of_error(&error),
                FindingCode::RepositoryAccess,
                &format!("{name} {permission}"),
                format!("mode `checks` waits for what cannot be read: {error}"),
                &format!(
                    "give the credentials `{permission}: read`; GITHUB_TOKEN gets it by `permissions` of the job"
                ),
            );
        }
    }
}

/// Reads what stands below a repository's path.
pub(super) async fn read(client: &Client, name: &str, below: String) -> ServiceResult<HttpAnswer> {
    match client.repo(name) {
        Ok(repository) => repository.read(below).await,
        Err(failure) => Err(ServiceError::Malformed(describe(&failure).to_owned())),
    }
}

async fn check_repository(
    client: &Client,
    config: &Config,
    name: &str,
    actor: GithubActor,
    findings: &mut DoctorFindings,
) -> bool {
    let found = match read(client, name, String::new()).await {
        Ok(answer) => answer.json::<Value>(),
        Err(error) => Err(error),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let severity = Severity::of_error(&error);
            let fix = match (severity, actor) {
                (Severity::Unknown, _) => "run it again when GitHub answers",
                (_, GithubActor::Workflow) => {
                    "check the name in promote.toml; GITHUB_TOKEN reaches the workflow's own repository only, for another one use a GitHub App"
                }
                _ => {
                    "check the name in promote.toml, and that the credentials reach this repository"
                }
            };
            findings.add(
                severity,
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
    // Of an installation's token GitHub says so whatever it may do.
    if writes && actor == GithubActor::Person && found["permissions"]["push"] == false {
        findings.error(
            FindingCode::RepositoryAccess,
            name,
            "the credentials may not write",
            "give them contents: write and pull-requests: write",
        );
    }
    true
}
