//! `built-by`: the image was built by the workflow that the operator names, as an attestation proves.
//!
//! The host has verified what is told here. Whether that is the build that was meant is decided by comparing whole texts: a
//! workflow of the same name in another repository, or one that another branch changed, is another builder.

use super::reason;
use crate::facts::{AttestationPlace, AttestedDigest, BuildFacts, ExpectedBuild, Facts};
use crate::host::Attestation;
use crate::types::Reason;

/// The kind of statement that says how something was built.
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// The most attestations that a reason tells about.
const MAX_SHOWN: usize = 3;

/// Refuses an image unless an attestation of it is of the expected build.
pub fn check(facts: &Facts) -> Vec<Reason> {
    let no = |message: String| vec![reason("built-by", message)];
    match &facts.build {
        BuildFacts::NotAsked => Vec::new(),
        BuildFacts::Unknown(what) => no(what.clone()),
        BuildFacts::Known {
            expected,
            attested,
            is_pinned,
        } => {
            let refused: Vec<String> = attested
                .iter()
                .filter_map(|digest| complaint(expected, digest))
                .collect();
            if !refused.is_empty() {
                return no(refused.join("; "));
            }
            if *is_pinned {
                return Vec::new();
            }
            no(
                "the image would be named by its tag alone, which may stand for another build tomorrow: \
                 set `digest = \"prefer\"`, or grant `registry.read` so that the tag is compared now"
                    .to_owned(),
            )
        }
    }
}

/// Says why no attestation of a digest will do; none if one does.
fn complaint(expected: &ExpectedBuild, found: &AttestedDigest) -> Option<String> {
    let AttestedDigest {
        digest,
        kept,
        verified,
        refused,
    } = found;
    let mut others: Vec<String> = Vec::new();
    for attestation in verified {
        others.push(mismatch(expected, attestation)?);
    }
    others.extend(
        refused
            .iter()
            .map(|why| format!("one does not hold: {why}")),
    );
    let count = others.len();
    if count == 0 {
        let (place, how) = match kept {
            AttestationPlace::GitHub => (format!("in {}", expected.repository), ""),
            AttestationPlace::Registry(name) => (
                format!("beside it in {name}"),
                " with `push-to-registry: true`",
            ),
        };
        return Some(format!(
            "{digest} has no attestation {place}: nobody can tell who built it; have the build attest it \
             (`actions/attest-build-provenance`{how})"
        ));
    }
    let left = count.saturating_sub(MAX_SHOWN);
    others.truncate(MAX_SHOWN);
    let more = match left {
        0 => String::new(),
        left => format!("; and {left} more"),
    };
    Some(format!(
        "no attestation of {digest} proves that {} built it: {}{more}",
        expected.workflow,
        others.join("; ")
    ))
}

/// Says in what a verified attestation differs from the expected build; none if in nothing.
pub fn mismatch(expected: &ExpectedBuild, found: &Attestation) -> Option<String> {
    let (workflow, taken_from) = found.signer.rsplit_once('@').unwrap_or((&found.signer, ""));
    let checks = [
        (
            "states something else than how it was built",
            PROVENANCE,
            found.predicate.as_str(),
            found.predicate == PROVENANCE,
        ),
        (
            "was vouched for by another issuer",
            &expected.issuer,
            &found.issuer,
            found.issuer == expected.issuer,
        ),
        (
            "is of another repository",
            &expected.repository,
            &found.repository,
            is_same_name(&expected.repository, &found.repository),
        ),
        (
            "was built by another workflow",
            &expected.workflow,
            workflow,
            is_same_workflow(&expected.workflow, workflow),
        ),
        (
            "was built by the workflow of another branch or tag",
            &expected.workflow_ref,
            taken_from,
            fits(&expected.workflow_ref, taken_from),
        ),
        (
            "was built from another branch or tag",
            &expected.source_ref,
            &found.source_ref,
            fits(&expected.source_ref, &found.source_ref),
        ),
        (
            "was built from another commit than the catalog says",
            expected.commit.as_deref().unwrap_or_default(),
            &found.commit,
            expected
                .commit
                .as_ref()
                .is_none_or(|commit| found.commit.starts_with(&commit.to_ascii_lowercase())),
        ),
    ];
    let (what, wanted, is, _) = checks.into_iter().find(|(.., holds)| !holds)?;
    Some(format!("one {what}: {is} and not {wanted}"))
}

/// GitHub takes names of owners and repositories in any case; nobody else can have one that differs in case alone.
fn is_same_name(expected: &str, found: &str) -> bool {
    expected.eq_ignore_ascii_case(found)
}

/// The path of a file counts in its case, the repository before it does not.
fn is_same_workflow(expected: &str, found: &str) -> bool {
    let file = |address: &str| {
        address
            .find("/.github/")
            .map(|at| address.split_at(at).1.len())
    };
    match (file(expected), file(found)) {
        (Some(tail), Some(other)) if tail == other => {
            let (repository, path) = expected.split_at(expected.len() - tail);
            let (found_repository, found_path) = found.split_at(found.len() - other);
            path == found_path && is_same_name(repository, found_repository)
        }
        _ => false,
    }
}

/// Whether a full ref is the one that is wanted, or begins as it does up to a `*` at its end.
fn fits(wanted: &str, found: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => found.starts_with(start),
        None => found == wanted,
    }
}
