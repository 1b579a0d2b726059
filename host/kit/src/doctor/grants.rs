//! Grants that are wider than any promotion needs, or that the component could never use; told from `promote.toml` alone.

use super::Findings;
use promote_core::grants::{ChangeScope, Grant, Operation};
use promote_core::policy::Policy;
use promote_intake::config::{ComponentRef, Config};

pub(super) fn check(
    config: &Config,
    policies: Option<&[Policy]>,
    locked: bool,
    findings: &mut Findings,
) {
    if config.grants.0.is_empty() {
        findings.error(
            "grants-none",
            "grants",
            "there are none: every call is denied",
            "`promote init` writes the ones that the built-in policy needs",
        );
    }
    for (name, wanted) in config.policies() {
        if matches!(wanted.component, ComponentRef::Path(_)) && wanted.sha256.is_none() && !locked {
            findings.warning(
                "component-unpinned",
                name.trim_matches(['[', ']']),
                "the component is not pinned: whoever can change the file changes what promotes",
                "`promote lock` writes promote.lock; or add `sha256`, which `promote inspect FILE` prints",
            );
        }
    }
    for (index, grant) in config.grants.0.iter().enumerate() {
        let subject = format!("grant {}", index + 1);
        width(grant, &subject, findings);
        if let Some(policies) = policies {
            unusable(grant, &subject, policies, findings);
        }
    }
}

fn width(grant: &Grant, subject: &str, findings: &mut Findings) {
    let mut wide = |what: &str, fix: &str| findings.warning("grant-wide", subject, what, fix);
    if grant.covers(Operation::UpdateEntity) && !grant.after_merge {
        wide(
            "the catalog may be changed before git holds the image",
            "add `after = \"merge\"`, and `holds` with the reference",
        );
    }
    if grant.covers(Operation::UpdateEntity)
        && grant
            .entity
            .iter()
            .all(|entity| !entity.source().contains('{'))
    {
        wide(
            "it names entities of no particular service: any run may change them",
            "name the entity of the request: `entity = \"{service.relations.prod_runtime}\"`",
        );
    }
    if grant.covers(Operation::Propose) {
        if grant.changes == ChangeScope::Any {
            wide(
                "a proposal may change anything in a file, not only values",
                "remove `changes = \"any\"`",
            );
        }
        if grant.path.iter().any(|path| !path.source().contains('{')) {
            wide(
                "its path names no service: a run for one may change another's manifest",
                "name the service: `path = \"apps/{service.identifier}/prod/*.yaml\"`",
            );
        }
        if grant
            .path
            .iter()
            .any(|path| path.source().starts_with(".github") || path.source().starts_with("**"))
        {
            wide(
                "its path reaches workflow files",
                "name the folder of the manifests",
            );
        }
    }
}

/// Operations that the component's imports rule out.
fn unusable(grant: &Grant, subject: &str, policies: &[Policy], findings: &mut Findings) {
    let one = |policy: &Policy, interface: &str| {
        policy
            .surface
            .imports
            .iter()
            .any(|import| import == interface)
    };
    let imports = |interface: &str| policies.iter().any(|policy| one(policy, interface));
    let needs = |operation: Operation| match operation {
        Operation::Note => "run-log",
        Operation::GetEntity | Operation::Search => "port-read",
        Operation::UpdateEntity => "port-write",
        Operation::Propose | Operation::Decorate => "github-propose",
        Operation::Merge => "github-merge",
        _ => "github-read",
    };
    let never: Vec<&str> = grant
        .allow
        .iter()
        .filter(|operation| !imports(needs(**operation)))
        .map(|operation| operation.name())
        .collect();
    if !never.is_empty() {
        let what = format!(
            "the policy can never do {}: it does not import that",
            never.join(", ")
        );
        findings.warning("grant-wide", subject, what, "remove what is never used");
    }
}
