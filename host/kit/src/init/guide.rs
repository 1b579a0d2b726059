//! What a person has who followed Port's guide: its workflow file, its action and its secrets.
//!
//! It reads texts and decides nothing: what is replaced is shown first, and what stays is said.

/// The actions of others that the guide's workflow is made of.
const GUIDE_STEPS: [&str; 2] = [
    "port-labs/port-github-action",
    "fjogeleit/yaml-update-action",
];

/// What the guide's promotions are about.
const GUIDE_WORDS: [&str; 5] = [
    "relations.test_runtime",
    "relations.prod_runtime",
    "running_service",
    "promote",
    "deployment/",
];

/// Returns whether a workflow is the guide's, in any of its versions: Port's own action, and words of a promotion.
pub(super) fn is_guides_workflow(text: &str) -> bool {
    let has = |word: &&str| text.contains(*word);
    GUIDE_STEPS.iter().any(has) && GUIDE_WORDS.iter().filter(|word| has(word)).count() >= 2
}

/// Returns the secrets of the guide's workflow that `promote` does not need.
pub(super) fn left_secrets(text: &str) -> Vec<&'static str> {
    ["MY_GITHUB_TOKEN", "GH_TOKEN"]
        .into_iter()
        .filter(|name| text.contains(&format!("secrets.{name}")))
        .collect()
}

/// Returns the identifiers under which Port may have an action today: its move to the new kind of actions put the blueprint
/// before the name.
pub(super) fn renamed_action(action: &str, service: &str) -> String {
    format!("{service}_{action}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = "jobs:\n  promote-deployment:\n    steps:\n      - uses: port-labs/port-github-action@v1\n        with:\n          blueprint: running_service\n          token: ${{ secrets.MY_GITHUB_TOKEN }}\n";

    #[test]
    fn the_guides_workflow_is_known() {
        assert!(is_guides_workflow(GUIDE));
        assert_eq!(left_secrets(GUIDE), ["MY_GITHUB_TOKEN"]);
        for other in [
            "jobs:\n  build:\n    steps:\n      - uses: actions/checkout@v4\n",
            "steps:\n  - uses: port-labs/port-github-action@v1\n    with:\n      blueprint: image\n",
        ] {
            assert!(!is_guides_workflow(other), "{other}");
        }
    }
}
