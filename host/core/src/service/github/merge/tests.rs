//! Refused merges: every text that GitHub is known to answer, against every state of the pull request.

#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::attempt::{MergeVerdict, judge};
use super::refusal::awaited;
use crate::service::github::pulls::WirePull;

const HEAD: &str = "2222222222222222222222222222222222222222";

/// The states of an open pull request, and whether it can be merged in them.
const STATES: [(&str, Option<bool>); 8] = [
    ("clean", Some(true)),
    ("unstable", Some(true)),
    ("has_hooks", Some(true)),
    ("blocked", Some(true)),
    ("behind", Some(true)),
    ("dirty", Some(false)),
    ("draft", Some(true)),
    ("unknown", None),
];

/// Texts that decide nothing: the state does.
const OPEN_TEXTS: [&str; 22] = [
    "",
    "Head branch was modified. Review and try the merge again.",
    "Head branch is out of date. Review and try the merge again.",
    "Base branch was modified. Review and try the merge again.",
    "Merge already in progress",
    "Pull Request is not mergeable",
    "Pull Request has merge conflicts",
    "This branch can't be rebased",
    "Required status check \"ci\" is expected.",
    "6 of 6 required status checks are expected.",
    "2 of 3 required status checks are pending.",
    "At least 1 approving review is required by reviewers with write access.",
    "1 review requesting changes by reviewers with write access.",
    "Waiting on code owner review from acme/owners.",
    "A conversation must be resolved before this pull request can be merged.",
    "New changes require approval from someone other than the last pusher",
    "Required workflow 'scan' is not satisfied",
    "Waiting for Code Scanning results. Code Scanning may not be configured for the target branch.",
    "Repository rule violations found Waiting on code owner review from acme/owners.",
    "Repository rule violations found Something new",
    "Never seen before",
    "ngewöhnlich \u{202e} `x`",
];

/// Texts of what no waiting cures.
const FINAL_TEXTS: [&str; 8] = [
    "Merge commits are not allowed on this repository.",
    "Squash merges are not allowed on this repository.",
    "Rebase merges are not allowed on this repository.",
    "This branch must not contain merge commits.",
    "Repository rule violations found This branch must not contain merge commits.",
    "You're not authorized to push to this branch.",
    "Commits must have verified signatures.",
    "Pull Request is still a draft",
];

const QUEUE_TEXTS: [&str; 2] = [
    "Changes must be made through the merge queue",
    "Repository rule violations found Changes must be made through the merge queue",
];

fn open(state: &str, mergeable: Option<bool>) -> WirePull {
    pull(json!({ "mergeable_state": state, "mergeable": mergeable, "draft": state == "draft" }))
}

fn pull(fields: serde_json::Value) -> WirePull {
    let side = |name: &str, sha: &str| json!({ "ref": name, "sha": sha, "repo": { "id": 1 } });
    let mut pull = json!({
        "number": 7, "node_id": "PR_7", "html_url": "", "title": "t", "state": "open",
        "head": side("promote/web", HEAD), "base": side("main", "1"),
    });
    for (name, value) in fields.as_object().unwrap() {
        pull[name] = value.clone();
    }
    serde_json::from_value(pull).unwrap()
}

fn kind(verdict: &MergeVerdict) -> &'static str {
    match verdict {
        MergeVerdict::Merged => "merged",
        MergeVerdict::Conflict(_) => "starts over",
        MergeVerdict::Rejected(_) => "rejected",
        MergeVerdict::Blocked(_) => "waits",
        MergeVerdict::Queue => "queue",
        MergeVerdict::Again => "looks again",
    }
}

#[test]
fn the_state_decides_whatever_the_words_say() {
    for text in OPEN_TEXTS {
        for (state, mergeable) in STATES {
            let expected = match state {
                "blocked" => "waits",
                "behind" | "dirty" => "starts over",
                "draft" => "rejected",
                _ => "looks again",
            };
            let verdict = judge(&open(state, mergeable), HEAD, text);
            assert_eq!(kind(&verdict), expected, "{state}: {text}");
        }
    }
}

#[test]
fn what_waiting_does_not_cure_is_rejected_with_advice() {
    for text in FINAL_TEXTS {
        for (state, mergeable) in STATES {
            let verdict = judge(&open(state, mergeable), HEAD, text);
            assert!(
                matches!(&verdict, MergeVerdict::Rejected(advice) if !advice.is_empty()),
                "{state}: {text}: {verdict:?}"
            );
        }
    }
}

#[test]
fn a_queue_is_found_in_its_own_words_and_never_before_a_conflict() {
    for text in QUEUE_TEXTS {
        for (state, mergeable) in STATES {
            let expected = match state {
                "behind" | "dirty" => "starts over",
                "draft" => "rejected",
                _ => "queue",
            };
            let verdict = judge(&open(state, mergeable), HEAD, text);
            assert_eq!(kind(&verdict), expected, "{state}: {text}");
        }
    }
}

#[test]
fn what_is_no_longer_open_or_no_longer_ours_is_not_merged_again() {
    let at = "2026-01-06T10:00:00Z";
    for text in OPEN_TEXTS.iter().chain(&FINAL_TEXTS).chain(&QUEUE_TEXTS) {
        for (fields, head, expected) in [
            (
                json!({ "state": "closed", "merged_at": at }),
                HEAD,
                "merged",
            ),
            (json!({ "state": "closed", "merged_at": at }), "x", "merged"),
            (json!({ "state": "closed" }), HEAD, "starts over"),
            (json!({}), "x", "starts over"),
        ] {
            let verdict = judge(&pull(fields.clone()), head, text);
            assert_eq!(kind(&verdict), expected, "{fields} {text}");
        }
    }
}

#[test]
fn what_is_awaited_is_named_in_plain_words() {
    for (message, expected) in [
        (
            "Required status check \"ci\" is expected.",
            "the required check `ci` (expected)",
        ),
        (
            "6 of 6 required status checks are expected.",
            "6 of 6 required checks (expected)",
        ),
        (
            "At least 1 approving review is required by reviewers with write access.",
            "1 approving review",
        ),
        (
            "At least 2 approving reviews are required by reviewers with write access.",
            "2 approving reviews",
        ),
        (
            "1 review requesting changes by reviewers with write access.",
            "the reviewer who asked for changes",
        ),
        (
            "Waiting on code owner review from acme/owners.",
            "a review by the code owners acme/owners",
        ),
        (
            "A conversation must be resolved before this pull request can be merged.",
            "a conversation on it to be resolved",
        ),
        (
            "New changes require approval from someone other than the last pusher",
            "an approval by somebody other than the last pusher",
        ),
        (
            "Required workflow 'scan' is not satisfied",
            "the required workflow scan",
        ),
        (
            "Waiting for Code Scanning results. Code Scanning may not be configured for the target branch.",
            "the results of code scanning",
        ),
        (
            "Repository rule violations found At least 1 approving review is required by reviewers with write access. \
             Required status check \"ci\" is failing.",
            "1 approving review, the required check `ci` (failing)",
        ),
        (
            "Repository rule violations found Something new",
            "what GitHub says: Something new",
        ),
        (
            "equired status check \"",
            "what GitHub says: equired status check \"",
        ),
        (
            " required status checks are ",
            "what GitHub says: required status checks are",
        ),
    ] {
        assert_eq!(awaited(message), expected, "{message}");
    }
}
