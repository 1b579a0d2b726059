//! The ways in which `promote resume` ends a run of Port that waited, or for which nothing ever ran.

use super::code::{CodeExplanation, CodeKind};

const fn ended(code: &'static str, means: &'static str, remedy: &'static str) -> CodeExplanation {
    CodeExplanation {
        code,
        kind: CodeKind::Ended,
        means,
        remedy,
    }
}

/// In the order of [`EndLabel::ALL`](promote_core::run::resume::EndLabel::ALL); what a run can end with as well is an outcome.
pub(super) const ALL: &[CodeExplanation] = &[
    ended(
        "replaced",
        "A newer run of the same promotion took the place of this one. Its message names the newer run.",
        "nothing; look at the newer run.",
    ),
    ended(
        "given-up",
        "The promotion waited for longer than `limits.wait` allows. Its pull request is closed and its branch deleted.",
        "start the action again; it opens a new pull request. Raise `limits.wait` if reviews take longer.",
    ),
    ended(
        "never-started",
        "Port has started no run of the workflow within half an hour of the click.",
        "`promote doctor` (`port-action`, `port-installation`, `workflow-file`) says why; then start the action again.",
    ),
    ended(
        "rejected",
        "A reviewer of the workflow's environment rejected the workflow run at GitHub. Nothing is merged for it.",
        "talk to whoever rejected it; the message names them. Then start the action again.",
    ),
];
