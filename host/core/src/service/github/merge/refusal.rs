//! GitHub's words for a refused merge.
//!
//! They are no contract, and differ between rulesets, classic protection and years. So they decide only what the state of
//! the pull request cannot tell: whether waiting can help at all, and what to say about what is awaited.

/// A refusal that waiting does not cure, by a part of its text, and what to do.
const FINAL: [(&str, &str); 5] = [
    (
        "not allowed on this repository",
        "choose a way to merge that the repository and its rules allow",
    ),
    (
        "must not contain merge commits",
        "merge by `squash` or `rebase`",
    ),
    (
        "not authorized to push",
        "let the credentials push to the base branch, in its rules",
    ),
    (
        "must have verified signatures",
        "the branch takes signed commits only: act as a GitHub App, whose commits GitHub signs",
    ),
    ("still a draft", "mark it as ready for review"),
];

/// The part of a refusal by which a merge queue is known.
const QUEUE: &str = "through the merge queue";

/// The heading that GitHub puts over refusals by rulesets.
const HEADING: &str = "Repository rule violations found";

/// Returns what to do about a refusal that stays one however long it is waited.
pub(super) fn final_advice(message: &str) -> Option<&'static str> {
    let known = FINAL.iter().find(|(text, _)| message.contains(text))?;
    Some(known.1)
}

/// Returns whether the refusal says that merges go through a queue.
pub(super) fn names_queue(message: &str) -> bool {
    message.contains(QUEUE)
}

/// Returns what a blocked pull request waits for, in plain words; what is not known is said in GitHub's own.
pub(super) fn awaited(message: &str) -> String {
    let known: Vec<String> = [
        approvals(message),
        changes_requested(message),
        between(message, "code owner review from ", ".")
            .map(|owners| format!("a review by the code owners {owners}")),
        fixed(
            message,
            "other than the last pusher",
            "an approval by somebody other than the last pusher",
        ),
        fixed(
            message,
            "conversation must be resolved",
            "a conversation on it to be resolved",
        ),
        one_check(message),
        several_checks(message),
        between(message, "Required workflow '", "'")
            .map(|name| format!("the required workflow {name}")),
        fixed(
            message,
            "Code Scanning results",
            "the results of code scanning",
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    if known.is_empty() {
        let own = message.trim().trim_start_matches(HEADING).trim();
        format!("what GitHub says: {own}")
    } else {
        known.join(", ")
    }
}

/// Returns whether what is awaited is the report of checks, which workflows may have to make.
pub(super) fn awaits_checks(message: &str) -> bool {
    one_check(message)
        .or_else(|| several_checks(message))
        .is_some()
        || message.contains("Required workflow")
}

fn fixed(message: &str, part: &str, words: &str) -> Option<String> {
    message.contains(part).then(|| words.to_owned())
}

fn between<'m>(message: &'m str, start: &str, end: &str) -> Option<&'m str> {
    let rest = message.split_once(start)?.1;
    Some(rest.split_once(end)?.0)
}

fn approvals(message: &str) -> Option<String> {
    let number = between(message, "At least ", " approving review")?;
    let reviews = if number == "1" { "review" } else { "reviews" };
    Some(format!("{number} approving {reviews}"))
}

fn changes_requested(message: &str) -> Option<String> {
    let words = "the reviewer who asked for changes";
    fixed(message, "requesting changes by reviewers", words)
}

fn one_check(message: &str) -> Option<String> {
    let rest = message.split_once("equired status check \"")?.1;
    let (name, rest) = rest.split_once("\" is ")?;
    Some(format!("the required check `{name}` ({})", state_of(rest)))
}

fn several_checks(message: &str) -> Option<String> {
    let (before, rest) = message.split_once(" required status checks are ")?;
    let mut words = before.split_whitespace().rev();
    let (all, number) = (words.next()?, words.nth(1)?);
    Some(format!(
        "{number} of {all} required checks ({})",
        state_of(rest)
    ))
}

/// Returns the first word of a text, without its stop.
fn state_of(rest: &str) -> &str {
    rest.split(['.', ' ']).next().unwrap_or_default()
}
