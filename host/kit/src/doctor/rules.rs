//! The rules of a configuration: where each comes from, which component it is, and whether they hold merges that others make.

use super::ExaminedSetup;
use crate::finding::{DoctorFindings, FindingCode};
use promote_core::grants::Operation;
use promote_core::rule::RuleMode;
use promote_core::service::github::{BranchProtection, STATUS};
use promote_intake::config::Config;

/// Shows every rule, or why it cannot be used.
pub(super) async fn describe(setup: &ExaminedSetup<'_>, findings: &mut DoctorFindings) {
    for rule in &setup.config.rule {
        let title = rule.title();
        let subject = title.trim_start_matches("[[rule]] ");
        match rule.load(setup.load).await {
            Ok(loaded) => findings.note(
                FindingCode::Rules,
                subject,
                format!("is asked before proposals and merges: {}", loaded.record()),
                "nothing to do",
            ),
            Err(error) => findings.error(
                FindingCode::Rules,
                subject,
                format!("{error:#}"),
                "correct it in promote.toml, or review what `promote lock` shows",
            ),
        }
    }
}

fn has_enforced(config: &Config) -> bool {
    config
        .rule
        .iter()
        .any(|rule| rule.mode == RuleMode::Enforce)
}

/// Whether a configuration has what nobody should be able to leave out.
pub(super) fn has_binding(config: &Config) -> bool {
    config.baseline.is_some() || has_enforced(config)
}

/// Finds rules that hold nobody who merges by other ways than `promote`.
pub(super) fn check_held(
    protection: &BranchProtection,
    config: &Config,
    subject: &str,
    findings: &mut DoctorFindings,
) {
    if !has_enforced(config) {
        return;
    }
    if protection.rules.merge_queue {
        findings.error(
            FindingCode::RulesUnheld,
            subject,
            "merges go through a queue, where no status holds them: an enforced rule refuses every merge here",
            "set the rules to `mode = \"monitor\"`, or let the branch be merged into without the queue",
        );
        return;
    }
    let mut required = protection.rules.required_checks.iter();
    let is_required = required.any(|name| name == STATUS);
    match (config.grants.mention(Operation::KeepStatus), is_required) {
        (true, true) => {}
        (false, true) => findings.error(
            FindingCode::RulesUnheld,
            subject,
            format!("the branch requires the status `{STATUS}`, and no grant lets the host set it"),
            "grant `github.status` for the repository and its base",
        ),
        (is_granted, false) => findings.warning(
            FindingCode::RulesUnheld,
            subject,
            "a person or auto-merge can merge what a rule speaks against",
            if is_granted {
                "have the branch require the status `promote`"
            } else {
                "grant `github.status`, and have the branch require the status `promote`"
            },
        ),
    }
}
