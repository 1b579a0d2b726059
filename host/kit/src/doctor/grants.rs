//! Grants that are wider than any promotion needs, or that the component could never use; told from `promote.toml` alone.

use std::collections::BTreeSet;

use crate::finding::{DoctorFindings, FindingCode};
use promote_core::grants::{ChangeScope, Grant, Operation, Template};
use promote_core::policy::Policy;
use promote_intake::config::{ComponentRef, Config};

/// Checks the grants, and that every component is pinned or locked.
pub(super) fn check(
    config: &Config,
    policies: Option<&[Policy]>,
    is_locked: bool,
    findings: &mut DoctorFindings,
) {
    if config.grants.0.is_empty() {
        findings.error(
            FindingCode::GrantsNone,
            "grants",
            "there are none: every call is denied",
            "`promote init` writes the ones that the built-in policy needs",
        );
    }
    for (name, wanted) in config.policies() {
        if matches!(wanted.component, ComponentRef::Path(_))
            && wanted.sha256.is_none()
            && !is_locked
        {
            findings.warning(
                FindingCode::ComponentUnpinned,
                name.trim_matches(['[', ']']),
                "the component is not pinned: whoever can change the file changes what promotes",
                "`promote lock` writes promote.lock; or add `sha256`, which `promote inspect FILE` prints",
            );
        }
    }
    if config.port.actions.identifiers().is_empty() {
        findings.error(
            FindingCode::PortActions,
            "port.actions",
            "promote.toml names no action that may start a run",
            "add `[port.actions]` with `promote = \"promote_to_production\"`, or your action's identifier",
        );
    }
    let proposed = proposed_paths(config);
    for (index, grant) in config.grants.0.iter().enumerate() {
        let subject = format!("grant {}", index + 1);
        check_evidence(grant, &subject, &proposed, findings);
        check_width(grant, &subject, findings);
        if let Some(policies) = policies {
            check_imports(grant, &subject, policies, findings);
        }
    }
}

/// Returns the patterns of files that may be proposed, each once.
fn proposed_paths(config: &Config) -> BTreeSet<&str> {
    let proposing = config.grants.0.iter();
    proposing
        .filter(|grant| grant.covers(Operation::Propose))
        .flat_map(|grant| grant.path.iter().map(Template::source))
        .collect()
}

/// Finds a grant that can never allow what it names: an update that no file proves, a search of one entity.
fn check_evidence(
    grant: &Grant,
    subject: &str,
    proposed: &BTreeSet<&str>,
    findings: &mut DoctorFindings,
) {
    if grant.covers(Operation::UpdateEntity)
        && grant.after_merge
        && grant.evidence.is_empty()
        && proposed.len() > 1
    {
        findings.error(
            FindingCode::GrantEvidence,
            subject,
            format!(
                "it does not say which files must hold the image, and {} patterns may be proposed",
                proposed.len()
            ),
            "add `in`, such as `in = \"apps/{service.identifier}/prod/*.yaml\"`",
        );
    }
    if grant.covers(Operation::Search) && !grant.entity.is_empty() {
        findings.warning(
            FindingCode::GrantSearch,
            subject,
            "it names entities, so it allows no `port.search`: a search reads a whole blueprint",
            "remove `port.search`, or grant it apart, without `entity`",
        );
    }
}

fn check_width(grant: &Grant, subject: &str, findings: &mut DoctorFindings) {
    let mut add = |what: &str, fix: &str| {
        findings.warning(FindingCode::GrantWide, subject, what, fix);
    };
    if grant.covers(Operation::UpdateEntity) && !grant.after_merge {
        add(
            "the catalog may be changed before git holds the image",
            "add `after = \"merge\"`, and `holds` with the reference",
        );
    }
    if grant.covers(Operation::UpdateEntity)
        && grant.entity.iter().all(|entity| !entity.has_holes())
    {
        add(
            "it names entities of no particular service: any run may change them",
            "name the entity of the request: `entity = \"{service.relations.prod_runtime}\"`",
        );
    }
    if !grant.covers(Operation::Propose) {
        return;
    }
    if grant.changes == ChangeScope::Any {
        add(
            "a proposal may change anything in a file, not only values",
            "remove `changes = \"any\"`",
        );
    }
    if grant.path.iter().any(|path| !path.has_holes()) {
        add(
            "its path names no service: a run for one may change another's manifest",
            "name the service: `path = \"apps/{service.identifier}/prod/*.yaml\"`",
        );
    }
    let reaches_workflows =
        |path: &Template| path.source().starts_with(".github") || path.source().starts_with("**");
    if grant.path.iter().any(reaches_workflows) {
        add(
            "its path reaches workflow files",
            "name the folder of the manifests",
        );
    }
}

/// Finds operations that no policy could ever ask for, by what it imports.
fn check_imports(grant: &Grant, subject: &str, policies: &[Policy], findings: &mut DoctorFindings) {
    let is_imported = |interface: &str| {
        let mut imports = policies.iter().flat_map(|policy| &policy.surface.imports);
        imports.any(|import| import == interface)
    };
    let never: Vec<&str> = grant
        .allow
        .iter()
        .filter(|operation| interface_of(**operation).is_some_and(|name| !is_imported(name)))
        .map(|operation| operation.name())
        .collect();
    if !never.is_empty() {
        findings.warning(
            FindingCode::GrantWide,
            subject,
            format!(
                "the policy can never do {}: it does not import that",
                never.join(", ")
            ),
            "remove what is never used",
        );
    }
}

/// Returns the interface whose functions need the operation; none if the host alone needs it.
fn interface_of(operation: Operation) -> Option<&'static str> {
    Some(match operation {
        operation if operation.is_hosts() => return None,
        Operation::Note => "run-log",
        Operation::GetEntity | Operation::Search => "port-read",
        Operation::UpdateEntity => "port-write",
        Operation::Propose | Operation::Decorate => "github-propose",
        Operation::Merge => "github-merge",
        Operation::ReadImage => "registry-read",
        _ => "github-read",
    })
}
