//! What a promotion can wait for, and the labels by which Port shows how a run stands.

use super::code::{CodeExplanation, CodeKind};

const fn waiting(code: &'static str, means: &'static str, remedy: &'static str) -> CodeExplanation {
    CodeExplanation {
        code,
        kind: CodeKind::Waiting,
        means,
        remedy,
    }
}

/// In the order of the contract.
pub(super) const ALL: &[CodeExplanation] = &[
    waiting(
        "review",
        "The branch asks for an approval that the pull request has not got, or somebody asks for changes.",
        "review the pull request that the run links to; `promote resume` merges it after the approval. Close it to say no.",
    ),
    waiting(
        "merge",
        "The pull request is open, and people merge it: the settings say so, or the host may not.",
        "merge the pull request that the run links to; `promote resume` then records it in the catalog. Close it to say no.",
    ),
    waiting(
        "checks",
        "A check that the branch requires has not ended, or has not begun.",
        "wait, or look at the check in the pull request; one that never begins is named by `promote doctor` (`checks-never-start`).",
    ),
    waiting(
        "queue",
        "The pull request is in the merge queue.",
        "wait: `promote resume` records the merge. A pull request that leaves the queue unmerged is told as such.",
    ),
    waiting(
        "window",
        "Promotions are frozen now, and the setting `freeze.on_no` is `wait`.",
        "wait until the time that the message names; `promote resume` then promotes what staging runs by then.",
    ),
    waiting(
        "soak",
        "The image has not been in staging for long enough, and the setting `soak.on_no` is `wait`.",
        "wait until the time that the message names; `promote resume` then promotes what staging runs by then.",
    ),
    waiting(
        "sync",
        "The image is merged and in the catalog, and production has not said yet that it runs it (`verify`).",
        "look at production in Argo CD; at `verify.deadline` the promotion fails, and with `revert` a pull request puts the old image back.",
    ),
    waiting(
        "rate-limit",
        "GitHub or Port takes no more requests for now.",
        "wait: `promote resume` goes on. A GitHub App has more requests an hour than a token.",
    ),
    waiting(
        "rule",
        "A `[[rule]]` says no, to something that time or people can cure, and its `on_no` is `wait`.",
        "do what the message names; `promote resume` asks the rule again, until it agrees or `limits.wait` is over.",
    ),
];

/// The labels beside the status of a Port run, with the codes that explain them; a test holds them to the core.
pub(super) const LABELS: [(&str, CodeKind, &str); 24] = [
    ("Promoted", CodeKind::Outcome, "promoted"),
    ("Rolled back", CodeKind::Outcome, "promoted"),
    ("Already there", CodeKind::Outcome, "unchanged"),
    ("Refused", CodeKind::Outcome, "refused"),
    ("Failed", CodeKind::Outcome, "failed"),
    ("Grants broken", CodeKind::Outcome, "violation"),
    ("Limit reached", CodeKind::Outcome, "limit"),
    ("Policy crashed", CodeKind::Outcome, "trapped"),
    ("Cancelled", CodeKind::Outcome, "cancelled"),
    ("Could not start", CodeKind::Outcome, "unusable"),
    ("Waits for review", CodeKind::Waiting, "review"),
    ("Waits for merge", CodeKind::Waiting, "merge"),
    ("Waits for checks", CodeKind::Waiting, "checks"),
    ("Waits for queue", CodeKind::Waiting, "queue"),
    ("Waits out freeze", CodeKind::Waiting, "window"),
    ("Waits for soak", CodeKind::Waiting, "soak"),
    ("Waits for sync", CodeKind::Waiting, "sync"),
    ("Waits for quota", CodeKind::Waiting, "rate-limit"),
    ("Waits for rule", CodeKind::Waiting, "rule"),
    ("Closed", CodeKind::Rule, "closed"),
    ("Replaced", CodeKind::Ended, "replaced"),
    ("Given up", CodeKind::Ended, "given-up"),
    ("Never started", CodeKind::Ended, "never-started"),
    ("Rejected", CodeKind::Ended, "rejected"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use promote_core::contract::Outcome;
    use promote_core::contract::types::{Awaited, Promotion, Reason};
    use promote_core::run::ending::Ending;
    use promote_core::run::resume::EndLabel;

    const AWAITED: [(Awaited, &str); 9] = [
        (Awaited::Review, "review"),
        (Awaited::Merge, "merge"),
        (Awaited::Checks, "checks"),
        (Awaited::Queue, "queue"),
        (Awaited::Window, "window"),
        (Awaited::Soak, "soak"),
        (Awaited::Sync, "sync"),
        (Awaited::RateLimit, "rate-limit"),
        (Awaited::Rule, "rule"),
    ];

    fn label_of(code: &str, kind: CodeKind) -> Vec<&'static str> {
        let found = LABELS
            .iter()
            .filter(|(_, of, known)| *of == kind && *known == code);
        found.map(|(label, ..)| *label).collect()
    }

    #[test]
    fn every_label_of_the_core_is_explained_and_no_other() {
        for (awaited, code) in AWAITED {
            assert_eq!(
                label_of(code, CodeKind::Waiting),
                [awaited.label()],
                "{code}"
            );
            assert!(ALL.iter().any(|one| one.code == code), "{code}");
        }
        let promotion = Promotion {
            image: String::new(),
            previous_image: None,
            pull_request: None,
            commit: None,
            is_rollback: false,
        };
        let back = Promotion {
            is_rollback: true,
            ..promotion.clone()
        };
        let endings = [
            Ending::Decided(Outcome::Promoted(promotion.clone())),
            Ending::Decided(Outcome::Promoted(back)),
            Ending::Decided(Outcome::Unchanged(promotion)),
            Ending::Decided(Outcome::Refused(Vec::<Reason>::new())),
            Ending::Failed(String::new()),
            Ending::Violation(Vec::new()),
            Ending::Limit(String::new()),
            Ending::Trapped(String::new()),
            Ending::Cancelled,
            Ending::Unusable(String::new()),
        ];
        for ending in &endings {
            let labels = label_of(ending.kind(), CodeKind::Outcome);
            assert!(labels.contains(&ending.label()), "{}", ending.label());
        }
        let mut known: Vec<&str> = endings.iter().map(Ending::label).collect();
        known.extend(AWAITED.map(|(awaited, _)| awaited.label()));
        known.extend(EndLabel::ALL.map(EndLabel::text));
        for label in &known {
            assert!(!super::super::of(label).is_empty(), "{label}");
        }
        for (label, kind, code) in LABELS {
            assert!(known.contains(&label), "no run has the label {label}");
            let explained = super::super::all().any(|one| one.kind == kind && one.code == code);
            assert!(explained, "{label}");
        }
    }
}
