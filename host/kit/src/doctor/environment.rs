//! The environment of a workflow's job: whether it is there, who lets jobs into it, and from which branches.

use globset::GlobBuilder;
use serde_json::Value;

use super::workflow::{RepositoryReader, add_unread};
use crate::finding::{DoctorFindings, FindingCode};
use promote_core::service::http::seg;

/// Checks an environment for a job on a branch, and returns whether reviewers guard it.
pub(super) async fn check(
    reader: &RepositoryReader<'_>,
    name: &str,
    branch: &str,
    subject: &str,
    findings: &mut DoctorFindings,
) -> bool {
    let at = format!("/environments/{}", seg(name));
    let found = reader
        .read(at.clone())
        .await
        .and_then(|answer| answer.json::<Value>());
    let found = match found {
        Ok(found) => found,
        Err(error) if error.says(404, "") => {
            findings.warning(
                FindingCode::WorkflowEnvironment,
                subject,
                format!("the repository has no environment `{name}`, in which its job runs: GitHub makes an empty one, without secrets or rules"),
                "make it in the repository's settings, for the default branch only, and put the secrets into it",
            );
            return false;
        }
        Err(error) => {
            add_unread(
                &error,
                FindingCode::WorkflowEnvironment,
                subject,
                "actions: read",
                findings,
            );
            return false;
        }
    };
    let policy = &found["deployment_branch_policy"];
    let told = if policy["custom_branch_policies"] == true {
        check_patterns(reader, &at, name, branch, findings, subject).await;
        None
    } else if policy["protected_branches"] == true {
        protected_problem(reader, branch).await
    } else {
        Some("any branch or tag may use it: whoever can push one reads its secrets".to_owned())
    };
    if let Some(what) = told {
        findings.warning(
            FindingCode::WorkflowBranches,
            subject,
            format!("environment `{name}`: {what}"),
            &format!("in its settings, let selected branches use it: `{branch}` alone"),
        );
    }
    let mut rules = found["protection_rules"].as_array().into_iter().flatten();
    rules.any(|rule| rule["type"] == "required_reviewers")
}

/// Where only protected branches may use an environment, and no branch is protected, all may.
async fn protected_problem(reader: &RepositoryReader<'_>, branch: &str) -> Option<String> {
    let found = reader.read(format!("/branches/{}", seg(branch))).await;
    let is_protected = found.and_then(|answer| answer.field::<bool>("protected"));
    matches!(is_protected, Ok(false)).then(|| {
        format!("it is for protected branches, and `{branch}` is not protected: its job does not start, or, if no branch is protected, any branch may use it")
    })
}

/// Checks the patterns of branches that may use an environment.
async fn check_patterns(
    reader: &RepositoryReader<'_>,
    at: &str,
    name: &str,
    branch: &str,
    findings: &mut DoctorFindings,
    subject: &str,
) {
    let listed = reader
        .read(format!("{at}/deployment-branch-policies?per_page=100"))
        .await;
    let listed = listed.and_then(|answer| answer.field::<Vec<Value>>("branch_policies"));
    let policies = match listed {
        Ok(policies) => policies,
        Err(error) => {
            add_unread(
                &error,
                FindingCode::WorkflowBranches,
                subject,
                "actions: read",
                findings,
            );
            return;
        }
    };
    let mut others = Vec::new();
    let mut is_let_in = false;
    for policy in &policies {
        let pattern = policy["name"].as_str().unwrap_or_default();
        let is_tag = policy["type"] == "tag";
        is_let_in |= !is_tag && matches(pattern, branch);
        if is_tag || pattern != branch {
            others.push(pattern);
        }
    }
    if !is_let_in {
        findings.error(
            FindingCode::WorkflowBranches,
            subject,
            format!("environment `{name}`: `{branch}`, on which it is started, may not use it, so its job never starts"),
            &format!("in its settings, add `{branch}` to the branches that may use it"),
        );
    } else if !others.is_empty() {
        findings.warning(
            FindingCode::WorkflowBranches,
            subject,
            format!(
                "environment `{name}`: more than `{branch}` may use it and read its secrets: {}",
                others.join(", ")
            ),
            &format!("in its settings, let `{branch}` alone use it"),
        );
    }
}

/// Whether a pattern of GitHub's means a branch; `*` leaves slashes out.
fn matches(pattern: &str, branch: &str) -> bool {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.is_ok_and(|glob| glob.compile_matcher().is_match(branch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_branches_as_github_says() {
        for (pattern, branch, expected) in [
            ("main", "main", true),
            ("main", "main2", false),
            ("releases/*", "releases/1", true),
            ("releases/*", "releases/1/2", false),
            ("*", "main", true),
            ("[", "main", false),
        ] {
            assert_eq!(matches(pattern, branch), expected, "{pattern} {branch}");
        }
    }
}
