//! The endings of a run.

use super::code::{CodeExplanation, CodeKind};

const fn outcome(code: &'static str, means: &'static str, remedy: &'static str) -> CodeExplanation {
    CodeExplanation {
        code,
        kind: CodeKind::Outcome,
        means,
        remedy,
    }
}

/// In the order of exit codes.
pub(super) const ALL: &[CodeExplanation] = &[
    outcome(
        "promoted",
        "The image is on the base branch, put there by a pull request of this run or of an earlier attempt of it, and Port's catalog names it. Exit code 0.",
        "nothing; the summary links the pull request, the output `commit` is what to roll back to.",
    ),
    outcome(
        "unchanged",
        "The base branch held the image already. The catalog was corrected if it said something else. Exit code 0.",
        "nothing; if you expected a change, look at which image staging runs in Port.",
    ),
    outcome(
        "waiting",
        "The promotion waits for what the message names: a review, a check, a merge queue, the end of a freeze. Port shows the run as in progress. Exit code 0.",
        "do what the message names: `promote resume` then goes on, records what was merged and ends the Port run. Close the pull request to say no.",
    ),
    outcome(
        "would-promote",
        "This was a plan: nothing was written. A run would promote the image. Exit code 0.",
        "nothing, or `promote run --plan FILE` if the plan was written to a file and is approved.",
    ),
    outcome(
        "would-wait",
        "This was a plan: nothing was written. A run would open a pull request, which would wait for what the message names. Exit code 0.",
        "nothing, or `promote run --plan FILE` if the plan was written to a file and is approved.",
    ),
    outcome(
        "refused",
        "The policy said no before anything was written. The message lists every reason, each with its rule in brackets. Exit code 1.",
        "`promote explain RULE` for each rule; settle all of them, then run the action again.",
    ),
    outcome(
        "unusable",
        "The run could not start: a configuration, a component, a payload or credentials that cannot be used. Nothing was written. Exit code 2.",
        "do what the message says; `promote doctor` checks everything that a run needs before it is needed.",
    ),
    outcome(
        "failed",
        "Port or GitHub failed or said no, after every retry that is safe. The message says in which state git was left. Exit code 3.",
        "if a service was down, run it again: it goes on from where it was. Else do what the message says; `promote doctor` checks credentials and rules.",
    ),
    outcome(
        "cancelled",
        "The run was stopped from outside: a cancelled job, a lost runner, ctrl-c. The message says in which state git was left. Exit code 3.",
        "run it again: it goes on from where it was, with the same branch and the same pull request.",
    ),
    outcome(
        "violation",
        "The policy tried what `promote.toml` does not grant, or said what is not so. Nothing was written after that, even if the policy swallowed the error. Exit code 4.",
        "if the call is one that the policy should make, add the grant that the message names; else the policy is faulty or hostile: go back to the reviewed one.",
    ),
    outcome(
        "limit",
        "The policy reached a limit: time, memory, calls, writes or traffic. Exit code 4.",
        "raise the key of `[limits]` that the message names if the policy needs it; a wait for checks counts as time. Then run it again.",
    ),
    outcome(
        "trapped",
        "The policy crashed. The message says in which state git was left. Exit code 4.",
        "give the journal to the policy's author: it holds every call and answer. Then go back to a component that works.",
    ),
];
