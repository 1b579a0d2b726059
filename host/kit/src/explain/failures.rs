//! The failures that calls to Port and GitHub can come back with: the cases of `failure` in `wit/types.wit`.

use super::code::{CodeExplanation, CodeKind};

const fn failure(code: &'static str, means: &'static str, remedy: &'static str) -> CodeExplanation {
    CodeExplanation {
        code,
        kind: CodeKind::Failure,
        means,
        remedy,
    }
}

/// In the order of the contract.
pub(super) const ALL: &[CodeExplanation] = &[
    failure(
        "denied",
        "The operator has not granted this call on this target. Whether the target exists is not said. The run counts as a violation.",
        "add the grant that the message spells out to `promote.toml`, if the policy should be able to do this.",
    ),
    failure(
        "not-found",
        "The thing that the call is about does not exist, or the credentials cannot see it: GitHub hides what is private behind the same answer.",
        "check the name; then that the credentials reach it. `GITHUB_TOKEN` reaches the workflow's own repository only; for another one use a GitHub App.",
    ),
    failure(
        "conflict",
        "Somebody else changed it first, or it is in a state that the call does not fit: a moved branch, a Port run that is over.",
        "run it again; the run starts from what is there now.",
    ),
    failure(
        "rejected",
        "The service refused the content of the call, or the host found it malformed. For a merge: the branch's rules do not allow it.",
        "do what the message says. For a merge, `promote doctor` compares `policy.settings.method` and `mode` with the branch's rules.",
    ),
    failure(
        "rate-limited",
        "The service's rate limit did not clear within the time that the run has. Nothing was done by this call.",
        "run it again later. `GITHUB_TOKEN` has 1,000 requests an hour for each repository; a GitHub App has at least 5,000.",
    ),
    failure(
        "unavailable",
        "The service could not be reached or failed, after every retry that is safe. A write may have taken effect.",
        "run it again: a run finds out what is done already and does the rest.",
    ),
    failure(
        "other",
        "The service said something that has no case of its own, such as wrong credentials.",
        "do what the message says; `promote doctor` checks credentials, scopes and expiry.",
    ),
];
